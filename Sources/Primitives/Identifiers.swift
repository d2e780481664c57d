/// A 128-bit identifier, written as a UUID: of a worker, an invocation, a receipt.
package struct UUID128: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random UUID (RFC 9562, version 4).
    package init(from entropy: inout some Entropy) {
        high = entropy.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x0000_0000_0000_4000
        low = entropy.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    }

    /// Reads the canonical lower-case form; nil for any other spelling, so that
    /// `UUID128(text)?.description == text` whenever it is not nil.
    package init?(_ text: some Collection<UInt8>) {
        guard text.count == 36 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digits = 0
        for (position, byte) in text.enumerated() {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let value = Self.hexValue(byte) else { return nil }
            if digits < 16 { high = high << 4 | value } else { low = low << 4 | value }
            digits += 1
        }
        self.init(high: high, low: low)
    }

    package init?(_ text: String) { self.init(text.utf8) }

    private static func hexValue(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        default: nil
        }
    }

    /// Calls `body` with each of the 36 ASCII bytes of the canonical form.
    package func withText(_ body: (UInt8) -> Void) {
        for digit in 0..<32 {
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 { body(UInt8(ascii: "-")) }
            let half = digit < 16 ? high : low
            let value = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit % 16 * 4)) & 0xF
            body(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
        }
    }

    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(36)
        withText { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A W3C trace id: 16 bytes, not all zero. One request, one trace.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    package init(from entropy: inout some Entropy) {
        high = entropy.next()
        low = entropy.next() | 1
    }

    /// Reads 32 hexadecimal digits, of either case.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 32,
            let high = hexadecimal(text.utf8.prefix(16)),
            let low = hexadecimal(text.utf8.suffix(16))
        else { return nil }
        self.init(high: high, low: low)
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// 16 lower-case hexadecimal digits.
package func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// The value of 1 to 16 hexadecimal digits of either case and nothing else; nil for other text.
package func hexadecimal(_ digits: some Collection<UInt8>) -> UInt64? {
    guard (1...16).contains(digits.count) else { return nil }
    var value: UInt64 = 0
    for digit in digits {
        guard let bits = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
        value = value << 4 | UInt64(bits)
    }
    return value
}

/// The W3C `traceparent` header (Trace Context, section 3.2): version 00.
package struct TraceParent: Hashable, Sendable, CustomStringConvertible {
    package let trace: TraceID
    package let span: UInt64
    package let flags: UInt8

    package init(trace: TraceID, span: UInt64, flags: UInt8 = 1) {
        self.trace = trace
        self.span = span
        self.flags = flags
    }

    /// Nil when the text is not a usable traceparent. Any flags pass, and of later versions what
    /// they begin with; version 00 has nothing behind its flags.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[2].utf8.count == 16,
            parts[3].utf8.count == 2,
            let version = hexadecimal(parts[0].utf8), version != 0xFF,
            version != 0 || parts.count == 4,
            let trace = TraceID(parts[1]),
            let span = hexadecimal(parts[2].utf8), span != 0,
            let flags = hexadecimal(parts[3].utf8)
        else { return nil }
        self.init(trace: trace, span: span, flags: UInt8(flags))
    }

    package var description: String {
        let flagDigits = String(flags, radix: 16)
        return "00-\(trace)-\(hexadecimal(span))-\(flags < 16 ? "0" : "")\(flagDigits)"
    }
}
