package import Primitives

/// Lengths of time and counts of bytes as users write them: `50ms`, `7d`, `64MiB`.
///
/// A count is digits and a unit, without a sign, a space or a fraction.
package enum Quantity {
    private static let spanUnits: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000), ("ms", 1_000_000),
    ]

    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]

    /// Reads `50ms`, `30s`, `5m`, `1h` or `7d`. Nil for any other text, and beyond 292 years.
    package static func span(_ text: String) -> Timestamp.Span? {
        let (digits, unit) = parts(of: text)
        guard let count = Int64(plainDigits: digits),
            let scale = spanUnits.first(where: { $0.name == unit })?.nanoseconds
        else { return nil }
        let (nanoseconds, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : Timestamp.Span(nanoseconds: nanoseconds)
    }

    /// As ``span(_:)``, for whoever speaks to the standard library.
    package static func duration(_ text: String) -> Duration? {
        span(text).map { .nanoseconds($0.nanoseconds) }
    }

    /// Reads `512KiB`, `64MiB`, `10GiB`, `1TiB` or plain bytes. Nil for any other text.
    package static func size(_ text: String) -> Int? {
        let (digits, unit) = parts(of: text)
        guard let count = Int(plainDigits: digits) else { return nil }
        if unit.isEmpty { return count }
        guard let scale = sizeUnits.first(where: { $0.name == unit })?.bytes else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : bytes
    }

    /// The shortest text that ``span(_:)`` reads back. `span` is a whole number of milliseconds.
    package static func text(_ span: Timestamp.Span) -> String {
        let fits = { (unit: (name: String, nanoseconds: Int64)) in
            span.nanoseconds != 0 && span.nanoseconds % unit.nanoseconds == 0
        }
        guard let unit = spanUnits.first(where: fits) else { return "\(span.milliseconds)ms" }
        return "\(span.nanoseconds / unit.nanoseconds)\(unit.name)"
    }

    /// The shortest text that ``size(_:)`` reads back.
    package static func text(bytes: Int) -> String {
        guard bytes != 0, let unit = sizeUnits.first(where: { bytes % $0.bytes == 0 }) else {
            return String(bytes)
        }
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    private static func parts(of text: String) -> (digits: Substring, unit: Substring) {
        let end = text.firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
        return (text[..<end], text[end...])
    }
}
