/// Writes metrics in Prometheus' text format, version 0.0.4. A family's samples stand together,
/// behind its help and type.
struct MetricsWriter {
    enum Kind: String { case counter, gauge, histogram }

    typealias Labels = [(name: String, value: String)]

    private(set) var bytes: [UInt8] = []

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Begins a family.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        line("# HELP \(name) \(help)")
        line("# TYPE \(name) \(kind.rawValue)")
    }

    mutating func sample(_ name: String, _ value: Double, _ labels: Labels = []) {
        line("\(name)\(Self.text(labels)) \(Self.text(value))")
    }

    mutating func sample(_ name: String, _ value: some BinaryInteger, _ labels: Labels = []) {
        line("\(name)\(Self.text(labels)) \(value)")
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
        for (bound, number) in zip(bounds, cumulative) {
            sample("\(name)_bucket", number, [("le", Self.text(bound))])
        }
        sample("\(name)_bucket", count, [("le", "+Inf")])
        sample("\(name)_sum", sum)
        sample("\(name)_count", count)
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func text(_ labels: Labels) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
            + "}"
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
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
