import CommitLog
package import Primitives
package import RecordFormat

/// The bytes of a snapshot whose checksum holds, wherever they are.
package struct SnapshotImage {
    private let header: SnapshotHeader
    private let source: SnapshotReader.Source

    /// Nil when the `size` bytes of `source` are no snapshot, or not one of the log `engine`.
    package init?(size: Int, of engine: UUID128, _ source: @escaping SnapshotReader.Source) {
        guard let header = SnapshotHeader.read(size: size, source), header.engine == engine,
            header.isWhole(source)
        else { return nil }
        self.header = header
        self.source = source
    }

    var records: UInt64 { header.records }
    /// The first record that is not folded in it.
    var next: Offset { header.next }
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
