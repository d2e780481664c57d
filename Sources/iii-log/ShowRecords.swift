import ArgumentParser
import CommandLineKit
import LogTools
import Primitives

struct ShowRecords: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show records.",
        discussion: """
            Times are RFC 3339, '2026-09-01 12:00' (UTC), -1h, today or yesterday. A format is \
            made of %o offset, %t time, %d date, %k kind, %T trace, %c cause, %f words, %p payload \
            as JSON, %n payload bytes. FIELD=value takes the names that `fields` lists; of several \
            values for one field a record must have one.
            """
    )

    enum Style: String, ExpressibleByArgument, CaseIterable {
        case short, table, json
        case jsonPretty = "json-pretty"
        case raw, hex
    }

    @Argument(
        help: ArgumentHelp(
            "The offset of the first record to show; and what fields must be, as queue=mails.",
            valueName: "offset|field=value"
        )
    )
    var terms: [String] = []

    @OptionGroup var log: LogArguments

    @OptionGroup var which: RecordSelection

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

    @Option(name: .shortAndLong, help: "How: short, table, json, json-pretty, raw or hex.")
    var output: Style?

    @Option(parsing: .unconditional, help: "A line of your own, as '%o %t %k %T %f'.")
    var format: String?

    @Flag(help: "As -o json: one JSON object a line.")
    var json = false

    func validate() throws {
        if let number, number < 0 { throw ValidationError("-n takes a number from 0 on.") }
        if offsets.count > 1 || (!offsets.isEmpty && which.from != nil) {
            throw ValidationError("OFFSET and --from are the same: give one of them, once.")
        }
        if [output != nil, format != nil, json].count(where: { $0 }) > 1 {
            throw ValidationError("-o, --format and --json exclude each other.")
        }
        if follow, reverse || which.to != nil || which.until != nil {
            throw ValidationError("-f has no end: it goes with none of -r, --to and --until.")
        }
    }

    /// Offsets among the terms: of which there may be one.
    private var offsets: [UInt64] { terms.compactMap { UInt64($0) } }

    func run() throws {
        let asked = try Answer.telling { () throws(ToolError) in try options() }
        if follow { return try showOn(asked) }
        let output = Answer.output()
        let outcome = try Answer.telling { () throws(ToolError) in
            try Show(log.pass(), asked).run(to: output)
        }
        try Answer.finish(output)
        if outcome.shown == 0 { Answer.note("no record is like that") }
        try Answer.tell(damages: outcome.damages)
    }

    /// Shows what there is, and what is appended, as long as somebody reads it.
    private func showOn(_ options: Show.Options) throws {
        let output = Answer.output()
        let location = try Answer.telling { () throws(ToolError) in try log.location() }
        var (watch, next) = try Answer.telling { () throws(ToolError) in
            let watch = try LogWatch(location)
            let outcome = try Show(LogPass(tellingOf: location), options).run(to: output)
            return (watch, outcome.next)
        }
        try Answer.finish(output)
        // What comes now and then is not waited for: nobody is told how far it is read.
        let show = try Answer.telling { () throws(ToolError) in
            Show(try LogPass(location), options)
        }
        while Terminal.takesOutput {
            next = try Answer.telling { () throws(ToolError) in
                try watch.wait()
                return try show.runOn(from: next, to: output).next
            }
            try Answer.finish(output)
        }
    }

    private func options() throws(ToolError) -> Show.Options {
        var options = Show.Options()
        options.filter = try which.filter(terms.filter { UInt64($0) == nil })
        let offset = offsets.first
        if let offset { options.filter.from = Offset(offset) }
        if let pattern { try options.match(pattern) }
        options.style = try style()
        options.palette = .output
        options.isReverse = reverse
        let hasStart = offset != nil || which.from != nil || which.since != nil
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
