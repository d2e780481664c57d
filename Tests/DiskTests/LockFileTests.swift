import Foundation
import Testing

@testable import Disk

@Suite("What LOCK says")
struct LockFileTests {
    private let directory = TemporaryDirectory()

    @Test("it is written over what it said before, whichever is longer")
    func over() throws {
        let path = "\(directory.path)/LOCK"
        for before in ["pid 1\n", String(repeating: "pid 1\nhost gone\n", count: 200)] {
            try before.write(toFile: path, atomically: true, encoding: .utf8)
            let file = open(path, O_RDWR)
            defer { close(file) }
            try LockFile.write(to: file, path: path)
            #expect(LockFile.holder(file).pid == getpid())
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let names = text.split(separator: "\n").map { $0.prefix { $0 != " " } }
            #expect(names == ["pid", "host", "boot", "started"])
        }
    }

    @Test("on a full disk it says nothing, and the lock is taken all the same")
    func full() throws {
        let file = open("/dev/full", O_RDWR)
        try #require(file >= 0)
        defer { close(file) }
        try LockFile.write(to: file, path: "/dev/full")
    }
}
