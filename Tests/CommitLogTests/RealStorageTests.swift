import CommitLog
import Disk
import Glibc
import Primitives
import RecordFormat
import Testing

/// A directory of its own, removed with what a log puts into it.
private final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/iii-log-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let start = buffer.baseAddress, let name = mkdtemp(start) else { return nil }
            return String(cString: name)
        }
        guard let made else { preconditionFailure("no temporary directory") }
        path = made
    }

    deinit {
        for number in 0..<UInt64(64) {
            unlink("\(path)/log/\(DataDirectory.segmentName(number))")
        }
        rmdir("\(path)/log")
        unlink("\(path)/LOCK")
        unlink("\(path)/MANIFEST")
        rmdir(path)
    }
}

@Suite("The log on a file system")
struct RealStorageTests {
    private let options = LogOptions(
        segmentBytes: 256 << 10,
        firstSegmentBytes: 64 << 10,
        batchBytes: 32 << 10
    )

    private func open<Store: Storage & ~Copyable>(
        _ store: consuming Store,
        _ replay: (RecordView) throws(DecodeError) -> Void = { _ in }
    ) throws(LogError) -> CommitLog<Store> {
        var entropy = SystemEntropy()
        return try CommitLog(
            opening: LogClaim(store),
            options: options,
            entropy: &entropy,
            now: Timestamp(seconds: 1),
            replay: replay
        )
    }

    /// Lives through rolls, a reader beside the engine, an end in order and one without.
    private func live<Store: Storage & ~Copyable>(
        _ path: String,
        _ make: () throws -> Store
    ) throws {
        var random = SeededEntropy(seed: 11)
        var entries: [Entry] = []
        for round in 0..<3 {
            var replayed: [Entry] = []
            var log = try open(try make()) { view in replayed.append(Entry(view)) }
            #expect(replayed == entries)
            #expect(log.recovery.wasClean == (round == 1))
            for _ in 0..<150 {
                entries.append(try log.append(.random(at: log.staged, &random, most: 20_000)))
                if random.next() % 3 == 0 || log.hasRoom == false { try log.settle() }
            }
            try log.settle()

            var reader = LogReader(directory: path)
            var seen = 0
            let scan = try reader.read { _ in seen += 1 }
            #expect(seen == entries.count)
            #expect(scan.segments > 1)
            #expect(throws: LogError.self) { _ = try open(try make()) }
            if round == 0 { try log.close() }
        }
    }

    @Test("plain system calls carry a log through rolls and restarts")
    func plain() throws {
        let directory = TemporaryDirectory()
        let waker = try Waker()
        try live(directory.path) { PlainStorage(path: directory.path, waker: waker) }
    }

    @Test("io_uring carries a log through rolls and restarts", .enabled(if: hasRing))
    func uring() throws {
        let directory = TemporaryDirectory()
        let waker = try Waker()
        try live(directory.path) { try UringStorage(path: directory.path, waker: waker) }
    }

    @Test("a file system without direct I/O carries a log as well")
    func memory() throws {
        guard access("/dev/shm", W_OK) == 0 else { return }
        let path = "/dev/shm/iii-log-\(getpid())"
        let store = PlainStorage(path: path, waker: try Waker())
        var log = try open(store)
        let entry = try log.append(Entry(payload: [1, 2, 3]))
        try log.settle()
        try log.close()
        var reader = LogReader(directory: path)
        var seen: [Entry] = []
        _ = try reader.read { seen.append(Entry($0)) }
        #expect(seen == [entry])
        for number in 0..<UInt64(2) { unlink("\(path)/log/\(DataDirectory.segmentName(number))") }
        rmdir("\(path)/log")
        unlink("\(path)/LOCK")
        unlink("\(path)/MANIFEST")
        rmdir(path)
    }

    @Test("running out of descriptors is no end: the next segment is open before it is needed")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            let tests = RealStorageTests()
            let entry = Entry(payload: [UInt8](repeating: 1, count: 20_000))
            var log = try tests.open(PlainStorage(path: directory.path, waker: try Waker()))
            // Made in this life, and found by the next.
            let second = "\(directory.path)/log/\(DataDirectory.segmentName(1))"
            while access(second, F_OK) != 0 { try log.wait(nanoseconds: 1_000_000_000) }
            try log.close()
            log = try tests.open(PlainStorage(path: directory.path, waker: try Waker()))
            _ = try log.append(entry)
            try log.settle()

            var limit = rlimit()
            let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            try #require(getrlimit(files, &limit) == 0)
            let allowed = limit.rlim_cur
            limit.rlim_cur = 3
            try #require(setrlimit(files, &limit) == 0)
            while dup(STDERR_FILENO) >= 0 {}
            while log.activeSegment.number == 0 {
                _ = try log.append(entry)
                try log.settle()
            }
            while !log.isDiskFull {
                try log.wait(nanoseconds: nil)
                try log.reap()
            }
            for _ in 0..<40 {
                if log.hasRoom { _ = try log.append(entry) }
                try log.flush()
                try log.reap()
            }
            let isWaiting = log.durable < log.staged
            try #require(isWaiting, "there is no third segment")

            limit.rlim_cur = allowed
            try #require(setrlimit(files, &limit) == 0)
            try log.settle()
            let end = log.durable
            try log.close()
            var reader = LogReader(directory: directory.path)
            let next = try reader.read { _ in }.next
            try #require(next == end)
        }
    }

    @Test("a directory without a log has nothing to read, and reading makes nothing")
    func nothing() throws {
        var reader = LogReader(directory: "/nowhere/at/all")
        #expect(throws: LogError.self) { _ = try reader.read { _ in } }
    }
}
