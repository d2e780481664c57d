import Engine
import JSON
import Observability
import Primitives

/// How much of what a second, from what has been counted at two moments.
struct LiveRates {
    struct Function {
        var calls = 0.0
        var errors = 0.0
    }

    private var before: RecordTotals?
    private var now: RecordTotals?
    private var seconds = 0.0
    private var time: Timestamp?
    private var syncs = DurationHistogram()
    /// Of the batches since the last tick; the last known where there was none.
    private(set) var slowestSync: Double?
    private(set) var syncP99: Double?

    /// By function, a second; those that are not called are left out.
    private(set) var functions: [FunctionName: Function] = [:]
    /// Whether those were counted anew with the last tick, and differ.
    private(set) var areFunctionsDue = false
    private var counted: [FunctionName: RecordTotals.Function] = [:]
    private var countedAt: Timestamp?

    /// Two ticks that are further apart say nothing about now, in seconds.
    private static let longest = 5.0
    /// Between two counts of the functions: their list is long.
    private static let functionPeriod = Timestamp.Span.seconds(1)

    mutating func take(_ totals: RecordTotals, _ picture: EnginePicture) {
        seconds = time.map { Self.seconds(from: $0, to: picture.now) } ?? 0
        // Over a time in which nobody looked nothing is told.
        before = seconds > Self.longest ? nil : now
        now = totals
        time = picture.now
        let recent = picture.log.syncs.since(syncs)
        syncs = picture.log.syncs
        if recent.total > 0 { syncP99 = recent.percentile(99) }
        slowestSync = recent.total > 0 ? recent.percentile(100) : nil
        countFunctions(totals, picture.now)
    }

    private mutating func countFunctions(_ totals: RecordTotals, _ time: Timestamp) {
        areFunctionsDue = false
        if let last = countedAt, last.distance(to: time) < Self.functionPeriod { return }
        let span = countedAt.map { Self.seconds(from: $0, to: time) } ?? 0
        var rates: [FunctionName: Function] = [:]
        for (name, function) in totals.functions where span > 0 {
            let earlier = counted[name]
            let calls = function.calls - min(function.calls, earlier?.calls ?? 0)
            guard calls > 0 else { continue }
            let errors = function.errors - min(function.errors, earlier?.errors ?? 0)
            rates[name] = Function(calls: Double(calls) / span, errors: Double(errors) / span)
        }
        areFunctionsDue = !(rates.isEmpty && functions.isEmpty)
        functions = rates
        counted = totals.functions
        countedAt = time
    }

    private static func seconds(from start: Timestamp, to end: Timestamp) -> Double {
        Double(start.distance(to: end).nanoseconds) / 1_000_000_000
    }

    private func rate(_ counter: (RecordTotals) -> UInt64) -> Double {
        guard let before, let now, seconds > 0 else { return 0 }
        let count = counter(now) - min(counter(now), counter(before))
        return (Double(count) / seconds * 10).rounded() / 10
    }

    /// The `now` message.
    func message(_ picture: EnginePicture, _ around: LiveFrames.Surroundings) -> [UInt8] {
        let rates: [(String, (RecordTotals) -> UInt64)] = [
            ("enqueued", \.enqueued), ("delivered", \.delivered), ("acked", \.acked),
            ("failed", \.failed), ("dead", \.dead), ("http", \.http), ("calls", \.calls),
            ("state", \.state), ("stream", \.stream), ("cron", \.cron), ("records", \.records),
            ("bytes", \.bytes),
        ]
        var json = JSONBuilder(capacity: 512)
        json.beginObject()
        json.key("type")
        json.string("now")
        json.key("at_ms")
        json.integer(picture.now.milliseconds)
        json.key("rates")
        json.beginObject()
        for (name, counter) in rates {
            json.key(name)
            json.double(rate(counter))
        }
        json.endObject()
        json.key("sync_p99_us")
        if let syncP99 { json.double(syncP99 * 1000) } else { json.null() }
        let numbers: [(String, UInt64)] = [
            ("inbox", UInt64(around.inbox)),
            ("connections", around.host.connections.reduce(0) { $0 + UInt64($1.count) }),
            ("memory_bytes", around.host.memoryBytes), ("log_bytes", around.host.logBytes),
            ("disk_free_bytes", around.host.diskFreeBytes),
            ("running", UInt64(picture.work.running)),
            ("durable_offset", picture.log.durable.rawValue),
            ("unsynced", picture.log.staged.rawValue - picture.log.durable.rawValue),
            ("passed_over", around.totals.skipped),
        ]
        for (name, number) in numbers {
            json.key(name)
            json.integer(number)
        }
        json.endObject()
        return json.finish().bytes
    }
}
