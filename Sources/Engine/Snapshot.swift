package import CommitLog
package import Disk
package import Folding
package import Primitives
package import RecordFormat

/// The views at an offset, as the log below it makes them: what a start goes on from, instead of
/// reading every record again.
package struct Snapshot {
    package var views: Views
    /// What the log need not read again.
    package var start: LogStart
    package var records: UInt64

    /// What the views of nothing need to know.
    package struct Settings: Sendable {
        package var maxValueBytes: Int?
        package var cacheBytes: Int

        package init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
            self.maxValueBytes = maxValueBytes
            self.cacheBytes = cacheBytes
        }

        /// For folding alone: nothing is kept that the log has.
        package static let folding = Settings(cacheBytes: 0)
    }

    /// The snapshot of an empty log.
    package init(_ settings: Settings) {
        views = Views(maxValueBytes: settings.maxValueBytes, cacheBytes: settings.cacheBytes)
        start = LogStart()
        records = 0
    }
}

// MARK: Reading

extension Snapshot {
    /// The newest snapshot of the log `engine` that is whole; `skipped` is told of those that are
    /// not. Nil: there is none.
    package static func newest(
        in folder: SnapshotFolder,
        of engine: UUID128,
        _ settings: Settings,
        skipped: (String) -> Void
    ) -> Snapshot? {
        do throws(StorageError) {
            for number in try folder.numbers() {
                let bytes = try folder.read(number)
                defer { bytes.deallocate() }
                if let snapshot = Snapshot(UnsafeRawBufferPointer(bytes), of: engine, settings) {
                    return snapshot
                }
                skipped("snapshot \(number) is damaged or of another log; an older one is used")
            }
        } catch {
            skipped("snapshots cannot be read: \(error)")
        }
        return nil
    }

    /// Reads what ``write(to:of:)`` wrote; nil when it is anything else.
    package init?(_ bytes: UnsafeRawBufferPointer, of engine: UUID128, _ settings: Settings) {
        guard bytes.count >= Layout.page,
            let header = SnapshotHeader.read(
                UnsafeRawBufferPointer(rebasing: bytes[..<Layout.page])
            ),
            header.engine == engine
        else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[Layout.page...])
        guard header.holds(body) else { return nil }
        var reader = ByteReader(body)
        do throws(DecodeError) {
            let index = try OffsetIndex(from: &reader)
            // The log goes on from here: an index that is further belongs to another.
            guard index.lastBase.map({ $0 < header.next }) ?? true else { return nil }
            views = try Views(
                from: &reader,
                maxValueBytes: settings.maxValueBytes,
                cacheBytes: settings.cacheBytes
            )
            let isAhead = Mutant.is(.snapshotAhead) && header.next > .zero
            let next = isAhead ? Offset(header.next.rawValue - 1) : header.next
            start = LogStart(next: next, lastTime: header.lastTime, index: index)
            records = header.records
        } catch {
            return nil
        }
        guard reader.isAtEnd else { return nil }
    }
}

// MARK: Making

extension Snapshot {
    /// Folds the records from where it stands up to the segment that begins at `end`.
    ///
    /// - Throws: what the reader threw: ``LogError/damaged(_:)`` where a record cannot be read.
    package mutating func fold<Source: SegmentSource & ~Copyable>(
        _ reader: inout LogReader<Source>,
        until end: Offset
    ) throws(LogError) {
        var views = views
        self.views = Views()
        let scan = try reader.read(from: start.next, until: end) { record throws(DecodeError) in
            try views.apply(record)
        }
        self.views = views
        records += UInt64(scan.records)
        start.index.append(scan.index)
        start.lastTime = max(start.lastTime, scan.lastTime)
        start.next = max(start.next, scan.next)
    }

    /// Writes it beside the log that it is of.
    ///
    /// - Throws: what the disk threw; what was there before is still there.
    package func write(to folder: SnapshotFolder, of engine: UUID128) throws(StorageError) {
        let file = try folder.create(start.next.rawValue)
        guard let body = encodeBody({ file.append($0) }) else {
            throw file.failure ?? .shortWrite(path: "snapshot", expected: 0, written: 0)
        }
        let page = AlignedMemory(capacity: Layout.page)
        let header = SnapshotHeader(
            engine: engine,
            next: start.next,
            lastTime: start.lastTime,
            records: records,
            bodyLength: UInt64(body.byteCount),
            bodyChecksum: body.checksum
        )
        header.write(to: UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page]))
        try file.finish(head: page.prefix(Layout.page))
        try folder.keep(newest: 2)
    }

    /// Hands the body of the file to `sink`, piece by piece; nil: it did not take everything.
    package func encodeBody(
        _ sink: @escaping SnapshotWriter.Sink
    ) -> (byteCount: Int, checksum: UInt32)? {
        var writer = SnapshotWriter(sink)
        start.index.encode(into: &writer)
        views.encode(into: &writer)
        return writer.finish()
    }
}
