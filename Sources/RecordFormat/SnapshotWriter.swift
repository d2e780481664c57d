/// Takes what a snapshot says, piece by piece, and hands it on in large blocks: memory is bounded
/// by the largest piece.
package struct SnapshotWriter: ~Copyable {
    /// Takes a block; false: it could not, and nothing more is wanted.
    package typealias Sink = (UnsafeRawBufferPointer) -> Bool

    private var memory = AlignedMemory(capacity: 1 << 20)
    private var used = 0
    private let sink: Sink
    private var hasFailed = false
    private var checksum: UInt32 = 0
    private var flushed = 0

    /// Bytes so far.
    package var byteCount: Int { flushed + used }

    package init(_ sink: @escaping Sink) { self.sink = sink }

    /// Appends what `encode` writes; it may be called twice, and must then write the same.
    package mutating func write(_ encode: (inout ByteWriter) -> Void) {
        while true {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[used...])
            var writer = ByteWriter(rest)
            encode(&writer)
            guard writer.overflowed else {
                used += writer.count
                return
            }
            flush()
            memory.grow(to: writer.count, keeping: 0)
        }
    }

    private mutating func flush() {
        let block = memory.prefix(used)
        checksum = Checksum.crc32c(block, from: checksum)
        flushed += used
        used = 0
        if !hasFailed { hasFailed = !sink(block) }
    }

    /// Hands on what is left.
    ///
    /// - Returns: the bytes and their CRC-32C; nil when the sink failed.
    package consuming func finish() -> (byteCount: Int, checksum: UInt32)? {
        flush()
        return hasFailed ? nil : (flushed, checksum)
    }
}
