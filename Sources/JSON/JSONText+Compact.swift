extension JSONText {
    /// The same value without white space between its tokens.
    package func compacted() -> JSONText {
        guard hasBlank else { return self }
        var compact: [UInt8] = []
        // Where the bytes begin that were not taken over yet.
        var kept = 0
        bytes.withUnsafeBytes { raw in
            var next = 0
            while next < raw.count {
                let byte = raw[next]
                // Inside strings blanks are content; other bytes up to 0x20 occur between tokens
                // only.
                if byte == UInt8(ascii: "\"") {
                    next = Self.end(ofString: next, raw)
                } else if byte > UInt8(ascii: " ") {
                    next += 1
                } else {
                    if kept == 0 { compact.reserveCapacity(raw.count) }
                    compact += raw[kept..<next]
                    next += 1
                    kept = next
                }
            }
            if kept > 0 { compact += raw[kept...] }
        }
        return kept > 0 ? JSONText(trusted: compact) : self
    }

    /// Where the string ends that begins with the quote at `start`; eight bytes at a time.
    private static func end(ofString start: Int, _ raw: UnsafeRawBufferPointer) -> Int {
        var next = start + 1
        while next < raw.count {
            if next + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: next, as: UInt64.self)
                let plain = EightBytes.unescapedPrefix(UInt64(littleEndian: word))
                next += plain
                if plain == 8 { continue }
            }
            switch raw[next] {
            case UInt8(ascii: "\""): return next + 1
            case UInt8(ascii: "\\"): next += 2
            default: next += 1
            }
        }
        return raw.count
    }

    /// Whether a byte is a blank or below; eight at a time.
    private var hasBlank: Bool {
        bytes.withUnsafeBytes { raw in
            var next = 0
            while next + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: next, as: UInt64.self)
                if EightBytes.hasBlank(word) { return true }
                next += 8
            }
            return raw[next...].contains { $0 <= UInt8(ascii: " ") }
        }
    }
}
