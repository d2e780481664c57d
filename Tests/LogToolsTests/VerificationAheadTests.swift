import CommitLog
import Disk
import Foundation
import LogTools
import Primitives
import Testing

/// A verification reads ahead; what it says is what one says that does not.
@Suite struct VerificationAheadTests {
    /// Segments of several mebibytes, so that there is something to read ahead.
    private func large() throws -> StoredLog {
        var story = Story()
        for index in 0..<160 {
            let byte = UInt8(truncatingIfNeeded: index)
            story.add(kind: 250, [UInt8](repeating: byte, count: 100_000), at: Double(index))
        }
        return try StoredLog(story, records: 4, segmentBytes: 6 << 20)
    }

    private func plain(_ log: StoredLog) throws -> Verification {
        try Verification(LogPass(PlainSegments(path: log.path)), depth: .full)
    }

    @Test("a sound log of many mebibytes")
    func sound() throws {
        let log = try large()
        let verification = try Verification(log.pass, depth: .full)
        #expect(verification == (try plain(log)))
        #expect(verification.verdict == .sound)
        #expect(verification.records == 160)
        #expect(verification.segments > 2)
    }

    @Test("the same damages in the same order, and the same texts", arguments: UInt64(1)...12)
    func wounded(seed: UInt64) throws {
        let log = try large()
        var random = SeededEntropy(seed: seed)
        let segments = try log.segmentPaths.count
        // Within the first batch, which is whole.
        try log.change(segment: 0) { $0[2 * 4096 + 200] ^= 1 }
        for _ in 0..<3 {
            let segment = Int(random.next() % UInt64(segments))
            let place = random.next()
            let kind = random.next() % 3
            try log.change(segment: segment) { bytes in
                let pages = UInt64(bytes.count / 4096)
                let page = Int(place % pages) * 4096
                switch kind {
                case 0: bytes[page + 20] ^= 4
                case 1: for position in page..<page + 4096 { bytes[position] = 0 }
                default: bytes.removeSubrange(max(page, 16 * 4096)...)
                }
            }
        }
        let verification = try Verification(log.pass, depth: .full)
        #expect(verification == (try plain(log)))
        #expect(verification.verdict == .damaged)
    }
}

/// The segments of a directory, read when they are asked for and not before.
private struct PlainSegments: SegmentSource {
    private let files: Files

    private final class Files {
        let directory: ReadOnlyDirectory
        init(path: String) { directory = ReadOnlyDirectory(path: path) }
    }

    init(path: String) { files = Files(path: path) }

    var path: String { files.directory.path }

    func segments() throws(StorageError) -> [SegmentFile] { try files.directory.segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try files.directory.read(segment: segment, at: position, into: memory)
    }

    func reopen(segment: UInt64) { files.directory.reopen(segment: segment) }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try files.directory.readManifest(slot: slot, into: memory)
    }
}
