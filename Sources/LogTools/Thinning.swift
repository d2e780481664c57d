import CommitLog
import Events
import Folding
import Primitives
import RecordFormat

/// What to leave out of one segment: the runs of records that nobody needs, but those that take
/// less room than the holes that they would leave.
///
/// A hole costs the page of its gap, and most of another one: the batch before it ends there. So a
/// log of many small values that are needed, and of others between them, would grow.
struct Thinning {
    /// From the first record of a run to the last, ascending.
    private(set) var holes: [Range<Offset>] = []
    /// The records in them.
    private(set) var dropped = 0
    /// The records that nobody needs, and that stay.
    private(set) var left = 0
    /// Whether any record stays.
    private(set) var keepsAny = false
    /// What all records take at most in batches without padding.
    private var bytes = 0

    private let leastHole: Int
    /// Of its records, how much a byte takes as it is stored.
    private let share: Double
    private var next: Offset
    private var run: Run?

    /// Records that nobody needs, with none between them that somebody does.
    private struct Run {
        let first: Offset
        var end: Offset
        var records = 0
        /// At least as many are they once decompressed.
        var bytes = 0
        /// Gaps that are there, before, within and behind it.
        var gaps = 0
        /// What its records began, as long as it may stay.
        var begun: [KeptRecords.Subject] = []
        /// Whether it is left out in any case.
        var goes = false
    }

    init(of segment: SegmentFrame, leastHole: Int) {
        self.leastHole = leastHole
        next = segment.header.base
        if let footer = segment.footer, footer.plainBytes > 0 {
            share = Double(footer.storedBytes) / Double(footer.plainBytes)
        } else {
            share = 1
        }
    }

    /// Bytes of a file with all records of the segment, about, in the largest batches that there
    /// are: each ends with some padding, as does the seal.
    var denseBytes: Int {
        let batches = bytes / SegmentWriter.batchBytes + 2
        return Layout.segmentHeader + bytes + batches * Layout.page + Layout.segmentFooter
    }

    /// Adds the next record that is there.
    mutating func add(_ record: RecordView, _ kept: inout KeptRecords) {
        let gaps = record.offset > next ? 1 : 0
        next = record.offset.advanced(by: 1)
        bytes += Layout.recordOverhead + record.payload.count
        switch kept.judge(record) {
        case .needed:
            run?.gaps += gaps
            endRun(&kept)
            keepsAny = true
        case .spare(let begins):
            extend(record, gaps, begins, goes: false)
        case .over:
            extend(record, gaps, nil, goes: true)
        }
    }

    /// Ends with the segment. Where nobody needs any record of it, none is left.
    mutating func end(at end: Offset, _ kept: inout KeptRecords) {
        if next < end { run?.gaps += 1 }
        if !keepsAny { run?.goes = true }
        endRun(&kept)
    }

    private mutating func extend(
        _ record: RecordView,
        _ gaps: Int,
        _ begins: KeptRecords.Subject?,
        goes: Bool
    ) {
        var run = self.run.take() ?? Run(first: record.offset, end: record.offset)
        run.end = next
        run.records += 1
        run.bytes += Layout.recordHeader + record.payload.count
        run.gaps += gaps
        if goes || isWorthHole(run) {
            run.goes = true
            run.begun = []
        } else if !run.goes, let begins {
            run.begun.append(begins)
        }
        self.run = run
    }

    /// One gap takes the place of those that are there.
    private func isWorthHole(_ run: Run) -> Bool {
        Double(run.bytes) * share + Double(run.gaps * Layout.page) >= Double(leastHole)
    }

    private mutating func endRun(_ kept: inout KeptRecords) {
        guard let run = run.take() else { return }
        if run.goes || isWorthHole(run) {
            holes.append(run.first..<run.end)
            dropped += run.records
        } else {
            for subject in run.begun { kept.leave(subject) }
            left += run.records
            keepsAny = true
        }
    }
}

extension KeptRecords {
    /// What is to become of a record. One of a kind that this version does not know is kept.
    fileprivate mutating func judge(_ record: RecordView) -> Verdict {
        guard let event = try? Event(record) else { return .needed }
        return judge(event, at: record.offset, cause: record.cause)
    }
}
