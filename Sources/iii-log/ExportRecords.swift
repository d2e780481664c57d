import ArgumentParser
import CommandLineKit
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

    @Argument(help: RecordSelection.terms)
    var terms: [String] = []

    @OptionGroup var log: LogArguments

    @OptionGroup var which: RecordSelection

    @Option(help: ArgumentHelp("What to hide, with commas between paths.", valueName: "path"))
    var redact: [String] = []

    @Option(help: ArgumentHelp("A new file to write to; else standard output.", valueName: "file"))
    var into: String?

    func run() throws {
        let outcome = try export()
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

    private func export() throws(Failure) -> Export.Outcome {
        let output = Answer.output()
        let outcome = try Answer.telling { () throws(ToolError) in
            // A file is made only for what makes sense.
            let export = Export(try log.pass(), try which.filter(terms), try Redaction(redact))
            guard let into else { return try export.run(to: output) }
            let file = try NewFile(into)
            let output = Output { file.write($0) }
            let outcome = try export.run(to: output)
            output.flush()
            try file.finish()
            return outcome
        }
        try Answer.finish(output)
        return outcome
    }
}
