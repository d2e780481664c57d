import CommitLog
import Disk
import Dispatch
import Engine
import Events
import Foundation
import Primitives
import Synchronization
import Testing

@testable import Server

/// A medium that gives the header of one segment, or not even that, and nothing else of it.
private final class BrokenSource: SegmentSource {
    private let directory: ReadOnlyDirectory
    private let broken: UInt64
    private let givesHeader: Bool

    init(_ path: String, segment: UInt64, givesHeader: Bool = true) {
        directory = ReadOnlyDirectory(path: path)
        broken = segment
        self.givesHeader = givesHeader
    }

    var path: String { directory.path }

    func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        guard segment != broken || givesHeader && position == 0 else {
            throw .system("read", path: "segment \(segment)", code: 5)
        }
        return try directory.read(segment: segment, at: position, into: memory)
    }

    func reopen(segment: UInt64) { directory.reopen(segment: segment) }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try directory.readManifest(slot: slot, into: memory)
    }
}

/// What a keeper does, as it is seen from outside. The first thread that it wants is refused.
private final class Onlooker: Sendable {
    private struct Seen {
        var notices: [Notice] = []
        var rewritings = 0
        var threads = 0
    }

    private let seen = Mutex(Seen())
    private let ended = DispatchSemaphore(value: 0)

    var notices: [String] { seen.withLock { $0.notices.map(\.text) } }
    /// Those of errors.
    var loud: [String] {
        seen.withLock { $0.notices.filter { $0.severity == .error }.map(\.text) }
    }
    var rewritings: Int { seen.withLock { $0.rewritings } }
    /// How often a thread was wanted.
    var threads: Int { seen.withLock { $0.threads } }

    func hear(_ notice: Notice) { seen.withLock { $0.notices.append(notice) } }

    func rewritten() { seen.withLock { $0.rewritings += 1 } }

    func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let number = seen.withLock { seen in
            seen.threads += 1
            return seen.threads
        }
        guard number > 1 else { return false }
        return ServerThread.tryStart {
            body()
            self.ended.signal()
        }
    }

    /// Whether a thread came to its end.
    func waitForEnd() -> Bool { ended.wait(timeout: .now() + 50) == .success }
}

@Suite("What looks after sealed segments")
struct KeeperTests {
    let workspace: Workspace
    let configuration: Configuration
    let report = Report(isJSON: false, least: .error)
    var data: String { configuration.engine.data }

    static let segmentBytes = 64 << 10
    static let time = Timestamp(seconds: 1_900_000_000)

    init() throws {
        workspace = try Workspace()
        var configuration = try workspace.load(data: "\(workspace.path)/data").configuration
        configuration.log.segmentBytes = Self.segmentBytes
        configuration.log.snapshotBytes = 2 * Self.segmentBytes
        configuration.log.compression = .none
        self.configuration = configuration
    }

