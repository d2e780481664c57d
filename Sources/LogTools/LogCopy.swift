import CommitLog
import Disk
import JSON
package import Primitives
import RecordFormat

/// Copies a log into another directory, with an engine appending to it or not: a backup, and the
/// way back.
///
/// What stands before the end of the last whole batch does not change any more. So the end is
/// looked for first, and then everything below it is copied: all that was acknowledged before the
/// call is there. The copy is read back from the medium and checked in full.
package struct LogCopy: Equatable, Sendable {
    package let target: String
    package let records: Int
    package let segments: Int
    package let byteCount: Int
    /// Half-open.
    package let offsets: Range<Offset>

    /// How often a copy is begun again because a segment was dropped from the log meanwhile.
    private static let attempts = 3

    /// - Parameters:
    ///   - pass: over the log.
    ///   - target: the directory to be made.
    ///   - isEmpty: whether nothing at all may be in the target; else what an engine, too, lets
    ///     stand beside a log.
    /// - Throws: ``ToolError/Code/damaged`` where the log is, ``ToolError/Code/notEmpty`` where the
    ///   target is not fit.
    package init(_ pass: LogPass, to target: String, isEmpty: Bool) throws(ToolError) {
        let directory = try TargetDirectory(target, isEmpty: isEmpty)
        let scan = try Self.survey(pass)
        var copied = 0
        let memory = AlignedMemory(capacity: 4 << 20)
        for span in scan.spans {
            copied += try Self.copy(
                span,
                isLast: span == scan.spans.last,
                pass,
                directory,
                through: memory
            )
        }
        var manifest = Manifest(engine: Salvage.engine(of: scan))
        manifest.oldestSegment = scan.spans.first?.header.number ?? 0
        manifest.active = scan.spans.last?.header.number
        manifest.lastSealed = scan.spans.last(where: \.isSealed)?.header.number
        manifest.durable = scan.next
        manifest.isClean = true
        manifest.quarantine = scan.manifest?.quarantine ?? []
        try directory.finish(manifest)
        let check = try LogPass(.directory(target)).verify { _ in }
        guard check.damages.isEmpty, check.torn == nil, check.next == scan.next else {
            throw Self.damaged(check.damages, in: target)
        }
        self.target = target
        records = check.records
        segments = check.segments
        byteCount = copied
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

    /// - Returns: the bytes of the copy.
    private static func copy(
        _ span: LogScan.Span,
        isLast: Bool,
        _ pass: LogPass,
        _ directory: borrowing TargetDirectory,
        through memory: borrowing AlignedMemory
    ) throws(ToolError) -> Int {
        let number = span.header.number
        // Behind the last whole batch a write may be under way. Any other segment is copied as it
        // is by now: retention may have put another file in its place.
        let end = isLast ? span.position : Int.max
        let name = directory.name(number)
        try directory.files.create(name)
        var position = 0
        while position < end {
            let wanted = min(memory.capacity, end - position)
            let part = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
            let count = try pass.load(segment: number, at: position, into: part)
            if count == 0 { break }
            try directory.files.write(memory.prefix(count), to: name, at: position)
            position += count
        }
        guard !isLast || position == end else {
            throw ToolError(
                .unreadable,
                "\(pass.path)/log/\(DataDirectory.segmentName(number)): it ended at byte "
                    + "\(position), before byte \(end)"
            )
        }
        // A segment has room for one batch at least.
        let least = 2 * Layout.page
        if position < least {
            memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
            try directory.files.write(memory.prefix(least - position), to: name, at: position)
            position = least
        }
        try directory.files.sync(name)
        return position
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
