import CommitLog
import Disk
import JSON
package import Primitives
import RecordFormat

/// Copies a log into another directory, with an engine appending to it or not: a backup, and the
/// way back.
///
/// Records before the end of the last whole batch do not change any more. So the end is looked for
/// first, and then everything below it is copied: all that was acknowledged before the call is
/// there. The copy is read back from the medium and checked in full.
///
/// But an engine puts other files in the place of sealed segments, the oldest first, without what
/// nobody needs any more: perhaps because of what stands behind that end. So a copy counts only
/// where all its files had their places at the same time.
package struct LogCopy: Equatable, Sendable {
    package let target: String
    package let records: Int
    package let segments: Int
    package let byteCount: Int
    /// Half-open.
    package let offsets: Range<Offset>

    /// How often the log is looked at again that looks damaged: it may have changed meanwhile.
    private static let attempts = 3
    /// How often what changed is copied again: each time there is less of it.
    private static let rounds = 20

    /// - Parameters:
    ///   - pass: over the log.
    ///   - target: the directory to be made.
    ///   - isEmpty: whether nothing at all may be in the target; else what an engine, too, lets
    ///     stand beside a log.
    /// - Throws: ``ToolError/Code/damaged`` where the log is, ``ToolError/Code/notEmpty`` where the
    ///   target is not fit.
    package init(_ pass: LogPass, to target: String, isEmpty: Bool) throws(ToolError) {
        var copied = CopiedSegments(pass, in: try TargetDirectory(target, isEmpty: isEmpty))
        var scan = try Self.survey(pass)
        var left = Self.rounds
        while try !copied.take(scan) {
            left -= 1
            guard left > 0 else {
                throw ToolError(
                    .unreadable,
                    "\(pass.path): segments were written anew again and again while they were "
                        + "copied; try again, or stop the engine"
                )
            }
            scan = try Self.survey(pass)
        }
        byteCount = copied.byteCount
        var manifest = Manifest(engine: Salvage.engine(of: scan))
        manifest.oldestSegment = scan.spans.first?.header.number ?? 0
        manifest.active = scan.spans.last?.header.number
        manifest.lastSealed = scan.spans.last(where: \.isSealed)?.header.number
        manifest.durable = scan.next
        manifest.isClean = true
        manifest.quarantine = scan.manifest?.quarantine ?? []
        try copied.finish(manifest)
        let check = try LogPass(.directory(target)).verify { _ in }
        guard check.damages.isEmpty, check.torn == nil, check.next == scan.next else {
            throw Self.damaged(check.damages, in: target)
        }
        self.target = target
        records = check.records
        segments = check.segments
        offsets = check.first..<max(check.first, check.next)
    }

    /// What there is to copy; looks again where the log was shortened meanwhile.
    private static func survey(_ pass: LogPass) throws(ToolError) -> LogScan {
        var left = attempts
        while true {
            left -= 1
            do throws(ToolError) {
                let scan = try pass.survey()
                if scan.damages.isEmpty { return scan }
                guard left > 0 else { throw damaged(scan.damages, in: pass.path) }
            } catch {
                guard left > 0 else { throw error }
            }
        }
    }

    private static func damaged(_ damages: [Damage], in path: String) -> ToolError {
        let lines = damages.map { "\n  \($0)" }.joined()
        return ToolError(
            .damaged,
            "\(path) is damaged and was not copied whole:\(lines)\n`iii-log recover --to` brings "
                + "what is intact into a new directory"
        )
    }

    package func write(to output: Output) {
        let range =
            offsets.isEmpty ? "no record" : "offsets \(offsets.lowerBound)..<\(offsets.upperBound)"
        output.line(
            "\(Text.count(records, "record")) (\(range)), "
                + "\(Text.count(segments, "segment")) of \(byteCount) bytes copied to \(target), "
                + "and checked"
        )
    }

    /// Everything as one JSON object on one line.
    package var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("target")
        json.string(target)
        json.key("records")
        json.integer(records)
        json.key("segments")
        json.integer(segments)
        json.key("bytes")
        json.integer(byteCount)
        json.key("first_offset")
        json.integer(offsets.lowerBound.rawValue)
        json.key("next_offset")
        json.integer(offsets.upperBound.rawValue)
        json.endObject()
        return json.finish().description
    }
}

