package import Primitives

/// Writes little-endian fields into memory that somebody else owns.
///
/// Past the end of that memory it only counts, so that the caller learns the size it needs, makes
/// room, and encodes again: an encoding function must therefore write the same bytes each time.
package struct ByteWriter {
    private let memory: UnsafeMutableRawBufferPointer
    /// The bytes asked for so far, written or not.
    package private(set) var count = 0

    package init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    /// Whether something did not fit.
    package var overflowed: Bool { count > memory.count }

    package mutating func byte(_ value: UInt8) { store(value) }
    package mutating func u16(_ value: UInt16) { store(value.littleEndian) }
    package mutating func u32(_ value: UInt32) { store(value.littleEndian) }
    package mutating func u64(_ value: UInt64) { store(value.littleEndian) }
    package mutating func i64(_ value: Int64) { store(value.littleEndian) }

    /// LEB128, one to ten bytes.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            store(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        store(UInt8(rest))
    }

    /// A varint length, then the bytes.
    package mutating func bytes(_ value: [UInt8]) {
        value.withUnsafeBytes { bytes($0) }
    }

    package mutating func bytes(_ value: UnsafeRawBufferPointer) {
        varint(UInt64(value.count))
        raw(value)
    }

    /// A varint length, then UTF-8.
    package mutating func text(_ value: String) {
        value.withBytes { bytes(UnsafeRawBufferPointer($0)) }
    }

    /// 0, or 1 and the text.
    package mutating func text(_ value: String?) {
        guard let value else { return byte(0) }
        byte(1)
        text(value)
    }

    package mutating func uuid(_ value: UUID128) {
        u64(value.high)
        u64(value.low)
    }

    /// The bytes alone, without a length.
    package mutating func raw(_ value: UnsafeRawBufferPointer) {
        if count + value.count <= memory.count, let start = memory.baseAddress,
            let source = value.baseAddress
        {
            start.advanced(by: count).copyMemory(from: source, byteCount: value.count)
        }
        count += value.count
    }

    private mutating func store<Value: FixedWidthInteger>(_ value: Value) {
        let size = MemoryLayout<Value>.size
        if count + size <= memory.count {
            memory.storeBytes(of: value, toByteOffset: count, as: Value.self)
        }
        count += size
    }
}
