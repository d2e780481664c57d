import CommitLog
import Primitives
import RecordFormat

extension LogPass {
    /// Where to begin: an index tells where the records are that are young enough.
    func start(of filter: RecordFilter) throws(ToolError) -> Offset {
        guard let since = filter.since, let index = try LogIndex(self) else { return filter.from }
        return max(filter.from, index.offset(before: since))
    }

    /// Hands over every record that the pass comes by, up to where `filter` wants none any more,
    /// and whether it wants this one.
    ///
    /// - Returns: the damages among what is wanted.
    func read(
        _ filter: RecordFilter,
        _ visit: (RecordView, _ isWanted: Bool) -> Void
    ) throws(ToolError) -> [String] {
        try read(filter, from: try start(of: filter)) { record in
            let verdict = filter.judge(record)
            guard verdict != .behind else { return false }
            visit(record, verdict == .shown)
            return true
        }
    }

    /// Hands over records from `start` on until `visit` returns false.
    ///
    /// - Returns: the damages among them, as far as `filter` asks for their offsets. Those that are
    ///   older than what is asked for, or younger, are somebody else's.
    func read(
        _ filter: RecordFilter,
        from start: Offset,
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) -> [String] {
        var damages: [Damage] = []
        var next = start
        let scan = try read(from: start, meeting: &damages) { record in
            next = record.offset.advanced(by: 1)
            return visit(record)
        }
        let end = min(scan == nil ? next : .max, filter.to ?? .max)
        return damages.filter { $0.concerns(from: start, before: end) }.map(\.description)
    }
}

extension Damage {
    /// Whether it is about an offset from `start` on and below `end`.
    fileprivate func concerns(from start: Offset, before end: Offset) -> Bool {
        lost.lowerBound < end
            && (lost.lowerBound >= start || lost.upperBound > start || isOpenEnded)
    }
}
