/// 16 lower-case hexadecimal digits.
package func hexadecimal(_ value: UInt64) -> String {
    HexText.string(16) { HexText.write(value, to: $0) }
}

/// The value of 1 to 16 hexadecimal digits of either case and nothing else; nil for other text.
package func hexadecimal(_ digits: some Collection<UInt8>) -> UInt64? {
    guard (1...16).contains(digits.count) else { return nil }
    var value: UInt64 = 0
    for digit in digits {
        guard let bits = HexText.value(digit) else { return nil }
        value = value << 4 | bits
    }
    return value
}

/// Hexadecimal digits in ASCII, lower case, eight at a time and without allocation.
enum HexText {
    /// A string of `count` bytes that `write` fills, all of them and in ASCII.
    static func string(_ count: Int, _ write: (UnsafeMutableRawPointer) -> Void) -> String {
        String(unsafeUninitializedCapacity: count) { buffer in
            guard let place = buffer.baseAddress else { return 0 }
            write(UnsafeMutableRawPointer(place))
            return count
        }
    }

    /// Writes 16 digits.
    static func write(_ value: UInt64, to place: UnsafeMutableRawPointer) {
        store(digits(UInt32(truncatingIfNeeded: value >> 32)), to: place)
        store(digits(UInt32(truncatingIfNeeded: value)), to: place + 8)
    }

    /// Writes 2 digits.
    static func write(_ value: UInt8, to place: UnsafeMutableRawPointer) {
        store(UInt16(truncatingIfNeeded: digits(UInt32(value))), to: place)
    }

    /// Writes `characters`, the one in the top byte first.
    static func store<Word: FixedWidthInteger & BitwiseCopyable>(
        _ characters: Word,
        to place: UnsafeMutableRawPointer
    ) {
        place.storeBytes(of: characters.bigEndian, as: Word.self)
    }

    /// Four characters, the first in the top byte of the low half.
    static func load(_ text: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(UInt32(bigEndian: text.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    /// The eight digits of `word`, the most significant in the top byte.
    static func digits(_ word: UInt32) -> UInt64 {
        var digits = UInt64(word)
        digits = (digits << 16 | digits) & 0x0000_FFFF_0000_FFFF
        digits = (digits << 8 | digits) & 0x00FF_00FF_00FF_00FF
        digits = (digits << 4 | digits) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// The inverse of ``digits(_:)``; nil when `digits` are not what that makes.
    static func word(_ digits: UInt64) -> UInt32? {
        let letters = digits >> 6 & 0x0101_0101_0101_0101
        var value = (digits & 0x0F0F_0F0F_0F0F_0F0F) &+ letters &* 9
        value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
        value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
        let word = UInt32(truncatingIfNeeded: value | value >> 16)
        return Self.digits(word) == digits ? word : nil
    }

    /// The value of one digit of either case; nil for anything else.
    static func value(_ digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
