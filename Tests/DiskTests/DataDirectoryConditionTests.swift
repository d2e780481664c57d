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
