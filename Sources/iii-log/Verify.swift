import ArgumentParser
import CommandLineKit
import LogTools
import Primitives

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a log, name every damage. Writes nothing.",
        discussion: """
            --quick reads headers, and all of the last segment; --full every byte; --semantic also \
            folds the records and holds them against each other: causes are there and earlier, \
            attempts count up from 1, nothing is acknowledged that was not delivered, every end \
            has its beginning, a cron slot fires once, and in every queue enqueued = acked + \
            discarded + purged + dead + pending. Losses that were accepted (gaps) are told and are \
            no fault.

            Exits 0 when the log is sound, 1 for a torn tail only, 2 for damage (also of a \
            snapshot or MANIFEST, which costs no record), 3 when records contradict each other, 4 \
            when it cannot be read.
            """
    )

    /// What to check.
    enum Depth: String, EnumerableFlag {
        case quick
        case full
        case semantic

        static func help(for value: Depth) -> ArgumentHelp? {
            switch value {
            case .quick: "Structure only: headers, and how batches and segments follow each other."
            case .full: "Every checksum of every byte."
            case .semantic: "And that records mean something and do not contradict each other."
            }
        }
    }

    @OptionGroup var log: LogArguments

    @Flag var depth = Depth.full

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let log = log
        let depth: Verification.Depth =
            switch depth {
            case .quick: .quick
            case .full: .full
            case .semantic: .semantic
            }
        let verification: Verification
        do throws(ToolError) {
            verification = try Verification(log.pass(), depth: depth)
        } catch {
            let label = Palette.error.red("error[\(error.code.rawValue)]")
            Terminal.write("\(label): \(error.message)\n", to: .error)
            throw ExitCode(4)
        }
        let output = Answer.output()
        if json {
            output.line(verification.json)
        } else {
            verification.write(to: output, palette: .output)
        }
        output.flush()
        // What the status says of the log goes before what became of the text.
        if verification.verdict != .sound { throw ExitCode(verification.verdict.rawValue) }
        try Answer.finish(output)
    }
}
