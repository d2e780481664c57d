import ArgumentParser
import CommandLineKit
import LogTools

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the segments, having checked them.",
        discussion: """
            For each segment: its first offset, the records that can be read, the bytes of its \
            file, the times of its first and last record, whether it is sealed, whether every \
            checksum holds, and what keeps retention from it.

            A sealed segment is pinned by records that are needed now, counted by who needs them \
            (queue, dlq, state, stream, cron, trigger, request, configuration, engine), and by \
            starts of the engine that read it: from the older snapshot on ('snapshot 5000'), or \
            all of them, while there are not yet two snapshots ('any start'). The rest of it goes \
            when `[log] retention` says so. `why-kept` tells more of one segment.
            """
    )

    @OptionGroup var log: LogArguments

    @Flag(help: "One JSON object a line; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        let log = log
        let list = try Answer.telling { () throws(ToolError) in try SegmentList(log.pass()) }
        let output = Answer.output()
        switch ReportFormat.choose(json: json) {
        case .text: list.writeTable(to: output, palette: .output)
        case .jsonLines: list.writeJSON(to: output)
        }
        try Answer.finish(output)
        if list.segments.isEmpty { Answer.note("no segment yet") }
        try Answer.tell(damages: list.damages)
    }
}
