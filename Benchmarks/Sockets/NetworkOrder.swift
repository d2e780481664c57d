extension [UInt8] {
    /// Appends an integer, its highest byte first.
    mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// The integer at `position`, its highest byte first; the bytes must be there.
    func bigEndian<Value: FixedWidthInteger>(at position: Int, as: Value.Type) -> Value {
        precondition(position + MemoryLayout<Value>.size <= count)
        return Value(bigEndian: loadUnaligned(fromByteOffset: position, as: Value.self))
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: self[range.clamped(to: 0..<count)], as: UTF8.self)
    }
}
