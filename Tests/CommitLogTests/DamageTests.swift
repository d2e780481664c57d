import CommitLog
import Disk
import Primitives
import RecordFormat
import SimulationKit
import Testing

@Suite("Damage")
struct DamageTests {
    private func sample(segments: Bool = false) throws -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 4)
        let options =
            segments
            ? LogOptions(segmentBytes: 5 * 4096, firstSegmentBytes: 5 * 4096) : smallOptions
        let batches: [[[UInt8]]] = (0..<(segments ? 8 : 4)).map { batch in
            (0..<3).map { [UInt8](repeating: UInt8(1 + batch), count: 40 + $0) }
        }
        try fill(disk, batches, options: options, marks: true)
        disk.kill()
        return disk
    }

    @Test("every flipped bit is named, or changes no record")
    func everyBit() throws {
        let disk = try sample()
        let whole = try verify(disk).entries
        let size = 7 * 4096
        // Padding is all alike: every 97th bit of it stands for the rest.
        for bit in 0..<size * 8 where bit / 8 % 4096 < 320 || bit % 97 == 0 {
            try flip(disk, bit: bit, whole)
        }
    }

    private func flip(_ disk: SimulatedDisk, bit: Int, _ whole: [Offset: Entry]) throws {
        disk.edit(0) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
        defer { disk.edit(0) { $0[bit / 8] ^= 1 << UInt8(bit % 8) } }
        let found: (entries: [Offset: Entry], scan: LogScan)
        do throws(LogError) {
            found = try verify(disk)
        } catch .refused {
            return
        } catch {
            Issue.record("bit \(bit): \(error)")
            return
        }
        for (offset, entry) in found.entries where entry != whole[offset] {
            // A shared trace id goes with the record that had it; nothing else may change.
            Issue.record("bit \(bit): record \(offset) changed")
        }
        for offset in whole.keys where found.entries[offset] == nil {
            let isNamed = found.scan.damages.contains { $0.lost.contains(offset) }
            if !isNamed { Issue.record("bit \(bit): record \(offset) is gone, and not named") }
        }
    }

    @Test("an error in a line names the segment first, and how much more there is")
    func line() {
        let lost = Offset(5)..<Offset(6)
        let damage = Damage(.changedBits, segment: 8, position: 4096, lost: lost)
        #expect(
            LogError.damaged([damage, damage]).line
                == "segment 8 is damaged: 00000000000000000008.seg at byte 4096: bits of a batch "
                + "changed; offsets 5..<6 cannot be served, and 1 more"
        )
        #expect(LogError.full.line == LogError.full.description)
    }

    @Test("a lost segment header costs no record")
    func segmentHeader() throws {
        let disk = try sample(segments: true)
        let whole = try verify(disk).entries
        disk.edit(1) { bytes in for index in 0..<4096 { bytes[index] = 0 } }
        let found = try verify(disk)
        #expect(found.entries == whole)
        #expect(found.scan.damages.map(\.reason) == [.segmentHeader])
        #expect(throws: LogError.damaged(found.scan.damages)) { _ = try open(disk) }
    }

    @Test("the oldest segment's header and its first batch's, both damaged, cost what is named")
    func headers() throws {
        let disk = try sample()
        let whole = try verify(disk).entries
        disk.edit(0) { bytes in
            bytes[40] ^= 1
            bytes[4096 + 40] ^= 1
        }
        let found = try verify(disk)
        #expect(found.entries.count < whole.count)
        for offset in whole.keys where found.entries[offset] == nil {
            #expect(found.scan.damages.contains { $0.lost.contains(offset) })
        }
    }

    @Test("a missing segment is named with the records in it", arguments: [0, 1, 2] as [UInt64])
    func missingSegment(number: UInt64) throws {
        let disk = try sample(segments: true)
        let whole = try verify(disk).entries
        disk.files[number] = nil
        let found = try verify(disk)
        #expect(found.scan.damages.count == 1)
        let damage = try #require(found.scan.damages.first)
        #expect(damage.reason == .missingSegment)
        #expect(damage.segment == number)
        #expect(found.scan.first == .zero)
        for offset in whole.keys where found.entries[offset] == nil {
            #expect(damage.lost.contains(offset))
        }
    }

    @Test("the last segment is missed as well")
    func missingLast() throws {
        let disk = try sample(segments: true)
        // Behind the last segment that was begun stands one made ahead.
        let last = disk.files.keys.sorted().last { disk.files[$0]?.cache[0] != 0 }
        disk.files[try #require(last)] = nil
        let damages = try verify(disk).scan.damages
        #expect(damages.map(\.reason) == [.missingSegment])
    }

    @Test("two segments that changed places are told from their names")
    func swapped() throws {
        let disk = try sample(segments: true)
        (disk.files[0], disk.files[1]) = (disk.files[1], disk.files[0])
        #expect(try verify(disk).scan.damages.map(\.reason) == [.misnamed(1), .misnamed(0)])
    }

    @Test("a copy of a segment in another one's place is no segment that was renamed")
    func copied() throws {
        let disk = try sample(segments: true)
        disk.files[1] = disk.files[0]
        #expect(try verify(disk).scan.damages.map(\.reason) == [.foreignSegment])
    }

    @Test("a segment of another log is told by its identity")
    func foreign() throws {
        let disk = try sample(segments: true)
        let other = SimulatedDisk(seed: 9)
        try fill(other, [[[1]]])
        disk.files[1] = other.files[0]
        let reasons = try verify(disk).scan.damages.map(\.reason)
        #expect(reasons.contains(.foreignSegment))
    }

    @Test("MANIFEST of another log is told from segments of one")
    func foreignManifest() throws {
        let disk = try sample(segments: true)
        let whole = try verify(disk).entries
        let other = SimulatedDisk(seed: 9)
        try fill(other, [[[1]]])
        disk.manifest?.cache = try #require(other.manifest).cache
        disk.manifest?.sync()
        let found = try verify(disk)
        #expect(found.entries == whole)
        #expect(found.scan.damages.map(\.reason) == [.foreignManifest])
        #expect(throws: LogError.damaged(found.scan.damages)) { _ = try open(disk) }
        var reader = LogReader(SimulatedStorage(disk))
        let engine = try reader.identity()
        #expect(engine == found.scan.spans.first?.header.engine)
        // With one of its own segments there nothing tells which of them are out of place.
        let number = try #require(found.scan.spans.last).header.number
        disk.files[number] = other.files[0]
        #expect(try !verify(disk).scan.damages.map(\.reason).contains(.foreignManifest))
    }

    @Test("a damaged slot of MANIFEST leaves the other; two are made anew", arguments: 0..<4096)
    func manifest(byte: Int) throws {
        guard byte % 61 == 0 else { return }
        let disk = try sample()
        disk.manifest?.cache[byte] ^= 4
        disk.manifest?.sync()
        #expect(try open(disk).recovery.next == Offset(12))
        disk.kill()
        // Without its mark in either slot it may be anybody's file.
        guard byte >= 8 else { return }
        disk.manifest?.cache[byte] ^= 4
        disk.manifest?.cache[4096 + byte] ^= 4
        disk.manifest?.sync()
        #expect(try open(disk).recovery.next == Offset(12))
    }

    @Test("a MANIFEST of zeros beside segments is made anew")
    func noManifest() throws {
        let disk = try sample(segments: true)
        disk.manifest?.cache = [UInt8](repeating: 0, count: 8192)
        disk.manifest?.sync()
        let log = try open(disk)
        #expect(log.recovery.rebuiltManifest == true)
        #expect(log.recovery.next == Offset(24))
    }

    @Test("a newer format is refused, and nothing is touched")
    func newer() throws {
        let disk = try sample()
        disk.edit(0) { bytes in
            bytes[8] = 2
            bytes.withUnsafeMutableBytes { bytes in
                let covered = UnsafeRawBufferPointer(rebasing: bytes[..<4092])
                let checksum = Checksum.crc32c(covered)
                bytes.storeBytes(of: checksum.littleEndian, toByteOffset: 4092, as: UInt32.self)
            }
        }
        let before = (disk.files[0]?.cache, disk.manifest?.cache)
        let path = "simulated/log/00000000000000000000.seg"
        #expect(throws: LogError.refused(path: path, .newer(major: 2))) { _ = try open(disk) }
        #expect(disk.files[0]?.cache == before.0)
        #expect(disk.manifest?.cache == before.1)
        #expect(!disk.isLocked)
    }

    @Test("damage is described with its place, its records, and what it is")
    func description() {
        let damage = Damage(
            .changedBits,
            segment: 3,
            position: 8192,
            lost: Offset(10)..<Offset(12),
            isOpenEnded: false
        )
        #expect(
            damage.description
                == "00000000000000000003.seg at byte 8192: bits of a batch changed; "
                + "offsets 10..<12 cannot be served"
        )
    }
}
