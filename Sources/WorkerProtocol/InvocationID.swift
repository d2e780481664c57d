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
        let text = UnsafeRawBufferPointer(bytes)
        let dash = UInt8(ascii: "-")
        guard text[8] == dash, text[13] == dash, text[18] == dash, text[23] == dash,
            let first = gathered(load(text, at: 0) << 32 | load(text, at: 4)),
            let second = gathered(load(text, at: 9) << 32 | load(text, at: 14)),
            let third = gathered(load(text, at: 19) << 32 | load(text, at: 24)),
            let fourth = gathered(load(text, at: 28) << 32 | load(text, at: 32))
        else { return nil }
        return UUID128(
            high: UInt64(first) << 32 | UInt64(second),
            low: UInt64(third) << 32 | UInt64(fourth)
        )
    }

    /// Four characters, the first in the top byte of the low half.
    private static func load(_ text: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        UInt64(UInt32(bigEndian: text.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    /// The inverse of ``spread(_:)``; nil when `digits` are not what that makes.
    private static func gathered(_ digits: UInt64) -> UInt32? {
        let letters = digits >> 6 & 0x0101_0101_0101_0101
        var value = (digits & 0x0F0F_0F0F_0F0F_0F0F) &+ letters &* 9
        value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
        value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
        let word = UInt32(truncatingIfNeeded: value | value >> 16)
        return spread(word) == digits ? word : nil
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
