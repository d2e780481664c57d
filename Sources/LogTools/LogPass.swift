package import CommitLog
package import Disk
import Glibc
package import Primitives
package import RecordFormat

/// Passes over the records of a log, oldest first. A damage does not end a pass: what is intact
/// behind it is read as well, and the damage is told at the end.
package struct LogPass {
    private(set) var source: LogSource
    /// The indexes of its segments; nil where they are kept somewhere else than in a directory.
    let indexes: IndexFolder?
    /// The snapshots beside it; nil as above.
    let snapshots: SnapshotFolder?
    /// Who hands out its files; nil: they are here.
    private let distant: DistantLog?
    /// Whether it is over files that were named one by one.
    private let isOfFiles: Bool
    /// Called with every read; nil: nobody wants to know.
    private(set) var progress: ((ReadProgress) -> Void)?

    package init(_ location: LogLocation) throws(ToolError) {
        source = try LogSource(location)
        switch location {
        case .directory(let path):
            indexes = IndexFolder(dataDirectory: path)
            snapshots = SnapshotFolder(dataDirectory: path)
            distant = nil
            isOfFiles = false
        case .files:
            indexes = nil
            snapshots = nil
            distant = nil
            isOfFiles = true
        case .distant(let log):
            indexes = nil
            snapshots = nil
            distant = log
            isOfFiles = false
        }
    }

    /// Passes over segments that are kept somewhere else than in files.
    package init(_ source: any SegmentSource, indexes: IndexFolder? = nil) {
        self.source = LogSource(source)
        self.indexes = indexes
        snapshots = nil
        distant = nil
        isOfFiles = false
    }

    /// Where the log is, for messages.
    var path: String { source.path }

    /// A command of `iii-log` on this log, for messages: `verb`, with its options.
    func command(_ verb: String) -> String {
        if isOfFiles { return "iii-log \(verb) --file SEGMENT ..." }
        guard let distant else { return ToolCommand.text(verb, on: path) }
        return "iii-log --engine \(distant.path) \(verb)"
    }

    /// Has `progress` called with every read from now on, of whatever is made of this pass, too.
    package mutating func report(
        to progress: @escaping (ReadProgress) -> Void
    ) throws(ToolError) {
        self.progress = progress
        let meter = ReadMeter(try files(), tell: progress)
        source = source.metered(meter)
    }

    /// What stops a pass: never seen outside.
    static let stop = DecodeError(position: 0, expected: "")

    /// Hands over records until `visit` returns false or the log ends. With an index, nothing of
    /// what lies before `start` is read.
    ///
    /// - Parameters:
    ///   - start: the first record to hand over.
    ///   - entrance: where in its segment to begin, from whoever knows; nil: its index is asked.
    ///   - visit: gets views that are valid during the call.
    /// - Returns: what was found; nil when `visit` stopped the pass.
    /// - Throws: ``ToolError`` when the files cannot be read.
    @discardableResult
    package func read(
        from start: Offset = .zero,
        through entrance: ScanStart? = nil,
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) -> LogScan? {
        var damages: [Damage] = []
        return try read(from: start, through: entrance, meeting: &damages, visit)
    }

    /// The same; `damages` gets what is damaged of a log in which a damage was met, also where
    /// `visit` stopped the pass behind it.
    func read(
        from start: Offset,
        through entrance: ScanStart? = nil,
        meeting damages: inout [Damage],
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) -> LogScan? {
        var reader = LogReader(source)
        var next = start
        var isStopped = false
        func take(_ record: RecordView) throws(DecodeError) {
            guard record.offset >= next else { return }
            next = record.offset.advanced(by: 1)
            guard visit(record) else {
                isStopped = true
                throw Self.stop
            }
        }
        do throws(LogError) {
            let reach = try reach()
            do throws(LogError) {
                return try reader.read(
                    from: start,
                    reaching: reach,
                    through: entrance ?? self.entrance(to: start),
                    take
                )
            } catch .damaged(let met) {
                damages = met
                let scan = try reader.verify(reaching: reach, take)
                damages = scan.damages
                return scan
            }
        } catch {
            if isStopped { return nil }
            throw Self.converted(error)
        }
    }

    private func entrance(to start: Offset) -> ScanStart? {
        guard start > .zero, let index = try? LogIndex(self) else { return nil }
        return index.entrance(to: start)
    }

    /// Hands over the records of the segments from that which begins at `start` up to that which
    /// begins at `end`, until `visit` returns false, for whoever needs them all.
    ///
    /// - Returns: what was found; nil when `visit` stopped the pass.
    /// - Throws: ``ToolError/Code/damaged`` behind the last record before the first damage.
    func readAll(
        from start: Offset = .zero,
        until end: Offset = .max,
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) -> LogScan? {
        var reader = LogReader(source)
        var isStopped = false
        do throws(LogError) {
            return try reader.read(from: start, until: end) { (record) throws(DecodeError) in
                guard !visit(record) else { return }
                isStopped = true
                throw Self.stop
            }
        } catch {
            if isStopped { return nil }
            if case .damaged = error { throw ToolError(.damaged, error.description) }
            throw Self.converted(error)
        }
    }

    /// Checks every checksum and hands over every intact record, up to the segment that begins at
    /// `end`. What the medium does not give is one more damage.
    package func verify(
        until end: Offset = .max,
        _ visit: (RecordView) -> Void
    ) throws(ToolError) -> LogScan {
        var reader = LogReader(source.readingAhead().salvaging())
        do throws(LogError) {
            return try reader.verify(until: end, reaching: reach()) { visit($0) }
        } catch {
            throw Self.converted(error)
        }
    }

    /// Checks structure only, up to the segment that begins at `end`: headers, and the bodies of
    /// the last segment.
    package func survey(until end: Offset = .max) throws(ToolError) -> LogScan {
        var reader = LogReader(source.salvaging())
        do throws(LogError) {
            return try reader.survey(until: end, reaching: reach())
        } catch {
            throw Self.converted(error)
        }
    }

    /// How far its snapshots say that the log goes. To be asked before the log is read: an engine
    /// may make another one meanwhile.
    private func reach() throws(LogError) -> Offset {
        guard let snapshots else { return .zero }
        return snapshots.reach(of: try identity())
    }

    /// The identity of the engine whose log it is; nil: nothing tells.
    private func identity() throws(LogError) -> UUID128? {
        var reader = LogReader(source)
        return try reader.identity()
    }

    /// The segments there are, ascending by number.
    func files() throws(ToolError) -> [SegmentFile] {
        do throws(StorageError) {
            return try source.segments()
        } catch {
            throw ToolError(.unreadable, error.description)
        }
    }

    /// Says that nothing is left of MANIFEST, which was there before the first segment; nil where
    /// it is there.
    func lostManifest(_ scan: LogScan) -> String? {
        guard isWholeLog, scan.manifest == nil, scan.segments > 0 else { return nil }
        return "MANIFEST is missing, or damaged in both of its places; no record is lost by it, "
            + "but it says where the log ends, and records at the end may be missing that nothing "
            + "else tells of. The next start of the engine makes it anew from the segments"
    }

    /// The snapshots that cannot be used, with what becomes of that; whether every byte of them is
    /// looked at or their first pages only.
    func unusableSnapshots(readingAll: Bool) throws(ToolError) -> [String] {
        guard let snapshots else { return [] }
        let engine: UUID128?
        do throws(LogError) { engine = try identity() } catch { throw Self.converted(error) }
        var found: [String] = []
        do throws(StorageError) {
            for number in try snapshots.numbers() {
                var fault: String?
                do throws(StorageError) {
                    let file = try snapshots.open(number)
                    fault = Self.fault(of: file, number, engine, readingAll)
                } catch .system(_, _, let code) where code == ENOENT {
                    // An engine has made others meanwhile.
                    continue
                } catch {
                    fault = "cannot be read"
                }
                guard let fault else { continue }
                found.append(
                    "snap/\(SnapshotFolder.name(number)) \(fault); no record is lost by it: the "
                        + "engine starts from an older one, or from the log alone"
                )
            }
        } catch {
            return ["snap/ cannot be read; no record is lost by it: \(error)"]
        }
        return found
    }

    /// What is wrong with the snapshot `number`, so that a start of the log `engine` goes without
    /// it; nil: nothing, or it is another version's, as it may be after an upgrade.
    private static func fault(
        of file: StoredSnapshot,
        _ number: UInt64,
        _ engine: UUID128?,
        _ readingAll: Bool
    ) -> String? {
        guard let header = SnapshotHeader.read(size: file.size, file.read),
            !readingAll || header.isWhole(file.read)
        else { return SnapshotHeader.isOfAnotherVersion(file.read) ? nil : "is damaged" }
        if let engine, header.engine != engine { return "is of another log" }
        return header.next.rawValue == number ? nil : "has the name of another one"
    }

    /// Whether it is a log, with its snapshots, and not some of one's files.
    var isWholeLog: Bool { snapshots != nil || distant != nil }

    /// The offsets up to which the snapshots were folded, the newest first.
    func snapshotEnds() throws(ToolError) -> [Offset] {
        do throws(StorageError) {
            if let distant { return try distant.snapshotEnds() }
            return try snapshots?.numbers().map { Offset($0) } ?? []
        } catch {
            throw ToolError(.unreadable, error.description)
        }
    }

    /// Bytes of a segment; fewer than asked for at its end.
    func load(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(ToolError) -> Int {
        do throws(StorageError) {
            return try source.read(segment: segment, at: position, into: memory)
        } catch {
            throw ToolError(.unreadable, error.description)
        }
    }

    /// The first pages of all segments, ascending by number; one that the medium does not give is
    /// damaged.
    package func segments() throws(ToolError) -> [SegmentPage] {
        let page = AlignedMemory(capacity: Layout.page)
        let source = source.salvaging()
        do {
            return try source.segments().map { file in
                let count = try source.read(segment: file.number, at: 0, into: page.bytes)
                page.bytes[count...].initializeMemory(as: UInt8.self, repeating: 0)
                let reading = SegmentHeader.read(page.prefix(Layout.page))
                return SegmentPage(number: file.number, byteCount: file.size, reading: reading)
            }
        } catch {
            throw ToolError(.unreadable, "\(error)")
        }
    }

    static func converted(_ error: LogError) -> ToolError {
        if case .refused = error { return ToolError(.foreignDirectory, error.description) }
        return ToolError(.unreadable, error.description)
    }
}

/// A segment, as far as its first page tells.
package struct SegmentPage: Equatable, Sendable {
    package let number: UInt64
    /// Bytes of the file.
    package let byteCount: Int
    package let reading: PageReading<SegmentHeader>
}
