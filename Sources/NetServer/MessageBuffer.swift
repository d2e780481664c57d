/// A growing run of unmasked payload, kept by one connection and used for message after message.
///
/// Grows by what has arrived, never by what a header announces.
struct MessageBuffer: ~Copyable {
    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    deinit { storage.deallocate() }

    /// Valid until the next mutation.
    var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: UnsafePointer(storage.baseAddress?.assumingMemoryBound(to: UInt8.self)),
            count: count
        )
    }

    /// The bytes from `start` on. Valid until the next mutation.
    func bytes(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[start..<count])
    }

    /// Appends `masked` XORed with `key`, whose lowest byte belongs to the first byte.
    ///
    /// - Returns: whether all of the bytes appended are ASCII.
    mutating func append(unmasking masked: UnsafeRawBufferPointer, key: UInt32) -> Bool {
        guard let source = masked.baseAddress, !masked.isEmpty else { return true }
        if storage.count - count < masked.count { grow(toHold: count + masked.count) }
        guard let base = storage.baseAddress else { return true }
        let seen = unmask(from: source, to: base + count, count: masked.count, key: key)
        count += masked.count
        return seen & 0x8080_8080_8080_8080 == 0
    }

    private mutating func grow(toHold needed: Int) {
        let grown = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(needed, 2 * storage.count, 1024),
            alignment: 16
        )
        grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
        storage.deallocate()
        storage = grown
    }

    /// Forgets the bytes; gives memory above `keeping` bytes back.
    mutating func clear(keeping: Int) {
        count = 0
        guard storage.count > keeping else { return }
        storage.deallocate()
        storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
}

/// Writes `count` bytes from `source`, XORed with the repeated `key`, to `target`: a word at a
/// time, and telling on the way whether there was a byte beyond ASCII, so that no second pass is
/// needed.
///
/// - Returns: the bytes written, ORed together in words.
private func unmask(
    from source: UnsafeRawPointer,
    to target: UnsafeMutableRawPointer,
    count: Int,
    key: UInt32
) -> UInt64 {
    let wide = UInt64(key) << 32 | UInt64(key)
    var seen: UInt64 = 0
    var offset = 0
    let words = count & ~7
    while offset < words {
        let word = source.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide.littleEndian
        target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
        seen |= word
        offset += 8
    }
    while offset < count {
        let shift = UInt64((offset & 3) * 8)
        let byte =
            source.load(fromByteOffset: offset, as: UInt8.self)
            ^ UInt8(truncatingIfNeeded: wide >> shift)
        target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
        seen |= UInt64(byte)
        offset += 1
    }
    return seen
}
