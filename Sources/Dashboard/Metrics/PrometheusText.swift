import Observability
import Primitives

/// Metrics in Prometheus' text format, version 0.0.4. A family's samples stand together, behind its
/// help and type.
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    init(_ families: [MetricFamily]) {
        for family in families { write(family) }
    }

    private mutating func write(_ family: MetricFamily) {
        let name = family.name
        line("# HELP \(name) \(family.help)")
        line("# TYPE \(name) \(family.kind.rawValue)")
        for sample in family.samples { self.sample(name, sample.value, sample.labels) }
        for histogram in family.histograms { write(histogram, name) }
    }

    private mutating func write(_ histogram: MetricFamily.Histogram, _ name: String) {
        func bucket(_ bound: String, _ number: UInt64) {
            let labels = histogram.labels + [MetricFamily.Label("le", bound)]
            sample("\(name)_bucket", .integer(Int64(clamping: number)), labels)
        }
        for (bound, number) in zip(histogram.bounds, histogram.cumulative) {
            bucket(Self.text(bound), number)
        }
        bucket("+Inf", histogram.count)
        sample("\(name)_sum", .real(histogram.sum), histogram.labels)
        sample("\(name)_count", .integer(Int64(clamping: histogram.count)), histogram.labels)
    }

    private mutating func sample(
        _ name: String,
        _ value: MetricFamily.Number,
        _ labels: [MetricFamily.Label]
    ) {
        let number =
            switch value {
            case .integer(let value): String(value)
            case .real(let value): Self.text(value)
            }
        line("\(name)\(Self.text(labels)) \(number)")
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func text(_ labels: [MetricFamily.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
            + "}"
    }

    /// Names may have any character in them, and Prometheus takes NUL for the end of all metrics.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.visibleLines.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func text(_ value: Double) -> String {
        if value == value.rounded(), value.magnitude < 1e15 { return String(Int64(value)) }
        return value.description
    }
}
