import CommitLog
import Disk
import Events
package import Folding
package import Primitives
package import RecordFormat

/// Writes sealed segments anew, in the background: each once, dense and compressed, and old ones
/// with only the records that the views still need (retention). What takes the place of the others
/// is a gap, so every record keeps its offset, and a log that is folded again makes the same views.
///
/// Segments are dealt with from the oldest on, each replaced in one step by a file that is durable
/// and was read back: whatever a crash leaves, nothing older still has what something younger has
/// forgotten.
package struct Compaction: ~Copyable {
    /// What may go.
    package struct Policy: Equatable, Sendable {
        /// Segments whose last record is older; nil: age is no reason.
        package var age: Timestamp.Span?
        /// The oldest segments, until all are not larger, in bytes; nil: size is no reason.
        package var bytes: Int?
        /// How segments are stored. ``Compression/none`` is no reason to write one anew.
        package var compression: Compression

        package init(age: Timestamp.Span?, bytes: Int?, compression: Compression = .none) {
            self.age = age
            self.bytes = bytes
            self.compression = compression
        }

        package var keepsAll: Bool { age == nil && bytes == nil && compression == .none }
    }

    /// What was done.
    package struct Outcome: Equatable, Sendable {
        /// How often a segment was written anew.
        package var segments = 0
        /// The records that were left out.
        package var records = 0
        /// How much smaller the log became.
        package var bytes = 0
        /// Why not all segments were compressed that should have been; nil: they were.
        package var failure: ToolError?

        package init() {}
    }

    private let files: any Files
    private let source: LogSource
    private var kept: KeptRecords
    private let limit: Offset
    /// Why records are missing already.
    private var missing = MissingRecords.allRemoved(but: [])
    private var outcome = Outcome()

    /// A compaction of the log in the directory of `files`. `views` know what is needed of its
    /// records at an offset not below `limit`; segments that end at or below `limit` may be
    /// rewritten: those that every snapshot in use has folded.
    package init(
        _ files: any Files,
        reading source: LogSource,
        views: any RecordNeeds,
        limit: Offset
    ) {
        self.files = files
        self.source = source
        kept = KeptRecords(views)
        self.limit = limit
    }

    /// A compaction of the log in a directory.
    ///
    /// - Throws: ``ToolError`` where there is no log.
    package init(
        _ files: DirectoryFiles,
        views: any RecordNeeds,
        limit: Offset
    ) throws(ToolError) {
        let source = try LogSource(.directory(files.path))
        self.init(files, reading: source, views: views, limit: limit)
    }

    package consuming func run(_ policy: Policy, now: Timestamp) throws(ToolError) -> Outcome {
        missing = .allRemoved(but: try survey().gaps.map(\.lost))
        do throws(ToolError) {
            if policy.compression != .none { try compress(policy.compression) }
        } catch {
            // Retention does not wait for that: the room that is missing may be what it makes.
            outcome.failure = error
        }
        try retain(policy, now)
        return outcome
    }

    /// Leaves out what age or size let go, up to the first segment that cannot be read.
    private mutating func retain(_ policy: Policy, _ now: Timestamp) throws(ToolError) {
        let segments = try frames()
        var total = segments.reduce(0) { $0 + $1.fileBytes }
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let isOld = policy.age.map { next.header.created.advanced(by: $0) < now } ?? false
            let isExcess = policy.bytes.map { total > $0 } ?? false
            let end = next.header.base
            guard isOld || isExcess, end <= limit else { break }
            var dropped = 0
            var kept = kept
            try visit(segment.header.base..<end) { if !kept.keep($0) { dropped += 1 } }
            self.kept = kept
            guard dropped > 0 else { continue }
            let before = outcome.bytes
            // What is there is compressed, whatever is wanted of segments to come.
            let compression = segment.footer?.compression ?? policy.compression
            try rewrite(segment, end: end, compression, keepsAll: false)
            outcome.records += dropped
            total -= outcome.bytes - before
        }
    }

    /// Writes segments anew that are not dense yet, or not compressed: their footers tell.
    private mutating func compress(_ compression: Compression) throws(ToolError) {
        let segments = try frames()
        for (segment, next) in zip(segments, segments.dropFirst()) {
            guard next.header.base <= limit else { break }
            guard segment.footer?.compression != compression else { continue }
            try rewrite(segment, end: next.header.base, compression, keepsAll: true)
        }
    }

    /// What may be rewritten. Behind it there may be a segment that the engine writes, of which all
    /// would be read.
    private func survey() throws(ToolError) -> LogScan {
        try telling { () throws(LogError) in
            var reader = LogReader(source)
            return try reader.survey(until: limit)
        }
    }

    private func frames() throws(ToolError) -> [SegmentFrame] {
        try telling { () throws(LogError) in
            var reader = LogReader(source)
            return try reader.headers()
        }
    }

    /// Puts another file in the place of a segment, with all of its records or those that are
    /// needed. When it throws, the segment is as it was.
    private mutating func rewrite(
        _ segment: SegmentFrame,
        end: Offset,
        _ compression: Compression,
        keepsAll: Bool
    ) throws(ToolError) {
        let name = "log/\(DataDirectory.segmentName(segment.header.number))"
        let temporary = "\(name).tmp"
        let byteCount: Int
        do throws(ToolError) {
            byteCount = try write(segment.header, end, compression, keepsAll, as: temporary)
            try files.rename(temporary, to: name)
            source.reopen(segment: segment.header.number)
            try files.sync("log")
        } catch {
            // It takes room that may be scarce. What cannot be removed goes at the next start.
            do throws(ToolError) { try files.remove(temporary) } catch {}
            throw error
        }
        outcome.segments += 1
        outcome.bytes += segment.fileBytes - byteCount
    }

    /// - Returns: the bytes of the file, which is on the medium and was read back.
    private func write(
        _ header: SegmentHeader,
        _ end: Offset,
        _ compression: Compression,
        _ keepsAll: Bool,
        as name: String
    ) throws(ToolError) -> Int {
        var writer = try SegmentWriter(
            header.number,
            base: header.base,
            engine: header.engine,
            time: header.created,
            missing: missing,
            compression: compression,
            in: files,
            as: name
        )
        var failure: ToolError?
        var content = Content()
        var kept = kept
        try visit(header.base..<end) { record in
            guard failure == nil, keepsAll || kept.keep(record) else { return }
            do throws(ToolError) {
                try writer.append(record)
                content.add(record)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try writer.skip(to: end)
        let written = try writer.finish()
        var copy = Content()
        let scan = try LogPass(files.segment(name)).verify { copy.add($0) }
        guard scan.damages.isEmpty, scan.next == end, copy == content else {
            throw ToolError(
                .damaged,
                "\(files.path)/\(name) does not hold what was written to it; the segment stays as "
                    + "it was"
            )
        }
        return written.byteCount
    }

    /// Of records, to see that two passes have met the same.
    private struct Content: Equatable {
        private var count = 0
        private var checksum: UInt32 = 0

        mutating func add(_ record: RecordView) {
            count += 1
            var hash = ContentHash()
            hash.add(record.offset.rawValue)
            hash.add(UInt64(bitPattern: record.time.nanoseconds))
            hash.add(record.trace?.high ?? 0)
            hash.add(record.trace?.low ?? 0)
            hash.add(record.cause?.rawValue ?? .max)
            hash.add(record.kind)
            withUnsafeBytes(of: hash.value) { checksum = Checksum.crc32c($0, from: checksum) }
            checksum = Checksum.crc32c(record.payload, from: checksum)
        }
    }

    private func visit(
        _ range: Range<Offset>,
        _ body: (RecordView) -> Void
    ) throws(ToolError) {
        try telling { () throws(LogError) in
            var reader = LogReader(source)
            _ = try reader.read(from: range.lowerBound, until: range.upperBound) { record in
                if record.offset < range.upperBound { body(record) }
            }
        }
    }

    private func telling<Value>(
        _ body: () throws(LogError) -> Value
    ) throws(ToolError) -> Value {
        do throws(LogError) {
            return try body()
        } catch .damaged(let damages) {
            throw ToolError(.damaged, "\(LogError.damaged(damages))")
        } catch {
            throw ToolError(.unreadable, "\(error)")
        }
    }
}

extension KeptRecords {
    /// Whether to keep a record. One of a kind that this version does not know is kept.
    fileprivate mutating func keep(_ record: RecordView) -> Bool {
        guard let event = try? Event(record) else { return true }
        return contains(event, at: record.offset, cause: record.cause)
    }
}
