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
/// Bounded: so many workers, those that were heard of the longest ago make room.
package struct LatestGauges: Sendable {
    private typealias Value = (value: Double, time: Timestamp, received: Timestamp)
    private var latest: [UUID128: [String: Value]] = [:]
    /// Those that `latest` had when it was full, and that were not heard of since.
    private var before: [UUID128: [String: Value]] = [:]
    /// Of each of the two.
    private static let workers = 2048

    package init() {}

    package mutating func apply(_ metric: MetricReported, at time: Timestamp) {
        guard let key = WorkerGauges.key(of: metric.name) else { return }
        for point in metric.points {
            // What is no id is no worker's, and may be of any length.
            guard let worker = point.attributes["worker.id"].flatMap({ UUID128($0) }),
                case .number(let value) = point.value
            else { continue }
            let told = point.time.nanoseconds == 0 ? time : point.time
            let known = (latest[worker] ?? before[worker])?[key]
            if let known, known.received == time, known.time > told { continue }
            if latest[worker] == nil { enter(worker) }
            latest[worker]?[key] = (value, told, time)
        }
    }

    private mutating func enter(_ worker: UUID128) {
        let known = before.removeValue(forKey: worker) ?? [:]
        if latest.count >= Self.workers {
            before = latest
            latest = [:]
        }
        latest[worker] = known
    }

    /// The newest value that a worker told of each of its gauges, of the last two minutes; nil:
    /// it told none.
    package func latestMetrics(
        of worker: UUID128,
        runtime: String,
        now: Timestamp
    ) -> JSONObject? {
        let young = (latest[worker] ?? before[worker] ?? [:]).filter {
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
