package import Folding
package import Primitives
import RecordFormat

/// What keeps retention from a sealed segment, or from some of the records in it: what
/// ``WhyKept`` says of one segment, in short.
package struct SegmentPins: Equatable, Sendable {
    /// What a start of the engine reads a segment for, whatever is needed of it.
    package enum Start: Equatable, Sendable {
        /// It begins with the older snapshot, of this offset, which has not folded the segment.
        case snapshot(Offset)
        /// There are not yet two snapshots that have.
        case every
    }

    /// How many of its records views need, and why.
    package internal(set) var needs: [Need: Int] = [:]
    /// Nil: no start reads it any more.
    package let start: Start?

    /// Of a segment that ends before `end`, in a log with snapshots of these offsets.
    init(end: Offset, snapshots: [Offset]) {
        if WhyKept.isFolded(end, into: snapshots) {
            start = nil
        } else if snapshots.count > 1, let oldest = snapshots.min() {
            start = .snapshot(oldest)
        } else {
            start = .every
        }
    }

    /// How many records are needed for what, the most first.
    var holders: [(name: String, records: Int)] {
        var counts: [String: Int] = [:]
        for (need, count) in needs { counts[need.holder, default: 0] += count }
        return counts.map { (name: $0.key, records: $0.value) }.sorted {
            ($1.records, $0.name) < ($0.records, $1.name)
        }
    }

    /// As `state 12, queue 3, snapshot 5000`; `nothing` where retention may take all of it.
    package var text: String {
        var parts = holders.map { "\($0.name) \($0.records)" }
        switch start {
        case .snapshot(let offset)?: parts.append("snapshot \(offset)")
        case .every?: parts.append("any start")
        case nil: break
        }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}

/// Which of some segments records belong to, asked about in the order of the log.
struct SegmentPlaces {
    /// Where those begin that were begun, and their places in the list; ascending.
    private let begun: [(base: Offset, place: Int)]
    private var current = 0

    init(_ segments: [SegmentSummary]) {
        begun = segments.enumerated().compactMap { place, segment in
            segment.first.map { (base: $0, place: place) }
        }
    }

    /// The place of the last one that was begun; nil: none was.
    var last: Int? { begun.last?.place }

    /// The place of the segment that has the record of `offset`; nil: none was begun.
    mutating func place(of offset: Offset) -> Int? {
        while current + 1 < begun.count, begun[current + 1].base <= offset { current += 1 }
        return current < begun.count ? begun[current].place : nil
    }
}

extension [SegmentSummary] {
    /// Tells what keeps each sealed segment, as `views` need it at `end`, where the log ends.
    ///
    /// Nothing is told where retention puts a segment in another one's place while this reads it.
    mutating func pin(
        _ pass: LogPass,
        by views: Views,
        at end: Offset
    ) throws(ToolError) {
        let snapshots = try pass.snapshotEnds()
        var pinned = self
        for place in indices where self[place].state == .sealed {
            let next = self[(place + 1)...].lazy.compactMap(\.first).first
            pinned[place].pins = SegmentPins(end: next ?? end, snapshots: snapshots)
        }
        var places = SegmentPlaces(self)
        // Of the one that takes batches nothing is removed, nor of what was begun since.
        let limit: Offset = first(where: { $0.state == .active })?.first ?? end
        do throws(ToolError) {
            _ = try pass.readAll(until: limit) { record in
                if let place = places.place(of: record.offset), let need = views.need(of: record) {
                    pinned[place].pins?.needs[need, default: 0] += 1
                }
                return true
            }
        } catch  where error.code == .damaged {
            return
        }
        self = pinned
    }
}

extension Views {
    /// Why a record is needed that was read; nil: it is not.
    func need(of record: RecordView) -> Need? {
        guard let event = LogRecord(record).event else { return .unknownKind }
        return need(of: event, at: record.offset)
    }
}
