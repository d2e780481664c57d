import JSON
package import Primitives

/// Where a message's bytes go. Every message is described once and runs over two sinks: one that
/// counts, so that room can be made exactly, and one that fills it.
package protocol FrameSink {
    mutating func literal(_ text: StaticString)
    mutating func raw(_ bytes: UnsafeRawBufferPointer)
    mutating func quoted(_ text: String)
    mutating func quoted(_ id: UUID128)
    mutating func quoted(_ parent: TraceParent)
}

extension FrameSink {
    mutating func raw(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw($0) }
    }

    mutating func quoted(_ id: InvocationID) {
        switch id {
        case .uuid(let id): quoted(id)
        case .text(let text): quoted(text)
        }
    }

    /// Writes `name`, which ends in a colon and begins with a comma, and `value`, if there is one.
    mutating func optional(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        literal(name)
        quoted(value)
    }

    mutating func optional(_ name: StaticString, _ value: JSONText?) {
        guard let value else { return }
        literal(name)
        raw(value.bytes)
    }

    /// Writes `name`, which ends in a colon, and the number behind it.
    mutating func number(_ name: StaticString, _ value: some BinaryInteger) {
        literal(name)
        raw(Array(String(value).utf8))
    }

    /// The shortest text that reads back as `value`, which is finite.
    mutating func number(_ name: StaticString, _ value: Double) {
        literal(name)
        raw(Array(String(value).utf8))
    }

    mutating func optional(_ name: StaticString, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        number(name, value)
    }

    /// Writes `name`, which ends in a colon, and an array of strings.
    mutating func strings(_ name: StaticString, _ values: [String]) {
        literal(name)
        literal("[")
        for (index, value) in values.enumerated() {
            if index > 0 { literal(",") }
            quoted(value)
        }
        literal("]")
    }
}

/// Counts what a ``ByteFiller`` would write.
struct ByteCounter: FrameSink {
    private(set) var count = 0

    mutating func literal(_ text: StaticString) { count += text.utf8CodeUnitCount }
    mutating func raw(_ bytes: UnsafeRawBufferPointer) { count += bytes.count }
    mutating func quoted(_ id: UUID128) { count += UUID128.textBytes + 2 }
    mutating func quoted(_ parent: TraceParent) { count += TraceParent.textBytes + 2 }

    mutating func quoted(_ text: String) {
        count += 2
        withBytes(of: text) { bytes in
            count += bytes.count
            guard needsEscape(bytes) else { return }
            for byte in bytes where byte.needsEscape { count += byte.escapedCount - 1 }
        }
    }
}

/// Fills a buffer from its start. Invariant: never writes past its end.
struct ByteFiller: FrameSink {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    mutating func literal(_ text: StaticString) {
        raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        precondition(buffer.count - count >= bytes.count)
        guard let source = bytes.baseAddress, let start = buffer.baseAddress else { return }
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func quoted(_ id: UUID128) { quoted(UUID128.textBytes, id.write) }
    mutating func quoted(_ parent: TraceParent) { quoted(TraceParent.textBytes, parent.write) }

    /// Puts quotes around `length` bytes that `write` writes and that need no escapes.
    @inline(__always)
    private mutating func quoted(_ length: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        byte(UInt8(ascii: "\""))
        precondition(buffer.count - count >= length)
        if let start = buffer.baseAddress { write(start + count) }
        count += length
        byte(UInt8(ascii: "\""))
    }

    mutating func quoted(_ text: String) {
        byte(UInt8(ascii: "\""))
        withBytes(of: text) { bytes in
            if needsEscape(bytes) {
                for byte in bytes { escape(byte) }
            } else {
                raw(UnsafeRawBufferPointer(bytes))
            }
        }
        byte(UInt8(ascii: "\""))
    }

    private mutating func escape(_ value: UInt8) {
        guard value.needsEscape else { return byte(value) }
        byte(UInt8(ascii: "\\"))
        if let letter = value.escapeLetter { return byte(letter) }
        literal("u00")
        byte(UInt8(ascii: "0") + value >> 4)
        byte((value & 0xF < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) + value & 0xF)
    }

    private mutating func byte(_ value: UInt8) {
        buffer[count] = value
        count += 1
    }
}

/// Calls `body` with the text's UTF-8 in place.
private func withBytes(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    if text.utf8.withContiguousStorageIfAvailable(body) == nil {
        Array(text.utf8).withUnsafeBufferPointer(body)
    }
}

/// Whether any byte does. Looks at all of them, so that the compiler can take many at a time.
private func needsEscape(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var hits: UInt8 = 0
    for byte in bytes { hits |= byte.needsEscape ? 1 : 0 }
    return hits != 0
}

extension UInt8 {
    /// Whether the byte may not stand in a JSON string as it is (RFC 8259, section 7).
    fileprivate var needsEscape: Bool {
        self < 0x20 || self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\")
    }

    /// What follows the backslash, where a two-byte escape exists.
    fileprivate var escapeLetter: UInt8? {
        switch self {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): self
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }

    fileprivate var escapedCount: Int { escapeLetter == nil ? 6 : 2 }
}
