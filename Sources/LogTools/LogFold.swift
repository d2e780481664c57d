import CommitLog
import Primitives
import RecordFormat

/// A pass over the log up to one place in it, for whoever folds its records.
enum LogFold {
    /// Hands over the records below `end`, or all of them, in order.
    ///
    /// - Returns: `end`, or where the log ends.
    /// - Throws: ``ToolError`` where a record is damaged, or the log ends before `end`: a fold with
    ///   holes is the fold of nothing.
    static func run(
        _ pass: LogPass,
        below end: Offset?,
        _ apply: (RecordView) throws(DecodeError) -> Void
    ) throws(ToolError) -> Offset {
        var failure: (Offset, DecodeError)?
        var next = Offset.zero
        func take(_ record: RecordView) -> Bool {
            if let end, record.offset >= end { return false }
            do throws(DecodeError) {
                try apply(record)
            } catch {
                failure = (record.offset, error)
                return false
            }
            next = record.offset.advanced(by: 1)
            // What comes behind need not be intact.
            return end.map { next < $0 } ?? true
        }
        let scan = try pass.readAll(take)
        if let (offset, error) = failure {
            throw ToolError(
                .damaged,
                "record \(offset): expected \(error.expected) at byte \(error.position) of its "
                    + "payload; `iii-log verify --semantic` tells more"
            )
        }
        guard let scan else { return end ?? next }
        if let end, end > scan.next { throw unknown(Offset(end.rawValue - 1), scan.next) }
        return end ?? scan.next
    }

    /// The record at `offset` is to count, and those below `next` are all there are.
    static func unknown(_ offset: Offset, _ next: Offset) -> ToolError {
        ToolError(
            .unknownOffset,
            "there is no record of offset \(offset) yet: the next one will be that of \(next)"
        )
    }
}
