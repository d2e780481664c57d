package import Events
package import JSON
package import Primitives

/// What workers tell about their own processes (protocol 11.4).
enum WorkerGauges {
    /// How long a value counts as the latest.
    static let age = Timestamp.Span.seconds(120)

    static let prefix = "iii.worker."
    private static let keys = [
        "memory.heap_used": "memory_heap_used", "memory.heap_total": "memory_heap_total",
        "memory.rss": "memory_rss", "memory.external": "memory_external",
        "cpu.user_micros": "cpu_user_micros", "cpu.system_micros": "cpu_system_micros",
        "cpu.percent": "cpu_percent", "event_loop.lag_ms": "event_loop_lag_ms",
        "uptime_seconds": "uptime_seconds",
    ]

    /// The key of a metric in the latest metrics of its worker; nil: it is not one of them.
    static func key(of metric: String) -> String? {
        guard metric.hasPrefix(prefix) else { return nil }
        return keys[String(metric.dropFirst(prefix.count))]
    }
}

/// The newest value that each worker told of each of its gauges.
///
/// Bounded: so many workers, the one that was heard of the longest ago makes room.
package struct LatestGauges: Sendable {
    private typealias Value = (value: Double, time: Timestamp, received: Timestamp)
    private var values: [String: [String: Value]] = [:]
    private static let workers = 4096

    package init() {}

    package mutating func apply(_ metric: MetricReported, at time: Timestamp) {
        guard let key = WorkerGauges.key(of: metric.name) else { return }
        for point in metric.points {
            guard let worker = point.attributes["worker.id"], case .number(let value) = point.value
            else { continue }
            let told = point.time.nanoseconds == 0 ? time : point.time
            if let known = values[worker]?[key], known.received == time, known.time > told {
                continue
            }
            if values[worker] == nil, values.count >= Self.workers { makeRoom(now: time) }
            values[worker, default: [:]][key] = (value, told, time)
        }
    }

    private mutating func makeRoom(now: Timestamp) {
        let ages = values.mapValues { $0.values.map(\.received).max() ?? now }
        if let oldest = ages.min(by: { $0.value < $1.value }) { values[oldest.key] = nil }
    }

    /// The newest value that a worker told of each of its gauges, of the last two minutes; nil:
    /// it told none.
    package func latestMetrics(
        of worker: UUID128,
        runtime: String,
        now: Timestamp
    ) -> JSONObject? {
        let young = (values[worker.description] ?? [:]).filter {
            $0.value.received.distance(to: now) <= WorkerGauges.age
        }
        guard let newest = young.values.map(\.time).max() else { return nil }
        var object = JSONObject()
        for (key, value) in young.sorted(by: { $0.key < $1.key }) {
            object[key] = .whole(value.value)
        }
        object["timestamp_ms"] = .integer(newest.milliseconds)
        object["runtime"] = .string(runtime)
        return object
    }
}

extension JSONValue {
    /// A number of bytes, microseconds or seconds is an integer where it is one.
    fileprivate static func whole(_ value: Double) -> JSONValue {
        Int64(exactly: value).map { .integer($0) } ?? .double(value)
    }
}
