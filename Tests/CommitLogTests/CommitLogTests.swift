import CommitLog
import Disk
import Glibc
import Primitives
import RecordFormat
import SimulationKit
import Testing

@Suite("The log")
struct CommitLogTests {
    @Test("what was appended comes back, in order, with everything it carried", arguments: 1...20)
    func roundTrip(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        let disk = SimulatedDisk(seed: seed)
        var entries: [Entry] = []
        for _ in 0..<3 {
            var replayed: [Entry] = []
            var log = try open(disk) { view in replayed.append(Entry(view)) }
            #expect(replayed == entries)
            for _ in 0..<100 {
                let entry = Entry.random(at: log.staged, &entropy, most: 3000)
                entries.append(try log.append(entry))
                if entropy.next() % 4 == 0 { try log.settle() }
            }
            try log.close()
            disk.kill()
        }
        let found = try verify(disk)
        #expect(found.scan.damages.isEmpty)
        #expect(found.scan.segments > 1)
        #expect((0..<entries.count).map { found.entries[Offset(UInt64($0))] } == entries)
    }

    @Test("durable moves when the device reports, not when it is handed a batch")
    func durability() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.delayPercent = 100
        var log = try open(disk)
        _ = try log.append(Entry(payload: [1]))
        #expect(log.staged == Offset(1))
        try log.flush()
        try log.reap()
        #expect(log.durable == .zero)
        disk.delayPercent = 0
        try log.reap()
        #expect(log.durable == Offset(1))
        #expect(log.isIdle == true)
    }

    @Test("one batch fills while another is on its way")
    func pipelining() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.delayPercent = 100
        var log = try open(disk)
        _ = try log.append(Entry(payload: [1]))
        try log.flush()
        for byte in 2...9 { _ = try log.append(Entry(payload: [UInt8(byte)])) }
        let writes = log.statistics.writes
        try log.flush()
        #expect(log.statistics.writes == writes)
        #expect(log.flushed == Offset(1))
        disk.delayPercent = 0
        try log.settle()
        #expect(log.statistics.batches == 2)
        #expect(log.durable == Offset(9))
    }

    @Test("a quiet log says once how far it is durable")
    func idleMark() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.delayPercent = 0
        var log = try open(disk)
        #expect(log.needsIdleMark == false)
        _ = try log.append(Entry(payload: [1]))
        #expect(log.needsIdleMark == false)
        try log.settle()
        #expect(log.needsIdleMark == true)
        try log.flushIdle()
        try log.settle()
        #expect(log.needsIdleMark == false)
        let writes = log.statistics.writes
        try log.flushIdle()
        #expect(log.statistics.writes == writes)
        #expect(try verify(disk).scan.mark == Offset(1))
    }

    @Test("after a failed write nothing is accepted and nothing becomes durable")
    func poisoned() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.delayPercent = 0
        var log = try open(disk)
        _ = try log.append(Entry(payload: [1]))
        try log.flush()
        disk.failuresPerThousand = 1000
        let failure = LogError.storage(.system("write", path: "simulated", code: 5))
        #expect(throws: failure) { try log.reap() }
        #expect(throws: failure) { _ = try log.append(Entry(payload: [2])) }
        #expect(throws: failure) { try log.flush() }
        #expect(throws: failure) { try log.reap() }
        #expect(throws: failure) { try log.wait(nanoseconds: 0) }
        #expect(log.durable == .zero)
    }

    @Test("a record that is too large is refused and leaves no trace")
    func tooLarge() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try open(disk)
        let limit = smallOptions.recordBytes
        _ = try log.append(Entry(payload: [UInt8](repeating: 1, count: limit)))
        try log.settle()
        #expect(throws: LogError.recordTooLarge(bytes: limit + 1, limit: limit)) {
            _ = try log.append(Entry(payload: [UInt8](repeating: 1, count: limit + 1)))
        }
        #expect(log.staged == Offset(1))
        _ = try log.append(Entry(payload: [3]))
        try log.settle()
        #expect(try verify(disk).entries[Offset(1)]?.payload == [3])
    }

    @Test("a batch never outgrows a segment: the record that would make it so has to wait")
    func full() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try open(disk)
        let half = [UInt8](repeating: 1, count: smallOptions.recordBytes * 2 / 3)
        _ = try log.append(Entry(payload: half))
        #expect(log.hasRoom == false)
        #expect(throws: LogError.full) { _ = try log.append(Entry(payload: half)) }
        #expect(log.staged == Offset(1))
        try log.settle()
        _ = try log.append(Entry(payload: half))
        try log.settle()
        #expect(try verify(disk).entries.count == 2)
    }

    @Test("times never go back, within a batch, between batches, and across a restart")
    func times() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try open(disk)
        for nanoseconds in [50, 20, 9_000_000_000, 10] as [Int64] {
            _ = try log.append(Entry(time: Timestamp(nanoseconds: nanoseconds), payload: []))
            if nanoseconds == 20 { try log.settle() }
        }
        try log.close()
        disk.kill()
        log = try open(disk)
        #expect(log.lastTime == Timestamp(nanoseconds: 9_000_000_000))
        _ = try log.append(Entry(time: Timestamp(nanoseconds: 30), payload: []))
        try log.settle()
        let found = try verify(disk).entries
        let times = (0..<5).map { found[Offset(UInt64($0))]?.time.nanoseconds }
        #expect(times == [50, 50, 9_000_000_000, 9_000_000_000, 9_000_000_000])
    }

    @Test(
        "a full disk, or another want, stops the log at the end of the segment for a while",
        arguments: [
            StorageError.noSpace(path: "simulated", code: ENOSPC),
            .system("open", path: "simulated", code: EMFILE),
            .system("start a thread", path: "simulated", code: EAGAIN),
        ]
    )
    func fullDisk(obstacle: StorageError) throws {
        let disk = SimulatedDisk(seed: 1)
        disk.obstacle = obstacle
        disk.delayPercent = 0
        var log = try open(disk)
        for _ in 0..<20 {
            if log.hasRoom {
                _ = try log.append(Entry(payload: [UInt8](repeating: 1, count: 3000)))
            }
            try log.flush()
            try log.reap()
        }
        #expect(log.isDiskFull == true)
        let durable = log.durable
        #expect(durable > .zero)
        #expect(durable < log.staged)
        let waited = disk.waited
        try log.wait(nanoseconds: nil)
        #expect(disk.waited == waited + Limits.obstacleLook, "nobody might ring")
        disk.obstacle = nil
        try log.settle()
        #expect(log.isDiskFull == false)
        #expect(log.durable == log.staged)
        try log.close()
    }

    @Test("what once stood in the way of a segment is tried again when the segment is needed")
    func staleObstacle() throws {
        let disk = SimulatedDisk(seed: 1)
        let obstacle = StorageError.system("open", path: "simulated", code: EACCES)
        disk.obstacle = obstacle
        disk.delayPercent = 0
        var log = try open(disk)
        while log.obstacle == nil { try log.reap() }
        #expect(log.isDiskFull == false)
        disk.obstacle = nil
        let entry = Entry(payload: [UInt8](repeating: 1, count: 3000))
        while log.activeSegment.number == 0 {
            _ = try log.append(entry)
            try log.settle()
        }
        // One that is still there ends the log.
        disk.obstacle = obstacle
        #expect(throws: LogError.storage(obstacle)) {
            while true {
                _ = try log.append(entry)
                try log.settle()
            }
        }
    }

    /// A log that has staged more than there is room for on a full disk.
    private func standstill(_ disk: SimulatedDisk) throws -> CommitLog<SimulatedStorage> {
        disk.isFull = true
        disk.delayPercent = 0
        var log = try open(disk)
        for _ in 0..<1000 where log.standstill == nil {
            if log.hasRoom {
                _ = try log.append(Entry(payload: [UInt8](repeating: 1, count: 3000)))
            }
            try log.flush()
            try log.reap()
        }
        let standstill = log.standstill
        try #require(standstill != nil)
        return log
    }

    @Test("closing waits for the segment that is being made", arguments: 1...20)
    func closeAfterShortage(seed: UInt64) throws {
        let disk = SimulatedDisk(seed: seed)
        let log = try standstill(disk)
        let staged = log.staged
        disk.isFull = false
        try log.close()
        disk.kill()
        #expect(try verify(disk).entries.count == Int(staged.rawValue))
        let next = try open(disk)
        #expect(next.recovery.wasClean == true)
    }

    @Test("a log that has no segment for what is staged is not closed", arguments: 1...20)
    func closeInShortage(seed: UInt64) throws {
        let disk = SimulatedDisk(seed: seed)
        let log = try standstill(disk)
        let durable = log.durable
        var failure: LogError?
        do throws(LogError) { try log.close() } catch { failure = error }
        #expect(failure == .storage(.noSpace(path: "simulated", code: ENOSPC)))
        disk.kill()
        let next = try open(disk)
        #expect(next.recovery.wasClean == false)
        #expect(next.staged == durable, "what was durable, and no more")
    }

    @Test("a record behind what was read ahead is found without going through its segment")
    func readNearTail() throws {
        let disk = SimulatedDisk(seed: 1)
        let size = 8 << 20
        var log = try open(disk, options: LogOptions(segmentBytes: size, firstSegmentBytes: size))
        disk.isServing = true
        for round in UInt64(0)..<3 {
            // The last batch is in memory: it is the one before it that is read.
            for number in 2 * round..<2 * round + 2 {
                _ = try log.append(Entry(payload: [UInt8(number)]))
                try log.settle()
            }
            let reads = disk.tally.times(.readBack)
            let payload = try log.record(at: Offset(2 * round)) { Entry($0).payload }
            #expect(payload == [UInt8(2 * round)])
            #expect(disk.tally.times(.readBack) == reads + 2, "the header, and the batches")
        }
    }

    @Test("on a full disk the mark of a quiet log takes no room of the segment")
    func idleMarkOnFullDisk() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.isFull = true
        disk.delayPercent = 0
        var log = try open(disk)
        while !log.isDiskFull { try log.reap() }
        _ = try log.append(Entry(payload: [1]))
        try log.settle()
        let before = disk.files.mapValues(\.cache)
        #expect(try verify(disk).scan.mark == .zero)
        try log.flushIdle()
        try log.settle()
        #expect(try verify(disk).scan.mark == Offset(1))
        let isUntouched = disk.files.mapValues(\.cache) == before
        #expect(isUntouched)
        #expect(log.needsIdleMark == false)
    }

    @Test("a log that was closed is clean; one that was not, is not")
    func cleanFlag() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try open(disk)
        #expect(log.recovery.isNew == true)
        _ = try log.append(Entry(payload: [1]))
        try log.close()
        disk.kill()
        log = try open(disk)
        #expect(log.recovery.wasClean == true)
        #expect(log.recovery.isNew == false)
        disk.kill()
        log = try open(disk)
        #expect(log.recovery.wasClean == false)
        try log.close()
    }

    @Test("an intact record that its reader cannot read is named")
    func undecodable() throws {
        let disk = SimulatedDisk(seed: 1)
        try fill(disk, [[[1], [2]]])
        disk.kill()
        let error = DecodeError(position: 3, expected: "sense")
        #expect(throws: LogError.undecodable(Offset(1), error)) {
            _ = try open(disk) { view throws(DecodeError) in
                if view.offset == Offset(1) { throw error }
            }
        }
    }

    @Test("a reader starts where it is told, and skips what lies before")
    func readFrom() throws {
        let disk = SimulatedDisk(seed: 1)
        try fill(disk, (0..<40).map { [[UInt8](repeating: UInt8($0), count: 2000)] })
        for start in [0, 1, 17, 39, 40, 41] as [UInt64] {
            var reader = LogReader(SimulatedStorage(disk))
            var seen: [UInt64] = []
            let scan = try reader.read(from: Offset(start)) { seen.append($0.offset.rawValue) }
            #expect(seen == Array(min(start, 40)..<40))
            #expect(scan.next == Offset(40))
        }
    }
}
