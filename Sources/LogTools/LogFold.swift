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
        var next = Offset.zero
        let scan = try run(pass) { (record) throws(DecodeError) -> Bool in
            if let end, record.offset >= end { return false }
            try apply(record)
            next = record.offset.advanced(by: 1)
            // What comes behind need not be intact.
            return end.map { next < $0 } ?? true
        }
        guard let scan else { return end ?? next }
        if let end, end > scan.next { throw unknown(Offset(end.rawValue - 1), scan.next) }
        return end ?? scan.next
    }

    /// Hands over the records in order, until `visit` returns false or the log ends.
    ///
    /// - Returns: what was found; nil when `visit` stopped the pass.
    /// - Throws: ``ToolError/Code/damaged`` where a record is damaged, or cannot be read.
    static func run(
        _ pass: LogPass,
        _ visit: (RecordView) throws(DecodeError) -> Bool
    ) throws(ToolError) -> LogScan? {
        var fault = PayloadFault()
        let scan = try pass.readAll { record in fault.met(by: record, in: visit) }
        try fault.check()
        return scan
    }

    /// The record at `offset` is to count, and those below `next` are all there are.
    static func unknown(_ offset: Offset, _ next: Offset) -> ToolError {
        ToolError(
            .unknownOffset,
            "there is no record of offset \(offset) yet: the next one will be that of \(next)"
        )
    }
}

/// The record of a pass whose payload is intact, and not what its kind says. Whoever passed it over
/// would tell what was there before it.
struct PayloadFault {
    private var fault: (offset: Offset, error: DecodeError)?

    /// What `visit` says of a record; false, which ends the pass, where it cannot read it.
    mutating func met(
        by record: RecordView,
        in visit: (RecordView) throws(DecodeError) -> Bool
    ) -> Bool {
        do throws(DecodeError) {
            return try visit(record)
        } catch {
            fault = (record.offset, error)
            return false
        }
    }

    /// - Throws: ``ToolError/Code/damaged`` where there was one.
    func check() throws(ToolError) {
        guard let fault else { return }
        throw ToolError(
            .damaged,
            "record \(fault.offset): expected \(fault.error.expected) at byte "
                + "\(fault.error.position) of its payload; `iii-log verify --semantic` tells more"
        )
    }
}
