import CommitLog
import Disk
import Primitives
import RecordFormat

/// A bare log through several lives: random batches, kills, power cuts, failing devices.
///
/// In its lying mode the device reports syncs that it did not do. Nothing can be promised then but
/// that no record is invented, changed or halved, and that what is missing in front of something
/// else is named.
package struct LogSimulation: ~Copyable {
    private var entropy: SeededEntropy
    private let swarm: Swarm
    private let disk: SimulatedDisk
    private let lies: Bool
    private var hash = ContentHash()
    /// What was appended in this life behind the records of those before: hashes by offset, made
    /// from what was asked for and not from what was written.
    private var appended: [UInt64] = []

    package init(seed: UInt64, lies: Bool = false) {
        entropy = SeededEntropy(seed: seed)
        swarm = Swarm(&entropy)
        disk = SimulatedDisk(seed: entropy.next())
        disk.witness = LogWitness()
        self.lies = lies
    }

    package consuming func run(seed: UInt64) -> Outcome {
        var finding: String?
        for life in 1...5 where finding == nil {
            swarm.arm(disk)
            if lies {
                disk.liesPercent = 1 + entropy.next() % 60
                disk.failuresPerThousand = 0
            }
            finding = live(isLast: life == 5).map { "life \(life): \($0)" }
            if let violation = disk.violations.first { finding = finding ?? violation }
            if hasEnded { break }
        }
        disk.tally.acknowledged += disk.witness?.promised ?? 0
        hash.add(disk.checksum)
        return Outcome(
            seed: seed,
            kind: lies ? "log, lying device" : "log",
            finding: finding,
            tally: disk.tally,
            hash: hash.value
        )
    }

    /// Whether a device that lied cost the log, which says so: nothing more to see.
    private var hasEnded = false

    private mutating func live(isLast: Bool) -> String? {
        disk.tally.lives += 1
        if isLast { disk.calm() }
        do throws(LogError) {
            guard var log = try open() else { return openFinding }
            for _ in 0..<(isLast ? 10 : 200) {
                try work(&log)
                if let finding = try readBack(&log) { return finding }
                disk.witness?.promise(log.durable)
            }
            if isLast || entropy.next() % 4 == 0, !disk.isFull {
                try log.close()
                disk.tally.count(.closed)
                disk.witness?.promise(Offset(UInt64(appended.count)))
            }
        } catch {
            if !disk.hasCrashed, !disk.hasFailed { return "unexpected: \(error)" }
        }
        if lies, entropy.next() % 2 == 0 { disk.cutPower() } else { swarm.end(disk) }
        return isLast ? last() : nil
    }

    private var openFinding: String?

    /// Opens the log, through cuts of its recovery; nil: it did not open, ``openFinding`` says
    /// whether that is a broken promise.
    private mutating func open() throws(LogError) -> CommitLog<SimulatedStorage>? {
        openFinding = nil
        var cuts = swarm.nestedCuts
        let operations = disk.operationsLeft
        while true {
            disk.operationsLeft = cuts > 0 ? Int(entropy.next() % 25) : nil
            var recovered: [UInt64] = []
            var salts = SeededEntropy(seed: entropy.next())
            do throws(LogError) {
                let log = try CommitLog(
                    opening: LogClaim(SimulatedStorage(disk)),
                    options: swarm.options,
                    entropy: &salts,
                    now: Timestamp(seconds: 1)
                ) { record in recovered.append(LogWitness.hash(of: record)) }
                return judge(log.recovery, recovered) ? settled(log, operations) : nil
            } catch .damaged(let damages) {
                hasEnded = true
                if lies { disk.tally.count(.namedAfterLie) }
                openFinding = lies ? nil : "false alarm: \(damages)"
                return nil
            } catch {
                guard disk.hasCrashed || disk.hasFailed else { throw error }
                if disk.hasCrashed { disk.tally.count(.cutInsideRecovery) }
                swarm.end(disk)
                if swarm.readFailures > 0, cuts <= 0 { disk.readFailuresPerThousand = 0 }
                cuts -= 1
            }
        }
    }

    private func settled(
        _ log: consuming CommitLog<SimulatedStorage>,
        _ operations: Int?
    ) -> CommitLog<SimulatedStorage> {
        disk.operationsLeft = operations
        disk.isServing = true
        return log
    }

    private mutating func judge(_ report: RecoveryReport, _ recovered: [UInt64]) -> Bool {
        disk.tally.recovered += recovered.count
        if report.torn != nil { disk.tally.count(.tornTail) }
        if report.wasClean { disk.tally.count(.wasClean) }
        let promised = disk.witness?.promised ?? 0
        if recovered.count < promised, lies { disk.tally.count(.lossAfterLie) }
        openFinding = disk.witness?.judge(recovered, mayLose: lies)
        for (offset, hash) in recovered.enumerated()
        where offset < appended.count && hash != appended[offset] {
            openFinding = openFinding ?? "record \(offset) is not what was appended"
        }
        appended = recovered
        return openFinding == nil
    }

    /// What is left at the very end is read once more by a reader that owns nothing.
    private mutating func last() -> String? {
        guard !lies else { return nil }
        var reader = LogReader(SimulatedStorage(disk))
        var count = 0
        do throws(LogError) {
            let scan = try reader.verify { _ in count += 1 }
            if !scan.damages.isEmpty { return "false alarm: \(scan.damages)" }
            return count == appended.count
                ? nil : "\(appended.count) records closed, \(count) found"
        } catch {
            return "the closed log cannot be read: \(error)"
        }
    }
}

