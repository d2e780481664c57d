import Disk
import Glibc
import Primitives
import RecordFormat
import SimulationKit
import Testing

@testable import CommitLog

/// A device that does not give what it holds, or gives something else once, has lost nothing yet.
@Suite("Reads that the device refuses")
struct RefusedReadTests {
    private let refusal = LogError.storage(.system("read", path: "simulated", code: EIO))

    /// A log of some batches, three records in a page each, in segments of so many pages.
    private func sample(
        pages: Int
    ) throws -> (disk: SimulatedDisk, entries: [Offset: Entry], options: LogOptions) {
        let disk = SimulatedDisk(seed: 4)
        let size = pages * 4096
        let options = LogOptions(segmentBytes: size, firstSegmentBytes: size)
        let batches = (0..<8).map { batch in
            (0..<3).map { [UInt8](repeating: UInt8(1 + batch), count: 40 + $0) }
        }
        try fill(disk, batches, options: options, marks: true)
        disk.kill()
        return (disk, try verify(disk).entries, options)
    }

    /// What a record of the log is, or why it was not read.
    private func read(
        _ offset: Offset,
        in log: inout CommitLog<SimulatedStorage>
    ) -> Result<Entry, LogError> {
        do throws(LogError) {
            return .success(try log.record(at: offset) { Entry($0) })
        } catch {
            return .failure(error)
        }
    }

    @Test("a segment is read as soon as the device gives it", arguments: [false, true])
    func segment(isDamaged: Bool) throws {
        let (disk, entries, options) = try sample(pages: 5)
        let span = try verify(disk).scan.spans[1]
        let inside = entries.keys.filter { $0 >= span.header.base && $0 < span.end }.sorted()
        try #require(inside.count > 3)
        var log = try open(disk, options: options)
        // Its batches could tell what its first page does not, and are not given either.
        if isDamaged { disk.edit(1) { $0[40] ^= 1 } }
        disk.badBytes[1] = (isDamaged ? 4096 : 0)..<Int.max
        for offset in inside {
            let found = read(offset, in: &log)
            #expect(found == .failure(refusal), "record \(offset)")
        }
        disk.badBytes = [:]
        for offset in inside {
            let found = read(offset, in: &log)
            let entry = try #require(entries[offset])
            #expect(found == .success(entry), "record \(offset)")
        }
    }

    @Test("a page costs no record but its own, whatever is read along with others")
    func page() throws {
        let (disk, entries, options) = try sample(pages: 16)
        var log = try open(disk, options: options)
        disk.badBytes[0] = 3 * 4096..<4 * 4096
        var refused: [Offset] = []
        for offset in entries.keys.sorted() {
            let found = read(offset, in: &log)
            if found == .failure(refusal) {
                refused.append(offset)
            } else {
                let entry = try #require(entries[offset])
                #expect(found == .success(entry), "record \(offset)")
            }
        }
        #expect(refused == [6, 7, 8].map { Offset(UInt64($0)) })
    }

    @Test("what is wrong in one reading and right in the next is no damage", arguments: [1, 1000])
    func flicker(times: Int) throws {
        let disk = SimulatedDisk(seed: 4)
        let needle = Array("needle".utf8)
        try fill(disk, [[Array("one".utf8)], [needle], [Array("three".utf8)]])
        disk.kill()
        let bytes = try #require(disk.files[0]?.cache)
        let place = try #require(
            bytes.indices.first { bytes[$0...].prefix(needle.count).elementsEqual(needle) }
        )
        var index = try verify(disk).scan.index
        var source = FlickeringSource(
            storage: SimulatedStorage(disk),
            place: place,
            timesLeft: times
        )
        let found = fetch(&index, from: &source)
        switch found {
        case .success(let bytes): #expect(times == 1 && bytes == needle)
        case .failure(.damaged): #expect(times > 1)
        case .failure(let error): Issue.record("\(error)")
        }
    }

    private func fetch(
        _ index: inout OffsetIndex,
        from source: inout FlickeringSource
    ) -> Result<[UInt8], LogError> {
        var fetcher = RecordFetcher()
        do throws(LogError) {
            return .success(
                try fetcher.fetch(Offset(1), &index, from: &source) { [UInt8]($0.payload) }
            )
        } catch {
            return .failure(error)
        }
    }
}

/// The first times that it is read, a byte of the first segment is another than it is.
private struct FlickeringSource: SegmentSource, ~Copyable {
    var storage: SimulatedStorage
    let place: Int
    var timesLeft: Int

    var path: String { storage.path }

    mutating func segments() throws(StorageError) -> [SegmentFile] { try storage.segments() }

    mutating func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        let count = try storage.read(segment: segment, at: position, into: memory)
        if segment == 0, timesLeft > 0, (position..<position + count).contains(place) {
            timesLeft -= 1
            memory[place - position] ^= 1
        }
        return count
    }

    mutating func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try storage.readManifest(slot: slot, into: memory)
    }
}
