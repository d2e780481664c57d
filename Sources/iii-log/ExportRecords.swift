import ArgumentParser
import LogTools

struct ExportRecords: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write records as JSON Lines, for other programs and other people.",
        discussion: """
            One object a line, as `show -o json` prints it, payloads whole. --redact puts \
            "[REDACTED]" in the place of what is at these paths: a field of the record, and keys \
            or indexes below it, as payload.card.number; * is any of them, as in '*.password'. A \
            payload that a path leads into and that is no JSON is hidden whole. What no path names \
            is not hidden.
            """
    )

    @Argument(help: WhichRecords.terms)
    var terms: [String] = []

    @OptionGroup var log: LogArguments

    @OptionGroup var which: WhichRecords

    @Option(help: ArgumentHelp("What to hide, with commas between paths.", valueName: "path"))
    var redact: [String] = []

    @Option(help: ArgumentHelp("A new file to write to; else standard output.", valueName: "file"))
    var into: String?

    func run() throws {
        let outcome = try Answer.telling { () throws(ToolError) in try export() }
        if outcome.records == 0 {
            Answer.note("no record is like that")
        } else if let into {
            Answer.note("\(outcome.records) records are in \(into)")
        }
        if outcome.records > 0 {
            for path in outcome.unmet { Answer.note("no record has anything at \(path)") }
        }
        try Answer.tell(damages: outcome.damages)
    }

    private func export() throws(ToolError) -> Export.Outcome {
        // A file is made only for what makes sense.
        let export = Export(try log.pass(), try which.filter(terms), try Redaction(redact))
        let file = try into.map { (path) throws(ToolError) in try NewFile(path) }
        let output = file.map { Output(descriptor: $0.descriptor) } ?? Answer.output()
        let outcome = try export.run(to: output)
        try output.finish()
        try file?.finish()
        return outcome
    }
}
