import ArgumentParser
import CommandLineKit
import JSON
import Primitives
import Server

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look whether an engine would start here, and run well; start nothing.",
        discussion: """
            Takes what `serve` takes, and reads of the log what a start would read. Exits 0 when \
            there is no fault, else as a start would for the first one: 65 data damaged, 74 \
            storage fault, 75 data directory in use, 78 configuration. Warnings are no faults.
            """
    )

    @Option(help: "The configuration file; else ./iii.toml, else ./config.yaml, else none.")
    var config: String?

    @OptionGroup var arguments: ConfigurationArguments

    @Flag(help: "One JSON object a line; so it is where the output is no terminal.")
    var json = false

    func run() async throws {
        let format = ReportFormat.choose(json: json)
        let line = ProgressLine()
        let progress = { (part: Double) in
            line.tell("reading the log: \(Int(part * 100)) %")
        }
        var first: ExitStatus?
        await Doctor.examine(arguments.sources(file: config), progress: progress) { finding in
            line.clear()
            format.write(text: Self.text(finding), json: Self.line(finding))
            guard first == nil, case .fault(let kind, _) = finding.outcome else { return }
            first = kind.status
        }
        if let first { throw ExitCode(first.rawValue) }
    }

    /// As wide as most of what is looked at.
    private static let width = 16

    private static func text(_ finding: Doctor.Finding) -> String {
        let gap = String(repeating: " ", count: max(0, width - finding.subject.count))
        let rest = " \(finding.subject)\(gap) \(finding.text)"
        let palette = Palette.output
        return switch finding.outcome {
        case .ok: palette.green("ok     ") + rest
        case .warning: palette.yellow("warning") + rest
        case .fault(_, let code): palette.red("fault  ") + rest + palette.gray(" [\(code)]")
        }
    }

    private static func line(_ finding: Doctor.Finding) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.add("check", finding.subject)
        switch finding.outcome {
        case .ok: json.add("outcome", "ok")
        case .warning: json.add("outcome", "warning")
        case .fault(let kind, let code):
            json.add("outcome", "fault")
            json.add("code", code)
            json.add("exit", Int(kind.status.rawValue))
        }
        json.add("message", finding.text)
        json.endObject()
        return json.finish()
    }
}
