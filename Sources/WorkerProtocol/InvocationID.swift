package import Primitives

/// The id by which an answer finds its call. Engines and SDKs make UUIDs; whatever else a caller
/// sends is kept as it came, so that it is echoed unchanged.
package enum InvocationID: Hashable, Sendable, CustomStringConvertible {
    /// Spelled in the canonical lower-case form.
    case uuid(UUID128)
    case text(String)

    package init(_ text: String) {
        var copy = text
        self = copy.withUTF8 { UUIDText.read($0) }.map(InvocationID.uuid) ?? .text(text)
    }

    package var description: String {
        switch self {
        case .uuid(let id): id.description
        case .text(let text): text
        }
    }
}

/// The canonical text of a UUID, to and from bytes, eight digits at a time.
enum UUIDText {
    static let byteCount = 36

    /// Nil unless `bytes` are the canonical lower-case form.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> UUID128? {
        guard bytes.count == byteCount else { return nil }
        let dash = UInt8(ascii: "-")
        guard bytes[8] == dash, bytes[13] == dash, bytes[18] == dash, bytes[23] == dash,
            let first = digits(bytes, 0..<8),
            let second = digits(bytes, 9..<13),
            let third = digits(bytes, 14..<18),
            let fourth = digits(bytes, 19..<23),
            let fifth = digits(bytes, 24..<36)
        else { return nil }
        return UUID128(high: first << 32 | second << 16 | third, low: fourth << 48 | fifth)
    }

    private static func digits(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> UInt64?
    {
        var value: UInt64 = 0
        for index in range {
            let byte = bytes[index]
            var digit = byte &- UInt8(ascii: "0")
            if digit > 9 {
                digit = byte &- (UInt8(ascii: "a") - 10)
                guard digit >= 10, digit <= 15 else { return nil }
            }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    /// Writes 36 bytes.
    static func write(_ id: UUID128, to pointer: UnsafeMutableRawPointer) {
        let dash = UInt8(ascii: "-")
        let middle = spread(UInt32(truncatingIfNeeded: id.high))
        let next = spread(UInt32(truncatingIfNeeded: id.low >> 32))
        store(spread(UInt32(truncatingIfNeeded: id.high >> 32)), to: pointer)
        pointer.storeBytes(of: dash, toByteOffset: 8, as: UInt8.self)
        store(UInt32(truncatingIfNeeded: middle >> 32), to: pointer + 9)
        pointer.storeBytes(of: dash, toByteOffset: 13, as: UInt8.self)
        store(UInt32(truncatingIfNeeded: middle), to: pointer + 14)
        pointer.storeBytes(of: dash, toByteOffset: 18, as: UInt8.self)
        store(UInt32(truncatingIfNeeded: next >> 32), to: pointer + 19)
        pointer.storeBytes(of: dash, toByteOffset: 23, as: UInt8.self)
        store(UInt32(truncatingIfNeeded: next), to: pointer + 24)
        store(spread(UInt32(truncatingIfNeeded: id.low)), to: pointer + 28)
    }

    private static func store<Word: FixedWidthInteger & BitwiseCopyable>(
        _ word: Word,
        to pointer: UnsafeMutableRawPointer
    ) {
        pointer.storeBytes(of: word.bigEndian, as: Word.self)
    }

    /// The eight hexadecimal digits of `word` in ASCII, the most significant in the top byte.
    private static func spread(_ word: UInt32) -> UInt64 {
        var digits = UInt64(word)
        digits = (digits << 16 | digits) & 0x0000_FFFF_0000_FFFF
        digits = (digits << 8 | digits) & 0x00FF_00FF_00FF_00FF
        digits = (digits << 4 | digits) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }
}
