import ArgumentParser
import CommandLineKit
import JSON
import Primitives
import Server

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Show the settings in force and where each was set; start nothing.",
        discussion: """
            Exits 78 when the engine would not start with them, nor with the files of tokens and \
            certificates that they name. `iii doctor` looks at the rest of the machine.
            """
    )

    @Argument(help: "The configuration file; else ./iii.toml, else ./config.yaml, else none.")
    var config: String?

    @OptionGroup var arguments: ConfigurationArguments

    @Flag(help: "One JSON object a line.")
    var json = false

    func run() throws {
        let loaded = try arguments.load(from: arguments.sources(file: config))
        let format = ReportFormat.choose(json: json)
        if format == .text {
            let file = loaded.file ?? "no configuration file"
            Terminal.write(Palette.output.gray("# \(file)") + "\n", to: .output)
        }
        let width = loaded.effective.map { $0.key.count + $0.value.count }.max() ?? 0
        for setting in loaded.effective {
            let gap = String(repeating: " ", count: width - setting.key.count - setting.value.count)
            let origin = setting.place?.description ?? "default"
            let note = Palette.output.gray("# \(origin)")
            format.write(
                text: "\(setting.key) = \(setting.value)\(gap)  \(note)",
                json: line(setting, origin)
            )
        }
        try checkFiles(loaded.configuration)
    }

    private func checkFiles(_ configuration: Configuration) throws(Failure) {
        var problems: [Failure.Problem] = []
        for finding in Doctor.faultyFiles(of: configuration) {
            guard case .fault(_, let code) = finding.outcome else { continue }
            let message = "\(finding.subject): \(finding.text)"
            problems.append(Failure.Problem(code: code, message: message))
        }
        if !problems.isEmpty { throw Failure(.configuration, problems) }
    }

    private func line(_ setting: Configuration.EffectiveSetting, _ origin: String) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.add("key", setting.key)
        json.add("value", setting.json)
        json.add("origin", origin)
        json.endObject()
        return json.finish()
    }
}
