import Events
import Primitives

// What metrics take in memory, roughly: in the log a count of a histogram may be a byte, and here
// it is eight.

extension MetricReported {
    /// In bytes.
    var byteCount: Int {
        let texts = [name, description, unit, service, scope.name, scope.version]
        let own = texts.reduce(256 + resource.count) { $0 + ($1?.utf8.count ?? 0) }
        return points.reduce(own) { $0 + $1.byteCount }
    }

    /// Whether it is larger than what metrics are, by its name or by a histogram's buckets.
    var isTooLarge: Bool {
        name.utf8.count > Limits.nameBytes
            || points.contains { point in
                guard case .histogram(let histogram) = point.value else { return false }
                let count = max(histogram.buckets.count, histogram.bounds.count)
                return count > MetricPoint.Histogram.bucketsMax
            }
    }
}

extension MetricPoint {
    /// In bytes.
    var byteCount: Int {
        let own = 128 + attributes.byteCount
        guard case .histogram(let histogram) = value else { return own }
        return own + histogram.byteCount
    }
}

extension MetricPoint.Histogram {
    /// SDKs make a few dozens, unless told otherwise.
    static let bucketsMax = 1000

    /// In bytes.
    var byteCount: Int { 128 + 8 * (buckets.count + bounds.count) }
}
