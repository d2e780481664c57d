/// What becomes of a flipped bit, in the order of a report.
package enum FlipKind: String, CaseIterable, Sendable {
    case slot = "MANIFEST slot: refused, the other one used"
    case segmentHeader = "segment header: named, no record lost"
    case batchHeader = "batch header: named with the batch's records"
    case emptyBatch = "idle mark or seal: named, no record lost"
    case record = "record: named, no other lost"
    case records = "batch's time, record's length: named with the records behind"
    case nextBatch = "where the next batch begins: named, no record lost"
    case footer = "footer of a sealed segment: named, no record lost"
    case tail = "behind the last batch: seen, zeroed at the next start"
    case padding = "padding of a batch: named, no record lost"
    case sealed = "behind a seal: named, no record lost"
    case ahead = "segment made ahead: written over before it is read"

    /// Whether the log says that something is wrong, or does not use what is.
    package var isDetected: Bool { self != .ahead }
}

/// What many flips came to.
package struct FlipTally: Sendable {
    package private(set) var counts = [Int](repeating: 0, count: FlipKind.allCases.count)
    /// Intact records that were served without their trace id, which only a damaged one bore.
    package internal(set) var untraced = 0
    /// Flips that a log met when it had grown as far.
    package internal(set) var metLater = 0
    /// The first broken promise, by bit.
    package private(set) var finding: (bit: Int, text: String)?

    package init() {}

    mutating func count(_ kind: FlipKind) {
        counts[FlipKind.allCases.firstIndex(of: kind) ?? 0] += 1
    }

    mutating func find(_ bit: Int, _ text: String) {
        if finding.map({ bit < $0.bit }) ?? true { finding = (bit, text) }
    }

    package mutating func add(_ other: FlipTally) {
        for index in counts.indices { counts[index] += other.counts[index] }
        untraced += other.untraced
        metLater += other.metLater
        if let finding = other.finding { find(finding.bit, finding.text) }
    }

    package var total: Int { counts.reduce(0, +) }
    package func times(_ kind: FlipKind) -> Int {
        counts[FlipKind.allCases.firstIndex(of: kind) ?? 0]
    }
}
