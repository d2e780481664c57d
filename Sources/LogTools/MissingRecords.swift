import CommitLog
import Primitives
import RecordFormat

/// Why records are missing: what retention removed is no loss, and stays told apart from one.
struct MissingRecords: Equatable, Sendable {
    /// Ascending, without overlaps; the rest is lost.
    private let removed: [Range<Offset>]

    /// Whatever is missing was removed, but for what is known to be lost: ascending ranges.
    static func allRemoved(but lost: [Range<Offset>]) -> MissingRecords {
        var removed: [Range<Offset>] = []
        var next = Offset.zero
        for range in lost {
            if next < range.lowerBound { removed.append(next..<range.lowerBound) }
            next = max(next, range.upperBound)
        }
        return MissingRecords(removed: removed + [next..<Offset.max])
    }

    private init(removed: [Range<Offset>]) { self.removed = removed }

    /// What `scan` knows.
    init(_ scan: LogScan) { removed = scan.removedRanges }

    /// Why the record at `start` is missing, and up to where, at the most to `end`, that is so.
    func next(from start: Offset, to end: Offset) -> (GapBody.Reason, Offset) {
        var low = 0
        var high = removed.count
        while low < high {
            let middle = (low + high) / 2
            if removed[middle].upperBound <= start { low = middle + 1 } else { high = middle }
        }
        guard low < removed.count, removed[low].lowerBound < end else { return (.lost, end) }
        let range = removed[low]
        return range.contains(start)
            ? (.removed, min(range.upperBound, end)) : (.lost, range.lowerBound)
    }
}
