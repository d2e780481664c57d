import Events
import JSON
import Primitives

/// The youngest metrics.
struct MetricStore: Sendable {
    private(set) var window: Window<MetricReported>

    init(_ bounds: Window<MetricReported>.Bounds) { window = Window(bounds) }

    mutating func append(_ metric: MetricReported, bytes: Int, at time: Timestamp) {
        window.append(metric, bytes: bytes, at: time)
    }

    mutating func trim(now: Timestamp) { window.trim(now: now) }

    mutating func bound(by bounds: Window<MetricReported>.Bounds, now: Timestamp) {
        window.bound(by: bounds, now: now)
    }

    /// The metrics of a name, or all, with the points that lie between two times, both included.
    func select(name: String?, from: Timestamp?, until: Timestamp?) -> [ReceivedMetric] {
        select(name, from, until) { $0.element.points }
    }

    /// As ``select(name:from:until:)``, but each point of a total has what it adds to the one
    /// before (``MetricGrowth``), which may lie before `from`.
    func growth(name: String?, from: Timestamp?, until: Timestamp?) -> [ReceivedMetric] {
        var growth = MetricGrowth()
        return select(name, from, until) { growth.take($0.element, at: $0.received) }
    }

    private func select(
        _ name: String?,
        _ from: Timestamp?,
        _ until: Timestamp?,
        _ points: (Window<MetricReported>.Entry) -> [MetricPoint]
    ) -> [ReceivedMetric] {
        window.entries.compactMap { entry in
            guard name.map({ entry.element.name == $0 }) ?? true else { return nil }
            let found = points(entry).filter { point in
                let time = point.time.nanoseconds == 0 ? entry.received : point.time
                return (from.map { time >= $0 } ?? true) && (until.map { time <= $0 } ?? true)
            }
            guard !found.isEmpty else { return nil }
            return ReceivedMetric(
                metric: entry.element,
                points: found,
                received: entry.received
            )
        }
    }
}

/// A metric, the points of it that are asked for, and when it came.
struct ReceivedMetric {
    let metric: MetricReported
    let points: [MetricPoint]
    let received: Timestamp

    func time(of point: MetricPoint) -> Timestamp {
        point.time.nanoseconds == 0 ? received : point.time
    }

    /// As listings show it (services 2, C.4).
    func write(into json: inout JSONBuilder) {
        json.beginObject()
        json.key("name")
        json.string(metric.name)
        json.key("description")
        json.string(metric.description)
        json.key("unit")
        json.string(metric.unit)
        json.key("metric_type")
        json.string(metric.form.text)
        json.key("data_points")
        json.beginArray()
        for point in points { write(point, into: &json) }
        json.endArray()
        json.key("service_name")
        json.string(metric.service)
        json.key("timestamp_unix_nano")
        json.integer((points.map { time(of: $0) }.max() ?? received).nanoseconds)
        json.scope(metric.scope)
        json.endObject()
    }

    private func write(_ point: MetricPoint, into json: inout JSONBuilder) {
        json.beginObject()
        switch point.value {
        case .number(let value):
            json.key("value")
            json.double(value)
        case .histogram(let histogram):
            json.key("count")
            json.integer(histogram.count)
            json.key("sum")
            json.double(histogram.sum)
            json.key("bucket_counts")
            json.beginArray()
            for bucket in histogram.buckets { json.integer(bucket) }
            json.endArray()
            json.key("explicit_bounds")
            json.beginArray()
            for bound in histogram.bounds { json.double(bound) }
            json.endArray()
            for (name, extreme) in [("min", histogram.min), ("max", histogram.max)] {
                json.key(name)
                if let extreme { json.double(extreme) } else { json.null() }
            }
        }
        json.key("attributes")
        point.attributes.write(into: &json)
        json.key("timestamp_unix_nano")
        json.integer(time(of: point).nanoseconds)
        json.endObject()
    }
}

extension MetricReported.Form {
    fileprivate var text: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .upDownCounter: "updowncounter"
        }
    }
}
