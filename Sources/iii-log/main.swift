import CommandLineKit
import Glibc

let order = VerbFirst(LogCommand.self, options: ["-D", "--data", "--engine"])
exit(await Program(LogCommand.self).run(order.arranged(CommandLine.arguments)).rawValue)
