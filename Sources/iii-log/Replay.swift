import ArgumentParser
import LogTools

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Show all that a request led to, as a tree of causes.",
        discussion: """
            The id is a trace id (what the response header x-iii-trace-id says), or at least its \
            first 6 digits; a record's offset, as 12 or @12; or the UUID of an invocation or of a \
            message's receipt.
            """
    )

    @Argument(help: "A trace id, an offset, an invocation or a receipt.")
    var id: String

    @OptionGroup var log: LogArguments

    @Flag(help: "One record after the other, in the order of time.")
    var timeline = false

    @Flag(help: "Payloads and stack traces whole.")
    var full = false

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        if timeline, json {
            throw ValidationError("--timeline and --json are two forms: choose one.")
        }
    }

    func run() throws {
        let log = log
        let id = id
        let (tree, damages) = try Answer.telling { () throws(ToolError) in
            var finder = HistoryFinder(try log.pass())
            let history = try finder.history(of: HistoryID(id))
            return (HistoryTree(history), finder.damages)
        }
        let output = Answer.output()
        let text = HistoryText(palette: Answer.palette, isFull: full)
        if json {
            output.line(tree.json)
        } else if timeline {
            text.write(timeline: tree, to: output)
        } else {
            text.write(tree: tree, to: output)
        }
        try Answer.finish(output)
        try Answer.tell(damages: damages)
    }
}