extension LogSimulation {
    private mutating func work(_ log: inout CommitLog<SimulatedStorage>) throws(LogError) {
        switch entropy.next() % 8 {
        case 0...3:
            for _ in 0..<entropy.next() % 6 where log.hasRoom {
                do throws(LogError) { try append(&log) } catch .full { break }
            }
        case 4, 5: try log.flush()
        case 6: try log.flushIdle()
        default: try log.wait(nanoseconds: nil)
        }
        try log.reap()
        if log.isDiskFull { disk.tally.count(.fullPause) }
        if disk.isFull { try log.wait(nanoseconds: nil) }
    }

    /// Appends a random record, small most of the time, with sectors of zeros now and then.
    private mutating func append(_ log: inout CommitLog<SimulatedStorage>) throws(LogError) {
        let size =
            switch entropy.next() % 20 {
            case 0: Int(entropy.next() % UInt64(swarm.options.recordBytes / 2))
            case 1: 0
            default: Int(entropy.next() % 200)
            }
        let filler = entropy.next() % 8 == 0 ? 0 : UInt8(truncatingIfNeeded: entropy.next())
        var payload = [UInt8](repeating: filler, count: min(size, 20_000))
        if filler != 0, size >= 8 {
            let stamp = entropy.next()
            payload.withUnsafeMutableBytes { $0.storeBytes(of: stamp, as: UInt64.self) }
        }
        let offset = log.staged
        let distance = 1 + entropy.next() % (offset.rawValue + 1)
        let cause =
            entropy.next() % 2 == 0 && distance <= offset.rawValue
            ? Offset(offset.rawValue - distance) : nil
        let trace = entropy.next() % 3 == 0 ? nil : TraceID(high: 7, low: 1 + entropy.next() % 2)
        let time = log.stamp(Timestamp(nanoseconds: Int64(entropy.next() % 1_000_000)))
        let kind = UInt8(truncatingIfNeeded: entropy.next())
        _ = try log.append(kind: kind, time: time, trace: trace, cause: cause) { writer in
            payload.withUnsafeBytes { writer.raw($0) }
        }
        let record = payload.withUnsafeBytes { bytes in
            LogWitness.hash(
                of: RecordView(
                    offset: offset,
                    time: time,
                    trace: trace,
                    cause: cause,
                    kind: kind,
                    payload: bytes
                )
            )
        }
        appended.append(record)
        hash.add(record)
    }

    /// Reads one of the records back, wherever it is by now; nil when it is what was appended.
    private mutating func readBack(
        _ log: inout CommitLog<SimulatedStorage>
    ) throws(LogError) -> String? {
        guard !appended.isEmpty, entropy.next() % 4 == 0 else { return nil }
        // Mostly one behind the other, as a backlog is worked off.
        let first = Int(entropy.next() % UInt64(appended.count))
        for number in first..<min(appended.count, first + 1 + Int(entropy.next() % 5)) {
            let found = try log.record(at: Offset(UInt64(number))) { LogWitness.hash(of: $0) }
            if found != appended[number] {
                return "record \(number) is not read back as it was appended"
            }
        }
        return nil
    }
}
