import CommitLog
package import Primitives

/// What one seed is about: some of the faults, and some setting of every knob. A seed without a
/// fault finds what that fault would hide (Groce et al., *Swarm Testing*, ISSTA 2012).
package struct Swarm: Sendable {
    var options: LogOptions
    var cacheBytes: Int
    var delayPercent: UInt64
    var writeFailures: UInt64
    var readFailures: UInt64
    var fillsUp: Bool
    var tearsPages: Bool
    var cutsPower: Bool
    /// How often a recovery may be cut, one in the other.
    var nestedCuts: Int
    var jumpsClock: Bool
    /// The most operations of a life, and of one that ends early.
    var longLife: UInt64
    var isClosedSometimes: Bool
    /// The most that passes from turn to turn, in nanoseconds: at times so little that batches wait
    /// for each other's clients.
    var turnTime: UInt64 { longLife < 320 ? 2_000_000 : 50_000 }

    package init(_ entropy: inout SeededEntropy) {
        func pick(_ count: UInt64) -> UInt64 { entropy.next() % count }
        let page = 4096
        // Mostly a few pages, at times up to a mebibyte.
        let pages = pick(5) == 0 ? 5 + Int(pick(252)) : 5 + Int(pick(16))
        let first = pick(2) == 0 ? pages : 5 + Int(pick(UInt64(pages - 4)))
        options = LogOptions(
            segmentBytes: pages * page,
            firstSegmentBytes: first * page,
            batchBytes: 1024 << Int(pick(6))
        )
        cacheBytes = [0, 500, 4000, .max][Int(pick(4))]
        delayPercent = pick(2) == 0 ? pick(20) : pick(90)
        writeFailures = pick(3) == 0 ? 1 + pick(30) : 0
        readFailures = pick(5) == 0 ? 1 + pick(30) : 0
        fillsUp = pick(4) == 0
        tearsPages = pick(3) == 0
        cutsPower = pick(6) > 0
        nestedCuts = pick(2) == 0 ? Int(pick(4)) : 0
        jumpsClock = pick(3) == 0
        longLife = 20 << pick(6)
        isClosedSometimes = pick(3) == 0
    }

    /// Sets a disk up for a life.
    func arm(_ disk: SimulatedDisk) {
        disk.delayPercent = delayPercent
        disk.failuresPerThousand = writeFailures
        disk.readFailuresPerThousand = readFailures
        disk.tearsPages = tearsPages
        disk.isFull = fillsUp && disk.chance(1, of: 2)
        disk.waitsUntilRoom = disk.isFull ? Int(disk.entropy.next() % 200) : nil
        disk.operationsLeft = Int(disk.entropy.next() % longLife) + 4
    }

    /// Ends the process: by a signal, or with the power.
    func end(_ disk: SimulatedDisk) {
        if cutsPower, disk.chance(1, of: 2) { disk.cutPower() } else { disk.kill() }
    }
}

/// How one seed ended.
package struct Outcome: Sendable {
    package let seed: UInt64
    /// What it was about, for whoever reads a finding.
    package let kind: String
    /// The first broken promise; nil: none.
    package var finding: String?
    package var tally: Tally
    /// A hash of everything that left the engine and of the disk at the end.
    package var hash: UInt64
}
