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

    /// What has been counted at one moment.
    private struct Counted {
        let counts: RecordCounts
        let records: UInt64
        /// Of their payloads.
        let bytes: UInt64
    }

    private var before: Counted?
    private var now: Counted?
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
    private var counted: [FunctionName: FunctionRuns] = [:]
    private var countedAt: Timestamp?

    /// Two ticks that are further apart say nothing about now, in seconds.
    private static let longest = 5.0
    /// Between two counts of the functions: their list is long.
    private static let functionPeriod = Timestamp.Span.seconds(1)

    mutating func take(_ totals: RecordTotals, _ picture: EnginePicture) {
        seconds = time.map { Self.seconds(from: $0, to: picture.now) } ?? 0
        // Over a time in which nobody looked nothing is told.
        before = seconds > Self.longest ? nil : now
        now = Counted(counts: picture.counts, records: totals.records, bytes: totals.bytes)
        time = picture.now
        let recent = picture.log.syncs.since(syncs)
        syncs = picture.log.syncs
        if recent.total > 0 { syncP99 = recent.percentile(99) }
        slowestSync = recent.total > 0 ? recent.percentile(100) : nil
        countFunctions(picture)
    }

    private mutating func countFunctions(_ picture: EnginePicture) {
        let time = picture.now
        areFunctionsDue = false
        if let last = countedAt, last.distance(to: time) < Self.functionPeriod { return }
        let span = countedAt.map { Self.seconds(from: $0, to: time) } ?? 0
        var rates: [FunctionName: Function] = [:]
        for row in picture.runs.rows where span > 0 {
            let (runs, earlier) = (row.runs, counted[row.function])
            let calls = runs.calls - min(runs.calls, earlier?.calls ?? 0)
            guard calls > 0 else { continue }
            let errors = runs.errors - min(runs.errors, earlier?.errors ?? 0)
            rates[row.function] = Function(
                calls: Double(calls) / span,
                errors: Double(errors) / span
            )
        }
        areFunctionsDue = !(rates.isEmpty && functions.isEmpty)
        functions = rates
        let rows = picture.runs.rows.map { ($0.function, $0.runs) }
        counted = Dictionary(uniqueKeysWithValues: rows)
        countedAt = time
    }

    private static func seconds(from start: Timestamp, to end: Timestamp) -> Double {
        Double(start.distance(to: end).nanoseconds) / 1_000_000_000
    }

    private func rate(_ counter: (Counted) -> UInt64) -> Double {
        guard let before, let now, seconds > 0 else { return 0 }
        let count = counter(now) - min(counter(now), counter(before))
        return (Double(count) / seconds * 10).rounded() / 10
    }

    /// The `now` message.
    func message(_ picture: EnginePicture, _ around: LiveFrames.Surroundings) -> [UInt8] {
        let rates: [(String, (Counted) -> UInt64)] = [
            ("enqueued", \.counts.enqueued), ("delivered", \.counts.delivered),
            ("acked", \.counts.acked), ("failed", \.counts.failed), ("dead", \.counts.dead),
            ("http", \.counts.http), ("calls", \.counts.calls), ("state", \.counts.state),
            ("stream", \.counts.stream), ("cron", \.counts.cron), ("records", \.records),
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
