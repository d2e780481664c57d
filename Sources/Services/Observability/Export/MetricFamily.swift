import Events
import Primitives

/// A metric of the engine's own with all of its series, before anybody has asked in which form it
/// is to be told.
package struct MetricFamily: Equatable, Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package enum Number: Equatable, Sendable {
        case integer(Int64)
        case real(Double)

        package var double: Double {
            switch self {
            case .integer(let value): Double(value)
            case .real(let value): value
            }
        }
    }

    package struct Label: Equatable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package struct Sample: Equatable, Sendable {
        package let labels: [Label]
        package let value: Number

        package init(labels: [Label], value: Number) {
            self.labels = labels
            self.value = value
        }
    }

    /// How many values were at most as large as each bound.
    package struct Histogram: Equatable, Sendable {
        package let labels: [Label]
        package let bounds: [Double]
        package let cumulative: [UInt64]
        package let count: UInt64
        package let sum: Double

        package init(
            labels: [Label] = [],
            bounds: [Double],
            cumulative: [UInt64],
            count: UInt64,
            sum: Double
        ) {
            self.labels = labels
            self.bounds = bounds
            self.cumulative = cumulative
            self.count = count
            self.sum = sum
        }

        /// How many values fell between the bounds, and beyond the last.
        var buckets: [UInt64] {
            var before: UInt64 = 0
            return (cumulative + [count]).map { number in
                defer { before = max(before, number) }
                return number - min(number, before)
            }
        }
    }

    package let name: String
    /// The name under which collectors get it, where iii's own engine has one of its own.
    package let exportName: String?
    package let kind: Kind
    package let help: String
    package var samples: [Sample] = []
    package var histograms: [Histogram] = []

    package init(name: String, exportName: String? = nil, kind: Kind, help: String) {
        self.name = name
        self.exportName = exportName
        self.kind = kind
        self.help = help
    }
}

extension MetricFamily {
    /// By the conventions of Prometheus a name ends with its unit, in front of `_total`.
    var unit: String {
        let stem = name.hasSuffix("_total") ? name.dropLast("_total".count) : name[...]
        if stem.hasSuffix("_seconds") { return "s" }
        return stem.hasSuffix("_bytes") ? "By" : "1"
    }

    /// As it is sent to a collector: totals.
    func reported(service: String, version: String, at time: Timestamp) -> MetricReported {
        var points = samples.map { sample in
            MetricPoint(
                attributes: sample.labels.map { TelemetryAttribute($0.name, $0.value) },
                time: time,
                value: .number(sample.value.double)
            )
        }
        points += histograms.map { histogram in
            let told = MetricPoint.Histogram(
                count: histogram.count,
                sum: histogram.sum,
                buckets: histogram.buckets,
                bounds: histogram.bounds,
                min: nil,
                max: nil
            )
            return MetricPoint(
                attributes: histogram.labels.map { TelemetryAttribute($0.name, $0.value) },
                time: time,
                value: .histogram(told)
            )
        }
        let form: MetricReported.Form =
            switch kind {
            case .counter: .counter
            case .gauge: .gauge
            case .histogram: .histogram
            }
        return MetricReported(
            name: exportName ?? name,
            description: help,
            unit: unit,
            service: service,
            form: form,
            points: points,
            scope: TelemetryScope(name: "iii", version: version),
            temporality: form == .gauge ? .unspecified : .cumulative
        )
    }
}
