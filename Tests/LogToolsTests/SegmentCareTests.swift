import CommitLog
import Disk
import Foundation
import LogTools
import Primitives
import RecordFormat
import Testing

/// Sealed segments are read whole now and then, and what is wrong with them is known.
@Suite struct SegmentCareTests {
    private let week = Timestamp.Span.seconds(7 * 86_400)

    private func duties(_ log: StoredLog, at now: Timestamp) throws -> [SegmentCare.Duty] {
        let due = now.advanced(by: .init(nanoseconds: -week.nanoseconds))
        return try log.care.duties(since: due, now: now)
    }

    @Test("a segment is due when it was never read, and a week after it was")
    func due() throws {
        let log = try StoredLog(Story.random(seed: 1, records: 300), records: 3)
        let now = StoredLog.now
        let all = try duties(log, at: now)
        // The last one is not sealed.
        let segments = try log.segmentPaths.count {
            try !Data(contentsOf: url($0)).allSatisfy { $0 == 0 }
        }
        #expect(all.count == segments - 1)
        #expect(all.allSatisfy { $0.needsIndex })
        for duty in all.dropLast() {
            let outcome = try log.care.attend(to: duty, now: now)
            #expect(outcome == .sound)
        }
        #expect(try duties(log, at: now) == [try #require(all.last)])
        let last = try #require(all.last)
        _ = try log.care.attend(to: last, now: now)
        #expect(try duties(log, at: now.advanced(by: .seconds(6 * 86_400))) == [])
        let later = now.advanced(by: .seconds(8 * 86_400))
        let again = try duties(log, at: later)
        #expect(again.map(\.header) == all.map(\.header))
        #expect(again.allSatisfy { !$0.needsIndex })
        let first = try #require(again.first)
        _ = try log.care.attend(to: first, now: later)
        #expect(try duties(log, at: later).count == all.count - 1)
        // A clock that was wrong once does not keep a segment from being read.
        #expect(try duties(log, at: Story.start).count == all.count)
    }

    private func url(_ path: String) -> URL { URL(fileURLWithPath: path) }

    @Test("what the device refuses is named as well")
    func refused() throws {
        let log = try StoredLog(Story.random(seed: 2, records: 300), records: 3)
        let duty = try duties(log, at: StoredLog.now)[1]
        let source = RefusingSource(log.path, segment: 1, page: 3 * 4096)
        let care = SegmentCare(LogPass(source), log.folder)
        guard case .damaged(let damages) = try care.attend(to: duty, now: StoredLog.now) else {
            Issue.record("the damage was not seen")
            return
        }
        #expect(damages.map(\.position) == [3 * 4096])
    }

    @Test("damage is named with its place and its offsets, and no index is made of it")
    func damaged() throws {
        let log = try StoredLog(Story.random(seed: 2, records: 300), records: 3)
        let now = StoredLog.now
        let duty = try duties(log, at: now)[1]
        try log.change(segment: 1) { bytes in bytes[3 * 4096 + 100] ^= 4 }
        guard case .damaged(let damages) = try log.care.attend(to: duty, now: now) else {
            Issue.record("the damage was not seen")
            return
        }
        let damage = try #require(damages.first)
        #expect(damages.count == 1)
        #expect(damage.segment == 1)
        #expect(damage.position == 3 * 4096)
        #expect(damage.lost.lowerBound >= duty.header.base && damage.lost.upperBound <= duty.end)
        #expect(try log.folder.numbers() == [])
        #expect(try duties(log, at: now).contains(duty))
    }

    @Test("damage behind an index is seen in the next reading, whose time stays")
    func rotten() throws {
        let log = try StoredLog(Story.random(seed: 2, records: 300), records: 3)
        try log.index()
        try log.change(segment: 1) { bytes in bytes[3 * 4096 + 100] ^= 4 }
        let later = StoredLog.now.advanced(by: .seconds(8 * 86_400))
        for duty in try duties(log, at: later) {
            let outcome = try log.care.attend(to: duty, now: later)
            #expect((outcome == .sound) == (duty.header.number != 1))
        }
        #expect(try duties(log, at: later).map(\.header.number) == [1])
        #expect(try log.folder.verified(1) == StoredLog.now)
    }

    @Test("indexes of segments that are gone go, and what an interrupted one left")
    func orphans() throws {
        let log = try StoredLog(Story.random(seed: 1, records: 200), records: 3)
        try log.index()
        let numbers = try log.folder.numbers()
        try log.folder.write(99, [1, 2, 3], verified: StoredLog.now)
        let left = "\(log.path)/idx/00000000000000000003.idx.tmp"
        #expect(FileManager.default.createFile(atPath: left, contents: nil))
        #expect(try duties(log, at: StoredLog.now) == [])
        #expect(try log.folder.numbers() == numbers)
        #expect(!FileManager.default.fileExists(atPath: left))
    }
}
