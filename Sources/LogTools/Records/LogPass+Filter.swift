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
    /// - Returns: the damages that it came by.
    func read(
        _ filter: RecordFilter,
        _ visit: (RecordView, _ isWanted: Bool) -> Void
    ) throws(ToolError) -> [String] {
        let start = try start(of: filter)
        let scan = try read(from: start) { record in
            let verdict = filter.judge(record)
            guard verdict != .behind else { return false }
            visit(record, verdict == .shown)
            return true
        }
        return scan?.damages.map(\.description) ?? []
    }
}
