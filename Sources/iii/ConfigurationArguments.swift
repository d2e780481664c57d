import ArgumentParser
import CommandLineKit
import Primitives
import Server

/// The flags that say something about the configuration.
struct ConfigurationArguments: ParsableArguments {
    @Option(help: "Where the data lies; relative to this shell's directory.")
    var data: String?

    @Option(name: .customLong("set"), help: "Overrides a setting, as section.key=value.")
    var settings: [String] = []

    /// Where the configuration comes from: these flags, the environment and `file`.
    func sources(file: String?) -> Configuration.Sources {
        .process(file: file, settings: settings, data: data)
    }

    /// The configuration that `sources` make. Warnings have been
    /// told on standard error. Throws ``Failure`` with everything that is wrong.
    func load(from sources: Configuration.Sources) throws(Failure) -> Configuration.Loaded {
        do throws(ConfigurationErrors) {
            let loaded = try Configuration.load(from: sources, version: Server.version)
            for warning in loaded.warnings {
                let label = Palette.error.yellow("warning")
                Terminal.write("\(label): \(warning)\n", to: .error)
            }
            return loaded
        } catch {
            throw Failure(error)
        }
    }
}
