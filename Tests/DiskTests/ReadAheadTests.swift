import Disk
import Glibc
import Testing

/// Whoever passes over a segment gets the bytes of the file, read ahead or not.
@Suite struct ReadAheadTests {
    private let folder = TemporaryDirectory()
    private static let page = 4096

    /// - Returns: the bytes of the segment that it makes, no two pages of them alike.
    @discardableResult
    private func makeSegment(pages: Int) throws -> [UInt64] {
        try #require(mkdir("\(folder.path)/log", 0o700) == 0)
        let words = (0..<UInt64(pages * Self.page / 8)).map { $0 &* 0x9E37_79B9_7F4A_7C15 }
        try words.withUnsafeBytes { try write($0, at: 0) }
        return words
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
        let path = "\(folder.path)/log/\(DataDirectory.segmentName(0))"
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        try #require(pwrite(file, bytes.baseAddress, bytes.count, off_t(position)) == bytes.count)
        // What is read past the cache must find it.
        try #require(fsync(file) == 0)
    }

    private func isRight(
        _ memory: UnsafeMutableRawBufferPointer,
        at position: Int,
        of words: [UInt64]
    ) -> Bool {
        words.withUnsafeBytes { bytes in
            guard let read = memory.baseAddress, let written = bytes.baseAddress else {
                return false
            }
            return memcmp(read, written + position, memory.count) == 0
        }
    }

    @Test("windows that overlap are read as they stand in the file", arguments: 1...4)
    func windows(seed: Int) throws {
        let pages = 256 * 9 + seed
        let words = try makeSegment(pages: pages)
        let directory = ReadAheadDirectory(path: folder.path)
        #expect(try directory.segments().count == 1)
        let most = 3 << 20
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: most, alignment: Self.page)
        defer { memory.deallocate() }
        var random = UInt64(seed)
        func draw(_ range: ClosedRange<Int>) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return range.lowerBound + Int(random >> 33) % range.count
        }
        var position = 2 * Self.page
        var seen = 0
        while position < pages * Self.page {
            let wanted = draw(1...most / Self.page) * Self.page
            let target = UnsafeMutableRawBufferPointer(rebasing: memory[..<wanted])
            let count = try directory.read(segment: 0, at: position, into: target)
            try #require(count == min(wanted, pages * Self.page - position))
            let got = UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
            try #require(isRight(got, at: position, of: words), "at \(position), \(wanted) bytes")
            seen += 1
            // Mostly on, from within what was read; now and then back, or past what is ahead.
            switch draw(0...9) {
            case 0: position = max(0, position - draw(0...300) * Self.page)
            case 1: position += draw(1...2000) * Self.page
            default: position += draw(1...max(1, count / Self.page)) * Self.page
            }
        }
        #expect(seen > 3)
    }

    @Test("a second look finds what was written behind the first")
    func secondLook() throws {
        try makeSegment(pages: 2048)
        let directory = ReadAheadDirectory(path: folder.path)
        _ = try directory.segments()
        let size = 1 << 20
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: Self.page)
        defer { memory.deallocate() }
        _ = try directory.read(segment: 0, at: 0, into: memory)
        let zeros = [UInt8](repeating: 0, count: Self.page)
        try zeros.withUnsafeBytes { try write($0, at: size) }
        directory.lookAgain()
        _ = try directory.read(segment: 0, at: size, into: memory)
        #expect(memory[..<Self.page].allSatisfy { $0 == 0 })
        // The same place once more is no step forward: it is looked at, too.
        let ones = [UInt8](repeating: 1, count: Self.page)
        try ones.withUnsafeBytes { try write($0, at: size) }
        _ = try directory.read(segment: 0, at: size, into: memory)
        #expect(memory[..<Self.page].allSatisfy { $0 == 1 })
    }
}
