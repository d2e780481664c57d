import Disk
import Glibc
import Testing

@Suite("Small files")
struct SmallFileTests {
    private let directory = TemporaryDirectory()

    @Test("a file is read whole, or as much of it as is wanted", arguments: [0, 1, 100_000])
    func whole(count: Int) throws {
        let path = "\(directory.path)/file"
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 256 ^ $0) }
        let file = creat(path, 0o600)
        try #require(write(file, bytes, count) == count)
        close(file)
        #expect(try SmallFile.read(path, limit: count + 1) == bytes)
        #expect(try SmallFile.read(path, limit: count) == bytes)
        #expect(try SmallFile.read(path, limit: count / 2) == Array(bytes.prefix(count / 2)))
    }

    @Test("what the system refuses is told by its number")
    func refused() {
        let missing = "\(directory.path)/missing"
        #expect(throws: SystemError(number: ENOENT)) {
            try SmallFile.read(missing, limit: 1)
        }
        #expect(throws: SystemError(number: EISDIR)) {
            try SmallFile.read(directory.path, limit: 1)
        }
        #expect(SystemError(number: ENOENT).description == "No such file or directory")
    }
}
