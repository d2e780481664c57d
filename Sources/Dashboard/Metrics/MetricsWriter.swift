import Observability

/// Collects metrics family by family.
struct MetricsWriter {
    typealias Kind = MetricFamily.Kind
    typealias Labels = [(name: String, value: String)]

    private(set) var families: [MetricFamily] = []

    /// Begins a family.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        families.append(MetricFamily(name: name, kind: kind, help: help))
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
        _ value: some BinaryInteger
    ) {
        family(name, kind, help)
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
        families[families.count - 1].histogram = MetricFamily.Histogram(
            bounds: bounds,
            cumulative: cumulative,
            count: count,
            sum: sum
        )
    }

    private mutating func add(_ name: String, _ value: MetricFamily.Number, _ labels: Labels) {
        precondition(families.last?.name == name)
        let labels = labels.map { MetricFamily.Label($0.name, $0.value) }
        families[families.count - 1].samples.append(.init(labels: labels, value: value))
    }
}
