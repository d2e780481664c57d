import CommitLog
package import Primitives
package import RecordFormat

/// The bytes of a snapshot whose checksum holds, wherever they are.
package struct SnapshotImage {
    private let header: SnapshotHeader
    private let source: SnapshotReader.Source

    /// Nil when the `size` bytes of `source` are no snapshot, or not one of the log `engine`.
    package init?(size: Int, of engine: UUID128, _ source: @escaping SnapshotReader.Source) {
        let block = AlignedMemory(capacity: 1 << 20)
        let page = UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<Layout.page])
        guard size >= Layout.page, source(0, page),
            let header = SnapshotHeader.read(UnsafeRawBufferPointer(page)),
            header.engine == engine, header.bodyLength == UInt64(size - Layout.page),
            header.workLength <= header.bodyLength
        else { return nil }
        var checksum: UInt32 = 0
        for start in stride(from: Layout.page, to: size, by: block.capacity) {
            let count = min(block.capacity, size - start)
            let part = UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<count])
            guard source(start, part) else { return nil }
            checksum = Checksum.crc32c(UnsafeRawBufferPointer(part), from: checksum)
        }
        guard checksum == header.bodyChecksum else { return nil }
        self.header = header
        self.source = source
    }

    var records: UInt64 { header.records }
    var workLength: Int { Int(header.workLength) }

    func start(_ index: OffsetIndex) -> LogStart {
        let isAhead = Mutant.is(.snapshotAhead) && header.next > .zero
        let next = isAhead ? Offset(header.next.rawValue - 1) : header.next
        return LogStart(next: next, lastTime: header.lastTime, index: index)
    }

    /// All but the state, ``workLength`` bytes.
    func work() throws(DecodeError) -> AlignedMemory {
        let memory = AlignedMemory(capacity: max(1, workLength))
        let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<workLength])
        guard source(Layout.page, bytes) else {
            throw DecodeError(position: 0, expected: "bytes that the device gives")
        }
        return memory
    }

    func state() -> SnapshotReader {
        let begin = Layout.page + workLength
        return SnapshotReader(begin..<Layout.page + Int(header.bodyLength), of: source)
    }
}
