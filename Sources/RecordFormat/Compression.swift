import CZstd

/// How the body of a batch is stored.
package enum Compression: UInt8, Sendable {
    /// As it is.
    case none = 0
    /// As one zstd frame (RFC 8878) that states its length.
    case zstd = 1

    /// Bodies of fewer bytes are stored as they are.
    package static let bytesMin = 4096
    /// A compressed body has at most so many hundredths of its bytes, else it is stored as it is.
    package static let share = 88
    /// The most bytes that a body may have once it is decompressed.
    package static let bytesMax = 64 << 20
    /// The fastest of zstd's regular levels: cold records are decompressed at the same speed at
    /// each of them.
    static let level: Int32 = 1
}

/// Compresses closed batches, one at a time.
package struct BatchCompressor: ~Copyable {
    private let context: OpaquePointer
    private var memory = AlignedMemory(capacity: 64 << 10)

    package init() {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("out of memory") }
        self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Compresses the body of a batch, as ``BatchBuilder/close(_:time:)`` returns one.
    ///
    /// - Returns: the same batch, padded, which stays where it is until the next call; nil when
    ///   that saves too little.
    package mutating func compress(
        _ batch: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard case .header(var header) = BatchHeader.read(batch), header.compression == .none
        else { preconditionFailure("no plain batch") }
        let count = Int(header.rawLength)
        precondition(batch.count >= Layout.batchHeader + count)
        guard count >= Compression.bytesMin, count <= Compression.bytesMax else { return nil }
        let limit = count * Compression.share / 100
        memory.grow(to: Layout.batchHeader + limit, keeping: 0)
        // Among its errors is that it needs more room than it may have.
        let length = ZSTD_compressCCtx(
            context,
            memory.bytes.baseAddress?.advanced(by: Layout.batchHeader),
            limit,
            batch.baseAddress?.advanced(by: Layout.batchHeader),
            count,
            Compression.level
        )
        guard ZSTD_isError(length) == 0 else { return nil }
        header.compression = .zstd
        header.finish(memory.bytes, bodyLength: length)
        return memory.prefix(header.extent)
    }
}

/// The one way to the plain bodies of batches, one at a time.
package struct BatchDecompressor: ~Copyable {
    private var context: OpaquePointer?
    private var memory = AlignedMemory(capacity: Layout.page)
    /// The batch whose body `memory` holds.
    private var held: BatchHeader?

    package init() {}

    deinit { ZSTD_freeDCtx(context) }

    /// The body as it was before it was stored: of a plain batch it is a part of `batch`; of a
    /// compressed one it stays where it is until the next call with another batch.
    ///
    /// The checksum of a compressed body is checked first: bits that changed do not get to the
    /// decompressor.
    ///
    /// - Parameters:
    ///   - header: what the batch begins with.
    ///   - batch: the header's bytes and the stored body, with padding or without.
    /// - Returns: `header.rawLength` bytes; nil when the stored ones do not make them.
    package mutating func body(
        of header: BatchHeader,
        in batch: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        let stored = header.storedBody(in: batch)
        switch header.compression {
        case .none: return header.rawLength == header.bodyLength ? stored : nil
        case .zstd: return decompress(header, stored)
        }
    }

    private mutating func decompress(
        _ header: BatchHeader,
        _ stored: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        let count = Int(header.rawLength)
        if header == held { return memory.prefix(count) }
        held = nil
        guard Checksum.crc32c(stored) == header.bodyChecksum, count <= Compression.bytesMax,
            ZSTD_getFrameContentSize(stored.baseAddress, stored.count) == UInt64(count)
        else { return nil }
        if memory.capacity > 64 * Layout.padded(count) { memory.shrink(to: count) }
        memory.grow(to: count, keeping: 0)
        if context == nil { context = ZSTD_createDCtx() }
        let length = ZSTD_decompressDCtx(
            context,
            memory.bytes.baseAddress,
            count,
            stored.baseAddress,
            stored.count
        )
        guard length == count else { return nil }
        held = header
        return memory.prefix(count)
    }
}
