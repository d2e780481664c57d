extension JSONText {
    /// The same value without white space between its tokens.
    package func compacted() -> JSONText {
        let isBlank = { (byte: UInt8) in byte <= UInt8(ascii: " ") }
        // Inside strings blanks are content; other bytes up to 0x20 occur between tokens only.
        guard hasBlank else { return self }
        var compact: [UInt8] = []
        compact.reserveCapacity(bytes.count)
        var inString = false
        var isEscaped = false
        for byte in bytes {
            if inString {
                if byte == UInt8(ascii: "\""), !isEscaped { inString = false }
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
            } else if isBlank(byte) {
                continue
            } else if byte == UInt8(ascii: "\"") {
                inString = true
            }
            compact.append(byte)
        }
        return JSONText(trusted: compact)
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
