package import Primitives

/// The 64 bytes before every batch. They lie in one sector, so a crash leaves all of them or none.
package struct BatchHeader: Equatable, Sendable {
    /// What a batch is for.
    package enum Kind: UInt8, Sendable {
        /// Records.
        case data = 0
        /// No record: says how far the log is durable when nothing followed.
        case idle = 1
        /// No record: the last batch of its segment.
        case seal = 2
        /// No record: stands for a loss that somebody accepted.
        case gap = 3
    }

    package static let magic: UInt32 = 0x4269_6969  // "iiiB"

    /// Random for each segment: bytes of another segment do not pass for this one's.
    package var salt: UInt64
    /// Where in its segment the batch starts, in bytes.
    package var position: UInt64
    /// The offset of the first record; of the record to come when there is none.
    package var base: Offset
    /// Every record below was synced when this batch was written.
    package var durable: Offset
    /// Bytes of the body as stored, from the end of the header.
    package var bodyLength: UInt32
    package var recordCount: UInt32
    package var bodyChecksum: UInt32
    /// The low half of the segment's number.
    package var segment: UInt32
    /// The sectors of the padded batch that are all zero by right; 65535 stands for more.
    package var zeroSectors: UInt16
    package var kind: Kind
    /// How the body is stored.
    package var compression: Compression
    /// Bytes of the body once decompressed.
    package var rawLength: UInt32

    package init(
        kind: Kind,
        segment: UInt64,
        salt: UInt64,
        position: UInt64,
        base: Offset,
        durable: Offset
    ) {
        self.kind = kind
        self.segment = UInt32(truncatingIfNeeded: segment)
        self.salt = salt
        self.position = position
        self.base = base
        self.durable = durable
        bodyLength = 0
        recordCount = 0
        bodyChecksum = 0
        zeroSectors = 0
        compression = .none
        rawLength = 0
    }

    /// The offset behind the last record.
    package var end: Offset { base.advanced(by: Int(recordCount)) }

    /// Bytes of the whole batch: header, body and padding.
    package var extent: Int { Layout.padded(Layout.batchHeader + Int(bodyLength)) }

    /// The body as it is stored, in the bytes of the batch.
    package func storedBody(in batch: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let end = Layout.batchHeader + Int(bodyLength)
        precondition(batch.count >= end)
        return UnsafeRawBufferPointer(rebasing: batch[Layout.batchHeader..<end])
    }

    /// Pads the batch whose stored body of `bodyLength` bytes stands in `memory` already, fills in
    /// what follows from it, and writes itself before it.
    mutating func finish(_ memory: UnsafeMutableRawBufferPointer, bodyLength: Int) {
        self.bodyLength = UInt32(bodyLength)
        let end = Layout.batchHeader + bodyLength
        let padding = UnsafeMutableRawBufferPointer(rebasing: memory[end..<extent])
        padding.initializeMemory(as: UInt8.self, repeating: 0)
        bodyChecksum = Checksum.crc32c(storedBody(in: UnsafeRawBufferPointer(memory)))
        // The first sector holds the header and is never zero: counting may begin behind it.
        let rest = UnsafeRawBufferPointer(rebasing: memory[Layout.sector..<extent])
        zeroSectors = UInt16(clamping: RecordFormat.zeroSectors(rest))
        write(to: memory)
    }

    package func write(to memory: UnsafeMutableRawBufferPointer) {
        precondition(memory.count >= Layout.batchHeader)
        var writer = ByteWriter(memory)
        writer.u32(Self.magic)
        writer.u32(0)
        writer.u64(salt)
        writer.u64(position)
        writer.u64(base.rawValue)
        writer.u64(durable.rawValue)
        writer.u32(bodyLength)
        writer.u32(recordCount)
        writer.u32(bodyChecksum)
        writer.u32(segment)
        writer.u16(zeroSectors)
        writer.byte(kind.rawValue)
        writer.byte(compression.rawValue)
        writer.u32(rawLength)
        precondition(writer.count == Layout.batchHeader)
        let covered = UnsafeRawBufferPointer(rebasing: memory[8..<Layout.batchHeader])
        let checksum = Checksum.crc32c(covered).littleEndian
        memory.storeBytes(of: checksum, toByteOffset: 4, as: UInt32.self)
    }

    /// What stands where a header is expected.
    package enum Reading: Equatable, Sendable {
        case header(BatchHeader)
        /// The whole sector is zero: nothing was written here, or the sector is lost.
        case zero
        /// Neither: a header that lies in one sector is never half written.
        case damaged
        /// Checksum and magic hold, but a kind or a compression is none that this engine knows.
        case unknown
    }

    /// Reads the header at the start of `sector`, which is at least one sector long.
    package static func read(_ sector: UnsafeRawBufferPointer) -> Reading {
        precondition(sector.count >= Layout.sector)
        let stored = sector.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        let magic = UInt32(littleEndian: sector.loadUnaligned(as: UInt32.self))
        guard magic == Self.magic else {
            return isZero(UnsafeRawBufferPointer(rebasing: sector[..<Layout.sector]))
                ? .zero : .damaged
        }
        let covered = UnsafeRawBufferPointer(rebasing: sector[8..<Layout.batchHeader])
        guard
            Checksum.crc32c(covered) == UInt32(littleEndian: stored)
                || Mutant.is(.headerUnchecked)
        else { return .damaged }
        var reader = ByteReader(covered)
        do throws(DecodeError) {
            guard let header = try BatchHeader(from: &reader) else { return .unknown }
            return .header(header)
        } catch {
            return .damaged
        }
    }

    private init?(from reader: inout ByteReader) throws(DecodeError) {
        salt = try reader.u64()
        position = try reader.u64()
        base = try reader.offset()
        durable = try reader.offset()
        bodyLength = try reader.u32()
        recordCount = try reader.u32()
        bodyChecksum = try reader.u32()
        segment = try reader.u32()
        zeroSectors = try reader.u16()
        guard let kind = Kind(rawValue: try reader.byte()) else { return nil }
        self.kind = kind
        guard let compression = Compression(rawValue: try reader.byte()) else { return nil }
        self.compression = compression
        rawLength = try reader.u32()
    }
}
