import Glibc
import Testing

@testable import Disk

@Suite("Who else may write a data directory")
struct DataDirectoryPrivacyTests {
    @Test("nobody, once an engine has it")
    func closed() throws {
        let directory = TemporaryDirectory()
        try #require(chmod(directory.path, 0o777) == 0)
        let store = PlainStorage(path: directory.path, waker: try Waker())
        try store.lock()
        #expect(TemporaryDirectory.mode(directory.path) == 0o700)
        #expect(DataDirectory.refusal(of: directory.path) == nil)
    }

    @Test("what everybody could have written before is not taken, and left as it is")
    func open() throws {
        let directory = TemporaryDirectory()
        let path = directory.path
        func lock() throws { try PlainStorage(path: path, waker: try Waker()).lock() }
        func expectRefusal(for part: String) {
            let refusal = StorageError.writableByAll(path: part, directory: path)
            #expect(DataDirectory.refusal(of: path) == refusal)
            #expect(throws: refusal) { try lock() }
        }
        TemporaryDirectory.create("\(path)/token")
        try #require(chmod(path, 0o777) == 0)
        expectRefusal(for: path)
        #expect(TemporaryDirectory.mode(path) == 0o777)
        #expect(TemporaryDirectory.names(path) == ["token"])
        // Its group was given it.
        try #require(chmod(path, 0o775) == 0)
        try lock()
        #expect(TemporaryDirectory.mode(path) == 0o700)

        try #require(mkdir("\(path)/log", 0o700) == 0)
        for part in ["MANIFEST", "log/00000000000000000000.seg"] {
            TemporaryDirectory.create("\(path)/\(part)")
        }
        for part in ["MANIFEST", "log", "log/00000000000000000000.seg"] {
            let mode = TemporaryDirectory.mode("\(path)/\(part)")
            try #require(chmod("\(path)/\(part)", mode | 0o002) == 0)
            expectRefusal(for: "\(path)/\(part)")
            try #require(chmod("\(path)/\(part)", mode) == 0)
        }
        #expect(DataDirectory.refusal(of: path) == nil)
        try lock()
    }

    @Test("root has what it is given; everybody else only what is theirs")
    func owners() {
        var status = stat()
        status.st_uid = 1000
        #expect(DataDirectory.stranger(owning: status, to: 1000) == nil)
        #expect(DataDirectory.stranger(owning: status, to: 0) == nil)
        #expect(DataDirectory.stranger(owning: status, to: 1001) == 1000)
        status.st_uid = 0
        #expect(DataDirectory.stranger(owning: status, to: 1001) == 0)
    }

    @Test("another user's is refused and left as it is", .enabled(if: geteuid() == 0))
    func refused() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            let path = "\(directory.path)/data"
            try #require(chmod(directory.path, 0o755) == 0)
            try #require(mkdir(path, 0o777) == 0)
            try #require(chmod(path, 0o777) == 0)
            try #require(chown(path, 4242, 4242) == 0)
            try #require(seteuid(4243) == 0)
            let refusal = StorageError.notPrivate(path: path, owner: 4242)
            #expect(DataDirectory.refusal(of: path) == refusal)
            #expect(throws: refusal) {
                try PlainStorage(path: path, waker: try Waker()).lock()
            }
            try #require(seteuid(0) == 0)
            #expect(TemporaryDirectory.mode(path) == 0o777)
            #expect(TemporaryDirectory.names(path).isEmpty)
        }
    }

    @Test("a right that its owner lacks is not given back", .enabled(if: geteuid() == 0))
    func forbidden() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            let path = "\(directory.path)/data"
            try #require(chmod(directory.path, 0o755) == 0)
            try #require(mkdir(path, 0o700) == 0 && mkdir("\(path)/log", 0o700) == 0)
            try #require(chown(path, 4242, 4242) == 0 && chown("\(path)/log", 4242, 4242) == 0)
            TemporaryDirectory.create("\(path)/MANIFEST")
            for (part, mode) in [(path, mode_t(0o550)), ("\(path)/log", 0o500)] {
                try #require(chmod(part, mode) == 0)
                try #require(seteuid(4242) == 0)
                let refusal = StorageError.system("write", path: part, code: EACCES)
                #expect(DataDirectory.refusal(of: path) == refusal)
                #expect(throws: refusal) {
                    try PlainStorage(path: path, waker: try Waker()).lock()
                }
                try #require(seteuid(0) == 0)
                #expect(TemporaryDirectory.mode(part) == 0o500)
                try #require(chmod(part, 0o700) == 0)
            }
        }
    }

    @Test("a link to what is not there is refused, as a start refuses it")
    func dangling() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/data"
        try #require(symlink("\(directory.path)/unmounted", path) == 0)
        let refusal = StorageError.system("follow", path: path, code: ENOENT)
        #expect(DataDirectory.refusal(of: path) == refusal)
        #expect(throws: refusal) { try PlainStorage(path: path, waker: try Waker()).lock() }
    }

    @Test("a missing one is nobody's, and the errors say what to do")
    func texts() {
        #expect(DataDirectory.refusal(of: "/no/such/directory") == nil)
        let foreign = "\(StorageError.notPrivate(path: "/data", owner: 4242))"
        #expect(foreign.contains("/data belongs to another user (uid 4242)"))
        #expect(foreign.contains("chown \(geteuid()) /data"))
        let open = StorageError.notPrivate(path: "/data", owner: nil)
        #expect("\(open)".contains("/data can be written by others"))
        #expect(!open.isRetryable)
        let found = StorageError.writableByAll(path: "/data/log", directory: "/data")
        #expect("\(found)".contains("everybody may write /data/log"))
        #expect("\(found)".contains("chmod -R o-w /data)"))
        #expect(!found.isRetryable)
    }
}
