import Observability

/// Collects metrics family by family.
struct MetricsWriter {
    typealias Kind = MetricFamily.Kind
    typealias Labels = [(name: String, value: String)]

    private(set) var families: [MetricFamily] = []

    /// Begins a family. `exported`: the name under which collectors get it; nil: the same.
    mutating func family(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        as exported: String? = nil
    ) {
        families.append(MetricFamily(name: name, exportName: exported, kind: kind, help: help))
    }

    /// A sample of the family that was begun last, whose name it has.
    mutating func sample(_ name: String, _ value: Double, _ labels: Labels = []) {
        add(name, .real(value), labels)
    }

    mutating func sample(_ name: String, _ value: some BinaryInteger, _ labels: Labels = []) {
        add(name, .integer(Int64(clamping: value)), labels)
    }

    /// A family of one sample.
    mutating func single(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ value: some BinaryInteger,
        as exported: String? = nil
    ) {
        family(name, kind, help, as: exported)
        sample(name, value)
    }

    /// A family of one histogram: how many were at most as large as each bound.
    mutating func histogram(
        _ name: String,
        _ help: String,
        bounds: [Double],
        cumulative: [UInt64],
        count: UInt64,
        sum: Double
    ) {
        family(name, .histogram, help)
        families[families.count - 1].histograms = [
            MetricFamily.Histogram(
                bounds: bounds,
                cumulative: cumulative,
                count: count,
                sum: sum
            )
        ]
    }

    /// One more histogram of the family that was begun last: how long runs took, in seconds.
    mutating func histogram(of times: RunTimes, _ labels: Labels) {
        families[families.count - 1].histograms.append(
            MetricFamily.Histogram(
                labels: labels.map { MetricFamily.Label($0.name, $0.value) },
                bounds: RunTimes.bounds.map { Double($0) / 1_000_000_000 },
                cumulative: times.cumulative,
                count: times.total,
                sum: Double(times.sum) / 1_000_000_000
            )
        )
    }

    private mutating func add(_ name: String, _ value: MetricFamily.Number, _ labels: Labels) {
        precondition(families.last?.name == name)
        let labels = labels.map { MetricFamily.Label($0.name, $0.value) }
        families[families.count - 1].samples.append(.init(labels: labels, value: value))
    }
}
