import ArgumentParser
import LogTools
import Primitives

/// Which records are asked for.
struct RecordSelection: ParsableArguments {
    @Option(name: [.customShort("S"), .long], parsing: .unconditional, help: "From this time on.")
    var since: String?

    @Option(name: [.customShort("U"), .long], parsing: .unconditional, help: "Before this time.")
    var until: String?

    @Option(help: "Only these kinds, with commas between them.")
    var kind: [String] = []

    @Option(help: "The first offset.")
    var from: UInt64?

    @Option(help: "The offset to end before.")
    var to: UInt64?

    /// What to say of terms in the help of a verb.
    static let terms = ArgumentHelp(
        "What fields must be, as queue=mails kind=enqueued; one of several for the same field.",
        valueName: "field=value"
    )

    /// The records that options and `terms`, each of the form `FIELD=value`, ask for.
    func filter(_ terms: [String]) throws(ToolError) -> RecordFilter {
        let now = SystemClock().now().wall
        var filter = RecordFilter()
        filter.from = Offset(from ?? 0)
        filter.to = to.map { Offset($0) }
        if let since { filter.since = try TimeExpression.parse(since, now: now) }
        if let until { filter.until = try TimeExpression.parse(until, now: now) }
        if !kind.isEmpty { filter.kinds = try RecordFilter.kinds(kind.joined(separator: ",")) }
        for term in terms { try filter.add(term) }
        return filter
    }
}
