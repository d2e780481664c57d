import CommandLineKit
import Glibc

exit(await Program(LogCommand.self).run(VerbFirst.arranged(CommandLine.arguments)).rawValue)
