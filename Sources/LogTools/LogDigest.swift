import CommitLog
import ConfigurationEntries
import Cron
package import Folding
import HTTP
import JSON
package import Primitives
import Queue
import RecordFormat
import State
import Stream

/// The content of every view at one place in the log, as numbers: equal for equal logs, in every
/// process, live or recovered or folded by a tool. Where retention has removed the first messages
/// of a FIFO group, that of the queues is another: since when those behind may run is forgotten.
package struct LogDigest: Equatable, Sendable {
    /// The records below this offset are folded.
    package let offset: Offset
    package let queue: UInt64
    package let state: UInt64
    package let cron: UInt64
    /// Of the items of streams.
    package let streams: UInt64
    /// Of the triggers that belong to no connection.
    package let bound: UInt64
    /// Of the state triggers that have fired and not ended.
    package let fired: UInt64
    /// Of requests with an `Idempotency-Key`.
    package let keyed: UInt64
    /// Of the entries of the configuration.
    package let configuration: UInt64
    /// Of the HTTP routes of workers.
    package let routes: UInt64

    package init(of views: Views, at offset: Offset) {
        self.offset = offset
        queue = views.work.queue.digest()
        state = views.state.digest()
        cron = views.work.cron.digest()
        streams = views.streams.digest()
        bound = views.work.bindings.digest()
        fired = views.work.reactions.digest()
        keyed = views.work.requests.digest()
        configuration = views.work.configuration.digest()
        routes = views.work.routes.digest()
    }

    /// Folds a log up to `end`, or to its own.
    ///
    /// - Throws: ``ToolError`` where a record is damaged, or may have been removed that mattered at
    ///   `end`, or `end` is behind the end of the log: a fold with holes is the digest of nothing.
    package init(_ pass: LogPass, at end: Offset? = nil) throws(ToolError) {
        let (views, next) = try Self.fold(pass, at: end)
        if let end { try Self.checkIsWhole(pass, at: end) }
        self.init(of: views, at: next)
    }

    /// - Throws: ``ToolError/Code/historyTrimmed`` where the views at `end` may need what retention
    ///   has removed.
    static func checkIsWhole(_ pass: LogPass, at end: Offset) throws(ToolError) {
        if let oldest = try oldest(pass), end < oldest { throw trimmed(oldest) }
    }

    /// From which offset on the views are surely whole; nil: nothing was removed. Retention goes by
    /// what they need at the newest snapshot. Where that is not there any more, nothing tells how
    /// far back they are.
    static func oldest(_ pass: LogPass) throws(ToolError) -> Offset? {
        let scan = try pass.survey()
        guard let trimmed = scan.removedRanges.last?.upperBound else { return nil }
        // One that ends before what was removed was made since, of what is left.
        return try pass.snapshotEnds().first.flatMap { $0 < trimmed ? nil : $0 } ?? scan.next
    }

    static func trimmed(_ oldest: Offset) -> ToolError {
        ToolError(
            .historyTrimmed,
            "retention has removed what would tell; the oldest offset at which all is known is "
                + "\(oldest)"
        )
    }

    /// The views at `end`, or at the end of the log, and where that is.
    static func fold(
        _ pass: LogPass,
        at end: Offset? = nil
    ) throws(ToolError) -> (views: Views, next: Offset) {
        var views = Views(cacheBytes: 0)
        let next = try LogFold.run(pass, below: end) { (record) throws(DecodeError) in
            try views.apply(record)
        }
        return (views, next)
    }

    private var parts: [(name: String, value: UInt64)] {
        [
            ("queue", queue), ("state", state), ("cron", cron), ("bound", bound), ("fired", fired),
            ("streams", streams), ("keyed", keyed), ("config", configuration), ("routes", routes),
        ]
    }

    package func write(to output: Output) {
        output.line("at       \(offset)")
        for (name, value) in parts {
            output.line("\(Text.padded(name, 7))  \(hexadecimal(value))")
        }
    }

    /// Everything as one JSON object on one line.
    package var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("at")
        json.integer(offset.rawValue)
        for (name, value) in parts {
            json.key(name)
            json.string(hexadecimal(value))
        }
        json.endObject()
        return json.finish().description
    }
}
