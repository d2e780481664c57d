import ArgumentParser
import LogTools

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the segments, having checked them.",
        discussion: """
            For each segment: its first offset, the records that can be read, the bytes of its \
            file, the times of its first and last record, whether it is sealed, and whether every \
            checksum holds.
            """
    )

    @OptionGroup var log: LogArguments

    @Flag(help: "One JSON object a line.")
    var json = false

    func run() throws {
        let log = log
        let list = try Answer.telling { () throws(ToolError) in try SegmentList(log.pass()) }
        let output = Answer.output()
        if json {
            list.writeJSON(to: output)
        } else {
            list.writeTable(to: output, palette: Answer.palette)
        }
        try Answer.finish(output)
        if list.segments.isEmpty { Answer.note("no segment yet") }
        try Answer.tell(damages: list.damages)
    }
}
