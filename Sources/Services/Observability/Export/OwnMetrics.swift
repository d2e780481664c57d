import Events
package import Primitives

/// The engine's own metrics on their way to a collector: totals since the start, or what has come
/// since they were asked for the last time.
package struct OwnMetrics: Sendable {
    private struct Series: Hashable {
        let name: String
        let labels: [String]
    }

    private let service: String
    private let version: String
    private let isDelta: Bool
    /// When this life of the engine began, and when metrics were taken last.
    private let started: Timestamp
    private var last: Timestamp?
    private var told: [Series: MetricPoint.Value] = [:]

    package init(service: String, version: String, isDelta: Bool, started: Timestamp) {
        self.service = service
        self.version = version
        self.isDelta = isDelta
        self.started = started
    }

    /// - Returns: what is to be sent of `families`, as they are at `time`.
    package mutating func take(_ families: [MetricFamily], at time: Timestamp) -> OTLPExport {
        var metrics = families.map { $0.reported(service: service, version: version, at: time) }
        // A point says from when on it counts, which must not be behind when it was taken.
        var start = min(started, time)
        if isDelta {
            start = last ?? start
            last = time
            metrics = metrics.map { $0.form == .gauge ? $0 : sinceLast($0) }
        }
        return .own(metrics.filter { !$0.points.isEmpty }, since: start)
    }

    private mutating func sinceLast(_ metric: MetricReported) -> MetricReported {
        let points = metric.points.map { point in
            let labels = point.attributes.flatMap { [$0.name, $0.value] }
            let series = Series(name: metric.name, labels: labels)
            let before = told.updateValue(point.value, forKey: series)
            return MetricPoint(
                attributes: point.attributes,
                time: point.time,
                value: point.value.since(before)
            )
        }
        return MetricReported(
            name: metric.name,
            description: metric.description,
            unit: metric.unit,
            service: metric.service,
            form: metric.form,
            points: points,
            scope: metric.scope,
            temporality: .delta
        )
    }
}

extension MetricPoint.Value {
    fileprivate func since(_ before: MetricPoint.Value?) -> MetricPoint.Value {
        switch (self, before) {
        case (.number(let new), .number(let old)?): .number(max(0, new - old))
        case (.histogram(let new), .histogram(let old)?):
            .histogram(
                MetricPoint.Histogram(
                    count: new.count - min(new.count, old.count),
                    sum: max(0, new.sum - old.sum),
                    buckets: zip(new.buckets, old.buckets).map { $0 - min($0, $1) },
                    bounds: new.bounds,
                    min: nil,
                    max: nil
                )
            )
        default: self
        }
    }
}
