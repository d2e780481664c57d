package import CommitLog
import JSON
package import Primitives
import RecordFormat

/// Brings every intact record of a log into a fresh one, under its own offset: what is lost is
/// named, and a gap stands for it. The log that it is taken from is only read.
package struct Salvage: Equatable, Sendable {
    package let target: String
    package let records: Int
    package let segments: Int
    /// The offset behind the last one that is taken: open ends count as 2^20 offsets.
    package let next: Offset
    package let damages: [Damage]
    /// Offsets that were given up, here or before.
    package let lost: UInt64

    /// Bytes from which on the next segment is begun.
    private static let segmentBytes = 64 << 20
    /// How many offsets may have been given where nothing tells any more.
    static let openEnd = 1 << 20
    /// How often all is taken at the most.
    private static let attempts = 5

    /// - Throws: ``ToolError`` where `target` holds something, or cannot be written.
    package init(_ pass: LogPass, to target: String) throws(ToolError) {
        var scan = try pass.survey()
        var run = Run(try TargetDirectory(target, isEmpty: true))
        var left = Self.attempts
        var removed: Int
        repeat {
            guard left > 0 else { throw Self.unsettled(pass.path) }
            left -= 1
            removed = scan.removed
            try run.begin(scan)
            scan = try pass.verify { run.take($0) }
            if let failure = run.failure { throw failure }
            // What retention removes meanwhile would pass for lost, and what was read before it
            // does not go with what was read behind it.
        } while scan.removed != removed
        let next = Self.end(of: scan)
        try run.skip(to: next)
        records = scan.records
        segments = Int(run.number) + 1
        self.next = next
        damages = scan.damages
        self.target = target
        lost = try run.finish(at: next)
    }

    private static func unsettled(_ path: String) -> ToolError {
        ToolError(
            .unreadable,
            "\(path): retention removed records again and again while they were read; try again, "
                + "or stop the engine"
        )
    }

    /// The offset at which a log goes on of which this is known.
    static func end(of scan: LogScan) -> Offset {
        let seen = scan.damages.map(\.lost.upperBound).reduce(scan.next, max)
        let end = max(seen, scan.mark)
        return scan.damages.contains(where: \.isOpenEnded) ? end.advanced(by: openEnd) : end
    }

    /// The identity of the log that was read; a new one where nothing tells it any more.
    static func engine(of scan: LogScan) -> UUID128 {
        if let engine = scan.manifest?.engine ?? scan.spans.first?.header.engine { return engine }
        var random = SystemEntropy()
        return UUID128(from: &random)
    }

    /// The segments while they are written.
    private struct Run: ~Copyable {
        private var engine = UUID128(high: 0, low: 0)
        private var missing = MissingRecords.allRemoved(but: [])
        private let directory: TargetDirectory
        private var writer: SegmentWriter?
        private var next = Offset.zero
        private var time = Timestamp(nanoseconds: 0)
        private(set) var number: UInt64 = 0
        private(set) var failure: ToolError?
        private var gaps: [Manifest.Quarantine] = []

        init(_ directory: consuming TargetDirectory) { self.directory = directory }

        /// Begins with a log of which `known` tells, in the place of what was taken before.
        mutating func begin(_ known: LogScan) throws(ToolError) {
            engine = Salvage.engine(of: known)
            missing = MissingRecords(known)
            gaps = []
            time = Timestamp(nanoseconds: 0)
            while number > 0 {
                try directory.files.remove(directory.name(number))
                number -= 1
            }
            try begin(at: known.first)
        }

        private mutating func begin(at offset: Offset) throws(ToolError) {
            next = offset
            writer = try SegmentWriter(
                number,
                base: offset,
                engine: engine,
                time: time,
                missing: missing,
                compression: .none,
                in: directory.files,
                as: directory.name(number)
            )
        }

        /// After a failure it takes no more.
        mutating func take(_ record: RecordView) {
            guard failure == nil else { return }
            do throws(ToolError) {
                try skip(to: record.offset)
                if let count = writer?.byteCount, count >= Salvage.segmentBytes { try roll() }
                try writer?.append(record)
                time = record.time
                next = record.offset.advanced(by: 1)
            } catch {
                failure = error
            }
        }

        mutating func skip(to end: Offset) throws(ToolError) {
            guard end > next else { return }
            try writer?.skip(to: end)
            next = end
        }

        private mutating func roll() throws(ToolError) {
            try end()
            number += 1
            try begin(at: next)
        }

        private mutating func end() throws(ToolError) {
            if let writer = writer.take() { gaps += try writer.finish().gaps }
        }

        /// - Returns: how many offsets were given up.
        consuming func finish(at end: Offset) throws(ToolError) -> UInt64 {
            try self.end()
            var manifest = Manifest(engine: engine)
            manifest.lastSealed = number
            manifest.active = number
            manifest.durable = end
            manifest.isClean = true
            manifest.add(gaps)
            let lost = gaps.reduce(0) { sum, gap in
                sum + gap.lost.upperBound.rawValue - gap.lost.lowerBound.rawValue
            }
            try directory.finish(manifest)
            return lost
        }
    }

    package func write(to output: Output, palette: Palette) {
        for damage in damages { output.line(palette.red("damaged: ") + damage.description) }
        output.line(
            "\(Text.count(records, "record")) in \(Text.count(segments, "segment")) of \(target); "
                + (lost == 0
                    ? "no offset is lost" : palette.yellow("\(lost) offsets are given up"))
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
        json.key("next_offset")
        json.integer(next.rawValue)
        json.key("offsets_lost")
        json.integer(lost)
        json.key("damages")
        json.beginArray()
        for damage in damages { json.string(damage.description) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }
}
