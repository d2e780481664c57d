/// The bytes that JSON gives a meaning.
enum ASCII {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let zero = UInt8(ascii: "0")
    static let nine = UInt8(ascii: "9")
    static let dot = UInt8(ascii: ".")

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// The value of a hexadecimal digit of either case, else nil.
    static func hexValue(_ byte: UInt8) -> UInt16? {
        switch byte {
        case zero...nine: UInt16(byte - zero)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

/// Eight bytes of text looked at in one step ("SIMD within a register").
///
/// A borrow can only spoil bytes after a true hit, so the lowest marked byte is always right.
enum EightBytes {
    /// The index of the first byte that ends a run of plain ASCII in a string: a quote, a
    /// backslash, a control character or a byte of 0x80 and above. 8 when there is none.
    @inline(__always)
    static func plainPrefix(_ word: UInt64) -> Int {
        firstMark(special(word) | word)
    }

    /// As ``plainPrefix(_:)``, but bytes of 0x80 and above are plain too.
    @inline(__always)
    static func unescapedPrefix(_ word: UInt64) -> Int {
        firstMark(special(word) & ~word)
    }

    /// Whether a byte is a blank or a control character.
    @inline(__always)
    static func hasBlank(_ word: UInt64) -> Bool {
        // The lowest such byte borrows into its own top bit, which is not set in the word.
        (word &- 0x2121_2121_2121_2121) & ~word & 0x8080_8080_8080_8080 != 0
    }

    /// Marks, in the top bit of each byte below 0x80, what cannot stand in a string as it is. The
    /// top bits of other bytes mean nothing.
    @inline(__always)
    private static func special(_ word: UInt64) -> UInt64 {
        // Flipping bit 1 puts the quote, 0x22, next to the control characters: all are below 0x21.
        let quotesAndControls = (word ^ 0x0202_0202_0202_0202) &- 0x2121_2121_2121_2121
        let backslashes = (word ^ 0x5C5C_5C5C_5C5C_5C5C) &- 0x0101_0101_0101_0101
        return quotesAndControls | backslashes
    }

    @inline(__always)
    private static func firstMark(_ marks: UInt64) -> Int {
        (marks & 0x8080_8080_8080_8080).trailingZeroBitCount >> 3
    }
}
