import Events
package import JSON
package import Primitives

/// What workers tell about their own processes (protocol 11.4).
enum WorkerGauges {
    /// How long a value counts as the latest.
    static let age = Timestamp.Span.seconds(120)

    private static let prefix = "iii.worker."
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

extension TelemetryStore {
    /// The newest value that a worker told of each of its gauges, of the last two minutes; nil:
    /// it told none.
    package func latestMetrics(
        of worker: UUID128,
        runtime: String,
        now: Timestamp
    ) -> JSONObject? {
        let id = worker.description
        var values: [String: (value: Double, time: Timestamp)] = [:]
        for entry in metrics.window.entries.reversed() {
            if entry.received.distance(to: now) > WorkerGauges.age { break }
            guard let key = WorkerGauges.key(of: entry.element.name), values[key] == nil else {
                continue
            }
            let own = entry.element.points.filter { $0.attributes["worker.id"] == id }
            guard let newest = own.max(by: { $0.time < $1.time }),
                case .number(let value) = newest.value
            else { continue }
            values[key] = (value, newest.time.nanoseconds == 0 ? entry.received : newest.time)
        }
        guard let newest = values.values.map(\.time).max() else { return nil }
        var object = JSONObject()
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
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
