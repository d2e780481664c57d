/// Validation of UTF-8 that arrives in pieces (RFC 3629; table 3-7 of the Unicode Standard).
enum UTF8Check {
    /// How many bytes at the start of `bytes` are whole, valid code points.
    ///
    /// - Returns: nil when the text is invalid whatever follows; else a count that leaves at most
    ///   three bytes, which begin a valid code point.
    static func validPrefix(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        while index < bytes.count {
            index = skipASCII(bytes, from: index)
            guard index < bytes.count else { break }
            guard let (length, second) = shape(bytes[index]) else { return nil }
            let present = min(length, bytes.count - index)
            if present > 1, !second.contains(bytes[index + 1]) { return nil }
            var place = 2
            while place < present {
                guard bytes[index + place] & 0xC0 == 0x80 else { return nil }
                place += 1
            }
            guard present == length else { return index }
            index += length
        }
        return index
    }

    private static func skipASCII(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard word & 0x8080_8080_8080_8080 == 0 else { break }
            index += 8
        }
        while index < bytes.count, bytes[index] < 0x80 { index += 1 }
        return index
    }

    /// The length that a lead byte announces and the second bytes that may follow it, which is
    /// where overlong forms, surrogates and what lies beyond U+10FFFF are kept out.
    private static func shape(_ lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
