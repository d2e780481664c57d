package import JSON

extension JSONText {
    /// The same value without white space between its tokens.
    package func compacted() -> JSONText {
        let isBlank = { (byte: UInt8) in byte <= UInt8(ascii: " ") }
        // Inside strings blanks are content; other bytes up to 0x20 occur between tokens only.
        guard bytes.contains(where: isBlank) else { return self }
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
}
