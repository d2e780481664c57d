package import Primitives
package import RecordFormat

/// Where in the log an offset is to be looked for: sparse, an entry for the first batch of a
/// segment and for one in every so many bytes of it.
///
/// Memory is 24 bytes for 64 KiB of log, unless it is asked to be denser: 4 MB for 10 GB. From 64
/// GiB on older entries are thinned out, so that it does not grow with all that was ever written.
///
/// Invariant: entries ascend by base, and by place.
package struct OffsetIndex: Equatable, Sendable {
    private var entries: [Entry] = []
    /// At most so many bytes of batches are walked to find one.
    private var spacing = Self.spacing
    /// How far apart older entries of a segment are at least.
    private var distance = Self.spacing
    /// How many entries there may be before they are thinned out.
    private var most = Self.most

    /// At most so many bytes of batches are walked to find one, by default.
    package static let spacing = 64 << 10
    private static let most = 1 << 20

    package init() {}

    /// An index that finds a batch by walking at most `spacing` bytes; a page: by walking none.
    init(spacing: Int, most: Int = Self.most) {
        self.spacing = spacing
        self.most = most
        distance = spacing
    }

    struct Entry: Equatable, Sendable {
        /// The offset of the batch's first record.
        let base: Offset
        let segment: UInt64
        /// Where the batch starts, in bytes.
        let position: Int
    }

    /// A batch that holds records is at `position`; called in the order of the log.
    mutating func note(_ base: Offset, segment: UInt64, position: Int) {
        if let last = entries.last, last.segment == segment,
            position - last.position < spacing
        {
            return
        }
        precondition(entries.last.map { $0.base <= base } ?? true)
        entries.append(Entry(base: base, segment: segment, position: position))
        if entries.count > most { thin() }
    }

    /// Leaves out entries of all but the youngest quarter that are near the one before. What is
    /// looked for among the others is walked to for longer.
    private mutating func thin() {
        // Further apart than any two are.
        distance = min(distance, 1 << 40) * 2
        let young = entries.count * 3 / 4
        var kept: [Entry] = []
        for (place, entry) in entries.enumerated() {
            let isNear = kept.last.map {
                $0.segment == entry.segment && entry.position - $0.position < distance
            }
            if place >= young || isNear != true { kept.append(entry) }
        }
        entries = kept
        // Of segments that have one entry each none goes.
        most = max(most, entries.count * 3 / 2)
    }

    /// The last entry at or before `offset`; nil when the index begins behind it.
    func entry(for offset: Offset) -> Entry? {
        let next = firstIndex { $0.base > offset }
        return next == 0 ? nil : entries[next - 1]
    }

    /// Where the batch with the record at `offset` is to be looked for, in bytes of its segment:
    /// all of it, unless it is the last of its segment and large. Nil when the index begins behind
    /// it.
    func place(of offset: Offset) -> (segment: UInt64, Range<Int>)? {
        let next = firstIndex { $0.base > offset }
        guard next > 0 else { return nil }
        let entry = entries[next - 1]
        let isLast = next == entries.count || entries[next].segment != entry.segment
        let end = isLast ? entry.position + 2 * Self.spacing : entries[next].position
        return (entry.segment, entry.position..<end)
    }

    /// The first entry that `isBehind`, as all after it are.
    private func firstIndex(_ isBehind: (Entry) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(entries[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The batches that it knows of a segment, ascending.
    package func places(in segment: UInt64) -> [(base: Offset, position: Int)] {
        entries.lazy.filter { $0.segment == segment }.map { ($0.base, $0.position) }
    }

    /// Goes on with what a later part of the log says.
    package mutating func append(_ later: OffsetIndex) {
        for entry in later.entries {
            note(entry.base, segment: entry.segment, position: entry.position)
        }
    }

    /// The first record of the last batch that it knows; nil: it knows none.
    package var lastBase: Offset? { entries.last?.base }

    /// Puts `places`, which are all of one segment, where those that are known of it stand: it was
    /// written anew, with other batches.
    mutating func replace(segment: UInt64, by places: OffsetIndex) {
        precondition(places.entries.allSatisfy { $0.segment == segment })
        let low = firstIndex { $0.segment >= segment }
        let high = firstIndex { $0.segment > segment }
        entries.replaceSubrange(low..<high, with: places.entries)
    }

    // MARK: In a snapshot

    package func encode(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(entries.count)) }
        var last = Entry(base: .zero, segment: 0, position: 0)
        for entry in entries {
            writer.write {
                $0.varint(entry.base.rawValue - last.base.rawValue)
                $0.varint(entry.segment - last.segment)
                $0.varint(UInt64(entry.position))
            }
            last = entry
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        var last = Entry(base: .zero, segment: 0, position: 0)
        for _ in 0..<(try reader.varint()) {
            let base = try reader.offset(after: last.base)
            let (segment, overflow) = last.segment.addingReportingOverflow(try reader.varint())
            let position = try reader.varint()
            guard !overflow, position % UInt64(Layout.page) == 0, position < 1 << 40 else {
                throw DecodeError(position: reader.position, expected: "a batch's place")
            }
            last = Entry(base: base, segment: segment, position: Int(position))
            entries.append(last)
        }
    }
}
