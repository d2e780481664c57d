import CommitLog
import Disk
import Glibc
import Primitives
import RecordFormat
import SimulationKit
import Testing

/// A sealed segment's first page is lost, or all of the segment: it is named, and costs nobody who
/// does not need it.
@Suite("A lost first page")
struct LostHeaderTests {
    enum Loss: CaseIterable, Sendable {
        /// A bit of it changed.
        case changed
        /// It is zero, as if nothing had ever been written there.
        case blank
        /// The device does not give it.
        case refused
        /// No byte of the segment is what was written.
        case wholeChanged
        /// The device gives nothing of the segment.
        case wholeRefused

        /// Whether the batches of the segment are there.
        var leavesBatches: Bool { self != .wholeChanged && self != .wholeRefused }
        var isRefusal: Bool { self == .refused || self == .wholeRefused }

        func strike(_ disk: SimulatedDisk, segment: UInt64) {
            switch self {
            case .changed: disk.edit(segment) { $0[40] ^= 1 }
            case .blank: disk.edit(segment) { for index in 0..<4096 { $0[index] = 0 } }
            case .refused: disk.badBytes[segment] = 0..<4096
            case .wholeChanged:
                disk.edit(segment) { for index in $0.indices { $0[index] ^= 0xA5 } }
            case .wholeRefused: disk.badBytes[segment] = 0..<Int.max
            }
        }
    }

    private let options = LogOptions(segmentBytes: 5 * 4096, firstSegmentBytes: 5 * 4096)
    /// The segment that is struck, in the midst of the log.
    private let struck: UInt64 = 1

    private struct Sample {
        let disk: SimulatedDisk
        /// What it held before.
        let entries: [Offset: Entry]
        let frames: [SegmentFrame]
        /// What a snapshot that reaches up to the segment behind the struck one knows.
        let known: LogStart

        var lost: Range<Offset> { frames[1].header.base..<frames[2].header.base }
    }

    private func sample(_ loss: Loss) throws -> Sample {
        let disk = SimulatedDisk(seed: 4)
        try fill(
            disk,
            (0..<8).map { batch in
                (0..<3).map { [UInt8](repeating: UInt8(1 + batch), count: 40 + $0) }
            },
            options: options,
            marks: true
        )
        disk.kill()
        var reader = LogReader(SimulatedStorage(disk))
        let frames = try reader.headers()
        try #require(frames.count > 3)
        let next = frames[2].header.base
        let before = try reader.verify(until: next)
        let sample = Sample(
            disk: disk,
            entries: try verify(disk).entries,
            frames: frames,
            known: LogStart(next: next, lastTime: before.lastTime, index: before.index)
        )
        loss.strike(disk, segment: struck)
        return sample
    }

    private func open(
        _ sample: Sample,
        known: LogStart,
        _ replay: (RecordView) throws(DecodeError) -> Void = { _ in }
    ) throws(LogError) -> CommitLog<SimulatedStorage> {
        var entropy = SeededEntropy(seed: 5)
        return try CommitLog(
            opening: LogClaim(SimulatedStorage(sample.disk)),
            options: options,
            entropy: &entropy,
            now: Timestamp(seconds: 1),
            known: known,
            replay: replay
        )
    }

    @Test("a start that needs it is refused, and changes nothing", arguments: Loss.allCases)
    func needed(loss: Loss) throws {
        let sample = try sample(loss)
        let before = (sample.disk.files, sample.disk.manifest)
        do throws(LogError) {
            _ = try open(sample, known: LogStart())
            Issue.record("it started")
        } catch .damaged(let damages) {
            #expect(!loss.isRefusal)
            #expect(damages.map(\.reason) == [.segmentHeader])
            #expect(damages.map(\.segment) == [struck])
        } catch {
            #expect(loss.isRefusal)
            #expect(error == .storage(.system("read", path: "simulated", code: EIO)))
        }
        #expect(sample.disk.files == before.0)
        #expect(sample.disk.manifest == before.1)
    }

