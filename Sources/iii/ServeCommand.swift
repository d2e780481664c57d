import ArgumentParser
import CommandLineKit
import Server

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the engine until it is told to stop."
    )

    @OptionGroup var serving: ServeArguments

    func run() async throws { try await serving.serve() }
}

/// What an engine is started with.
struct ServeArguments: ParsableArguments {
    @Option(help: "The configuration file; else ./iii.toml, else ./config.yaml, else none.")
    var config: String?

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: "Write the real ports to this file, as JSON, once all of them listen.")
    var portsFile: String?

    @Flag(help: "Report the start as JSON.")
    var json = false

    /// Serves until it is told to stop, a worker of `command` beside those of the configuration.
    func serve(command: [String] = [], watchesSources: Bool = false) async throws {
        var sources = arguments.sources(file: config)
        sources.command = command
        let loaded = try arguments.load(from: sources)
        let options = ServeOptions(
            portsFile: portsFile,
            json: json,
            watchesSources: watchesSources
        )
        do throws(ServeError) {
            try await Server.serve(loaded, from: sources, options: options)
        } catch {
            throw Failure(error)
        }
    }
}
