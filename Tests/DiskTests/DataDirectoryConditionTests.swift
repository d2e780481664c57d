import Disk
import Glibc
import Testing

@Suite("How a data directory stands")
struct DataDirectoryConditionTests {
    private let directory = TemporaryDirectory()
    private var path: String { "\(directory.path)/data" }

    @Test("missing, then held, then free; looking makes nothing and keeps nothing")
    func story() throws {
        #expect(try DataDirectory.condition(of: path) == .fresh)
        #expect(TemporaryDirectory.names(directory.path).isEmpty)

        let store = PlainStorage(path: path, waker: try Waker())
        try store.lock()
        try store.arrange()
        guard case .held(let holder) = try DataDirectory.condition(of: path) else {
            Issue.record("an engine has it")
            return
        }
        #expect(holder.pid == getpid())
        _ = consume store

        #expect(try DataDirectory.condition(of: path) == .free)
        let next = PlainStorage(path: path, waker: try Waker())
        try next.lock()
    }

    @Test("a pipe in the place of a file is named, and not waited for")
    func pipe() throws {
        let store = PlainStorage(path: path, waker: try Waker())
        try store.lock()
        try store.arrange()
        _ = consume store
        let lock = "\(path)/LOCK"
        #expect(unlink(lock) == 0 && mkfifo(lock, 0o600) == 0)
        #expect(throws: StorageError.notAFile(path: lock)) {
            try DataDirectory.condition(of: path)
        }
        #expect(throws: StorageError.notAFile(path: lock)) {
            try PlainStorage(path: path, waker: try Waker()).lock()
        }
        let folder = SnapshotFolder(dataDirectory: directory.path)
        let file = try folder.create(1)
        try [UInt8](repeating: 7, count: 4096).withUnsafeBytes { try file.finish(head: $0) }
        let name = "\(directory.path)/snap/00000000000000000001.snap"
        #expect(unlink(name) == 0 && mkfifo(name, 0o600) == 0)
        #expect(throws: StorageError.notAFile(path: name)) { try folder.open(1) }
    }

    @Test("a link or a folder in the place of a segment is named, and not taken for a damaged one")
    func link() throws {
        let store = PlainStorage(path: path, waker: try Waker())
        try store.lock()
        try store.arrange()
        let name = "\(path)/log/00000000000000000003.seg"
        #expect(symlink("/elsewhere", name) == 0)
        #expect(throws: StorageError.notAFile(path: name)) { try store.segments() }
        #expect(unlink(name) == 0 && mkdir(name, 0o700) == 0)
        #expect(throws: StorageError.notAFile(path: name)) { try store.segments() }
    }

    @Test("a directory stays locked when somebody removes LOCK")
    func removedLock() throws {
        let store = PlainStorage(path: path, waker: try Waker())
        try store.lock()
        #expect(unlink("\(path)/LOCK") == 0)
        #expect(throws: StorageError.self) {
            try PlainStorage(path: path, waker: try Waker()).lock()
        }
        #expect(TemporaryDirectory.names(path).isEmpty, "no LOCK is left that nobody has")
        #expect(try DataDirectory.condition(of: path) == .held(.init(pid: nil, host: "")))
        _ = consume store
        #expect(try DataDirectory.condition(of: path) == .fresh)
        try PlainStorage(path: path, waker: try Waker()).lock()
    }

    @Test("a log that has lost MANIFEST is one; a copy that is not finished is none")
    func lostManifest() throws {
        let store = PlainStorage(path: path, waker: try Waker())
        try store.lock()
        try store.arrange()
        try store.createSegment(0, size: 65536)
        _ = consume store
        #expect(unlink("\(path)/MANIFEST") == 0)
        #expect(try DataDirectory.condition(of: path) == .free)
        let partial = DataDirectory.partialManifest
        TemporaryDirectory.create("\(path)/\(partial)")
        #expect(throws: StorageError.foreignDirectory(path: path, found: partial)) {
            try DataDirectory.condition(of: path)
        }
    }

    @Test("what is not an engine's is named")
    func foreign() throws {
        mkdir(path, 0o700)
        TemporaryDirectory.create("\(path)/letter")
        #expect(throws: StorageError.foreignDirectory(path: path, found: "letter")) {
            try DataDirectory.condition(of: path)
        }
        #expect(TemporaryDirectory.names(path) == ["letter"])
    }
}
