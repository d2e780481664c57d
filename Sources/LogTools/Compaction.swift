import CommitLog
import Disk
package import Folding
package import Primitives
import RecordFormat

/// Writes sealed segments anew, in the background: each once, dense and compressed, and old ones
/// with only the records that the views still need (retention), and those beside them that take no
/// more room than a gap does. A gap takes the place of the others, so every record keeps its
/// offset, and a log that is folded again makes the same views.
///
/// Segments are dealt with from the oldest on, each replaced in one step by a file that is durable
/// and was read back: whatever a crash leaves, nothing older still has what something younger has
/// forgotten. For the same reason retention ends before a segment that cannot be read: what is in
/// it may be read again once it is repaired. One that has lost nothing but its first page is
/// written anew from its batches, and the file that was there is kept in `quarantine/`.
package struct Compaction: ~Copyable {
    private let files: any Files
    private let source: LogSource
    private let views: any RecordNeeds
    private let limit: Offset
    /// Why records are missing already.
    private var missing = MissingRecords.allRemoved(but: [])
    /// What is wrong with segments that are not to be touched therefore, by their numbers.
    private var unsound: [UInt64: Damage] = [:]
    private var outcome = Outcome()
    private var manifest: Manifest?
    /// The segments as they are; nil: not listed since one of them was written anew.
    private var listed: FrameList?

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
        self.views = views
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
        let known = try survey()
        manifest = known.manifest
        missing = .allRemoved(but: known.gaps.map(\.lost))
        for damage in known.damages where !damage.isOfFrame {
            // Every pass over the log stops there.
            if damage.reason == .missingSegment { throw ToolError(.damaged, "\(damage)") }
            unsound[damage.segment] = unsound[damage.segment] ?? damage
        }
        do throws(ToolError) {
            try restore(policy.compression)
            if policy.compression != .none { try compress(policy.compression) }
        } catch {
            // Retention does not wait for that: the room that is missing may be what it makes.
            outcome.failure = outcome.failure ?? error
        }
        try retain(policy, now)
        return outcome
    }

    /// Leaves out what age or size let go, up to the first segment that cannot be read.
    private mutating func retain(_ policy: Policy, _ now: Timestamp) throws(ToolError) {
        let list = try frames()
        let unreadable = list.unreadable.reduce(0) { $0 + $1.fileBytes }
        // What is left of segments without records is no history, and its size no reason.
        var total = list.frames.reduce(unreadable) {
            $0 + ($1.footer?.records == 0 ? 0 : $1.fileBytes)
        }
        var kept = KeptRecords(views, limits: policy.limits)
        for (segment, next) in zip(list.frames, list.frames.dropFirst()) {
            // Nothing tells when a segment was begun that has lost its header.
            let age = next.isHeaderLost ? nil : policy.age
            let isOld = age.map { next.header.created.advanced(by: $0) < now } ?? false
            let isExcess = policy.bytes.map { total > $0 } ?? false
            guard isOld || isExcess, next.header.base <= limit else { break }
            do throws(ToolError) {
                if let other = list.unreadable.first, other.number < next.header.number {
                    throw telling("no batch tells what is in it", of: other.number)
                }
                total -= try thin(segment, next, policy, &kept)
            } catch  where error.isOfSegment {
                outcome.failure = outcome.failure ?? Self.ending(error)
                break
            }
        }
    }

    private static func ending(_ error: ToolError) -> ToolError {
        ToolError(error.code, "retention goes no further than here: \(error.message)")
    }

    /// Leaves out what is not needed of one segment, where that costs less than to leave it in.
    ///
    /// - Returns: how many bytes less it has; all of them where no record is left.
    private mutating func thin(
        _ segment: SegmentFrame,
        _ next: SegmentFrame,
        _ policy: Policy,
        _ kept: inout KeptRecords
    ) throws(ToolError) -> Int {
        if segment.footer?.records == 0, unsound[segment.header.number] == nil { return 0 }
        var thinning = Thinning(of: segment, leastHole: policy.leastHole)
        try visit(segment, until: next) { thinning.add($0, &kept) }
        thinning.end(at: next.header.base, &kept)
        outcome.left += thinning.left
        // One that an engine has written, batch by batch, may be padding for the most part.
        let isSparse = segment.footer == nil && segment.fileBytes > 2 * thinning.denseBytes
        guard !thinning.holes.isEmpty || isSparse else { return 0 }
        let before = outcome.bytes
        // What is there is compressed, whatever is wanted of segments to come.
        let compression = segment.footer?.compression ?? policy.compression
        try rewrite(segment, until: next, compression, without: thinning.holes)
        outcome.records += thinning.dropped
        return thinning.keepsAny ? outcome.bytes - before : segment.fileBytes
    }

    /// Writes segments anew that are not dense yet, or not compressed: their footers tell.
    private mutating func compress(_ compression: Compression) throws(ToolError) {
        try rewriteEach(compression) { $0.footer?.compression != compression }
    }

    /// Writes segments anew whose first page is lost, and with it nothing that their batches do not
    /// tell.
    private mutating func restore(_ compression: Compression) throws(ToolError) {
        try rewriteEach(compression) { $0.isHeaderLost }
    }

    /// One that cannot be read keeps none of the others from it.
    private mutating func rewriteEach(
        _ compression: Compression,
        where isWanted: (SegmentFrame) -> Bool
    ) throws(ToolError) {
        let segments = try frames().frames
        for (segment, next) in zip(segments, segments.dropFirst()) {
            guard next.header.base <= limit else { break }
            guard isWanted(segment) else { continue }
            do throws(ToolError) {
                try rewrite(segment, until: next, compression, without: [])
            } catch  where error.isOfSegment {
                outcome.failure = outcome.failure ?? error
            }
        }
    }

    /// What may be rewritten. Behind it there may be a segment that the engine writes, of which all
    /// would be read.
    private func survey() throws(ToolError) -> LogScan {
        try telling { () throws(LogError) in
            var reader = LogReader(source.salvaging())
            return try reader.survey(until: limit)
        }
    }

    private mutating func frames() throws(ToolError) -> FrameList {
        if let listed { return listed }
        let source = source
        let list = try telling { () throws(LogError) -> FrameList in
            var reader = LogReader(source)
            return try reader.frames()
        }
        listed = list
        return list
    }

    /// Puts another file in the place of a segment, with all of its records but those in `holes`,
    /// which ascend. When it throws, the segment is as it was.
    private mutating func rewrite(
        _ segment: SegmentFrame,
        until next: SegmentFrame,
        _ compression: Compression,
        without holes: [Range<Offset>]
    ) throws(ToolError) {
        let number = segment.header.number
        let name = "log/\(DataDirectory.segmentName(number))"
        let temporary = "\(name).tmp"
        let byteCount: Int
        do throws(ToolError) {
            byteCount = try write(segment, next, compression, holes, as: temporary)
            if segment.isHeaderLost {
                try files.makeQuarantine()
                try files.keepAside(segment: number)
            }
            try files.rename(temporary, to: name)
            listed = nil
            source.reopen(segment: number)
            try files.sync("log")
        } catch {
            // It takes room that may be scarce. What cannot be removed goes at the next start.
            do throws(ToolError) { try files.remove(temporary) } catch {}
            throw error
        }
        outcome.segments += 1
        outcome.bytes += segment.fileBytes - byteCount
        if segment.isHeaderLost { outcome.restored.append(number) }
    }

    /// What a segment's header says. What is not in its batches that of the next one tells: the
    /// log, and a time that is later than when it was begun, and so lets nothing go too early.
    private func header(
        of segment: SegmentFrame,
        before next: SegmentFrame
    ) throws(ToolError) -> SegmentHeader {
        guard segment.isHeaderLost else { return segment.header }
        guard !next.isHeaderLost else {
            throw telling("its header and the next one's are lost", of: segment.header.number)
        }
        var header = segment.header
        header.engine = next.header.engine
        header.created = next.header.created
        return header
    }

    /// - Returns: the bytes of the file, which is on the medium and was read back.
    private func write(
        _ segment: SegmentFrame,
        _ next: SegmentFrame,
        _ compression: Compression,
        _ holes: [Range<Offset>],
        as name: String
    ) throws(ToolError) -> Int {
        let header = try header(of: segment, before: next)
        let end = next.header.base
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
        var place = 0
        try visit(segment, until: next) { record in
            while place < holes.count, holes[place].upperBound <= record.offset { place += 1 }
            let isLeftOut = place < holes.count && holes[place].contains(record.offset)
            guard failure == nil, !isLeftOut else { return }
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

    /// Hands over all records of a segment up to the next one.
    ///
    /// - Throws: where not all that it holds was handed over.
    private func visit(
        _ segment: SegmentFrame,
        until next: SegmentFrame,
        _ body: (RecordView) -> Void
    ) throws(ToolError) {
        let number = segment.header.number
        let (start, end) = (segment.header.base, next.header.base)
        if let damage = unsound[number] { throw ToolError(.damaged, "\(damage)") }
        // Where the one before has an open end, its first batch may be lost with its first page.
        if segment.isHeaderLost, number > 0, let damage = unsound[number - 1] {
            throw ToolError(.damaged, "\(damage)")
        }
        guard number + 1 == next.header.number else {
            throw telling("the one behind it is missing or cannot be read", of: number)
        }
        guard start < end else { return }
        // The others say nothing of it, and to read so much as their headers is a pass.
        let section = source.section(of: [segment.file, next.file], manifest)
        let isHeaderLost = segment.isHeaderLost
        let scan = try telling { () throws(LogError) -> LogScan in
            var reader = LogReader(section)
            return try reader.read(from: start, until: end, needsHeaders: !isHeaderLost) { record in
                if record.offset < end { body(record) }
            }
        }
        guard scan.next == end else {
            throw telling("it ends at offset \(scan.next), the next begins at \(end)", of: number)
        }
    }

    private func telling(_ what: String, of segment: UInt64) -> ToolError {
        let name = DataDirectory.segmentName(segment)
        return ToolError(.damaged, "\(files.path)/log/\(name) stays as it is: \(what)")
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

extension Damage {
    /// Whether it costs no record, and nothing that is not told by batches.
    fileprivate var isOfFrame: Bool {
        isBesideRecords || reason == .segmentHeader && lost.isEmpty && !isOpenEnded
    }
}

extension ToolError {
    /// Whether one segment is what is wrong, and not the room for others.
    fileprivate var isOfSegment: Bool { code == .damaged || code == .unreadable }
}
