import CommitLog
import Disk
import Folding
import LogTools
import Primitives
import RecordFormat
import Testing

/// What looks after all segments of a log reads each of them a few times, however many there are.
@Suite struct CareCostTests {
    /// Counts what is read of each segment.
    private final class Meter {
        let source: ChangingSource
        private(set) var listings = 0
        private(set) var reads: [UInt64: Int] = [:]
        private(set) var bytes: [UInt64: Int] = [:]

        init(_ path: String) {
            source = ChangingSource(path)
            source.willList = { [unowned self] in self.listings += 1 }
            source.willRead = { [unowned self] segment, count in
                self.reads[segment, default: 0] += 1
                self.bytes[segment, default: 0] += count
            }
        }

        /// The most reads of one segment.
        var most: Int { reads.values.max() ?? 0 }
    }

    private static let segmentBytes = 64 << 10
    /// The one that is struck.
    private let lost: UInt64 = 9

    /// Leaves nothing of a segment.
    private func strike(_ log: StoredLog) throws {
        try log.change(segment: Int(lost)) { for index in $0.indices { $0[index] ^= 0xA5 } }
    }

    /// Attends to all that is due.
    ///
    /// - Returns: how many were sound, and which were damaged.
    private func attend(_ log: StoredLog, _ meter: Meter) throws -> (sound: Int, [UInt64]) {
        let care = SegmentCare(LogPass(meter.source), log.folder)
        var sound = 0
        var damaged: [UInt64] = []
        for duty in try care.duties(since: Story.start, now: StoredLog.now) {
            switch try care.attend(to: duty, now: StoredLog.now) {
            case .sound: sound += 1
            case .damaged: damaged.append(duty.header.number)
            }
        }
        return (sound, damaged)
    }

    @Test("a look at all segments reads each once, and a few pages more")
    func care() throws {
        let (log, bases) = try StoredLog.many()
        #expect(bases.count > 30)
        let meter = Meter(log.path)
        let (sound, damaged) = try attend(log, meter)
        #expect(sound == bases.count - 1)
        #expect(damaged == [])
        #expect(meter.listings == 1)
        #expect(meter.most <= 12, "of one of \(bases.count) segments")
        let total = meter.bytes.values.reduce(0, +)
        #expect(total < 2 * bases.count * Self.segmentBytes)
    }

    @Test("one of which nothing is left is looked through for itself alone")
    func careOfLost() throws {
        let (log, bases) = try StoredLog.many()
        try strike(log)
        let meter = Meter(log.path)
        let (sound, damaged) = try attend(log, meter)
        #expect(sound == bases.count - 2)
        #expect(damaged == [lost])
        let bytes = try #require(meter.bytes[lost])
        #expect(bytes < 4 * Self.segmentBytes)
    }

    /// Compresses all that can be read, and leaves out what nobody needs.
    private func compact(
        _ log: StoredLog,
        _ meter: Meter,
        strikes: Bool
    ) throws -> Compaction.Outcome {
        var views = Views(cacheBytes: 0)
        var reader = LogReader(directory: log.path)
        let last = try #require(try reader.headers().last).header.base
        _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
        if strikes { try strike(log) }
        let compaction = Compaction(
            DirectoryFiles(path: log.path),
            reading: LogSource(meter.source),
            views: views,
            limit: last
        )
        let policy = Compaction.Policy(age: nil, bytes: 0, compression: .zstd, leastHole: 0)
        return try compaction.run(policy, now: Story.start)
    }

    @Test("segments are written anew without a look at all others for each")
    func compaction() throws {
        let (log, bases) = try StoredLog.many()
        let meter = Meter(log.path)
        let outcome = try compact(log, meter, strikes: false)
        #expect(outcome.failure == nil)
        #expect(outcome.segments >= bases.count - 1)
        #expect(outcome.records > 300)
        #expect(meter.listings <= 4)
        #expect(meter.most < 32, "of one of \(bases.count) segments")
    }

    @Test("nor is one of which nothing is left looked through for each")
    func compactionBesideLost() throws {
        let (log, bases) = try StoredLog.many()
        let meter = Meter(log.path)
        let outcome = try compact(log, meter, strikes: true)
        #expect(outcome.failure?.code == .damaged)
        #expect(outcome.segments >= bases.count - 3)
        let bytes = try #require(meter.bytes[lost])
        #expect(bytes < 8 * Self.segmentBytes)
    }
}
