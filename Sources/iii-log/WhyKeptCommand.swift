import ArgumentParser
import CommandLineKit
import LogTools

struct WhyKeptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why-kept",
        abstract: "Say what keeps a segment on the disk.",
        discussion: """
            Folds the log, and counts the segment's records that are still needed, by what needs \
            them: messages that wait, dead letters, values, cron slots. The rest is history, which \
            goes when `[log] retention` lets it go.
            """
    )

    @Argument(help: "The number of a segment, as `ls` tells it.")
    var segment: UInt64

    @OptionGroup var log: LogArguments

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let log = log
        let segment = segment
        let reasons = try Answer.telling { () throws(ToolError) in
            try WhyKept(log.pass(), segment: segment)
        }
        let output = Answer.output()
        if json {
            output.line(reasons.json)
        } else {
            reasons.write(to: output, palette: .output)
        }
        try Answer.finish(output)
    }
}
