import Primitives
import RecordFormat
import Testing

@Suite("Segment headers and MANIFEST slots")
struct PageTests {
    private let segment = SegmentHeader(
        number: 7,
        base: Offset(1234),
        salt: 0xDEAD_BEEF,
        engine: UUID128(high: 1, low: 2),
        created: Timestamp(seconds: 1_700_000_000),
        size: 64 << 20
    )

    private func manifest() -> Manifest {
        var manifest = Manifest(engine: UUID128(high: 3, low: 4))
        manifest.generation = 9
        manifest.oldestSegment = 2
        manifest.lastSealed = 6
        manifest.active = 7
        manifest.durable = Offset(77)
        manifest.isClean = true
        let lost = Offset(5)..<Offset(8)
        manifest.quarantine = [.init(segment: 3, position: 4096, lost: lost)]
        return manifest
    }

    private func page(_ write: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: Layout.page)
        bytes.withUnsafeMutableBytes { write($0) }
        return bytes
    }

    @Test("they come back as they were written")
    func roundTrip() {
        let header = page { segment.write(to: $0) }.withUnsafeBytes { SegmentHeader.read($0) }
        #expect(header == .valid(segment))
        let slot = page { manifest().write(to: $0) }.withUnsafeBytes { Manifest.read($0) }
        #expect(slot == .valid(manifest()))
    }

    @Test("every flipped bit is noticed")
    func bits() {
        var header = page { segment.write(to: $0) }
        var slot = page { manifest().write(to: $0) }
        for bit in 0..<Layout.page * 8 {
            header[bit / 8] ^= 1 << UInt8(bit % 8)
            slot[bit / 8] ^= 1 << UInt8(bit % 8)
            let isNoticed =
                header.withUnsafeBytes { SegmentHeader.read($0) == .damaged }
                && slot.withUnsafeBytes { Manifest.read($0) == .damaged }
            if !isNoticed { Issue.record("bit \(bit)") }
            header[bit / 8] ^= 1 << UInt8(bit % 8)
            slot[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }

    @Test("a page of zeros was never written")
    func zero() {
        let zeros = [UInt8](repeating: 0, count: Layout.page)
        #expect(zeros.withUnsafeBytes { SegmentHeader.read($0) } == .zero)
    }

    @Test("a snapshot that an older or a newer engine made of its views is not used")
    func snapshotVersions() {
        let snapshot = SnapshotHeader(
            engine: UUID128(high: 1, low: 2),
            next: Offset(9),
            lastTime: Timestamp(seconds: 1),
            records: 9
        )
        var bytes = page { snapshot.write(to: $0) }
        #expect(bytes.withUnsafeBytes { SnapshotHeader.read($0) } == snapshot)
        #expect(!isOfAnotherVersion(bytes))
        let version = bytes[16]
        // Version 2 had no triggers of no connection: they would be gone.
        for other in [1, 2, version + 1] {
            bytes[16] = other
            seal(&bytes)
            #expect(bytes.withUnsafeBytes { SnapshotHeader.read($0) } == nil, "version \(other)")
            #expect(isOfAnotherVersion(bytes), "version \(other)")
        }
    }

    private func isOfAnotherVersion(_ page: [UInt8]) -> Bool {
        SnapshotHeader.isOfAnotherVersion { _, memory in
            memory.copyBytes(from: page)
            return true
        }
    }

    private func seal(_ page: inout [UInt8]) {
        page.withUnsafeMutableBytes { memory in
            let covered = UnsafeRawBufferPointer(rebasing: memory[..<(Layout.page - 4)])
            let checksum = Checksum.crc32c(covered).littleEndian
            memory.storeBytes(of: checksum, toByteOffset: Layout.page - 4, as: UInt32.self)
        }
    }

    @Test("newer formats, unknown features and other files are refused by name")
    func refusals() {
        let changes: [(position: Int, FormatRefusal)] = [
            (0, .foreign), (8, .newer(major: 2)), (72, .features(2)),
        ]
        for (position, refusal) in changes {
            var bytes = page { segment.write(to: $0) }
            bytes[position] = 2
            seal(&bytes)
            #expect(bytes.withUnsafeBytes { SegmentHeader.read($0) } == .refused(refusal))
        }
    }
}
