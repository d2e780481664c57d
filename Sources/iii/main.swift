import CommandLineKit
import Glibc

exit(await Program(EngineCommand.self, prepare: EngineCommand.prepare).run().rawValue)
