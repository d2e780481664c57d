import Disk
import Testing

/// What every storage does, whichever way its writes take to the device.
private func conforms<Store: Storage & ~Copyable>(
    _ make: (String) throws(StorageError) -> Store
) throws {
    let directory = TemporaryDirectory()
    let path = "\(directory.path)/data"
    var store = try make(path)
    #expect(try store.isInUse() == false)
    #expect(TemporaryDirectory.names(directory.path).isEmpty, "looking makes nothing")

    try store.lock()
    try store.arrange()
    #expect(TemporaryDirectory.names(path) == ["LOCK", "MANIFEST", "log"])
    #expect(TemporaryDirectory.mode(path) == 0o700)
    #expect(TemporaryDirectory.mode("\(path)/log") == 0o700)
    #expect(TemporaryDirectory.mode("\(path)/MANIFEST") == 0o600)
    #expect(TemporaryDirectory.mode("\(path)/LOCK") == 0o600)
    #expect(try store.isInUse() == true)

    try store.createSegment(7, size: 65536)
    #expect(try store.segments() == [SegmentFile(number: 7, size: 65536)])
    #expect(TemporaryDirectory.mode("\(path)/log/00000000000000000007.seg") == 0o600)

    try writesArrive(&store)
    try readsArrive(&store)
    try manifestSlots(&store)
    try aheadAndAway(&store)
    try sizes(&store)

    var other = try make(path)
    let holder = #expect(throws: StorageError.self) { try other.lock() }
    guard case .locked(path, let who) = holder else {
        Issue.record("expected the lock to be held, got \(String(describing: holder))")
        return
    }
    #expect(who.pid != nil)
    #expect(!who.host.isEmpty)
}

private func aligned(_ count: Int, filledWith byte: UInt8) -> UnsafeMutableRawBufferPointer {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: byte)
    return memory
}

private func writesArrive<Store: Storage & ~Copyable>(_ store: inout Store) throws {
    let memory = aligned(8192, filledWith: 0xAB)
    defer { memory.deallocate() }
    let target = WriteTarget.segment(7)
    try store.submit(UnsafeRawBufferPointer(memory), to: target, at: 4096, ticket: 42)
    var completion: Completion?
    for _ in 0..<1000 where completion == nil {
        try store.wait(nanoseconds: nil)
        completion = try store.reap()
    }
    #expect(completion == Completion(ticket: 42, failure: nil))
    #expect(try store.reap() == nil)
    try store.submit(UnsafeRawBufferPointer(memory), to: target, at: 4096, ticket: 43)
    let hasFound = store.poll(nanoseconds: 60_000_000_000)
    #expect(hasFound, "without a sleep")
    #expect(try store.reap() == Completion(ticket: 43, failure: nil))
    let findsMore = store.poll(nanoseconds: 1000)
    #expect(!findsMore)
    store.drain()

    let found = aligned(16384, filledWith: 1)
    defer { found.deallocate() }
    #expect(try store.read(segment: 7, at: 0, into: found) == 16384)
    let isRight = found.indices.allSatisfy {
        found[$0] == (4096..<12288 ~= $0 ? 0xAB : 0)
    }
    #expect(isRight)
    let count = try store.read(segment: 7, at: 61440, into: found)
    #expect(count == 4096, "a read stops at the end of the file")
    try store.sync(segment: 7)
    store.release(segment: 7)
}

/// After ``writesArrive(_:)``: several reads at once, each reported under its ticket.
private func readsArrive<Store: Storage & ~Copyable>(_ store: inout Store) throws {
    let found = aligned(4 * 4096, filledWith: 1)
    defer { found.deallocate() }
    for (slot, position) in [0, 4096, 61440, 65536].enumerated() {
        let range = slot * 4096..<slot * 4096 + 4096
        let memory = UnsafeMutableRawBufferPointer(rebasing: found[range])
        try store.submitRead(segment: 7, at: position, into: memory, ticket: 50 + UInt64(slot))
    }
    var completions: [UInt64: Completion] = [:]
    while completions.count < 4 {
        while let completion = try store.reap() { completions[completion.ticket] = completion }
        if completions.count < 4 { try store.wait(nanoseconds: 1_000_000_000) }
    }
    #expect(completions.values.allSatisfy { $0.failure == nil })
    let counts = (50..<54).map { completions[$0]?.count }
    #expect(counts == [4096, 4096, 4096, 0], "a read stops at the end of the file")
    #expect(found[..<4096].allSatisfy { $0 == 0 } && found[4096..<8192].allSatisfy { $0 == 0xAB })
    let memory = UnsafeMutableRawBufferPointer(rebasing: found[..<4096])
    #expect(throws: StorageError.self) {
        try store.submitRead(segment: 99, at: 0, into: memory, ticket: 60)
        if let failure = try store.reap()?.failure { throw failure }
    }
}

