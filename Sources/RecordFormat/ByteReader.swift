package import Primitives

/// Bytes ended, or did not mean anything, where a field was expected.
package struct DecodeError: Error, Equatable, Sendable {
    /// Where in the payload, in bytes from its start.
    package let position: Int
    package let expected: String

    package init(position: Int, expected: String) {
        self.position = position
        self.expected = expected
    }
}

/// Reads what ``ByteWriter`` wrote. Every read is checked against the end: bytes on disk are input.
///
/// What every record is read with is inlined into the decoders, which are in other modules.
package struct ByteReader {
    @usableFromInline let memory: UnsafeRawBufferPointer
    @usableFromInline package internal(set) var position = 0

    package init(_ memory: UnsafeRawBufferPointer) { self.memory = memory }

    @inlinable package var remaining: Int { memory.count - position }
    @inlinable package var isAtEnd: Bool { remaining == 0 }

    @inlinable
    package mutating func byte() throws(DecodeError) -> UInt8 { try load("a byte") }
    package mutating func u16() throws(DecodeError) -> UInt16 {
        UInt16(littleEndian: try load("16 bits"))
    }
    package mutating func u32() throws(DecodeError) -> UInt32 {
        UInt32(littleEndian: try load("32 bits"))
    }
    @inlinable
    package mutating func u64() throws(DecodeError) -> UInt64 {
        UInt64(littleEndian: try load("64 bits"))
    }
    package mutating func i64() throws(DecodeError) -> Int64 {
        Int64(littleEndian: try load("64 bits"))
    }

    @inlinable
    package mutating func varint() throws(DecodeError) -> UInt64 {
        guard position < memory.count, memory[position] < 0x80 else { return try longVarint() }
        position += 1
        return UInt64(memory[position - 1])
    }

    /// One of more than seven bits.
    @usableFromInline
    mutating func longVarint() throws(DecodeError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let next = try byte()
            let bits = UInt64(next & 0x7F)
            guard shift < 63 || bits <= 1 else { throw failure("a varint of 64 bits") }
            value |= bits << UInt64(shift)
            if next < 0x80 { return value }
        }
        throw failure("the end of a varint")
    }

    /// 64 bits that are an offset.
    package mutating func offset() throws(DecodeError) -> Offset {
        try offset(Offset(try u64()))
    }

    /// An offset, as a varint of how far it is behind another one.
    package mutating func offset(after last: Offset) throws(DecodeError) -> Offset {
        let (sum, overflow) = last.rawValue.addingReportingOverflow(try varint())
        return try offset(Offset(overflow ? .max : sum))
    }

    private func offset(_ value: Offset) throws(DecodeError) -> Offset {
        guard value <= .limit else { throw failure("an offset") }
        return value
    }

    /// 64 bits that are the number of a segment, of a generation, or of bytes: one that can be
    /// counted on from.
    package mutating func ordinal() throws(DecodeError) -> UInt64 {
        let value = try u64()
        guard value <= 1 << 62 else { throw failure("a number that something could have") }
        return value
    }

    /// A varint length and as many bytes, still in the memory they were read from.
    package mutating func slice() throws(DecodeError) -> UnsafeRawBufferPointer {
        let length = try varint()
        guard length <= UInt64(remaining) else { throw failure("\(length) bytes") }
        let slice = UnsafeRawBufferPointer(rebasing: memory[position..<position + Int(length)])
        position += Int(length)
        return slice
    }

    package mutating func bytes() throws(DecodeError) -> [UInt8] { [UInt8](try slice()) }

    package mutating func text() throws(DecodeError) -> String {
        String(decoding: try slice(), as: UTF8.self)
    }

    package mutating func optionalText() throws(DecodeError) -> String? {
        try byte() == 0 ? nil : try text()
    }

    package mutating func uuid() throws(DecodeError) -> UUID128 {
        let high = try u64()
        return UUID128(high: high, low: try u64())
    }

    @inlinable
    mutating func load<Value: FixedWidthInteger>(
        _ expected: String
    ) throws(DecodeError) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else { throw failure(expected) }
        let value = memory.loadUnaligned(fromByteOffset: position, as: Value.self)
        position += size
        return value
    }

    @usableFromInline
    func failure(_ expected: String) -> DecodeError {
        DecodeError(position: position, expected: expected)
    }
}
