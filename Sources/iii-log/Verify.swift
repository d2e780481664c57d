import ArgumentParser
import CommandLineKit
import LogTools

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read everything, check everything, name every damage. Writes nothing.",
        discussion: """
            Exits 0 when the log is sound, 1 for a torn tail only, 2 for damage, 3 when records \
            contradict each other, 4 when it cannot be read.
            """
    )

    /// What to check.
    enum Depth: String, EnumerableFlag {
        case quick
        case full

        static func help(for value: Depth) -> ArgumentHelp? {
            switch value {
            case .quick: "Every checksum, and that records, batches and segments are all there."
            case .full: "And that records mean something and do not contradict each other."
            }
        }
    }

    @OptionGroup var log: LogArguments

    @Flag var depth = Depth.full

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let log = log
        let depth = depth
        let verification: Verification
        do throws(ToolError) {
            verification = try Verification(log.pass(), depth: depth == .full ? .full : .quick)
        } catch {
            let label = Color.red("error[\(error.code.rawValue)]", on: .error)
            Terminal.write("\(label): \(error.message)\n", to: .error)
            throw ExitCode(4)
        }
        let output = Answer.output()
        if json {
            output.line(verification.json)
        } else {
            verification.write(to: output, palette: Answer.palette)
        }
        output.flush()
        if verification.verdict != .sound { throw ExitCode(verification.verdict.rawValue) }
    }
}
