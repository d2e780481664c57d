package import Primitives

/// The last page of a segment that was written in one go: what it holds, and what proves that it is
/// whole. A segment that an engine has appended to has a page of zeros there.
package struct SegmentFooter: Equatable, Sendable {
    package var number: UInt64
    /// That of the segment: the footer of another one does not pass.
    package var salt: UInt64
    /// The offset behind the last record.
    package var end: Offset
    package var records: UInt64
    /// All of them, gaps and the seal included.
    package var batches: UInt64
    package var gaps: UInt64
    /// Bytes of all bodies as they are stored.
    package var storedBytes: UInt64
    /// Bytes of all bodies once they are decompressed.
    package var plainBytes: UInt64
    /// Of all bytes between header and footer.
    package var hash: FileHash.Value
    /// CRC-32C over the checksums of all bodies, in order.
    package var bodyChecksums: UInt32
    /// How bodies are stored that are worth it.
    package var compression: Compression

    private static let mark: StaticString = "iii-ftr\n"

    /// Fills the page that `memory` is.
    package func write(to memory: UnsafeMutableRawBufferPointer) {
        Page.write(mark: Self.mark, to: memory) { writer in
            writer.u64(number)
            writer.u64(salt)
            writer.u64(end.rawValue)
            writer.u64(records)
            writer.u64(batches)
            writer.u64(gaps)
            writer.u64(storedBytes)
            writer.u64(plainBytes)
            writer.u64(hash.high)
            writer.u64(hash.low)
            writer.u32(bodyChecksums)
            writer.byte(compression.rawValue)
        }
    }

    /// Reads a segment's last page.
    package static func read(_ page: UnsafeRawBufferPointer) -> PageReading<SegmentFooter> {
        Page.read(mark: mark, page) { reader throws(DecodeError) in
            let number = try reader.u64()
            let salt = try reader.u64()
            let end = Offset(try reader.u64())
            let records = try reader.u64()
            let batches = try reader.u64()
            let gaps = try reader.u64()
            let storedBytes = try reader.u64()
            let plainBytes = try reader.u64()
            let high = try reader.u64()
            let hash = FileHash.Value(high: high, low: try reader.u64())
            let bodyChecksums = try reader.u32()
            guard let compression = Compression(rawValue: try reader.byte()) else {
                throw DecodeError(position: reader.position, expected: "a compression")
            }
            let footer = SegmentFooter(
                number: number,
                salt: salt,
                end: end,
                records: records,
                batches: batches,
                gaps: gaps,
                storedBytes: storedBytes,
                plainBytes: plainBytes,
                hash: hash,
                bodyChecksums: bodyChecksums,
                compression: compression
            )
            return (footer, 0)
        }
    }
}

/// Counts and hashes the batches of a segment as they are written, or as they are read back.
package struct SegmentTally: ~Copyable {
    private var records: UInt64 = 0
    private var batches: UInt64 = 0
    private var gaps: UInt64 = 0
    package private(set) var storedBytes: UInt64 = 0
    package private(set) var plainBytes: UInt64 = 0
    private var bodyChecksums: UInt32 = 0
    private var hash = FileHash()
    /// Whether a batch was compressed.
    package private(set) var hasCompressed = false

    package init() {}

    /// Adds the next batch: its header, and all of its bytes with the padding.
    package mutating func add(_ header: BatchHeader, _ batch: UnsafeRawBufferPointer) {
        precondition(batch.count == header.extent)
        records += UInt64(header.recordCount)
        batches += 1
        if header.kind == .gap { gaps += 1 }
        storedBytes += UInt64(header.bodyLength)
        plainBytes += UInt64(header.rawLength)
        if header.compression != .none { hasCompressed = true }
        withUnsafeBytes(of: header.bodyChecksum.littleEndian) {
            bodyChecksums = Checksum.crc32c($0, from: bodyChecksums)
        }
        hash.add(batch)
    }

    /// The footer of a segment whose last record is the one before `end`.
    package func footer(
        number: UInt64,
        salt: UInt64,
        end: Offset,
        compression: Compression
    ) -> SegmentFooter {
        SegmentFooter(
            number: number,
            salt: salt,
            end: end,
            records: records,
            batches: batches,
            gaps: gaps,
            storedBytes: storedBytes,
            plainBytes: plainBytes,
            hash: hash.value,
            bodyChecksums: bodyChecksums,
            compression: compression
        )
    }
}
