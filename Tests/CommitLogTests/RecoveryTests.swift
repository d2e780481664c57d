import CommitLog
import Disk
import Primitives
import RecordFormat
import SimulationKit
import Testing

/// A row of the decision table each, on bytes.
@Suite("Recovery: what stands at the tail")
struct RecoveryTests {
    private let page = 4096

    /// Three batches of two records; the second and third take three pages. No idle mark.
    private func sample(marks: Bool = false) throws -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 1)
        try fill(
            disk,
            [
                [[1, 1], [2, 2]],
                [[UInt8](repeating: 3, count: 5000), [UInt8](repeating: 4, count: 5000)],
                [[UInt8](repeating: 5, count: 5000), [UInt8](repeating: 6, count: 5000)],
            ],
            options: largeOptions,
            marks: marks
        )
        disk.kill()
        return disk
    }

    /// Where the batches of `sample` start.
    private let first = 4096
    private let second = 2 * 4096
    private let third = 5 * 4096
    private let end = 8 * 4096

    private func change(_ disk: SimulatedDisk, _ body: (inout [UInt8]) -> Void) {
        disk.edit(0, body)
    }

    /// Opens the log; the records replayed and the report, or the damages.
    private func recover(_ disk: SimulatedDisk) throws -> (count: Int, report: RecoveryReport) {
        var count = 0
        let log = try open(disk, options: largeOptions) { _ in count += 1 }
        return (count, log.recovery)
    }

    private let largeOptions = LogOptions(segmentBytes: 64 << 10, firstSegmentBytes: 64 << 10)

    private func damages(_ disk: SimulatedDisk) throws -> [Damage] {
        let before = disk.files
        do throws(LogError) {
            _ = try open(disk, options: largeOptions)
        } catch .damaged(let damages) {
            for (number, file) in before { #expect(disk.files[number]?.cache == file.cache) }
            disk.isLocked = false
            #expect(try verify(disk).scan.damages == damages)
            return damages
        }
        return []
    }

    @Test("an intact log is replayed, and its end is clean")
    func clean() throws {
        let (count, report) = try recover(try sample())
        #expect(count == 6)
        #expect(report.torn == nil)
        #expect(report.next == Offset(6))
    }

    @Test("a batch whose header sector is lost is cut when nothing says that it was synced")
    func lostHeaderSector() throws {
        let disk = try sample()
        change(disk) { bytes in for index in third..<third + 512 { bytes[index] = 0 } }
        let (count, report) = try recover(disk)
        #expect(count == 4)
        #expect(report.torn == .init(segment: 0, position: third, byteCount: 3 * page))
        disk.kill()
        #expect(try recover(disk).count == 4)
        let tail = disk.files[0]?.cache[third..<end].allSatisfy { $0 == 0 }
        #expect(tail == true)
    }

    @Test("the same below the durable mark is damage")
    func lostHeaderSectorBelowMark() throws {
        let disk = try sample(marks: true)
        change(disk) { bytes in
            for index in third..<third + 512 { bytes[index] = 0 }
            for index in end..<end + page { bytes[index] = 0 }
        }
        disk.manifest = markedManifest(disk, durable: 6)
        let lost = Offset(4)..<Offset(6)
        let damage = Damage(
            .missingSectors,
            segment: 0,
            position: third,
            lost: lost,
            isOpenEnded: true
        )
        #expect(try damages(disk) == [damage])
    }

    @Test("a blank end below the durable mark is damage")
    func blankBelowMark() throws {
        let disk = try sample()
        change(disk) { bytes in for index in third..<end { bytes[index] = 0 } }
        disk.manifest = markedManifest(disk, durable: 6)
        let found = try damages(disk)
        #expect(found.map(\.reason) == [.missingBatches])
        #expect(found.first?.lost == Offset(4)..<Offset(6))
    }

    @Test("a blank page before a batch is damage: with one unsynced batch there are no holes")
    func hole() throws {
        let disk = try sample()
        change(disk) { bytes in for index in second..<third { bytes[index] = 0 } }
        let damage = Damage(
            .missingBatches,
            segment: 0,
            position: second,
            lost: Offset(2)..<Offset(4)
        )
        #expect(try damages(disk) == [damage])
    }

    @Test("a header that is neither zero nor whole is damage, even the last one")
    func garbageHeader() throws {
        let disk = try sample()
        change(disk) { $0[third + 17] ^= 1 }
        let found = try damages(disk)
        #expect(found.map(\.reason) == [.batchHeader])
        #expect(found.first?.lost.lowerBound == Offset(4))
        #expect(found.first?.isOpenEnded == true)
    }

    @Test("a damaged header in the middle costs its batch and no other")
    func garbageHeaderInTheMiddle() throws {
        let disk = try sample()
        change(disk) { $0[second + 17] ^= 1 }
        let damage = Damage(.batchHeader, segment: 0, position: second, lost: Offset(2)..<Offset(4))
        #expect(try damages(disk) == [damage])
        #expect(try verify(disk).entries.keys.sorted() == [0, 1, 4, 5].map { Offset($0) })
    }

    @Test("a last batch that lacks sectors is cut")
    func tornBody() throws {
        let disk = try sample()
        change(disk) { bytes in for index in third + 1024..<third + 1536 { bytes[index] = 0 } }
        let (count, report) = try recover(disk)
        #expect(count == 4)
        #expect(report.torn?.byteCount == 3 * page)
    }

    @Test("a last batch that lacks sectors and was synced is damage")
    func tornBodyBelowMark() throws {
        let disk = try sample()
        change(disk) { bytes in for index in third + 1024..<third + 1536 { bytes[index] = 0 } }
        disk.manifest = markedManifest(disk, durable: 6)
        #expect(try damages(disk).map(\.reason) == [.missingSectors])
    }

    @Test("a batch that lacks sectors and is followed by another is damage")
    func tornBodyFollowed() throws {
        let disk = try sample()
        change(disk) { bytes in for index in second + 1024..<second + 1536 { bytes[index] = 0 } }
        let found = try damages(disk)
        #expect(found.count == 1)
        #expect(found.first?.lost == Offset(2)..<Offset(3))
        #expect(try verify(disk).entries.count == 5)
    }

    @Test("changed bits in the last acknowledged batch are damage, not a torn write")
    func changedLastBatch() throws {
        let disk = try sample()
        change(disk) { $0[third + 600] ^= 0x10 }
        let damage = Damage(.changedBits, segment: 0, position: third, lost: Offset(4)..<Offset(5))
        #expect(try damages(disk) == [damage])
    }

    @Test("a batch at another place than its own is damage")
    func misplaced() throws {
        let disk = try sample()
        change(disk) { bytes in
            bytes.replaceSubrange(third..<end, with: Array(bytes[second..<third]))
        }
        let found = try damages(disk)
        #expect(found.map(\.reason) == [.misplacedBatch])
        #expect(found.first?.position == third)
    }

    @Test("a batch that fits in every way but its place is damage")
    func displaced() throws {
        let disk = try sample(marks: true)
        change(disk) { bytes in
            bytes.replaceSubrange(end + page..<end + 2 * page, with: Array(bytes[end..<end + page]))
        }
        let found = try damages(disk)
        #expect(found.map(\.reason) == [.misplacedBatch])
        #expect(found.first?.position == end + page)
    }

    @Test("a record that holds a whole segment is never read as one")
    func embedded() throws {
        let disk = try sample()
        let stolen = Array(disk.files[0]?.cache[..<(4 * page)] ?? [])
        let other = SimulatedDisk(seed: 2)
        var log = try open(other, options: largeOptions)
        let entry = try log.append(Entry(payload: stolen))
        try log.settle()
        let (entries, scan) = try verify(other)
        #expect(entries == [Offset(0): entry])
        #expect(scan.damages.isEmpty)
    }

    @Test("a file that was cut short lacks what was synced, and says so")
    func cutShort() throws {
        let disk = try sample(marks: true)
        change(disk) { $0.removeLast($0.count - third - 700) }
        disk.manifest = markedManifest(disk, durable: 6)
        #expect(try damages(disk).first?.lost.lowerBound == Offset(4))
    }

    @Test("bytes behind the end of a segment are cut off and told")
    func foreignBytes() throws {
        let disk = try sample()
        change(disk) { $0 += [UInt8](repeating: 9, count: 5000) }
        let (count, report) = try recover(disk)
        #expect(count == 6)
        #expect(report.foreignBytes == 5000)
        #expect(disk.files[0]?.cache.count == 64 << 10)
    }
}

/// A MANIFEST that says that everything below `durable` was synced.
private func markedManifest(_ disk: SimulatedDisk, durable: UInt64) -> SimulatedDisk.File? {
    guard var file = disk.manifest else { return nil }
    file.cache.withUnsafeMutableBytes { bytes in
        for slot in 0..<2 {
            let page = UnsafeMutableRawBufferPointer(
                rebasing: bytes[slot * 4096..<slot * 4096 + 4096]
            )
            guard case .valid(var manifest) = Manifest.read(UnsafeRawBufferPointer(page)) else {
                continue
            }
            manifest.durable = Offset(durable)
            manifest.write(to: page)
        }
    }
    file.persist()
    return file
}
