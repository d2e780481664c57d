import Events
import Primitives

/// A metric's points of one worker and one set of attributes.
struct MetricSeries: Hashable, Sendable {
    private let name: String
    private let service: String
    private let resource: [UInt8]
    private let attributes: [String]

    init(_ metric: MetricReported, _ point: MetricPoint) {
        name = metric.name
        service = metric.service
        resource = metric.resource
        attributes = point.attributes.flatMap { [$0.name, $0.value] }
    }

    /// What it takes in memory, in bytes, roughly, beside the texts of its attributes: they are its
    /// points' own.
    var byteCount: Int {
        128 + name.utf8.count + service.utf8.count + resource.count + 16 * attributes.count
    }
}

/// Makes what each point adds of points that tell of all since a start, so that they can be summed.
///
/// Bounded: so many series of so many bytes; those that were heard of the longest ago make room.
struct MetricGrowth: Sendable {
    /// The newest points of series; `before` has those that `latest` had when it was full.
    private var latest: [MetricSeries: MetricPoint] = [:]
    private var before: [MetricSeries: MetricPoint] = [:]
    /// What those of `latest` take in memory, roughly.
    private(set) var latestBytes = 0
    /// Of each of the two.
    private static let series = 5000
    static let bytesMax = 8 << 20
    /// The first point that is seen of a series is all new only if the series began not long before
    /// it: else nobody knows how much of it is.
    private static let young = Timestamp.Span.seconds(300)

    /// The points of `metric`, each with what came since the point before of its series: a counter
    /// and a histogram tell of all since their start, unless they say that they do not. Points of
    /// gauges, and of sums that may shrink, stand for themselves. A total that is dated far
    /// ahead of `received` is left out: next to it, all that follow would come too late. So is one
    /// that is too large to be kept for the next.
    mutating func take(_ metric: MetricReported, at received: Timestamp) -> [MetricPoint] {
        let isTotal = metric.form == .counter || metric.form == .histogram
        guard isTotal, metric.temporality != .delta else { return metric.points }
        return metric.points.compactMap { point in
            guard !point.isAhead(of: received) else { return nil }
            let series = MetricSeries(metric, point)
            let known = latest[series] ?? before[series]
            if let known, point.time < known.time { return nil }
            guard note(point, of: series) else { return nil }
            guard let known else { return point.isYoung(Self.young) ? point : nil }
            return point.since(known)
        }
    }

    /// - Returns: false: it is too large to be kept.
    private mutating func note(_ point: MetricPoint, of series: MetricSeries) -> Bool {
        let bytes = series.byteCount + point.byteCount
        guard bytes <= Self.bytesMax else { return false }
        let known = latest[series].map { series.byteCount + $0.byteCount }
        let isFull = known == nil && latest.count >= Self.series
        if isFull || latestBytes + bytes - (known ?? 0) > Self.bytesMax {
            before = latest
            latest = [:]
            latestBytes = bytes
        } else {
            latestBytes += bytes - (known ?? 0)
        }
        latest[series] = point
        return true
    }
}

extension MetricPoint {
    /// Whether it is dated more than an hour after its receipt: by a clock that is wrong.
    func isAhead(of received: Timestamp) -> Bool { time > received.advanced(by: .seconds(3600)) }

    fileprivate func isYoung(_ age: Timestamp.Span) -> Bool {
        start.nanoseconds != 0 && start.distance(to: time) <= age
    }

    /// What it tells beyond an earlier one; all of it, where its series began anew in between.
    fileprivate func since(_ earlier: MetricPoint) -> MetricPoint {
        guard start == earlier.start else { return self }
        let added: Value
        switch (value, earlier.value) {
        case (.number(let number), .number(let known)) where number >= known:
            added = .number(number - known)
        case (.histogram(let histogram), .histogram(let known)):
            guard let difference = histogram.subtracting(known) else { return self }
            added = .histogram(difference)
        default: return self
        }
        return MetricPoint(attributes: attributes, time: time, value: added, start: start)
    }
}

extension MetricPoint.Histogram {
    /// Nil: it is not what `earlier` has grown to.
    fileprivate func subtracting(_ earlier: Self) -> Self? {
        guard bounds == earlier.bounds, buckets.count == earlier.buckets.count,
            count >= earlier.count,
            zip(buckets, earlier.buckets).allSatisfy({ $0 >= $1 })
        else { return nil }
        return Self(
            count: count - earlier.count,
            sum: sum - earlier.sum,
            buckets: zip(buckets, earlier.buckets).map { $0 - $1 },
            bounds: bounds,
            // Of all since the start: nothing tells them of the part.
            min: nil,
            max: nil
        )
    }
}
