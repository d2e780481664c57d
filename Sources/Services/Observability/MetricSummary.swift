import Events
import JSON
import Primitives

/// The points of metrics, put together by name and by equal spans of time. Of totals they are what
/// each adds (``MetricStore/growth(name:from:until:)``).
struct MetricSummary {
    private struct Bucket: Hashable {
        let name: String
        /// In nanoseconds since 1970.
        let start: Int64
    }

    /// In nanoseconds.
    private let interval: Int64
    private var numbers: [Bucket: [Double]] = [:]
    private var histograms: [Bucket: MetricPoint.Histogram] = [:]

    /// Buckets are `interval` long, which is above zero, and begin at its multiples.
    init(of metrics: [ReceivedMetric], interval: Timestamp.Span) {
        precondition(interval.nanoseconds > 0)
        self.interval = interval.nanoseconds
        for metric in metrics {
            for point in metric.points {
                let time = max(0, metric.time(of: point).nanoseconds)
                let bucket = Bucket(
                    name: metric.metric.name,
                    start: time - time % self.interval
                )
                switch point.value {
                case .number(let value): numbers[bucket, default: []].append(value)
                case .histogram(let histogram):
                    histograms[bucket] = histograms[bucket]?.adding(histogram) ?? histogram
                }
            }
        }
    }

    /// By time, of equals by name.
    private func sorted<Value>(_ buckets: [Bucket: Value]) -> [(Bucket, Value)] {
        buckets.sorted { ($0.key.start, $0.key.name) < ($1.key.start, $1.key.name) }
            .map { ($0.key, $0.value) }
    }

    private func begin(_ bucket: Bucket) -> JSONObject {
        [
            "name": .string(bucket.name), "bucket_start_ns": .integer(bucket.start),
            "bucket_end_ns": .integer(bucket.start.addingReportingOverflow(interval).partialValue),
        ]
    }

    /// The numbers, with percentiles if they are asked for.
    func rows(percentiles: Bool) -> [JSONValue] {
        sorted(numbers).map { bucket, values in
            let values = values.sorted()
            let sum = values.reduce(0, +)
            var row = begin(bucket)
            row["count"] = .integer(Int64(values.count))
            row["sum"] = .double(sum)
            row["min"] = .double(values.first ?? 0)
            row["max"] = .double(values.last ?? 0)
            row["avg"] = .double(sum / Double(values.count))
            if percentiles {
                var object = JSONObject()
                for percent in [50, 75, 90, 95, 99] {
                    let rank = (values.count * percent + 99) / 100
                    object["p\(percent)"] = .double(values[max(0, rank - 1)])
                }
                row["percentiles"] = .object(object)
            }
            return .object(row)
        }
    }

    var histogramRows: [JSONValue] {
        sorted(histograms).map { bucket, histogram in
            histogram.json(begin(bucket))
        }
    }
}

extension MetricPoint.Histogram {
    /// As rollups show it, behind what `row` has.
    func json(_ row: JSONObject) -> JSONValue {
        var row = row
        row["total_count"] = .number(JSONNumber(count))
        row["total_sum"] = .double(sum)
        row["min"] = min.map { .double($0) }
        row["max"] = max.map { .double($0) }
        row["bucket_counts"] = .array(buckets.map { .number(JSONNumber($0)) })
        row["explicit_bounds"] = .array(bounds.map { .double($0) })
        return .object(row)
    }

    /// Both together; where their bounds differ, the buckets are the later one's.
    func adding(_ other: MetricPoint.Histogram) -> MetricPoint.Histogram {
        let fits = bounds == other.bounds && buckets.count == other.buckets.count
        return MetricPoint.Histogram(
            count: count &+ other.count,
            sum: sum + other.sum,
            buckets: fits ? zip(buckets, other.buckets).map { $0 &+ $1 } : other.buckets,
            bounds: other.bounds,
            min: [min, other.min].compactMap { $0 }.min(),
            max: [max, other.max].compactMap { $0 }.max()
        )
    }
}

extension JSONValue {
    static func double(_ value: Double) -> JSONValue {
        JSONNumber(value).map { .number($0) } ?? .null
    }
}
