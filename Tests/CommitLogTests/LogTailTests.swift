import CommitLog
import Disk
import Primitives
import RecordFormat
import SimulationKit
import Testing

@Suite("A reader that goes along with a log")
struct LogTailTests {
    private let disk = SimulatedDisk(seed: 7)

    private func payload(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 700)
    }

    /// Appends one batch of some records, and waits until it is durable.
    private func write(
        _ count: Int,
        to log: inout CommitLog<SimulatedStorage>
    ) throws(LogError) {
        for _ in 0..<count {
            _ = try log.append(Entry(payload: payload(Int(log.staged.rawValue))))
        }
        try log.settle()
    }

    private func read(
        _ tail: inout LogTail<SimulatedStorage>,
        below end: Offset,
        bytes: Int = .max
    ) throws(LogError) -> [Offset] {
        var offsets: [Offset] = []
        _ = try tail.read(below: end, bytes: bytes) { record in
            offsets.append(record.offset)
            let first = record.payload.first
            #expect(first == UInt8(truncatingIfNeeded: record.offset.rawValue))
        }
        return offsets
    }

    @Test("it hands over each record once, as they become durable, over the ends of segments")
    func follows() throws {
        var log = try open(disk)
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        var seen: [Offset] = []
        for round in 1...60 {
            try write(round % 5 + 1, to: &log)
            seen += try read(&tail, below: log.durable)
            let next = tail.next
            let durable = log.durable
            #expect(next == durable)
            let again = try read(&tail, below: log.durable)
            #expect(again.isEmpty)
        }
        let count = log.durable.rawValue
        #expect(seen == (0..<count).map { Offset($0) })
        let segment = log.activeSegment.number
        #expect(segment > 3, "the test has met the ends of segments")
    }

    @Test(
        "it begins so many bytes before the end, at a batch",
        arguments: [0, 5000, 40_000, 90_000]
    )
    func start(bytes: Int) throws {
        var log = try open(disk)
        for _ in 0..<40 { try write(4, to: &log) }
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: bytes, before: log.durable)
        let first = tail.next.rawValue
        let end = log.durable.rawValue
        #expect(first % 4 == 0, "batches have four records here")
        // A batch of four such records has a page.
        #expect(end - first <= UInt64(bytes / 4096 * 4))
        #expect(end - first + 4 >= UInt64(min(bytes / 4096 * 4, Int(end))) / 2)
        let seen = try read(&tail, below: log.durable)
        #expect(seen == (first..<end).map { Offset($0) })
    }

    @Test("what is passed over is not handed over, and what follows is")
    func skips() throws {
        var log = try open(disk)
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        for _ in 0..<30 { try write(3, to: &log) }
        try tail.skip(to: log.durable)
        let skipped = tail.next
        let durable = log.durable
        #expect(skipped == durable)
        try write(2, to: &log)
        let seen = try read(&tail, below: log.durable)
        #expect(seen == [durable, durable.advanced(by: 1)])
    }

    @Test("it reads piece by piece")
    func pieces() throws {
        var log = try open(disk)
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        for _ in 0..<10 { try write(3, to: &log) }
        let first = try read(&tail, below: log.durable, bytes: 1)
        #expect(first == [0, 1, 2].map { Offset($0) })
        let next = tail.next
        #expect(next == Offset(3))
    }

    @Test("it goes on where the log has grown while it read piece by piece")
    func growsMeanwhile() throws {
        var log = try open(disk)
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        var seen: [Offset] = []
        for _ in 1...20 {
            for _ in 1...3 { try write(1, to: &log) }
            // Less than there is: the rest is read ahead, and the end of it is not yet written.
            seen += try read(&tail, below: log.durable, bytes: 1)
        }
        while tail.next < log.durable { seen += try read(&tail, below: log.durable, bytes: 1) }
        let count = log.durable.rawValue
        #expect(seen == (0..<count).map { Offset($0) })
    }

    @Test("a first page that is not given matters to nobody who wants nothing of its segment")
    func unwanted() throws {
        var log = try open(disk)
        for _ in 0..<30 { try write(3, to: &log) }
        // As one that was made ahead.
        let spare = log.activeSegment.number + 1
        disk.files[spare] = disk.files[0]
        disk.badBytes[spare] = 0..<Int.max
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: 0, before: log.durable)
        let (next, durable) = (tail.next, log.durable)
        #expect(next == durable)
    }

    @Test("it begins behind a segment whose first page is lost", arguments: [false, true])
    func behindLostPage(isRefused: Bool) throws {
        var log = try open(disk)
        for _ in 0..<40 { try write(4, to: &log) }
        let (number, base) = log.activeSegment
        try #require(number > 2)
        if isRefused {
            disk.badBytes[number - 1] = 0..<Layout.page
        } else {
            disk.edit(number - 1) { $0[40] ^= 1 }
        }
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        let next = tail.next
        #expect(next == base)
        let end = log.durable
        let seen = try read(&tail, below: end)
        #expect(seen == (base.rawValue..<end.rawValue).map { Offset($0) })
    }

    @Test("where nothing tells how far a damage goes, nobody says that no record is lost")
    func openEnd() throws {
        var log = try open(disk)
        for _ in 0..<30 { try write(3, to: &log) }
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        let end = log.durable
        disk.edit(0) { $0[3 * Layout.page + 20] ^= 1 }
        var failure: LogError?
        do throws(LogError) { _ = try read(&tail, below: end) } catch { failure = error }
        guard case .damaged(let found) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(found.map(\.reason) == [.batchHeader])
        #expect(found.allSatisfy { $0.isOpenEnded })
    }

    @Test("who begins at a damage is told of it, and not that no record is lost")
    func beginsAtDamage() throws {
        var log = try open(disk)
        for _ in 0..<2 { try write(3, to: &log) }
        let end = log.durable
        disk.edit(0) { $0[Layout.segmentHeader + 20] ^= 1 }
        var tail = LogTail(SimulatedStorage(disk))
        var failure: LogError?
        do throws(LogError) { try tail.start(bytes: .max, before: end) } catch { failure = error }
        guard case .damaged(let found) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(found.map(\.reason) == [.batchHeader])
        #expect(found.map(\.position) == [Layout.segmentHeader])
        #expect(found.allSatisfy { $0.isOpenEnded })
    }

    @Test("where a segment does not lead to the next one, the damaged one of them is named")
    func betweenSegments() throws {
        for isHeader in [true, false] {
            let disk = SimulatedDisk(seed: 7)
            var log = try open(disk)
            for _ in 0..<30 { try write(3, to: &log) }
            var tail = LogTail(SimulatedStorage(disk))
            try tail.start(bytes: .max, before: log.durable)
            let end = log.durable
            if isHeader {
                disk.edit(1) { $0[40] ^= 1 }
            } else {
                disk.edit(0) { bytes in
                    for index in 3 * Layout.page..<bytes.count { bytes[index] = 0 }
                }
            }
            var failure: LogError?
            do throws(LogError) { _ = try read(&tail, below: end) } catch { failure = error }
            guard case .damaged(let found) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(found.map(\.segment) == [isHeader ? 1 : 0])
            #expect(found.map(\.reason) == [isHeader ? .segmentHeader : .missingBatches])
            #expect(found.allSatisfy { $0.isOpenEnded == isHeader })
            // Two batches of three records stand before what is gone.
            if !isHeader { #expect(found.map(\.lost.lowerBound) == [Offset(6)]) }
        }
    }

    @Test("a place where the log is damaged is an error, and the end can be gone on from")
    func damage() throws {
        var log = try open(disk)
        for _ in 0..<30 { try write(3, to: &log) }
        var tail = LogTail(SimulatedStorage(disk))
        try tail.start(bytes: .max, before: log.durable)
        let end = log.durable
        disk.edit(0) { $0[3 * Layout.page + 100] ^= 1 }
        var failure: LogError?
        do throws(LogError) { _ = try read(&tail, below: end) } catch { failure = error }
        #expect(failure != nil)
        try tail.start(bytes: 0, before: end)
        let next = tail.next
        #expect(next == end)
    }
}