    @Test("a start from a snapshot behind it goes on", arguments: Loss.allCases)
    func start(loss: Loss) throws {
        let sample = try sample(loss)
        var replayed: [Offset] = []
        var log = try open(sample, known: sample.known) { replayed.append($0.offset) }
        let next = Offset(UInt64(sample.entries.count))
        #expect(log.recovery.next == next)
        #expect(replayed == sample.entries.keys.filter { $0 >= sample.known.next }.sorted())
        let entry = try log.append(Entry(payload: [9]))
        try log.settle()
        let found = try log.record(at: next) { Entry($0) }
        #expect(found == entry)
    }

    @Test("a running log reads back what is there", arguments: Loss.allCases)
    func readBack(loss: Loss) throws {
        let sample = try sample(loss)
        var log = try open(sample, known: sample.known)
        for (offset, entry) in sample.entries {
            if !loss.leavesBatches, sample.lost.contains(offset) {
                let error = #expect(throws: LogError.self) {
                    _ = try log.record(at: offset) { _ in }
                }
                guard case .storage? = error else {
                    #expect(!loss.isRefusal, "\(String(describing: error))")
                    continue
                }
                #expect(loss.isRefusal)
            } else {
                let found = try log.record(at: offset) { Entry($0) }
                #expect(found == entry, "record \(offset)")
            }
        }
    }

    @Test("who reads what lies behind it meets no damage", arguments: Loss.allCases)
    func behind(loss: Loss) throws {
        let sample = try sample(loss)
        var reader = LogReader(SimulatedStorage(sample.disk))
        var seen: [Offset] = []
        let start = sample.known.next
        let scan = try reader.read(from: start) { if $0.offset >= start { seen.append($0.offset) } }
        #expect(seen == sample.entries.keys.filter { $0 >= start }.sorted())
        #expect(scan.next == Offset(UInt64(sample.entries.count)))
        #expect(throws: LogError.self) { _ = try reader.read { _ in } }
    }

    @Test("who needs no headers reads every record that is there", arguments: Loss.allCases)
    func byBatches(loss: Loss) throws {
        let sample = try sample(loss)
        var reader = LogReader(SimulatedStorage(sample.disk))
        guard loss.leavesBatches else {
            #expect(throws: LogError.self) { _ = try reader.read(needsHeaders: false) { _ in } }
            return
        }
        var entries: [Offset: Entry] = [:]
        let scan = try reader.read(needsHeaders: false) { entries[$0.offset] = Entry($0) }
        #expect(entries == sample.entries)
        #expect(scan.damages.isEmpty)
    }

    @Test("the segments are listed beside it, and with what its batches tell of it")
    func list() throws {
        for loss in Loss.allCases {
            let sample = try sample(loss)
            var reader = LogReader(SimulatedStorage(sample.disk))
            let list = try reader.frames()
            let others = sample.frames.filter { $0.header.number != struck }
            #expect(list.frames.filter { $0.header.number != struck } == others)
            let own = list.frames.first { $0.header.number == struck }
            #expect(own?.header.base == (loss.leavesBatches ? sample.lost.lowerBound : nil))
            #expect(own?.header.salt == (loss.leavesBatches ? sample.frames[1].header.salt : nil))
            #expect(own?.isHeaderLost == (loss.leavesBatches ? true : nil))
            #expect(list.unreadable.map(\.number) == (loss.leavesBatches ? [] : [struck]))
            #expect(list.unreadable.allSatisfy { ($0.refusal != nil) == loss.isRefusal })
        }
    }

    @Test("a pass that ends behind it tells all that it costs")
    func cost() throws {
        let sample = try sample(.wholeChanged)
        var reader = LogReader(SimulatedStorage(sample.disk))
        let end = sample.lost.upperBound
        let scan = try reader.verify(from: Offset(end.rawValue - 1), until: end)
        let damage = Damage(.segmentHeader, segment: struck, position: 0, lost: sample.lost)
        #expect(scan.damages == [damage])
    }
}