    /// Fills segments.
    ///
    /// - Returns: where each begins, and the one behind them, and whose they are.
    func fill(
        _ count: UInt64,
        with event: Event = .started(Started(version: "test", process: 1))
    ) throws -> (bases: [Offset], engine: UUID128) {
        var entropy = SeededEntropy(seed: 1)
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: data, waker: try Waker())),
            options: LogOptions(
                segmentBytes: Self.segmentBytes,
                firstSegmentBytes: Self.segmentBytes
            ),
            entropy: &entropy,
            now: Self.time,
            replay: { _ in }
        )
        var bases = [log.activeSegment.base]
        while bases.count <= count {
            _ = try log.append(
                kind: event.kind.rawValue,
                time: Self.time,
                trace: nil,
                cause: nil
            ) { event.encode(into: &$0) }
            while !log.isIdle {
                try log.flush()
                try log.wait(nanoseconds: nil)
                try log.reap()
            }
            let base = log.activeSegment.base
            if base != bases.last { bases.append(base) }
        }
        let engine = log.engine
        try log.close()
        return (bases, engine)
    }

    /// Puts snapshots into the folder that are none.
    private func spoil(_ folder: SnapshotFolder, _ numbers: [UInt64]) throws {
        let page = [UInt8](repeating: 0, count: 4096)
        for number in numbers {
            let file = try folder.create(number)
            try page.withUnsafeBytes { try file.finish(head: $0) }
        }
    }

    @Test("a snapshot stays beside those that reach further and cannot be used")
    func further() throws {
        let (bases, engine) = try fill(4)
        let folder = SnapshotFolder(dataDirectory: data)
        let end = bases[4].rawValue
        try spoil(folder, [end - 2, end - 1])
        var reader = LogReader(directory: data)
        var fold = SnapshotFold()
        try fold.fold(&reader, until: bases[1])
        _ = try fold.write(to: folder, of: engine, isLast: false)
        #expect(try folder.numbers() == [end - 1, end - 2, bases[1].rawValue])
    }

    @Test(
        "snapshots that cannot be used keep nobody from making others, and go",
        .timeLimit(.minutes(1))
    )
    func unusable() throws {
        let (bases, engine) = try fill(6)
        let folder = SnapshotFolder(dataDirectory: data)
        let end = bases[6].rawValue
        try spoil(folder, [1, end - 2, end - 1])
        let keeper = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: report.notice,
            rewritten: {}
        )
        #expect(keeper.make(until: bases[6]))
        #expect(try folder.numbers() == [end, bases[4].rawValue], "two segments at a time")
    }

    @Test("where no thread can be started that is told, and made up for a segment later")
    func noThread() throws {
        let (bases, engine) = try fill(6, with: .stopped(Stopped(reason: "test")))
        var configuration = configuration
        configuration.log.retentionBytes = 1
        let onlooker = Onlooker()
        let keeper = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: { onlooker.hear($0) },
            rewritten: { onlooker.rewritten() },
            start: { onlooker.start($0) }
        )
        let folder = SnapshotFolder(dataDirectory: data)
        keeper.rolled(to: 2, base: bases[2])
        #expect(onlooker.notices.count == 1)
        #expect(onlooker.notices.first?.hasSuffix("no room for one more thread") == true)
        #expect(try folder.numbers() == [])
        keeper.rolled(to: 3, base: bases[3])
        #expect(onlooker.waitForEnd())
        #expect(try folder.numbers() == [bases[3].rawValue, bases[2].rawValue])
        #expect(onlooker.rewritings == 1, "and retention goes on")
        // What was made counts.
        keeper.rolled(to: 3, base: bases[3])
        #expect(onlooker.threads == 2)
    }

    @Test(
        "a segment that cannot be read keeps none beside it from being looked after",
        arguments: [true, false]
    )
    func unreadable(givesHeader: Bool) throws {
        _ = try fill(4)
        let keeper = try SegmentKeeper(configuration, report: report)
        var later: [UInt64: SegmentKeeper.RetryDelay] = [:]
        keeper.round(BrokenSource(data, segment: 1, givesHeader: givesHeader), &later)
        #expect(try IndexFolder(dataDirectory: data).numbers() == [0, 2, 3])
        #expect(later.keys.sorted() == [1])
    }

    /// Changes the bytes of a segment behind everybody's back.
    private func change(_ segment: UInt64, _ body: (inout [UInt8]) -> Void) throws {
        let name = DataDirectory.segmentName(segment)
        let url = URL(fileURLWithPath: "\(data)/log/\(name)")
        var bytes = [UInt8](try Data(contentsOf: url))
        body(&bytes)
        try Data(bytes).write(to: url, options: .atomic)
    }

    @Test("what was made anew is looked at anew, whatever was wrong with the file before")
    func madeAnew() throws {
        let (bases, engine) = try fill(8)
        var configuration = configuration
        configuration.log.retentionBytes = 1
        let snapshots = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: report.notice,
            rewritten: {}
        )
        #expect(snapshots.make(until: bases[4]))
        try change(0) { $0[40] ^= 1 }
        let keeper = try SegmentKeeper(configuration, report: report)
        let source = PacedSource(path: data)
        let indexes = IndexFolder(dataDirectory: data)
        var later: [UInt64: SegmentKeeper.RetryDelay] = [:]
        for _ in 0..<2 {
            keeper.round(source, &later)
            #expect(later.keys.sorted() == [0])
            #expect(try indexes.numbers().first == 1)
        }
        #expect(snapshots.make(until: bases[6]))
        keeper.round(source, &later)
        #expect(later.isEmpty)
        #expect(try indexes.numbers().first == 0)
    }

    /// What is in the folder of snapshots, byte by byte.
    private func snapshotFiles() throws -> [String: Data] {
        let folder = "\(data)/snap"
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        return files
    }

    @Test("a segment above the snapshot that has lost its first page stops none")
    func lostPageAbove() throws {
        let (bases, engine) = try fill(8)
        let onlooker = Onlooker()
        let keeper = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: { onlooker.hear($0) },
            rewritten: { onlooker.rewritten() }
        )
        #expect(keeper.make(until: bases[6]))
        let whole = try snapshotFiles()
        try FileManager.default.removeItem(atPath: "\(data)/snap")
        #expect(keeper.make(until: bases[2]))
        try change(3) { $0[40] ^= 1 }
        #expect(keeper.make(until: bases[6]))
        #expect(try snapshotFiles() == whole)
        #expect(onlooker.notices == [])
    }

    @Test("where one above it is lost there is no other snapshot, which is said loudly, and once")
    func lostSegmentAbove() throws {
        let (bases, engine) = try fill(8)
        let onlooker = Onlooker()
        let keeper = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 2,
            notify: { onlooker.hear($0) },
            rewritten: { onlooker.rewritten() },
            start: { onlooker.start($0) }
        )
        #expect(keeper.make(until: bases[2]))
        try change(3) { for index in $0.indices { $0[index] ^= 0xA5 } }
        // Of this one nothing comes: there is no thread.
        keeper.rolled(to: 4, base: bases[4])
        keeper.rolled(to: 5, base: bases[5])
        #expect(onlooker.waitForEnd())
        #expect(onlooker.loud.count == 1)
        let told = try #require(onlooker.loud.first)
        #expect(told.contains(DataDirectory.segmentName(3)))
        #expect(told.contains("iii-log -D \(data) repair"))
        // It is tried again, but not for every segment.
        keeper.rolled(to: 6, base: bases[6])
        #expect(onlooker.threads == 2)
        keeper.rolled(to: 7, base: bases[7])
        #expect(onlooker.waitForEnd())
        #expect(onlooker.threads == 3)
        #expect(onlooker.loud.count == 1)
        #expect(try SnapshotFolder(dataDirectory: data).numbers() == [bases[2].rawValue])
    }

    @Test("a segment below the snapshot stops no other one, and its first page is made anew")
    func lostPage() throws {
        let (bases, engine) = try fill(8)
        var configuration = configuration
        configuration.log.retentionBytes = 1
        let onlooker = Onlooker()
        let keeper = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: { onlooker.hear($0) },
            rewritten: { onlooker.rewritten() }
        )
        #expect(keeper.make(until: bases[4]))
        try change(0) { $0[40] ^= 1 }
        #expect(keeper.make(until: bases[6]))
        let name = DataDirectory.segmentName(0)
        let told = onlooker.notices.filter { $0.contains("\(data)/log/\(name)") }
        #expect(told.count == 1)
        #expect(told.first?.contains("No record is lost") == true)
        #expect(FileManager.default.fileExists(atPath: "\(data)/quarantine/\(name)"))
        var reader = LogReader(directory: data)
        #expect(try reader.read { _ in }.damages == [])
        // Of this one not enough is left.
        try change(1) { for index in $0.indices { $0[index] ^= 0xA5 } }
        #expect(keeper.make(until: bases[8]))
        let folder = SnapshotFolder(dataDirectory: data)
        #expect(try folder.numbers().first == bases[8].rawValue)
        let other = DataDirectory.segmentName(1)
        let way = try #require(onlooker.notices.first { $0.contains("\(data)/log/\(other)") })
        #expect(way.contains("iii-log -D \(data) repair"))
    }
}
