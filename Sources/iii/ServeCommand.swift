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

    @Option(
        help: "Write the real ports to this file, as JSON, while they listen."
    )
    var portsFile: String?

    @Flag(help: "Report on standard error as JSON, an object a line.")
    var json = false

    /// Serves until it is told to stop, a worker of `command` beside those of the configuration.
    func serve(command: [String] = [], watchesSources: Bool = false) async throws {
        var sources = arguments.sources(file: config)
        sources.command = command
        let loaded: Configuration.Loaded
        do throws(ConfigurationErrors) {
            loaded = try Configuration.load(from: sources, version: Server.version)
        } catch {
            guard json else { throw Failure(error) }
            Server.refuse(error)
            throw ExitCode(ExitStatus.configuration.rawValue)
        }
        let options = ServeOptions(
            portsFile: portsFile,
            json: json,
            watchesSources: watchesSources
        )
        do throws(ServeError) {
            try await Server.serve(loaded, from: sources, options: options)
        } catch {
            // The engine's own report has told it.
            throw ExitCode(error.kind.status.rawValue)
        }
    }
}
