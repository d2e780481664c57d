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
/// where all its files had their places at the same time. Else what changed is copied again, and
/// the end of the log: less each time, as long as the engine comes to an end.
package struct LogCopy: Equatable, Sendable {
    package let target: String
    package let records: Int
    package let segments: Int
    package let byteCount: Int
    /// Half-open.
    package let offsets: Range<Offset>
    /// That MANIFEST is lost of the log, and what becomes of that; nil: it is there.
    private let lostManifest: String?

    /// How often the log is looked at again that looks damaged: it may have changed meanwhile.
    private static let attempts = 3

    /// - Parameters:
    ///   - pass: over the log.
    ///   - target: the directory to be made.
    ///   - isEmpty: whether nothing at all may be in the target; else what an engine, too, lets
    ///     stand beside a log.
    ///   - needsManifest: whether a log without MANIFEST is refused, as one of which more may be
    ///     lost: no backup was made without.
    /// - Throws: ``ToolError/Code/damaged`` where the log is, ``ToolError/Code/notEmpty`` where the
    ///   target is not fit.
    package init(
        _ pass: LogPass,
        to target: String,
        isEmpty: Bool,
        needsManifest: Bool = false
    ) throws(ToolError) {
        var copied = CopiedSegments(pass, in: try TargetDirectory(target, isEmpty: isEmpty))
        var scan = try Self.survey(pass)
        lostManifest = pass.lostManifest(scan)
        if needsManifest, let lostManifest { throw Self.damaged([lostManifest], pass) }
        var manifest = Manifest(engine: Salvage.engine(of: scan))
        manifest.oldestSegment = scan.spans.first?.header.number ?? 0
        var budget = RetryBudget(end: scan.spans.last.map { $0.header.number + 1 } ?? 0)
        while true {
            if let sealed = scan.spans.last(where: \.isSealed) {
                manifest.lastSealed = sealed.header.number
            }
            guard let changed = try copied.take(scan) else { break }
            guard budget.suffices(for: changed) else { throw Self.unsettled(pass.path) }
            let last = scan.spans.last?.header.number
            scan = try Self.survey(LogListing(pass).section(from: last))
        }
        byteCount = copied.byteCount
        manifest.active = scan.spans.last?.header.number
        manifest.durable = scan.next
        manifest.isClean = true
        manifest.quarantine = scan.manifest?.quarantine ?? []
        try copied.finish(manifest)
        var copy = try LogPass(.directory(target))
        if let progress = pass.progress { try copy.report(to: progress) }
        let check = try copy.verify { _ in }
        guard check.damages.isEmpty, check.torn == nil, check.next == scan.next else {
            try copied.revoke()
            throw try Self.fault(check, of: target, pass)
        }
        // Until now nobody else could take it.
        _ = consume copied
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
                guard left > 0 else { throw damaged(scan.damages, pass) }
            } catch {
                guard left > 0 else { throw error }
            }
        }
    }

    /// Who is to blame for a copy that is not sound: the log itself, where that is damaged in the
    /// same way, or else what the copy was written to.
    private static func fault(
        _ check: LogScan,
        of target: String,
        _ pass: LogPass
    ) throws(ToolError) -> ToolError {
        let known = try pass.verify { _ in }.damages
        let isOfLog = check.damages.contains { known.contains($0) }
        if isOfLog { return damaged(known, pass) }
        let lines = check.damages.map { "\n  \($0)" }.joined()
        return ToolError(
            .damaged,
            "\(target) does not hold what was read from \(pass.path) and written to it, and is no "
                + "copy:\(lines)\nWrite the copy to another disk"
        )
    }

    private static func unsettled(_ path: String) -> ToolError {
        ToolError(
            .unreadable,
            "\(path): segments were written anew again and again while they were copied; try "
                + "again, or stop the engine"
        )
    }

    private static func damaged(_ damages: [Damage], _ pass: LogPass) -> ToolError {
        let advice = Misplacement(of: damages, in: pass.path)?.advice
        return damaged(damages.map(\.description), pass, advice)
    }

    private static func damaged(
        _ damages: [String],
        _ pass: LogPass,
        _ advice: String? = nil
    ) -> ToolError {
        let lines = damages.map { "\n  \($0)" }.joined()
        let command = pass.command("recover --to DIRECTORY")
        let way = advice ?? "`\(command)` brings what is intact into a new directory"
        return ToolError(
            .damaged,
            "\(pass.path) is damaged and was not copied whole:\(lines)\n\(way)"
        )
    }

    package func write(to output: Output, palette: Palette) {
        if let lostManifest { output.line(palette.red("damaged: ") + lostManifest) }
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
        json.key("damages")
        json.beginArray()
        if let lostManifest { json.string(lostManifest) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }
}

