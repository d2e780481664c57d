import ArgumentParser
import CommandLineKit
import Server

/// `iii`: the engine, and what one does with a running one.
struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "iii",
        abstract: "A durable backend engine: functions, triggers, queues and state.",
        discussion: """
            Without a subcommand it serves. Exit codes: 0 done, 1 the function or operation \
            failed, 2 usage, 3 cannot reach the engine, 4 unknown function or object, 5 timed \
            out, 65 data damaged, 70 internal fault, 74 storage fault, 75 data directory in use, \
            77 not permitted, 78 configuration.
            """,
        version: "iii \(Server.version)",
        subcommands: [
            ServeCommand.self, DevCommand.self, TriggerCommand.self, StateCommand.self,
            StreamCommand.self, QueueCommand.self, ExplainCommand.self, CronCommand.self,
            WorkersCommand.self, FunctionsCommand.self, TriggersCommand.self, LogsCommand.self,
            TracesCommand.self, TopCommand.self, CheckCommand.self, DoctorCommand.self,
            InitCommand.self, ExplainCodeCommand.self, CompletionsCommand.self,
        ],
        defaultSubcommand: ServeCommand.self
    )
}

extension EngineCommand {
    /// Looks whether an engine, or what looks as one would, can have its threads; other commands
    /// need few.
    @Sendable
    static func prepare(_ command: any ParsableCommand) throws {
        guard command is ServeCommand || command is DevCommand || command is DoctorCommand else {
            return
        }
        do throws(ServeError) {
            try Server.checkThreads()
        } catch {
            throw Failure(error.kind.status, code: error.code, error.message)
        }
    }
}
