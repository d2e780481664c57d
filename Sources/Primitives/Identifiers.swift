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

    /// The bytes of the canonical form.
    package static let textBytes = 36

    /// Reads the canonical lower-case form; nil for any other spelling, so that
    /// `UUID128(text)?.description == text` whenever it is not nil.
    package init?(_ text: UnsafeBufferPointer<UInt8>) {
        guard text.count == Self.textBytes else { return nil }
        let text = UnsafeRawBufferPointer(text)
        let dash = UInt8(ascii: "-")
        guard text[8] == dash, text[13] == dash, text[18] == dash, text[23] == dash,
            let first = HexText.word(HexText.load(text, 0) << 32 | HexText.load(text, 4)),
            let second = HexText.word(HexText.load(text, 9) << 32 | HexText.load(text, 14)),
            let third = HexText.word(HexText.load(text, 19) << 32 | HexText.load(text, 24)),
            let fourth = HexText.word(HexText.load(text, 28) << 32 | HexText.load(text, 32))
        else { return nil }
        self.init(
            high: UInt64(first) << 32 | UInt64(second),
            low: UInt64(third) << 32 | UInt64(fourth)
        )
    }

    package init?(_ text: String) {
        var copy = text
        guard let id = copy.withUTF8({ UUID128($0) }) else { return nil }
        self = id
    }

    /// Whether it is `other`, told in the same time whatever differs.
    package func isSecretly(_ other: UUID128) -> Bool {
        (high ^ other.high) | (low ^ other.low) == 0
    }

    /// Writes the ``textBytes`` bytes of the canonical form.
    package func write(to place: UnsafeMutableRawPointer) {
        let dash = UInt8(ascii: "-")
        let second = HexText.digits(UInt32(truncatingIfNeeded: high))
        let third = HexText.digits(UInt32(truncatingIfNeeded: low >> 32))
        HexText.store(HexText.digits(UInt32(truncatingIfNeeded: high >> 32)), to: place)
        place.storeBytes(of: dash, toByteOffset: 8, as: UInt8.self)
        HexText.store(UInt32(truncatingIfNeeded: second >> 32), to: place + 9)
        place.storeBytes(of: dash, toByteOffset: 13, as: UInt8.self)
        HexText.store(UInt32(truncatingIfNeeded: second), to: place + 14)
        place.storeBytes(of: dash, toByteOffset: 18, as: UInt8.self)
        HexText.store(UInt32(truncatingIfNeeded: third >> 32), to: place + 19)
        place.storeBytes(of: dash, toByteOffset: 23, as: UInt8.self)
        HexText.store(UInt32(truncatingIfNeeded: third), to: place + 24)
        HexText.store(HexText.digits(UInt32(truncatingIfNeeded: low)), to: place + 28)
    }

    package var description: String { HexText.string(Self.textBytes, write) }
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
    package var description: String {
        HexText.string(32) { place in
            HexText.write(high, to: place)
            HexText.write(low, to: place + 16)
        }
    }
}

/// The W3C `traceparent` header (Trace Context, section 3.2): version 00.
package struct TraceParent: Hashable, Sendable, CustomStringConvertible {
    package let trace: TraceID
    package let span: UInt64
    package let flags: UInt8

    /// The flags of a trace that is kept.
    package static let sampled: UInt8 = 1

    package init(trace: TraceID, span: UInt64, flags: UInt8 = TraceParent.sampled) {
        self.trace = trace
        self.span = span
        self.flags = flags
    }

    /// Nil when the text is not a usable traceparent. Any flags pass, and of later versions what
    /// they begin with; version 00 has nothing behind its flags.
    package init?(_ text: String) {
        var copy = text
        guard let parent = copy.withUTF8({ TraceParent($0) }) else { return nil }
        self = parent
    }

    private init?(_ text: UnsafeBufferPointer<UInt8>) {
        let dash = UInt8(ascii: "-")
        guard text.count >= Self.textBytes, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = hexadecimal(text[..<2]), version != 0xFF,
            text.count == Self.textBytes || version != 0 && text[Self.textBytes] == dash,
            let high = hexadecimal(text[3..<19]), let low = hexadecimal(text[19..<35]),
            let trace = TraceID(high: high, low: low),
            let span = hexadecimal(text[36..<52]), span != 0,
            let flags = hexadecimal(text[53..<55])
        else { return nil }
        self.init(trace: trace, span: span, flags: UInt8(flags))
    }

    /// The bytes of the header's value.
    package static let textBytes = 55

    /// Writes the ``textBytes`` bytes of the header's value.
    package func write(to place: UnsafeMutableRawPointer) {
        let dash = UInt8(ascii: "-")
        HexText.write(UInt8(0), to: place)
        place.storeBytes(of: dash, toByteOffset: 2, as: UInt8.self)
        HexText.write(trace.high, to: place + 3)
        HexText.write(trace.low, to: place + 19)
        place.storeBytes(of: dash, toByteOffset: 35, as: UInt8.self)
        HexText.write(span, to: place + 36)
        place.storeBytes(of: dash, toByteOffset: 52, as: UInt8.self)
        HexText.write(flags, to: place + 53)
    }

    package var description: String { HexText.string(Self.textBytes, write) }
}