private func manifestSlots<Store: Storage & ~Copyable>(_ store: inout Store) throws {
    let memory = aligned(4096, filledWith: 3)
    defer { memory.deallocate() }
    try store.write(UnsafeRawBufferPointer(memory), to: .manifest(slot: 1), at: 0)
    try store.readManifest(slot: 0, into: memory)
    #expect(memory.allSatisfy { $0 == 0 })
    try store.readManifest(slot: 1, into: memory)
    #expect(memory.allSatisfy { $0 == 3 })
}

private func aheadAndAway<Store: Storage & ~Copyable>(_ store: inout Store) throws {
    #expect(store.preparation() == .none)
    store.prepareSegment(8, size: 32768)
    // The waker is rung when the segment is there.
    while store.preparation() == .running(8) { try store.wait(nanoseconds: 1_000_000_000) }
    #expect(store.preparation() == .ready(8))
    #expect(try store.segments().map(\.number) == [7, 8])
    try store.removeSegment(8)
    #expect(try store.segments().map(\.number) == [7])
}

private func sizes<Store: Storage & ~Copyable>(_ store: inout Store) throws {
    try store.resizeSegment(7, to: 32768)
    #expect(try store.segments() == [SegmentFile(number: 7, size: 32768)])
    try store.resizeSegment(7, to: 65536)
    #expect(try store.segments() == [SegmentFile(number: 7, size: 65536)])
    let memory = aligned(4096, filledWith: 9)
    defer { memory.deallocate() }
    #expect(try store.read(segment: 7, at: 36864, into: memory) == 4096)
    #expect(memory.allSatisfy { $0 == 0 })
}

@Suite("Storages")
struct ConformanceTests {
    @Test("plain system calls keep the contract")
    func plain() throws {
        let waker = try Waker()
        try conforms { path throws(StorageError) in PlainStorage(path: path, waker: waker) }
    }

    @Test("io_uring keeps the contract", .enabled(if: hasRing))
    func uring() throws {
        let waker = try Waker()
        try conforms { path throws(StorageError) in try UringStorage(path: path, waker: waker) }
    }

    @Test("the reason for plain system calls is part of what the backend says")
    func reason() throws {
        let refusal = StorageError.ringUnavailable(code: 1)
        let store = PlainStorage(path: "/nowhere", waker: try Waker(), reason: refusal)
        #expect(store.backend.contains("io_uring refused: Operation not permitted"))
    }
}

@Suite("The data directory")
struct DataDirectoryTests {
    @Test("a directory with somebody's files is refused, and left as it is")
    func foreign() throws {
        let directory = TemporaryDirectory()
        TemporaryDirectory.create("\(directory.path)/thesis.txt")
        let store = PlainStorage(path: directory.path, waker: try Waker())
        let error = StorageError.foreignDirectory(path: directory.path, found: "thesis.txt")
        #expect(throws: error) { _ = try store.isInUse() }
        #expect(TemporaryDirectory.names(directory.path) == ["thesis.txt"])
    }

    @Test("what stands beside a log by right does not make a directory foreign")
    func neighbours() throws {
        let directory = TemporaryDirectory()
        for name in ["samples", "formats", ".gitignore", "README.md", "lost+found", "token"] {
            TemporaryDirectory.create("\(directory.path)/\(name)")
        }
        let store = PlainStorage(path: directory.path, waker: try Waker())
        #expect(try store.isInUse() == false)
    }

    @Test("a segment left half made is removed; other names in the folder are no segments")
    func leftovers() throws {
        let directory = TemporaryDirectory()
        let store = PlainStorage(path: directory.path, waker: try Waker())
        try store.lock()
        try store.arrange()
        let log = "\(directory.path)/log"
        for name in ["00000000000000000003.seg.tmp", "3.seg", "0000000000000000000x.seg", "notes"] {
            TemporaryDirectory.create("\(log)/\(name)")
        }
        #expect(try store.segments().isEmpty)
        try store.arrange()
        #expect(!TemporaryDirectory.names(log).contains("00000000000000000003.seg.tmp"))
    }

    @Test("that there is no room for a segment is said at once, and looked at again after a rest")
    func noRoom() throws {
        let directory = TemporaryDirectory()
        let store = PlainStorage(path: directory.path, waker: try Waker())
        try store.lock()
        try store.arrange()
        // No file system has room for a file of four pebibytes.
        func attempt() -> Duration {
            ContinuousClock().measure {
                store.prepareSegment(1, size: 4 << 50)
                while store.preparation() == .running(1) { store.wait(nanoseconds: nil) }
            }
        }
        let first = attempt()
        guard case .failed(1, .noSpace) = store.preparation() else {
            Issue.record("expected no room, got \(store.preparation())")
            return
        }
        let second = attempt()
        #expect(second >= .milliseconds(200))
        #expect(first < second)
        #expect(TemporaryDirectory.names("\(directory.path)/log").isEmpty)
    }

    @Test("a write to a segment that is gone is an error that names it")
    func missing() throws {
        let directory = TemporaryDirectory()
        let store = PlainStorage(path: directory.path, waker: try Waker())
        try store.lock()
        try store.arrange()
        let path = "\(directory.path)/log/00000000000000000001.seg"
        #expect(throws: StorageError.system("open", path: path, code: 2)) {
            try store.sync(segment: 1)
        }
    }
}
