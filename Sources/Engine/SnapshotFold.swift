package import CommitLog
package import Disk
package import Folding
package import Primitives
package import RecordFormat
import Events
import State
import Stream

/// Makes the next snapshot of the one before and the part of the log behind it. Memory is that of
/// what is to be done and of the keys that this part touches: the other keys pass through.
package struct SnapshotFold: ~Copyable {
    private let previous: SnapshotImage?
    /// The number of the snapshot before; nil: there is none.
    private let base: UInt64?
    private var work: WorkViews
    private var state = StateDelta()
    private var streams = StateDelta()
    private var start: LogStart
    private var records: UInt64

    /// Begins with an empty log.
    package init() {
        previous = nil
        base = nil
        records = 0
        start = LogStart()
        work = WorkViews(cacheBytes: 0)
    }

    /// Begins where `previous` ends.
    ///
    /// - Throws: ``DecodeError`` for what no ``SnapshotFold`` has written.
    package init(on previous: SnapshotImage) throws(DecodeError) {
        let memory = try previous.work()
        var reader = ByteReader(memory.prefix(previous.workLength))
        let index = try OffsetIndex(from: &reader)
        let work = try WorkViews(from: &reader, cacheBytes: 0)
        self.previous = previous
        self.work = work
        start = previous.start(index)
        base = start.next.rawValue
        records = previous.records
    }

    /// The first record that is not folded.
    package var next: Offset { start.next }

    /// Folds the records from where it stands up to the segment that begins at `end`, also of one
    /// that has lost nothing but its first page.
    ///
    /// - Throws: what the reader threw: ``LogError/damaged(_:)`` where a record cannot be read.
    package mutating func fold<Source: SegmentSource & ~Copyable>(
        _ reader: inout LogReader<Source>,
        until end: Offset
    ) throws(LogError) {
        var work = work
        var state = state
        var streams = streams
        self.work = WorkViews(cacheBytes: 0)
        self.state = StateDelta()
        self.streams = StateDelta()
        // It is made of records alone: a segment that has lost its first page stops nothing.
        let scan = try reader.read(from: start.next, until: end, needsHeaders: false) {
            record throws(DecodeError) in
            guard let event = try Event(record) else { return }
            switch event {
            case .state(let event): return state.apply(event, at: record.offset)
            case .stream(let event):
                if let item = event.asItem { streams.apply(item, at: record.offset) }
                return
            default: break
            }
            work.apply(
                event,
                at: record.offset,
                time: record.time,
                trace: record.trace,
                cause: record.cause
            )
        }
        self.work = work
        self.state = state
        self.streams = streams
        records += UInt64(scan.records)
        start.index.append(scan.index)
        start.lastTime = max(start.lastTime, scan.lastTime)
        start.next = max(start.next, scan.next)
    }

    /// Writes the snapshot beside the log that it is of, and removes the others but the one before:
    /// what a start goes on from when it cannot read this one.
    ///
    /// Those that reach further were passed over, perhaps only because no descriptor was left to
    /// open them: they stay until the one that `isLast` has come past them.
    ///
    /// - Returns: which records it needs.
    /// - Throws: what the disk threw; what was there before is still there.
    package consuming func write(
        to folder: SnapshotFolder,
        of engine: UUID128,
        isLast: Bool
    ) throws(StorageError) -> NeededRecords {
        let number = start.next.rawValue
        let base = base
        let file = try folder.create(number)
        guard let (header, needed) = encode(of: engine, to: { file.append($0) }) else {
            throw file.failure ?? .shortWrite(path: "snapshot", expected: 0, written: 0)
        }
        let page = AlignedMemory(capacity: Layout.page)
        header.write(to: UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page]))
        try file.finish(head: page.prefix(Layout.page))
        try folder.keep { $0 == number || $0 == base || $0 > number && !isLast }
        return needed
    }

    /// Hands the body of the file to `sink`, piece by piece, and returns its first page; nil: the
    /// sink did not take everything, or the snapshot before cannot be read any more.
    package consuming func encode(
        of engine: UUID128,
        to sink: @escaping SnapshotWriter.Sink
    ) -> (SnapshotHeader, NeededRecords)? {
        var writer = SnapshotWriter(sink)
        start.index.encode(into: &writer)
        work.encode(into: &writer)
        let workLength = writer.byteCount
        var needed = OffsetSet()
        do throws(DecodeError) {
            var before = previous?.state() ?? Self.noValues
            try state.merge(onto: &before, into: &writer) { needed.insert($0) }
            try streams.merge(onto: &before, into: &writer) { needed.insert($0) }
        } catch {
            return nil
        }
        guard let body = writer.finish() else { return nil }
        let header = SnapshotHeader(
            engine: engine,
            next: start.next,
            lastTime: start.lastTime,
            records: records,
            bodyLength: UInt64(body.byteCount),
            workLength: UInt64(workLength),
            bodyChecksum: body.checksum
        )
        return (header, NeededRecords(work: work, values: needed))
    }

    /// What ``StateDelta`` reads as a state without a key, and as streams without an item.
    private static var noValues: SnapshotReader {
        SnapshotReader(0..<2) { _, memory in
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return true
        }
    }
}
