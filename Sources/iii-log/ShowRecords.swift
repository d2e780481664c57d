import ArgumentParser
import LogTools
import Primitives

struct ShowRecords: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show records.",
        discussion: """
            Times are RFC 3339, '2026-09-01 12:00' (UTC), -1h, today or yesterday. A format is \
            made of %o offset, %t time, %d date, %k kind, %T trace, %c cause, %f words, %p payload \
            as JSON, %n payload bytes.
            """
    )

    enum Style: String, ExpressibleByArgument, CaseIterable {
        case short, table, json
        case jsonPretty = "json-pretty"
        case raw, hex
    }

    @Argument(help: "The first record to show.")
    var offset: UInt64?

    @OptionGroup var log: LogArguments

    @Option(name: [.customShort("S"), .long], parsing: .unconditional, help: "From this time on.")
    var since: String?

    @Option(name: [.customShort("U"), .long], parsing: .unconditional, help: "Before this time.")
    var until: String?

    @Option(
        name: [.customShort("n"), .customLong("number")],
        help: "At most so many: the first where the start is given, else the last."
    )
    var number: Int?

    @Flag(name: .shortAndLong, help: "Newest first.")
    var reverse = false

    @Flag(name: .shortAndLong, help: "Go on with what is appended, until Ctrl-C.")
    var follow = false

    @Option(
        name: [.customShort("g"), .customLong("grep")],
        parsing: .unconditional,
        help: "Only records whose line this regular expression matches."
    )
    var pattern: String?

    @Option(help: "Only these kinds, with commas between them.")
    var kind: [String] = []

    @Option(help: "The first offset.")
    var from: UInt64?

    @Option(help: "The offset to end before.")
    var to: UInt64?

    @Option(name: .shortAndLong, help: "How: short, table, json, json-pretty, raw or hex.")
    var output: Style?

    @Option(parsing: .unconditional, help: "A line of your own, as '%o %t %k %T %f'.")
    var format: String?

    @Flag(help: "As -o json: one JSON object a line.")
    var json = false

    func validate() throws {
        if let number, number < 0 { throw ValidationError("-n takes a number from 0 on.") }
        if offset != nil, from != nil {
            throw ValidationError("OFFSET and --from are the same: give one of them.")
        }
        if [output != nil, format != nil, json].count(where: { $0 }) > 1 {
            throw ValidationError("-o, --format and --json exclude each other.")
        }
        if follow, reverse || to != nil || until != nil {
            throw ValidationError("-f has no end: it goes with none of -r, --to and --until.")
        }
    }

    func run() throws {
        let damages = try Answer.telling { () throws(ToolError) in try show() }
        try Answer.tell(damages: damages)
    }

    /// What is damaged.
    private func show() throws(ToolError) -> [String] {
        let show = Show(try log.pass(), try options())
        let output = Answer.output()
        var outcome = try show.run(to: output)
        try output.finish()
        if !follow {
            if outcome.shown == 0 { Answer.note("no record is like that") }
            return outcome.damages
        }
        var watch = try LogWatch(log.location)
        while true {
            try watch.wait()
            outcome = try show.runOn(from: outcome.next, to: output)
            try output.finish()
        }
    }

    private func options() throws(ToolError) -> Show.Options {
        let now = SystemClock().now().wall
        var options = Show.Options()
        options.filter.from = Offset(offset ?? from ?? 0)
        options.filter.to = to.map { Offset($0) }
        if let since { options.filter.since = try TimeExpression.parse(since, now: now) }
        if let until { options.filter.until = try TimeExpression.parse(until, now: now) }
        if !kind.isEmpty {
            options.filter.kinds = try RecordFilter.kinds(kind.joined(separator: ","))
        }
        if let pattern { try options.match(pattern) }
        options.style = try style()
        options.palette = Answer.palette
        options.isReverse = reverse
        let hasStart = offset != nil || from != nil || since != nil
        options.keepsFirst = hasStart && !reverse
        options.limit = number ?? (follow && !hasStart ? 10 : nil)
        return options
    }

    private func style() throws(ToolError) -> RecordStyle {
        if let format { return .template(try RecordTemplate(format)) }
        switch json ? .json : output ?? .short {
        case .short: return .short
        case .table: return .table
        case .json: return .json
        case .jsonPretty: return .jsonPretty
        case .raw: return .raw
        case .hex: return .hex
        }
    }
}
