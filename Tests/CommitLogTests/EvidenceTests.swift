import CommitLog
import Disk
import Primitives
import RecordFormat
import SimulationKit
import Testing

/// What a log has lost where no byte of it shows anything, and where its neighbours tell what.
@Suite("Evidence of a loss")
struct EvidenceTests {
    private let options = LogOptions(segmentBytes: 5 * 4096, firstSegmentBytes: 5 * 4096)

    /// Some segments, and what is in their first pages.
    private func sample() throws -> (disk: SimulatedDisk, frames: [SegmentFrame]) {
        let disk = SimulatedDisk(seed: 4)
        let batches: [[[UInt8]]] = (0..<9).map { batch in
            (0..<3).map { [UInt8](repeating: UInt8(1 + batch), count: 40 + $0) }
        }
        try fill(disk, batches, options: options, marks: true)
        disk.kill()
        var reader = LogReader(SimulatedStorage(disk))
        let list = try reader.frames()
        try #require(list.frames.count > 3)
        #expect(list.unreadable.isEmpty, "one that was made ahead is none")
        return (disk, list.frames)
    }

    private func open(
        _ disk: SimulatedDisk,
        _ known: LogStart
    ) throws(LogError) -> CommitLog<SimulatedStorage> {
        var entropy = SeededEntropy(seed: 5)
        return try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: options,
            entropy: &entropy,
            now: Timestamp(seconds: 1),
            known: known,
            replay: { _ in }
        )
    }

    private func loseManifest(_ disk: SimulatedDisk) {
        disk.manifest?.cache = [UInt8](repeating: 0, count: 8192)
        disk.manifest?.sync()
    }

    @Test(
        "a log that ends before a snapshot of it is damaged, and the snapshot is named",
        arguments: [true, false]
    )
    func snapshotAhead(isSegmentGone: Bool) throws {
        let (disk, frames) = try sample()
        loseManifest(disk)
        let last = try #require(frames.last).header
        if isSegmentGone {
            for number in disk.files.keys.sorted() where number >= last.number {
                disk.files[number] = nil
            }
        } else {
            disk.edit(last.number) { bytes in
                for index in 4096..<bytes.count { bytes[index] = 0 }
            }
        }
        #expect(try verify(disk).scan.damages.isEmpty)
        let reach = last.base.advanced(by: 2)
        var reader = LogReader(SimulatedStorage(disk))
        let damages = try reader.verify(reaching: reach).damages
        #expect(damages.map(\.reason) == [.snapshotAhead])
        let damage = try #require(damages.first)
        #expect(damage.lost == last.base..<reach)
        #expect(damage.isOpenEnded, "it went on behind the snapshot")
        #expect(damage.description.contains("snap/\(SnapshotFolder.name(reach.rawValue))"))
        var known = LogStart()
        known.reach = reach
        #expect(throws: LogError.damaged(damages)) { _ = try open(disk, known) }
    }

    @Test("where MANIFEST is lost a segment tells whose log it is")
    func identity() throws {
        let (disk, frames) = try sample()
        loseManifest(disk)
        disk.edit(0) { $0[40] ^= 1 }
        var reader = LogReader(SimulatedStorage(disk))
        let engine = try reader.identity()
        #expect(engine == frames[0].header.engine)
    }

    @Test("a segment that is missing below what is read costs what it costs whoever reads all")
    func missingBelow() throws {
        let (disk, frames) = try sample()
        disk.files[1] = nil
        var reader = LogReader(SimulatedStorage(disk))
        let damages = try reader.verify().damages
        let lost = frames[1].header.base..<frames[2].header.base
        #expect(damages == [Damage(.missingSegment, segment: 1, position: 0, lost: lost)])
        let known = LogStart(
            next: frames[3].header.base,
            lastTime: Timestamp(seconds: 1),
            index: OffsetIndex()
        )
        #expect(throws: LogError.damaged(damages)) { _ = try open(disk, known) }
    }

    @Test("a copy behind the end does not hide the last segment from who wants only that")
    func copyBehind() throws {
        let (disk, frames) = try sample()
        let start = frames[2].header.base
        let ahead = try #require(disk.files.keys.max())
        disk.files[ahead + 1] = disk.files[1]
        var reader = LogReader(SimulatedStorage(disk))
        var seen: [Offset] = []
        let scan = try reader.verify(from: start) { seen.append($0.offset) }
        #expect(seen == (start.rawValue..<27).map { Offset($0) })
        #expect(scan.damages.map(\.reason).contains(.foreignSegment))
    }

    @Test("a sealed segment that is blank or empty is listed as one that cannot be read")
    func blank() throws {
        let (disk, _) = try sample()
        for isEmpty in [false, true] {
            disk.edit(1) { bytes in
                if isEmpty { bytes = [] }
                for index in bytes.indices { bytes[index] = 0 }
            }
            var reader = LogReader(SimulatedStorage(disk))
            let list = try reader.frames()
            #expect(list.unreadable.map(\.number) == [1])
            #expect(!list.frames.contains { $0.header.number == 1 })
        }
    }
}
