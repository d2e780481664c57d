import Primitives

/// Words about values, for people.
enum Text {
    /// A payload on one line: whole, or cut to `limit` bytes with a note of its length.
    static func payload(_ bytes: [UInt8], limit: Int) -> String {
        guard bytes.count > limit else { return String(decoding: bytes, as: UTF8.self).visible }
        var end = limit
        // Not in the middle of a character.
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        let start = String(decoding: bytes[..<end], as: UTF8.self).visible
        return "\(start)… (\(bytes.count) bytes)"
    }

    /// `0.004 ms`, `4.100 ms`, `1.250 s`, `2 min 5 s`, `3 h 20 min`.
    static func duration(_ span: Timestamp.Span) -> String {
        let nanoseconds = span.nanoseconds
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        switch magnitude {
        case 0..<1_000_000_000: return "\(sign)\(thousandths(magnitude / 1000)) ms"
        case 0..<60_000_000_000: return "\(sign)\(thousandths(magnitude / 1_000_000)) s"
        case 0..<3_600_000_000_000:
            let seconds = magnitude / 1_000_000_000
            return "\(sign)\(seconds / 60) min \(seconds % 60) s"
        default:
            let minutes = magnitude / 60_000_000_000
            return "\(sign)\(minutes / 60) h \(minutes % 60) min"
        }
    }

    private static func thousandths(_ count: UInt64) -> String {
        "\(count / 1000).\(String(1000 + count % 1000).dropFirst())"
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func rightAligned(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// `1 record`, `2 records`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
