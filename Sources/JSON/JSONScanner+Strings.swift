extension JSONScanner {
    /// The position after the closing quote of the string whose content starts at `start`.
    @inline(__always)
    func endOfString(
        from start: Int,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        let next = endOfPlainText(from: start)
        if byte(at: next) == ASCII.quote { return next + 1 }
        return try endOfUnusualString(from: next, &traits)
    }

    /// As ``endOfString(from:_:)``, for strings with escapes or text beyond ASCII.
    private func endOfUnusualString(
        from start: Int,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        var next = start
        while let found = byte(at: next) {
            if found == ASCII.quote { return next + 1 }
            if found == ASCII.backslash {
                next = try endOfEscape(at: next, &traits)
            } else if found >= 0x80 {
                next = try endOfMultibyte(at: next, lead: found)
            } else if found < 0x20 {
                throw .controlCharacter(at: next, found)
            } else {
                next = endOfPlainText(from: next)
            }
        }
        throw unexpected(at: next, expected: .closingQuote)
    }

    /// The first position from `start` on that is no plain ASCII: a quote, a backslash, a control
    /// character, a byte of 0x80 or above, or the end.
    @inline(__always)
    private func endOfPlainText(from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(bytes)
        var next = start
        while next &+ 8 <= raw.count {
            let word = UInt64(
                littleEndian: raw.loadUnaligned(fromByteOffset: next, as: UInt64.self)
            )
            let plain = EightBytes.plainPrefix(word)
            next &+= plain
            if plain < 8 { return next }
        }
        while next < raw.count, Self.isPlain(raw[next]) { next &+= 1 }
        return next
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != ASCII.quote && byte != ASCII.backslash
    }

    /// The position after the UTF-8 sequence that `lead` starts at `position` (RFC 3629, section
    /// 4: no overlong forms, no surrogates, nothing above U+10FFFF).
    private func endOfMultibyte(at position: Int, lead: UInt8) throws(JSONError) -> Int {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw .invalidUTF8(at: position)
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else {
            throw .invalidUTF8(at: position)
        }
        for index in position + 2..<position + max(length, 2) where bytes[index] >> 6 != 0b10 {
            throw .invalidUTF8(at: position)
        }
        return position + length
    }

    private func endOfEscape(
        at position: Int,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        traits.escaped = true
        switch byte(at: position + 1) {
        case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return position + 2
        case UInt8(ascii: "u"):
            guard let escape = UnicodeEscape(in: bytes, at: position) else {
                throw unexpected(at: position + 2, expected: .hexDigits)
            }
            if escape.isUnpaired { traits.needsRepair = true }
            return position + escape.length
        default: throw unexpected(at: position + 1, expected: .escape)
        }
    }

    /// The string whose validated content is `range`.
    func decoded(_ range: Range<Int>, escaped: Bool) -> String {
        let source = UnsafeBufferPointer(rebasing: bytes[range])
        guard escaped else { return String(decoding: source, as: UTF8.self) }
        // An escape is never shorter than what it stands for.
        return String(unsafeUninitializedCapacity: source.count) { content in
            unescape(source, into: content)
        }
    }
}

/// A `\uXXXX` escape, or two that are a surrogate pair.
struct UnicodeEscape {
    /// U+FFFD for a surrogate without its partner.
    let scalar: UnicodeScalar
    let isUnpaired: Bool
    /// 6 or 12 bytes.
    let length: Int

    /// Reads the escape whose backslash is at `position`; nil unless four digits follow the `u`.
    init?(in bytes: UnsafeBufferPointer<UInt8>, at position: Int) {
        guard let unit = Self.unit(in: bytes, at: position) else { return nil }
        if let scalar = UnicodeScalar(unit) {
            (self.scalar, isUnpaired, length) = (scalar, false, 6)
        } else if unit < 0xDC00, let low = Self.unit(in: bytes, at: position + 6),
            low >> 10 == 0xDC00 >> 10,
            let scalar = UnicodeScalar(
                0x10000 + UInt32(unit & 0x3FF) << 10 + UInt32(low & 0x3FF)
            )
        {
            (self.scalar, isUnpaired, length) = (scalar, false, 12)
        } else {
            (scalar, isUnpaired, length) = ("\u{FFFD}", true, 6)
        }
    }

    private static func unit(in bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt16? {
        guard position + 6 <= bytes.count, bytes[position] == ASCII.backslash,
            bytes[position + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for index in position + 2..<position + 6 {
            guard let digit = ASCII.hexValue(bytes[index]) else { return nil }
            unit = unit << 4 | digit
        }
        return unit
    }
}

/// Resolves the escapes of a validated string's content.
///
/// - Returns: the bytes written, never more than `source.count`.
private func unescape(
    _ source: UnsafeBufferPointer<UInt8>,
    into content: UnsafeMutableBufferPointer<UInt8>
) -> Int {
    var written = 0
    func write(_ byte: UInt8) {
        content[written] = byte
        written += 1
    }
    var next = 0
    while next < source.count {
        guard source[next] == ASCII.backslash, next + 1 < source.count else {
            write(source[next])
            next += 1
            continue
        }
        if let escape = UnicodeEscape(in: source, at: next) {
            for byte in UTF8.encode(escape.scalar) ?? UTF8.encodedReplacementCharacter {
                write(byte)
            }
            next += escape.length
            continue
        }
        switch source[next + 1] {
        case UInt8(ascii: "b"): write(0x08)
        case UInt8(ascii: "f"): write(0x0C)
        case UInt8(ascii: "n"): write(0x0A)
        case UInt8(ascii: "r"): write(0x0D)
        case UInt8(ascii: "t"): write(0x09)
        case let literal: write(literal)
        }
        next += 2
    }
    return written
}