/// The segments of a copy while it is made. What was copied once stays, as long as the log has the
/// same file in that place.
private struct CopiedSegments: ~Copyable {
    private let pass: LogPass
    private var directory: TargetDirectory
    private let memory = AlignedMemory(capacity: 4 << 20)
    /// By the segment's number.
    private var copies: [UInt64: Copy] = [:]
    /// The salts that their files had before the end of the log was looked for again.
    private var salts: [UInt64: UInt64] = [:]

    private struct Copy {
        /// Which file it is of.
        var salt: UInt64
        /// False for the last one, to which there was written.
        let isWhole: Bool
        var byteCount = 0
    }

    init(_ pass: LogPass, in directory: consuming TargetDirectory) {
        self.pass = pass
        self.directory = directory
    }

    var byteCount: Int { copies.values.reduce(0) { $0 + $1.byteCount } }

    /// Copies what is not here yet of the files that `scan` has met, and of the older ones.
    ///
    /// - Returns: nil when all that is here had its place in the log at one moment, which is when
    ///   `scan` ended: the files that were there before and are copied since, and those that were
    ///   copied before and are there still. Else the first segment of which that is not sure.
    mutating func take(_ scan: LogScan) throws(ToolError) -> UInt64? {
        var wanted = salts
        for span in scan.spans { wanted[span.header.number] = span.header.salt }
        var copied: Set<UInt64> = []
        var changed: [UInt64] = []
        for (number, salt) in wanted.sorted(by: { $0.key < $1.key }) {
            if let known = copies[number], known.isWhole, known.salt == salt { continue }
            let end = scan.spans.last.flatMap { $0.header.number == number ? $0.position : nil }
            let copy = try self.copy(number, of: salt, upTo: end)
            copies[number] = copy
            copied.insert(number)
            if copy.salt != salt { changed.append(number) }
        }
        if changed.isEmpty, copied.count == copies.count { return nil }
        salts = try pass.salts(of: copies.keys)
        for number in copies.keys.sorted() where !copied.contains(number) {
            guard let salt = salts[number] else { throw headerLost(number) }
            if salt != copies[number]?.salt { changed.append(number) }
        }
        return changed.min()
    }

    /// Copies a segment, whatever file is there by now; but one that is not whole only up to `end`,
    /// if it is the file with that salt. All of it: an engine that was started meanwhile may have
    /// written other batches to where some were that had not become durable.
    private func copy(
        _ number: UInt64,
        of salt: UInt64,
        upTo end: Int?
    ) throws(ToolError) -> Copy {
        let name = directory.name(number)
        pass.source.reopen(segment: number)
        var copy = Copy(salt: salt, isWhole: end == nil)
        try directory.files.create(name)
        while copy.byteCount < end ?? .max {
            let wanted = min(memory.capacity, (end ?? .max) - copy.byteCount)
            let bytes = try part(of: number, at: copy.byteCount, count: wanted)
            if copy.byteCount == 0 {
                guard let found = Self.salt(bytes) else { throw headerLost(number) }
                copy.salt = found
                // Its batches end somewhere else.
                if end != nil, found != salt { return copy }
            }
            if bytes.isEmpty { break }
            try directory.files.write(bytes, to: name, at: copy.byteCount)
            copy.byteCount += bytes.count
        }
        guard copy.byteCount >= end ?? 0 else {
            throw ToolError(
                .unreadable,
                "\(pass.path)/log/\(DataDirectory.segmentName(number)): it ended at byte "
                    + "\(copy.byteCount), before byte \(end ?? 0)"
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

    /// Up to so many bytes of a segment, until the next call; fewer at its end.
    private func part(
        of number: UInt64,
        at position: Int,
        count: Int
    ) throws(ToolError) -> UnsafeRawBufferPointer {
        let part = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<count])
        return memory.prefix(try pass.load(segment: number, at: position, into: part))
    }

    /// It was there when the copy began, and no file that an engine puts in its place lacks one:
    /// trying again does not help.
    private func headerLost(_ number: UInt64) -> ToolError {
        ToolError(
            .damaged,
            "\(pass.path)/log/\(DataDirectory.segmentName(number)): its header was lost while the "
                + "log was copied, and the copy is not whole; `\(pass.command("verify"))` lists "
                + "every damage, `\(pass.command("recover --to DIRECTORY"))` brings what is intact "
                + "into a new directory"
        )
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

    mutating func finish(_ manifest: Manifest) throws(ToolError) {
        try directory.finish(manifest)
    }

    func revoke() throws(ToolError) { try directory.revoke() }
}
