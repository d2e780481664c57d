import CommitLog
import Events
package import Folding
package import Primitives
import RecordFormat

/// What keeps a segment on the disk: the records in it that views need, and the history that
/// retention has not let go.
package struct WhyKept: Equatable, Sendable {
    package let segment: UInt64
    package let offsets: Range<Offset>
    /// Bytes of the file.
    package let byteCount: Int
    /// Whether it is the one that takes batches.
    package let isActive: Bool
    package private(set) var records = 0
    /// How many records are needed, and why.
    package private(set) var needs: [Need: Int] = [:]
    /// The offsets up to which the snapshots were folded, the newest first.
    package let snapshots: [Offset]

    /// Folds the whole log, and then looks at every record of one segment.
    ///
    /// - Throws: ``ToolError`` with ``ToolError/Code/unknownSegment``, or where a record is
    ///   damaged.
    package init(_ pass: LogPass, segment number: UInt64) throws(ToolError) {
        let pages = try pass.segments()
        var headers: [SegmentHeader] = []
        for page in pages {
            if case .valid(let header) = page.reading { headers.append(header) }
        }
        guard let place = headers.firstIndex(where: { $0.number == number }) else {
            throw ToolError(
                .unknownSegment,
                "no segment \(number) with records is in this log; `iii-log ls` lists what there is"
            )
        }
        let (views, end) = try LogDigest.fold(pass)
        let isLast = place + 1 == headers.count
        segment = number
        isActive = isLast
        offsets = headers[place].base..<(isLast ? end : headers[place + 1].base)
        byteCount = pages.first { $0.number == number }?.byteCount ?? 0
        snapshots = try pass.snapshotEnds()
        var records = 0
        var needs: [Need: Int] = [:]
        _ = try pass.readAll(from: offsets.lowerBound, until: isLast ? .max : offsets.upperBound) {
            record in
            records += 1
            if let need = views.need(of: record) { needs[need, default: 0] += 1 }
            return true
        }
        self.records = records
        self.needs = needs
    }

    /// Records that some view needs: retention leaves them.
    package var needed: Int { needs.values.reduce(0, +) }

    /// Records that only history is made of.
    package var history: Int { records - needed }

    /// Whether retention may write it anew.
    package var isFolded: Bool {
        !isActive && Self.isFolded(offsets.upperBound, into: snapshots)
    }

    /// Whether retention may write a sealed segment anew that ends before `end`: it does so only
    /// where every snapshot has been folded from what is in it, and there are two.
    static func isFolded(_ end: Offset, into snapshots: [Offset]) -> Bool {
        snapshots.count > 1 && snapshots.allSatisfy { end <= $0 }
    }
}
