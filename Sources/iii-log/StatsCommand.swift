import ArgumentParser
import CommandLineKit
import LogTools

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Count records, by kind, queue, function or minute.",
        discussion: """
            For each group: its records, the bytes of their payloads, and the first and the last \
            of them. Records that name no queue, or no function, are a group of their own. --hist \
            adds how large payloads are, how long messages took from their enqueue to each \
            acknowledgement, and calls from when a worker got them to their result.
            """
    )

    enum Grouping: String, ExpressibleByArgument, CaseIterable {
        case kind, queue, function, minute
    }

    @Argument(help: RecordSelection.terms)
    var terms: [String] = []

    @OptionGroup var log: LogArguments

    @OptionGroup var which: RecordSelection

    @Option(help: "What to count them by.")
    var by = Grouping.kind

    @Flag(help: "Sizes and times, too.")
    var hist = false

    @Flag(help: "One JSON object a line; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        let statistics = try Answer.telling { () throws(ToolError) in
            try RecordStatistics(
                log.pass(),
                which.filter(terms),
                by: grouping,
                hasHistograms: hist
            )
        }
        if statistics.isEmpty {
            Answer.note("no record is like that")
        } else {
            let output = Answer.output()
            switch ReportFormat.choose(json: json) {
            case .text: statistics.write(to: output, palette: .output)
            case .jsonLines: statistics.writeJSON(to: output)
            }
            try Answer.finish(output)
        }
        Answer.note(untold: statistics.untold, of: "groups")
        try Answer.tell(damages: statistics.damages)
    }

    private var grouping: RecordStatistics.Grouping {
        switch by {
        case .kind: .kind
        case .queue: .queue
        case .function: .function
        case .minute: .minute
        }
    }
}

extension Answer {
    /// Says that not all could be told apart.
    static func note(untold records: Int, of things: String) {
        guard records > 0 else { return }
        note(
            "there are more than \(TableLimits.rows) \(things), or they are too long: \(records) "
                + "records with others, which came later, are counted together"
        )
    }
}
