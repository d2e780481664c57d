import CommitLog
import Disk
import Folding
import Foundation
import LogTools
import Primitives
import RecordFormat
import Testing

/// A sealed segment whose first page is lost is named, and made anew if its batches are there;
/// nothing else waits for it.
@Suite struct LostPageTests {
    private func frames(_ log: StoredLog) throws -> [SegmentFrame] {
        var reader = LogReader(directory: log.path)
        return try reader.frames().frames
    }

    private func run(
        _ log: StoredLog,
        _ views: Views,
        reading source: LogSource? = nil,
        bytes: Int? = 0
    ) throws -> Compaction.Outcome {
        let last = try #require(try frames(log).last).header.base
        let compaction = Compaction(
            DirectoryFiles(path: log.path),
            reading: try source ?? LogSource(.directory(log.path)),
            views: views,
            limit: last
        )
        let policy = Compaction.Policy(age: nil, bytes: bytes, compression: .zstd, leastHole: 0)
        return try compaction.run(policy, now: Story.start)
    }

    private func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }

    // MARK: Retention and compression

    @Test(
        "a segment without its first page is made anew and kept aside, and retention goes on",
        arguments: [Wound.segmentHeader, .emptyHeader]
    )
    func restored(wound: Wound) throws {
        let log = try Wound.log()
        let before = try log.records()
        let views = try fold(log)
        let created = try frames(log)[3].header.created
        try wound.strike(log)
        let struck = try bytes(log.segmentPaths[2])
        let outcome = try run(log, views)
        #expect(outcome.failure == nil)
        #expect(outcome.restored == [2])
        #expect(outcome.records > 50)
        let verification = try Verification(log.pass, depth: .full)
        #expect(verification.verdict == .sound)
        #expect(verification.gaps.isEmpty)
        #expect(verification.removed == outcome.records)
        let left = try log.records()
        #expect(left == before.filter { left[$0.key] != nil })
        #expect(left.count == before.count - outcome.records)
        let name = DataDirectory.segmentName(2)
        #expect(try bytes("\(log.path)/quarantine/\(name)") == struck)
        let frame = try frames(log)[2]
        #expect(!frame.isHeaderLost)
        // Later than it was: nothing goes too early.
        #expect(frame.header.created == created)
        #expect(try run(log, views) == Compaction.Outcome())
    }

    @Test("the same where the device does not give the page")
    func refused() throws {
        let log = try Wound.log()
        let before = try log.records()
        let views = try fold(log)
        let source = RefusingSource(log.path, segment: 1, page: 0)
        let outcome = try run(log, views, reading: LogSource(source), bytes: nil)
        #expect(outcome.failure == nil)
        #expect(outcome.restored == [1])
        #expect(try frames(log).dropLast().allSatisfy { $0.footer?.compression == .zstd })
        #expect(try log.records() == before)
    }

    @Test("behind one that cannot be read all is compressed, and nothing forgotten")
    func unreadable() throws {
        let log = try Wound.log()
        let views = try fold(log)
        try Wound.wholeSegment.strike(log)
        let before = try log.records()
        let struck = try bytes(log.segmentPaths[1])
        let outcome = try run(log, views)
        let failure = try #require(outcome.failure)
        #expect(failure.code == .damaged)
        #expect(outcome.records == 0, "what is in it may be read again")
        #expect(outcome.restored == [])
        let behind = try frames(log).filter { $0.header.number > 1 }.dropLast()
        #expect(behind.count > 1)
        #expect(behind.allSatisfy { $0.footer?.compression == .zstd })
        #expect(try log.records() == before)
        #expect(try bytes(log.segmentPaths[1]) == struck)
        // Without compression it is retention that says where it ends.
        let last = try #require(try frames(log).last).header.base
        let second = try Compaction(DirectoryFiles(path: log.path), views: views, limit: last)
        let policy = Compaction.Policy(age: nil, bytes: 0, leastHole: 0)
        let message = try second.run(policy, now: Story.start).failure?.message ?? ""
        #expect(message.hasPrefix("retention goes no further"))
        #expect(message.contains("\(log.path)/log/\(DataDirectory.segmentName(1))"))
    }

    @Test("a segment that lacks more than its first page is not taken for a whole one")
    func lacking() throws {
        let log = try Wound.log()
        let views = try fold(log)
        try Wound.segmentHeader.strike(log)
        // The header of its first batch: nothing tells any more where the segment began.
        try log.change(segment: 2) { $0[4096 + 30] ^= 1 }
        let before = try log.records()
        let struck = try bytes(log.segmentPaths[2])
        let outcome = try run(log, views)
        #expect(outcome.failure?.code == .damaged)
        #expect(outcome.restored == [])
        #expect(try bytes(log.segmentPaths[2]) == struck)
        // What is lost stays told apart from what was removed.
        let lost = try Verification(log.pass, depth: .full)
        #expect(lost.verdict == .damaged)
        #expect(lost.removed == outcome.records)
        #expect(lost.records == before.count - outcome.records)
    }

    // MARK: Looking after all segments

    private func duties(_ care: SegmentCare) throws -> [SegmentCare.Duty] {
        try care.duties(since: Story.start, now: StoredLog.now)
    }

    /// Attends to all that is due: what is named of which segments.
    private func attend(_ care: SegmentCare) throws -> [UInt64: [Damage.Reason]] {
        var named: [UInt64: [Damage.Reason]] = [:]
        for duty in try duties(care) {
            if case .damaged(let damages) = try care.attend(to: duty, now: StoredLog.now) {
                named[duty.header.number] = damages.map(\.reason)
            }
        }
        return named
    }

    @Test(
        "a lost first page is named, and all other segments are looked after",
        arguments: [Wound.segmentHeader, .emptyHeader, .wholeSegment, .wholeOldest]
    )
    func named(wound: Wound) throws {
        let log = try Wound.log()
        let sealed = try frames(log).map(\.header.number).dropLast()
        let struck: UInt64 =
            switch wound {
            case .wholeOldest: 0
            case .wholeSegment: 1
            default: 2
            }
        try wound.strike(log)
        #expect(try attend(log.care) == [struck: [.segmentHeader]])
        #expect(try log.folder.numbers() == sealed.filter { $0 != struck })
        // It is due again, and nothing else is.
        #expect(try duties(log.care).map(\.header.number) == [struck])
    }

    @Test("the same where the device does not give the page")
    func refusedPage() throws {
        let log = try Wound.log()
        let sealed = try frames(log).map(\.header.number).dropLast()
        let source = RefusingSource(log.path, segment: 1, page: 0)
        let care = SegmentCare(LogPass(source), log.folder)
        #expect(try attend(care) == [1: [.segmentHeader]])
        #expect(try log.folder.numbers() == sealed.filter { $0 != 1 })
    }

    @Test("a page that is lost behind an index is known at the next look, and the index stays")
    func indexed() throws {
        let log = try Wound.log()
        try log.index()
        let numbers = try log.folder.numbers()
        #expect(try duties(log.care) == [])
        try Wound.segmentHeader.strike(log)
        #expect(try duties(log.care).map(\.header.number) == [2])
        #expect(try log.folder.numbers() == numbers)
    }

    @Test("a segment whose first page the device does not give is in the list of all")
    func listed() throws {
        let log = try Wound.log()
        var states = try SegmentList(log.pass).segments.map(\.state)
        states[1] = .unreadable
        let source = RefusingSource(log.path, segment: 1, page: 0)
        #expect(try SegmentList(LogPass(source)).segments.map(\.state) == states)
    }

    @Test("what an unreadable segment costs is told up to the last of its records")
    func cost() throws {
        let log = try Wound.log()
        let bases = try frames(log).map(\.header.base)
        try Wound.wholeSegment.strike(log)
        let duty = try #require(try duties(log.care).first { $0.header.number == 1 })
        guard case .damaged(let damages) = try log.care.attend(to: duty, now: StoredLog.now) else {
            Issue.record("the damage was not seen")
            return
        }
        #expect(damages.map(\.lost) == [bases[1]..<bases[2]])
    }
}
