import CommitLog
import Glibc
import Primitives
import SimulationKit
import Testing

/// What may be found after a crash.
private struct Oracle {
    /// Every record handed to the device, by offset.
    var submitted: [Entry] = []
    /// Records staged behind those.
    var pending: [Entry] = []
    /// Offsets at which a batch may end.
    var boundaries: Set<UInt64> = [0]
    /// Below it everything was promised, or shown to somebody.
    var promised = 0

    /// Compares what was recovered; nil when it is right.
    mutating func judge(_ recovered: [Entry]) -> String? {
        if recovered.count < promised {
            return "lost: \(promised) promised, \(recovered.count) recovered"
        }
        if recovered.count > submitted.count {
            return "invented: \(submitted.count) submitted, \(recovered.count) recovered"
        }
        for (index, entry) in recovered.enumerated() where entry != submitted[index] {
            return "record \(index) is not what was appended"
        }
        if !boundaries.contains(UInt64(recovered.count)) {
            return "half a batch: \(recovered.count)"
        }
        submitted.removeLast(submitted.count - recovered.count)
        pending = []
        // Served from now on: it must survive the next power cut, acknowledged or not.
        promised = recovered.count
        return nil
    }
}

/// Runs a log through crashes, within itself and within its recovery; nil when every promise held.
private func torture(seed: UInt64) -> String? {
    var entropy = SeededEntropy(seed: seed)
    let disk = SimulatedDisk(seed: entropy.next())
    disk.failuresPerThousand = entropy.next() % 3 == 0 ? 20 : 0
    disk.delayPercent = entropy.next() % 80
    let segment = (5 + Int(entropy.next() % 12)) * 4096
    let options = LogOptions(
        segmentBytes: segment,
        firstSegmentBytes: entropy.next() % 2 == 0 ? segment : 5 * 4096,
        batchBytes: 4096 + Int(entropy.next() % 8192)
    )
    var oracle = Oracle()
    for epoch in 0..<5 {
        disk.operationsLeft = Int(entropy.next() % (entropy.next() % 4 == 0 ? 30 : 300))
        disk.isFull = entropy.next() % 8 == 0
        if let finding = live(disk, options, &oracle, &entropy) {
            return "seed \(seed), epoch \(epoch): \(finding)"
        }
        if let violation = disk.violations.first { return "seed \(seed): \(violation)" }
        if entropy.next() % 2 == 0 { disk.kill() } else { disk.cutPower() }
    }
    disk.operationsLeft = nil
    return live(disk, options, &oracle, &entropy, steps: 0).map { "seed \(seed), end: \($0)" }
}

/// One life of a process on the disk: opens, judges, and works until it is cut off.
private func live(
    _ disk: SimulatedDisk,
    _ options: LogOptions,
    _ oracle: inout Oracle,
    _ entropy: inout SeededEntropy,
    steps: Int = 120
) -> String? {
    var recovered: [Entry] = []
    do throws(LogError) {
        var log = try open(disk, options: options) { view in recovered.append(Entry(view)) }
        if let finding = oracle.judge(recovered) { return finding }
        for _ in 0..<steps {
            try work(&log, options, &oracle, &entropy)
            if let finding = try readBack(&log, oracle, &entropy) { return finding }
            let durable = Int(log.durable.rawValue)
            if durable > oracle.submitted.count { return "durable before it was submitted" }
            oracle.promised = max(oracle.promised, durable)
        }
        if entropy.next() % 4 == 0, !disk.isFull {
            oracle.submit()
            try log.close()
            oracle.promised = oracle.submitted.count
        }
        return nil
    } catch .damaged(let damages) {
        return "false alarm: \(damages)"
    } catch {
        // The process ends here; anything but a crash or an injected failure is a finding.
        return disk.hasCrashed || disk.hasFailed ? nil : "unexpected: \(error)"
    }
}

extension Oracle {
    /// Everything staged goes to the device, as one batch.
    fileprivate mutating func submit() {
        submitted += pending
        pending = []
        boundaries.insert(UInt64(submitted.count))
    }
}

private func work(
    _ log: inout CommitLog<SimulatedStorage>,
    _ options: LogOptions,
    _ oracle: inout Oracle,
    _ entropy: inout SeededEntropy
) throws(LogError) {
    switch entropy.next() % 8 {
    case 0...3:
        for _ in 0..<entropy.next() % 6 where log.hasRoom {
            let entry = Entry.random(at: log.staged, &entropy, most: options.recordBytes / 2)
            do throws(LogError) {
                oracle.pending.append(try log.append(entry))
            } catch .full {
                break
            }
        }
    case 4, 5:
        // A crash inside the call may leave the batch on the disk.
        let before = (log.flushed, oracle)
        oracle.submit()
        try log.flush()
        if log.flushed == before.0 { oracle = before.1 }
    case 6:
        try log.flushIdle()
    default:
        try log.wait(nanoseconds: nil)
    }
    try log.reap()
}

/// Reads one of the records back, wherever it is by now; nil when it is what was appended.
private func readBack(
    _ log: inout CommitLog<SimulatedStorage>,
    _ oracle: Oracle,
    _ entropy: inout SeededEntropy
) throws(LogError) -> String? {
    let all = oracle.submitted.count + oracle.pending.count
    guard all > 0, entropy.next() % 4 == 0 else { return nil }
    // Mostly one behind the other, as a backlog is worked off.
    let first = Int(entropy.next() % UInt64(all))
    for number in first..<min(all, first + 1 + Int(entropy.next() % 5)) {
        let entry = try log.record(at: Offset(UInt64(number))) { Entry($0) }
        let index = number - oracle.submitted.count
        let expected = index < 0 ? oracle.submitted[number] : oracle.pending[index]
        if entry != expected { return "record \(number) is not read back as it was appended" }
    }
    return nil
}

@Suite("Crashes")
struct CrashTests {
    /// Seeds in each of the eight blocks; `III_CRASH_SEEDS` in the environment asks for more.
    private static let seeds =
        getenv("III_CRASH_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 150

    @Test(
        "nothing promised is lost, nothing is invented, no batch is halved",
        arguments: UInt64(0)..<8
    )
    func crashes(block: UInt64) {
        for seed in block * Self.seeds..<(block + 1) * Self.seeds {
            if let finding = torture(seed: seed) { Issue.record("\(finding)") }
        }
    }
}
