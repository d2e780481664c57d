/// Bytes as OTLP/JSON has them: base64 (RFC 4648, 4), with or without its padding.
enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    /// Nil: it is none.
    static func bytes(of text: String) -> [UInt8]? {
        let content: [UInt8] = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
        guard content.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in content {
            guard let value = digits.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }
}
