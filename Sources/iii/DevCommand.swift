import ArgumentParser
import CommandLineKit
import Server

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run the engine, and start workers anew when their sources are edited.",
        discussion: """
            Runs the engine as iii serve does, with the worker processes of the configuration \
            ([[exec]]) and the command behind --, if there is one: iii dev -- python3 worker.py. \
            Each starts anew when a source file beneath its directory changes, or a file that its \
            own watch names.
            """
    )

    @OptionGroup var serving: ServeArguments

    @Argument(
        parsing: .postTerminator,
        help: "A worker's program and its arguments, run in this directory."
    )
    var command: [String] = []

    func run() async throws {
        try await serving.serve(command: command, watchesSources: true)
    }
}
