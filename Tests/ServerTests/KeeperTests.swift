import CommitLog
import Disk
import Engine
import Events
import Primitives
import Testing

@testable import Server

/// A medium that gives the header of one segment, and nothing else of it.
private final class BrokenSource: SegmentSource {
    private let directory: ReadOnlyDirectory
    private let broken: UInt64

    init(_ path: String, segment: UInt64) {
        directory = ReadOnlyDirectory(path: path)
        broken = segment
    }

    var path: String { directory.path }

    func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        guard segment != broken || position == 0 else {
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

@Suite("What looks after sealed segments")
struct KeeperTests {
    private let workspace: Workspace
    private let configuration: Configuration
    private let report = Report(isJSON: false, least: .error)
    private var data: String { configuration.engine.data }

    private static let segmentBytes = 64 << 10
    private static let time = Timestamp(seconds: 1_900_000_000)

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
    private func fill(_ count: UInt64) throws -> (bases: [Offset], engine: UUID128) {
        var entropy = SeededEntropy(seed: 1)
        var log = try CommitLog(
            opening: PlainStorage(path: data, waker: try Waker()),
            options: LogOptions(
                segmentBytes: Self.segmentBytes,
                firstSegmentBytes: Self.segmentBytes
            ),
            entropy: &entropy,
            now: Self.time,
            replay: { _ in }
        )
        let event = Event.started(Started(version: "test", process: 1))
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
            report: report,
            rewritten: {}
        )
        #expect(keeper.make(until: bases[6]))
        #expect(try folder.numbers() == [end, bases[4].rawValue], "two segments at a time")
    }

    @Test("a segment that cannot be read keeps none behind it from being looked after")
    func unreadable() throws {
        _ = try fill(4)
        let keeper = try SegmentKeeper(configuration, report: report)
        var later: [UInt64: Timestamp] = [:]
        keeper.round(BrokenSource(data, segment: 1), &later)
        #expect(try IndexFolder(dataDirectory: data).numbers() == [0, 2, 3])
        #expect(later.keys.sorted() == [1])
    }
}
