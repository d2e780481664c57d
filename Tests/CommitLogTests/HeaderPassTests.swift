import CommitLog
import Disk
import Glibc
import Primitives
import RecordFormat
import SimulationKit
import Testing

@Suite("A pass over the headers of batches")
struct HeaderPassTests {
    /// Counts what is read of segments.
    private final class Meter {
        var reads = 0
        var bytes = 0
    }

    private struct MeteredSource: SegmentSource, ~Copyable {
        var storage: SimulatedStorage
        let meter: Meter

        var path: String { storage.path }

        mutating func segments() throws(StorageError) -> [SegmentFile] { try storage.segments() }

        mutating func read(
            segment: UInt64,
            at position: Int,
            into memory: UnsafeMutableRawBufferPointer
        ) throws(StorageError) -> Int {
            let count = try storage.read(segment: segment, at: position, into: memory)
            meter.reads += 1
            meter.bytes += count
            return count
        }

        mutating func readManifest(
            slot: Int,
            into memory: UnsafeMutableRawBufferPointer
        ) throws(StorageError) {
            try storage.readManifest(slot: slot, into: memory)
        }
    }

    /// A medium that does not give the bytes of one segment from some place on.
    private struct BrokenSource: SegmentSource, ~Copyable {
        var storage: SimulatedStorage
        let segment: UInt64
        let start: Int

        var path: String { storage.path }

        mutating func segments() throws(StorageError) -> [SegmentFile] { try storage.segments() }

        mutating func read(
            segment: UInt64,
            at position: Int,
            into memory: UnsafeMutableRawBufferPointer
        ) throws(StorageError) -> Int {
            guard segment != self.segment || position < start else {
                throw .system("read", path: "segment \(segment)", code: EIO)
            }
            return try storage.read(segment: segment, at: position, into: memory)
        }

        mutating func readManifest(
            slot: Int,
            into memory: UnsafeMutableRawBufferPointer
        ) throws(StorageError) {
            try storage.readManifest(slot: slot, into: memory)
        }
    }

    @Test("headers are told where a footer cannot be read, and none where a header cannot")
    func unreadable() throws {
        let disk = SimulatedDisk(seed: 3)
        try fill(disk, (0..<30).map { [[UInt8](repeating: UInt8($0), count: 2000)] })
        func headers(readingBelow start: Int) throws(LogError) -> [SegmentFrame] {
            let storage = SimulatedStorage(disk)
            var reader = LogReader(BrokenSource(storage: storage, segment: 1, start: start))
            return try reader.headers()
        }
        let all = try headers(readingBelow: .max)
        #expect(all.count > 2)
        let found = try headers(readingBelow: Layout.page)
        #expect(found.map(\.header) == all.map(\.header))
        #expect(found.map(\.isFooterUnreadable) == all.map { $0.header.number == 1 })
        #expect(throws: LogError.self) { _ = try headers(readingBelow: 0) }
    }

    /// Fills a segment of 8 MiB with batches of `bytes`, and goes over their headers.
    private func pass(over bytes: Int) throws -> (meter: Meter, batches: Int) {
        let disk = SimulatedDisk(seed: 11)
        let size = 8 << 20
        let options = LogOptions(segmentBytes: size, firstSegmentBytes: size, batchBytes: 1 << 20)
        var log = try open(disk, options: options)
        let payload = [UInt8](repeating: 1, count: bytes - 256)
        while log.activeSegment.number == 0 {
            _ = try log.append(Entry(payload: payload))
            try log.settle()
        }
        let meter = Meter()
        var reader = LogReader(MeteredSource(storage: SimulatedStorage(disk), meter: meter))
        let scan = try reader.survey(until: log.activeSegment.base)
        #expect(scan.damages.isEmpty)
        #expect(scan.segments == 1)
        #expect(scan.records == Int(log.activeSegment.base.rawValue))
        return (meter, scan.batches)
    }

    @Test("small batches are read in pieces of a mebibyte, not each by itself")
    func small() throws {
        let (meter, batches) = try pass(over: 20 << 10)
        #expect(batches > 350)
        #expect(meter.reads < 24, "\(meter.reads) reads for \(batches) batches")
    }

    @Test("of large batches little more than the headers is read")
    func large() throws {
        let (meter, batches) = try pass(over: 400 << 10)
        #expect(batches > 15)
        #expect(meter.bytes < 24 * batches << 10, "\(meter.bytes) bytes of \(batches) batches")
    }
}
