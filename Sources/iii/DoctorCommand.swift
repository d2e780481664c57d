import ArgumentParser
import CommandLineKit
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
        return switch finding.outcome {
        case .ok: Color.green("ok     ") + rest
        case .warning: Color.yellow("warning") + rest
        case .fault(_, let code): Color.red("fault  ") + rest + Color.gray(" [\(code)]")
        }
    }

    private static func line(_ finding: Doctor.Finding) -> JSONLine {
        var line = JSONLine()
        line.add("check", finding.subject)
        switch finding.outcome {
        case .ok: line.add("outcome", "ok")
        case .warning: line.add("outcome", "warning")
        case .fault(let kind, let code):
            line.add("outcome", "fault")
            line.add("code", code)
            line.add("exit", kind.status.rawValue)
        }
        line.add("message", finding.text)
        return line
    }
}
