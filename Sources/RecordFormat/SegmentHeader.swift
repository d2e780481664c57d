package import Primitives

/// The first page of a segment that was begun. A segment made ahead has a page of zeros there.
package struct SegmentHeader: Equatable, Sendable {
    package var number: UInt64
    /// The offset of the segment's first record.
    package var base: Offset
    /// Random: batches repeat it, so that bytes of another segment do not pass for this one's.
    package var salt: UInt64
    package var engine: UUID128
    package var created: Timestamp
    /// Not used: a segment may be written anew without the one behind it.
    package var previousFooter: UInt32
    /// Whether batches may be compressed: an engine that does not know how leaves the file alone.
    package var hasCompressed = false
    /// Bytes of the whole file.
    package var size: UInt64

    package init(
        number: UInt64,
        base: Offset,
        salt: UInt64,
        engine: UUID128,
        created: Timestamp,
        size: UInt64
    ) {
        self.number = number
        self.base = base
        self.salt = salt
        self.engine = engine
        self.created = created
        self.size = size
        previousFooter = 0
    }

    private static let mark: StaticString = "iii-seg\n"
    private static let alignment: UInt8 = 12
    /// In bytes: more than any engine makes.
    private static let sizeMax: UInt64 = 1 << 40
    private static let crc32c: UInt8 = 1
    /// The incompatible feature that ``hasCompressed`` is.
    private static let compressed: UInt32 = 1

    /// Fills the page that `memory` is.
    package func write(to memory: UnsafeMutableRawBufferPointer) {
        Page.write(mark: Self.mark, to: memory) { writer in
            writer.u64(number)
            writer.u64(base.rawValue)
            writer.u64(salt)
            writer.uuid(engine)
            writer.i64(created.nanoseconds)
            writer.u32(previousFooter)
            writer.byte(Self.alignment)
            writer.byte(Self.crc32c)
            writer.u16(0)
            writer.u32(hasCompressed ? Self.compressed : 0)
            writer.u32(0)
            writer.u32(0)
            writer.u32(0)
            writer.u64(size)
        }
    }

    /// Reads a segment's first page.
    package static func read(_ page: UnsafeRawBufferPointer) -> PageReading<SegmentHeader> {
        Page.read(mark: mark, page) { reader throws(DecodeError) in
            let number = try reader.ordinal()
            let base = try reader.offset()
            let salt = try reader.u64()
            let engine = try reader.uuid()
            let created = Timestamp(nanoseconds: try reader.i64())
            let previousFooter = try reader.u32()
            let alignment = try reader.byte()
            let checksum = try reader.byte()
            _ = try reader.u16()
            let incompatible = try reader.u32()
            _ = try reader.u32()
            _ = try reader.u32()
            _ = try reader.u32()
            var header = SegmentHeader(
                number: number,
                base: base,
                salt: salt,
                engine: engine,
                created: created,
                size: try reader.u64()
            )
            header.previousFooter = previousFooter
            guard header.size <= Self.sizeMax, header.size % UInt64(Layout.page) == 0 else {
                throw DecodeError(position: reader.position, expected: "whole pages")
            }
            guard alignment == Self.alignment, checksum == Self.crc32c else {
                throw DecodeError(position: reader.position, expected: "4-KiB pages and CRC-32C")
            }
            header.hasCompressed = incompatible & Self.compressed != 0
            return (header, incompatible & ~Self.compressed)
        }
    }
}