/// The segments of a copy while it is made. What was copied once stays, as long as the log has the
/// same file in that place.
private struct CopiedSegments: ~Copyable {
    private let pass: LogPass
    private let directory: TargetDirectory
    private let memory = AlignedMemory(capacity: 4 << 20)
    /// By the segment's number.
    private var copies: [UInt64: Copy] = [:]

    private struct Copy {
        /// Which file it is of; nil: one without a header.
        var salt: UInt64?
        /// False for the last one, to which there was written.
        let isWhole: Bool
        var byteCount = 0
    }

    init(_ pass: LogPass, in directory: consuming TargetDirectory) {
        self.pass = pass
        self.directory = directory
    }

    var byteCount: Int { copies.values.reduce(0) { $0 + $1.byteCount } }

    /// Copies what `scan` has met and is not here yet.
    ///
    /// - Returns: whether all that is here had its place in the log at one moment. It had not where
    ///   a file was replaced since `scan` met it, nor for sure where one was since it was copied:
    ///   what is older may have been, too, after `scan` met that.
    mutating func take(_ scan: LogScan) throws(ToolError) -> Bool {
        var isAsOne = true
        for span in scan.spans {
            let number = span.header.number
            let known = copies[number]
            let isKnown = known?.salt == span.header.salt
            if isKnown, known?.isWhole == true { continue }
            let copy = try self.copy(span, isLast: span == scan.spans.last)
            if copy.salt != span.header.salt || (known != nil && !isKnown) { isAsOne = false }
            copies[number] = copy
        }
        return isAsOne
    }

    /// Copies a segment, but for the last one whatever file is there by now.
    private func copy(_ span: LogScan.Span, isLast: Bool) throws(ToolError) -> Copy {
        let number = span.header.number
        // Behind the last whole batch a write may be under way.
        let end = isLast ? span.position : Int.max
        let name = directory.name(number)
        var copy = Copy(isWhole: !isLast)
        try directory.files.create(name)
        while copy.byteCount < end {
            let wanted = min(memory.capacity, end - copy.byteCount)
            let part = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
            let count = try pass.load(segment: number, at: copy.byteCount, into: part)
            if count == 0 { break }
            if copy.byteCount == 0 {
                copy.salt = Self.salt(memory.prefix(count))
                // Its batches end somewhere else.
                if isLast, copy.salt != span.header.salt { return copy }
            }
            try directory.files.write(memory.prefix(count), to: name, at: copy.byteCount)
            copy.byteCount += count
        }
        guard !isLast || copy.byteCount == end else {
            throw ToolError(
                .unreadable,
                "\(pass.path)/log/\(DataDirectory.segmentName(number)): it ended at byte "
                    + "\(copy.byteCount), before byte \(end)"
            )
        }
        // A segment has room for one batch at least.
        let least = 2 * Layout.page
        if copy.byteCount < least {
            memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
            let rest = memory.prefix(least - copy.byteCount)
            try directory.files.write(rest, to: name, at: copy.byteCount)
            copy.byteCount = least
        }
        try directory.files.sync(name)
        return copy
    }

    /// Of the header that a segment begins with.
    private static func salt(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard bytes.count >= Layout.page,
            case .valid(let header) = SegmentHeader.read(
                UnsafeRawBufferPointer(rebasing: bytes[..<Layout.page])
            )
        else { return nil }
        return header.salt
    }

    consuming func finish(_ manifest: Manifest) throws(ToolError) {
        try directory.finish(manifest)
    }
}
