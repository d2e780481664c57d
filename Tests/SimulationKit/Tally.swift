/// What a run of the simulator met: how often each fault was dealt, and each rare branch taken.
package struct Tally: Equatable, Sendable {
    /// What the disk, the clock and the power did.
    package enum Fault: String, CaseIterable, Sendable {
        case cutInsideWrite = "cut inside a write"
        case cutInsideRecovery = "cut inside a recovery"
        case cutInsideCompaction = "cut inside a compaction"
        case cutInsideRepair = "cut inside a repair"
        case writeError = "write error"
        case shortWrite = "short write"
        case readError = "read error"
        case noSpace = "no space for a segment"
        case delay = "late completion"
        case lyingFlush = "lying flush"
        case clockBack = "clock set back"
        case clockAhead = "clock set ahead"
        case bitFlip = "flipped bit"
        case lostFile = "lost segment"
        case truncatedFile = "truncated segment"
        case swappedFiles = "swapped segments"
        case copiedFile = "segment copied over another"
        case foreignBytes = "foreign bytes appended"
        case foreignBatch = "batch of another log"
        case misdirectedWrite = "batch at another place"
        case damagedManifest = "damaged MANIFEST slot"
    }

    /// Rare branches that a run must have taken sometimes, or it proves less than it seems to.
    package enum Branch: String, CaseIterable, Sendable {
        case tornTail = "torn tail cut"
        case zeroedTail = "tail zeroed"
        case tailSynced = "tail synced that was not"
        case rolled = "segment rolled"
        case fullPause = "pause for a full disk"
        case fullResume = "resumed when there was room"
        case readBack = "record read back from the device"
        case idleMark = "idle mark"
        case batchHeld = "batch that waited for more"
        case snapshotUsed = "start from a snapshot"
        case keptSnapshotUsed = "start from a snapshot of a life before"
        case compacted = "segments written anew by retention"
        case leftBeside = "record left by retention beside others"
        case repaired = "log repaired"
        case closed = "closed in order"
        case wasClean = "found closed in order"
        case retried = "retry"
        case deadLetter = "dead letter"
        case redriven = "redrive"
        case discarded = "discard"
        case discardedAll = "discard of all dead letters"
        case purged = "purge"
        case fenced = "fenced result"
        case redelivered = "delivery repeated after a crash"
        case takenOver = "messages of an ended subscription taken over"
        case fanOut = "published to several subscriptions"
        case workerLost = "worker left with work"
        case cronFired = "cron slot fired"
        case cronSkipped = "cron slot skipped"
        case cronRerun = "cron run repeated after a crash"
        case httpAnswered = "HTTP request answered"
        case httpRefused = "HTTP condition refused"
        case httpTimeout = "HTTP timeout"
        case stateUpdated = "state updated"
        case stateDeleted = "state deleted"
        case compared = "compared and set"
        case conflicted = "compared and refused"
        case transacted = "two keys set at once"
        case expired = "value gone by itself"
        case reacted = "state trigger fired"
        case streamed = "item of a stream written"
        case cronMissed = "cron slots missed and told of"
        case headerSalvage = "segment header salvaged"
        case manifestRebuilt = "MANIFEST rebuilt"
        case damageNamed = "damage named"
        case harmlessDamage = "damage that changes no record"
        case lossAfterLie = "loss after a lying flush"
        case namedAfterLie = "damage named after a lying flush"
    }

    package var faults = [Int](repeating: 0, count: Fault.allCases.count)
    package var branches = [Int](repeating: 0, count: Branch.allCases.count)
    package var lives = 0
    package var kills = 0
    package var powerCuts = 0
    /// Records that were promised to somebody when a life ended.
    package var acknowledged = 0
    package var recovered = 0
    package var effects = 0

    package init() {}

    package mutating func count(_ fault: Fault) { faults[fault.ordinal] += 1 }
    package mutating func count(_ branch: Branch) { branches[branch.ordinal] += 1 }
    package func times(_ branch: Branch) -> Int { branches[branch.ordinal] }

    package mutating func add(_ other: Tally) {
        for index in faults.indices { faults[index] += other.faults[index] }
        for index in branches.indices { branches[index] += other.branches[index] }
        lives += other.lives
        kills += other.kills
        powerCuts += other.powerCuts
        acknowledged += other.acknowledged
        recovered += other.recovered
        effects += other.effects
    }
}

extension Tally.Fault {
    private static let ordinals = Dictionary(
        uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) }
    )
    fileprivate var ordinal: Int { Self.ordinals[self] ?? 0 }
}

extension Tally.Branch {
    private static let ordinals = Dictionary(
        uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) }
    )
    fileprivate var ordinal: Int { Self.ordinals[self] ?? 0 }
}
