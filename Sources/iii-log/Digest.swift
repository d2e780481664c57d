import ArgumentParser
import LogTools
import Primitives

struct Digest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest",
        abstract: "Fold the log, and print a number for the content of every view.",
        discussion: """
            The numbers of queue, state and cron are equal for equal logs, in every process: an \
            engine that recovered to this offset has the same views. Where retention has removed \
            something, offsets below the newest snapshot have none.
            """
    )

    @OptionGroup var log: LogArguments

    @Option(help: "Fold the records below this offset only.")
    var at: UInt64?

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let log = log
        let end = at.map { Offset($0) }
        let digest = try Answer.telling { () throws(ToolError) in
            try LogDigest(log.pass(), at: end)
        }
        let output = Answer.output()
        if json { output.line(digest.json) } else { digest.write(to: output) }
        try Answer.finish(output)
    }
}
