import CommitLog
import Disk
import Events
package import Folding
package import Primitives
import RecordFormat

/// Retention: writes old segments anew with only the records that the views still need. What takes
/// the place of the others is a gap, so every record keeps its offset, and a log that is folded
/// again makes the same views.
///
/// Segments are dealt with from the oldest on, each replaced in one step by a file that is durable:
/// whatever a crash leaves, nothing older still has what something younger has forgotten.
package struct Compaction: ~Copyable {
    /// What may go.
    package struct Policy: Equatable, Sendable {
        /// Segments whose last record is older; nil: age is no reason.
        package var age: Timestamp.Span?
        /// The oldest segments, until all are not larger, in bytes; nil: size is no reason.
        package var bytes: Int?

        package init(age: Timestamp.Span?, bytes: Int?) {
            self.age = age
            self.bytes = bytes
        }

        package var keepsAll: Bool { age == nil && bytes == nil }
    }

    /// What was done.
    package struct Outcome: Equatable, Sendable {
        package var segments = 0
        package var records = 0
        package var bytes = 0

        package init() {}
    }

    private let files: any Files
    private let source: LogSource
    private var kept: KeptRecords
    private let limit: Offset
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
        let segments = try telling { () throws(LogError) in
            var reader = LogReader(source)
            return try reader.headers()
        }
        var total = segments.reduce(0) { $0 + $1.fileBytes }
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let isOld = policy.age.map { next.header.created.advanced(by: $0) < now } ?? false
            let isExcess = policy.bytes.map { total > $0 } ?? false
            guard isOld || isExcess, next.header.base <= limit else { break }
            total -= try rewrite(segment.header, end: next.header.base, segment.fileBytes)
        }
        return outcome
    }

    /// Writes a segment anew, unless all of its records are needed.
    ///
    /// - Returns: the bytes that were saved.
    private mutating func rewrite(
        _ header: SegmentHeader,
        end: Offset,
        _ fileBytes: Int
    ) throws(ToolError) -> Int {
        var dropped = 0
        var kept = kept
        try visit(header.base..<end) { if !kept.keep($0) { dropped += 1 } }
        self.kept = kept
        guard dropped > 0 else { return 0 }
        let name = "log/\(DataDirectory.segmentName(header.number))"
        var writer = try SegmentWriter(
            header.number,
            base: header.base,
            engine: header.engine,
            time: header.created,
            missing: .allRemoved,
            in: files,
            as: "\(name).tmp"
        )
        var failure: ToolError?
        try visit(header.base..<end) { record in
            guard failure == nil, kept.keep(record) else { return }
            do throws(ToolError) { try writer.append(record) } catch { failure = error }
        }
        if let failure { throw failure }
        try writer.skip(to: end)
        let bytes = writer.byteCount
        _ = try writer.finish()
        try files.rename("\(name).tmp", to: name)
        try files.sync("log")
        outcome.segments += 1
        outcome.records += dropped
        outcome.bytes += fileBytes - bytes
        return fileBytes - bytes
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
