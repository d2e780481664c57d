import CommandLineKit
import Glibc

exit(await Program(EngineCommand.self).run().rawValue)
