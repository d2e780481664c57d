import ArgumentParser
import CommandLineKit
import Server

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the engine until it is told to stop."
    )

    @Option(help: "The configuration file; else ./iii.toml, else ./config.yaml, else none.")
    var config: String?

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: "Write the real ports to this file, as JSON, once all of them listen.")
    var portsFile: String?

    @Flag(help: "Report the start as JSON.")
    var json = false

    func run() async throws {
        let sources = arguments.sources(file: config)
        let loaded = try arguments.load(from: sources)
        let options = ServeOptions(portsFile: portsFile, json: json)
        do throws(ServeError) {
            try await Server.serve(loaded, from: sources, options: options)
        } catch {
            throw Failure(error)
        }
    }
}
