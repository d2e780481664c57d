import CPlatform

/// CRC-32C: every error burst of up to 32 bits is found, and hardware computes it.
package enum Checksum {
    /// The checksum of `bytes`, continuing from `start`.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer, from start: UInt32 = 0) -> UInt32 {
        platform_crc32c(start, bytes.baseAddress, bytes.count)
    }

    /// The checksum of a record: over its offset, its batch's time (nanoseconds), its length, and
    /// everything behind the checksum, so that a record is served as what it is or not at all.
    package static func record(
        offset: UInt64,
        batchTime: Int64,
        length: UInt32,
        rest: UnsafeRawBufferPointer
    ) -> UInt32 {
        var seed = (offset.littleEndian, batchTime.littleEndian, length.littleEndian)
        let start = withUnsafeBytes(of: &seed) { platform_crc32c(0, $0.baseAddress, 20) }
        return platform_crc32c(start, rest.baseAddress, rest.count)
    }
}

/// Whether all of `bytes` are zero; true of none.
package func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    return platform_is_zero(start, bytes.count) != 0
}

/// How many whole sectors of `bytes` are all zero.
package func zeroSectors(_ bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var position = 0
    while position + Layout.sector <= bytes.count {
        // Nearly every sector differs from zero in its first word.
        if bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) == 0,
            isZero(UnsafeRawBufferPointer(rebasing: bytes[position..<position + Layout.sector]))
        {
            count += 1
        }
        position += Layout.sector
    }
    return count
}
