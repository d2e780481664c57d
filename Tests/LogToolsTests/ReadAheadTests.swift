import Disk
import Glibc
import Primitives
import RecordFormat
import Testing

@testable import LogTools

@Suite("Reading ahead")
struct ReadAheadTests {
    private static let page = 4096

    /// A directory with segments of random bytes; the last one ends in the middle of a page.
    private func makeDirectory(_ random: inout SeededEntropy) throws -> (String, [[UInt8]]) {
        var template = Array("/tmp/read-ahead-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap(mkdtemp) }
        let directory = String(cString: try #require(made))
        try #require(mkdir("\(directory)/log", 0o700) == 0)
        let contents = [40, 7, 19].map { pages in
            (0..<pages * Self.page).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        for (number, bytes) in contents.enumerated() {
            let name = "\(directory)/log/\(DataDirectory.segmentName(UInt64(number)))"
            let file = open(name, O_WRONLY | O_CREAT, 0o600)
            try #require(write(file, bytes, bytes.count) == bytes.count)
            close(file)
        }
        return (directory, contents)
    }

    private func remove(_ directory: String) {
        for number in 0..<3 {
            unlink("\(directory)/log/\(DataDirectory.segmentName(UInt64(number)))")
        }
        rmdir("\(directory)/log")
        rmdir(directory)
    }

    @Test("any reads, in sequence or not, give what is in the files", arguments: UInt64(1)...8)
    func equalsTheFiles(seed: UInt64) throws {
        var random = SeededEntropy(seed: seed)
        let (path, contents) = try makeDirectory(&random)
        defer { remove(path) }
        let ahead = try ReadAhead(path: path)
        let memory = AlignedMemory(capacity: 8 * Self.page)
        var segment = 0
        var position = 0
        for _ in 0..<200 {
            // Mostly where the last read ended, with pieces of changing size.
            if random.next() % 4 == 0 {
                segment = Int(random.next() % 3)
                position = Int(random.next() % 42) * Self.page
            }
            if random.next() % 16 == 0 { ahead.reopen(segment: UInt64(segment)) }
            let wanted = (1 + Int(random.next() % 8)) * Self.page
            let target = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
            let count = try ahead.read(segment: UInt64(segment), at: position, into: target)
            let expected = contents[segment].dropFirst(position).prefix(wanted)
            try #require(count == expected.count, "seed \(seed)")
            try #require(target.prefix(count).elementsEqual(expected), "seed \(seed)")
            position += wanted
        }
    }

    @Test("a segment that is gone is an error")
    func failure() throws {
        var random = SeededEntropy(seed: 1)
        let (path, _) = try makeDirectory(&random)
        defer { remove(path) }
        let ahead = try ReadAhead(path: path)
        let memory = AlignedMemory(capacity: Self.page)
        #expect(try ahead.read(segment: 0, at: 0, into: memory.bytes) == Self.page)
        unlink("\(path)/log/\(DataDirectory.segmentName(1))")
        #expect(throws: StorageError.self) {
            try ahead.read(segment: 1, at: 0, into: memory.bytes)
        }
    }
}
