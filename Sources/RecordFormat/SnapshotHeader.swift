package import Primitives

/// The first page of a snapshot: what it is of, and what proves that it is whole.
package struct SnapshotHeader: Equatable, Sendable {
    /// Of the log that it was folded from.
    package var engine: UUID128
    /// It holds what all records below make; the first record to be folded on top of it.
    package var next: Offset
    /// When the last of those records was written.
    package var lastTime: Timestamp
    /// How many records were folded.
    package var records: UInt64
    /// Bytes behind the first page.
    package var bodyLength: UInt64
    /// How many of them, the first ones, tell of everything but the state.
    package var workLength: UInt64
    package var bodyChecksum: UInt32

    package init(
        engine: UUID128,
        next: Offset,
        lastTime: Timestamp,
        records: UInt64,
        bodyLength: UInt64 = 0,
        workLength: UInt64 = 0,
        bodyChecksum: UInt32 = 0
    ) {
        self.engine = engine
        self.next = next
        self.lastTime = lastTime
        self.records = records
        self.bodyLength = bodyLength
        self.workLength = workLength
        self.bodyChecksum = bodyChecksum
    }

    private static let mark: StaticString = "iii-snp\n"
    /// What the body is made of; a reader discards a snapshot of another kind, and folds the log.
    /// Raised whenever a view writes itself down in another way, and whenever there is a view more:
    /// what an older engine left out of its snapshot would else be taken for what is not there.
    private static let bodyVersion: UInt32 = 5

    /// Fills the page that `memory` is.
    package func write(to memory: UnsafeMutableRawBufferPointer) {
        Page.write(mark: Self.mark, to: memory) { writer in
            writer.u32(Self.bodyVersion)
            writer.uuid(engine)
            writer.u64(next.rawValue)
            writer.i64(lastTime.nanoseconds)
            writer.u64(records)
            writer.u64(bodyLength)
            writer.u64(workLength)
            writer.u32(bodyChecksum)
        }
    }

    /// Reads a snapshot's first page; nil for anything that this engine cannot use: a snapshot can
    /// always be made again.
    package static func read(_ page: UnsafeRawBufferPointer) -> SnapshotHeader? {
        let reading = Page.read(mark: mark, page) { reader throws(DecodeError) in
            let version = try reader.u32()
            let header = SnapshotHeader(
                engine: try reader.uuid(),
                next: try reader.offset(),
                lastTime: Timestamp(nanoseconds: try reader.i64()),
                records: try reader.u64(),
                bodyLength: try reader.u64(),
                workLength: try reader.u64(),
                bodyChecksum: try reader.u32()
            )
            return (version == bodyVersion ? header : nil, 0)
        }
        guard case .valid(let header) = reading else { return nil }
        return header
    }

    /// Reads the first page of the `size` bytes of `source`; nil where they are no snapshot that
    /// this engine can use, or not all of one.
    package static func read(
        size: Int,
        _ source: SnapshotReader.Source
    ) -> SnapshotHeader? {
        let page = AlignedMemory(capacity: Layout.page)
        guard size >= Layout.page, source(0, page.bytes),
            let header = read(page.prefix(Layout.page)),
            header.bodyLength == UInt64(size - Layout.page),
            header.workLength <= header.bodyLength
        else { return nil }
        return header
    }

    /// Whether `source` begins as a snapshot of another version: no damage, and of no use here.
    package static func isOfAnotherVersion(_ source: SnapshotReader.Source) -> Bool {
        let page = AlignedMemory(capacity: Layout.page)
        guard source(0, page.bytes) else { return false }
        let reading = Page.read(mark: mark, page.prefix(Layout.page)) {
            (reader) throws(DecodeError) in
            (try reader.u32() != bodyVersion, 0)
        }
        return reading == .valid(true)
    }

    /// Whether the body in `source`, whose size was checked, is what was written.
    package func isWhole(_ source: SnapshotReader.Source) -> Bool {
        let block = AlignedMemory(capacity: 1 << 20)
        let size = Layout.page + Int(bodyLength)
        var checksum: UInt32 = 0
        for start in stride(from: Layout.page, to: size, by: block.capacity) {
            let count = min(block.capacity, size - start)
            let part = UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<count])
            guard source(start, part) else { return false }
            checksum = Checksum.crc32c(UnsafeRawBufferPointer(part), from: checksum)
        }
        return checksum == bodyChecksum
    }
}
