import CommitLog
import Disk
import Engine
import Events
import Foundation
import Primitives
import Synchronization
import Testing

@testable import Server

/// The time of day, where a test wants it to be.
private final class SetClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ time: Timestamp) { self.time = Mutex(time) }

    var now: Timestamp { time.withLock { $0 } }

    func pass(days: Int64) {
        time.withLock { $0 = $0.advanced(by: .seconds(days * 86_400)) }
    }
}

/// What a keeper tells.
private final class Told: Sendable {
    private let texts = Mutex<[String]>([])

    var all: [String] { texts.withLock { $0 } }

    func hear(_ notice: Notice) { texts.withLock { $0.append(notice.text) } }
}

// Retention of logs that are small, or grow slowly.
extension KeeperTests {
    /// A keeper that does at once what is due.
    private func keeper(
        _ engine: UUID128,
        _ clock: SetClock = SetClock(KeeperTests.time),
        _ change: (inout Configuration.Log) -> Void
    ) -> SnapshotKeeper {
        var configuration = configuration
        configuration.log.snapshotBytes = 1 << 30
        change(&configuration.log)
        return SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: report.notice,
            rewritten: {},
            now: { clock.now },
            start: { body in
                body()
                return true
            }
        )
    }

    private var snapshots: [UInt64] {
        get throws { try SnapshotFolder(dataDirectory: data).numbers() }
    }

    /// How many records retention has removed.
    private var removed: Int {
        get throws {
            var reader = LogReader(directory: data)
            return try reader.read { _ in }.removed
        }
    }

    @Test("what is beyond the log's size goes, however far apart snapshots may be")
    func small() throws {
        let (bases, engine) = try fill(6, with: .stopped(Stopped(reason: "test")))
        let keeper = keeper(engine) { $0.retentionBytes = 2 * Self.segmentBytes }
        for number in 1...6 { keeper.rolled(to: UInt64(number), base: bases[number]) }
        // All that the older of two snapshots has folded.
        #expect(try snapshots == [bases[6].rawValue, bases[5].rawValue])
        #expect(try removed == Offset.zero.distance(to: bases[5]))
    }

    @Test("so it does in a log that grew faster than snapshots are made")
    func burst() throws {
        let (bases, engine) = try fill(6, with: .stopped(Stopped(reason: "test")))
        let keeper = keeper(engine) { $0.retentionBytes = 2 * Self.segmentBytes }
        keeper.rolled(to: 6, base: bases[6])
        #expect(try snapshots == [bases[6].rawValue, bases[5].rawValue])
        #expect(try removed == Offset.zero.distance(to: bases[5]))
    }

    @Test("where retention lets much stand, snapshots are not nearer to each other for it")
    func large() throws {
        let (bases, engine) = try fill(6, with: .stopped(Stopped(reason: "test")))
        let keeper = keeper(engine) { $0.retentionBytes = 16 * Self.segmentBytes }
        var made: [UInt64] = []
        for number in 1...6 {
            keeper.rolled(to: UInt64(number), base: bases[number])
            if let newest = try snapshots.first, newest != made.last { made.append(newest) }
        }
        #expect(made == [bases[4].rawValue], "a quarter of it is four segments")
    }

    @Test("what is too old goes, also when nothing is sealed meanwhile; two snapshots stay")
    func slow() throws {
        let (bases, engine) = try fill(3, with: .stopped(Stopped(reason: "test")))
        let clock = SetClock(Self.time)
        let keeper = keeper(engine, clock) { $0.retention = .seconds(8 * 86_400) }
        keeper.rolled(to: 2, base: bases[2])
        #expect(try snapshots == [bases[2].rawValue])
        // Not for every segment.
        clock.pass(days: 1)
        keeper.rolled(to: 3, base: bases[3])
        keeper.look()
        #expect(try snapshots == [bases[2].rawValue])
        clock.pass(days: 1)
        keeper.look()
        let both = [bases[3].rawValue, bases[2].rawValue]
        #expect(try snapshots == both)
        #expect(try removed == 0, "nothing is as old")
        clock.pass(days: 7)
        keeper.look()
        #expect(try removed == Offset.zero.distance(to: bases[2]))
        #expect(try snapshots == both, "neither is made again")
    }

    @Test("what is done is told where it changes the log by a MiB or more", arguments: [6, 30])
    func told(count: Int) throws {
        let (bases, engine) = try fill(UInt64(count), with: .stopped(Stopped(reason: "test")))
        var configuration = configuration
        configuration.log.snapshotBytes = 1 << 30
        configuration.log.retentionBytes = 1
        let told = Told()
        let keeper = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: 0,
            notify: { told.hear($0) },
            rewritten: {}
        )
        #expect(keeper.make(until: bases[count - 2]))
        #expect(keeper.make(until: bases[count]))
        #expect(try removed > 0)
        guard count == 30 else { return #expect(told.all.isEmpty) }
        let line = try #require(told.all.first)
        #expect(told.all.count == 1)
        #expect(line.contains(" sealed segments written anew, 1 MiB less; retention removed "))
    }

    @Test("without retention, a quiet log has no snapshot made for it")
    func kept() throws {
        let (bases, engine) = try fill(3, with: .stopped(Stopped(reason: "test")))
        let clock = SetClock(Self.time)
        let keeper = keeper(engine, clock) { _ in }
        keeper.rolled(to: 3, base: bases[3])
        clock.pass(days: 1000)
        keeper.look()
        #expect(try snapshots == [])
    }

    @Test("a snapshot that is there is not made again, and the one before it stays")
    func again() throws {
        let (bases, engine) = try fill(4)
        let keeper = keeper(engine) { _ in }
        #expect(keeper.make(until: bases[2]))
        #expect(keeper.make(until: bases[4]))
        let both = [bases[4].rawValue, bases[2].rawValue]
        #expect(try snapshots == both)
        #expect(keeper.make(until: bases[4]))
        #expect(try snapshots == both)
    }
}
