package import Primitives

/// When a batch waits for more records, although the device is free to take it.
///
/// Clients whose requests were in one batch get their answers together, and come back together. A
/// batch that leaves with the first of them makes the others wait for one write more, and a small
/// batch costs what a large one does: a write, a sync, and the wakes of every thread on the way. So
/// it waits until it has two records for every three that the last one brought to the device, and
/// only where crowds have lately come back in time; the rest come while the device works. It is
/// PostgreSQL's `commit_delay`, but for how long and for how many is seen, not set.
///
/// Whoever waits already counts: where two crowds take turns, one being answered while the other
/// comes in, as with requests and the results of their functions, neither waits for the other.
///
/// A record waits at most ``Limits/batchHold`` for others, and for none where few come at a time: a
/// write more costs nothing on a machine that has time for it, and waiting would.
package struct BatchHold {
    /// Those who are expected back.
    private struct Crowd {
        /// The durable tail when they were answered.
        let start: Offset
        /// The end of the log once enough have come.
        let end: Offset
        /// When the first who is here has waited long enough, in nanoseconds; nil: nobody is here.
        var deadline: UInt64?
    }

    /// The one under way. It is watched whether or not a batch waits for it.
    private var crowd: Crowd?
    /// How many crowds are to be in time before a batch waits for one again.
    private var trial = Self.trials
    /// A bit for each of the last crowds that a batch waited for: whether it was late.
    private var lateOnes: UInt16 = 0
    /// Whether a batch waits.
    package private(set) var isHolding = false

    private static let trials = 8

    package init() {}

    /// Call when the device has made the records from `before` up to `durable`.
    package mutating func answered(from before: Offset, to durable: Offset) {
        let answered = durable.rawValue - before.rawValue
        guard crowd == nil, answered >= Limits.heldCrowd else { return }
        let end = durable.rawValue + min(answered - answered / 3, Limits.heldRecords)
        crowd = Crowd(start: durable, end: Offset(end))
    }

    /// Whether the batch that fills is to wait. Call with the end of the log and the bytes of that
    /// batch whenever the device may be free, at `now` in nanoseconds.
    package mutating func keeps(staged: Offset, bytes: Int, now: UInt64) -> Bool {
        isHolding =
            isIncomplete(staged: staged, now: now) && bytes < Limits.heldBytes && trial == 0
        return isHolding
    }

    /// Whether too many of the crowd are missing, and may still come in time.
    private mutating func isIncomplete(staged: Offset, now: UInt64) -> Bool {
        guard var crowd else { return false }
        let isLate = crowd.deadline.map { now > $0 } ?? false
        if isLate || staged >= crowd.end {
            note(isLate: isLate)
            self.crowd = nil
            return false
        }
        if crowd.deadline == nil, staged > crowd.start {
            crowd.deadline = now + Limits.batchHold
            self.crowd = crowd
        }
        return true
    }

    /// One late crowd is no matter. Two of sixteen are: requests whose records are fewer on the way
    /// back than on the way in are never enough, and each batch would wait for them in vain.
    private mutating func note(isLate: Bool) {
        guard trial == 0 else {
            if !isLate { trial -= 1 }
            return
        }
        lateOnes = lateOnes << 1 | (isLate ? 1 : 0)
        guard lateOnes.nonzeroBitCount > 1 else { return }
        lateOnes = 0
        trial = Limits.lateCrowds
    }

    /// How long the batch that waits still does so, in nanoseconds; nil: none waits.
    package func rest(now: UInt64) -> UInt64? {
        guard isHolding, let deadline = crowd?.deadline else { return nil }
        // One more, so that it is late then.
        return deadline + 1 - min(now, deadline)
    }
}
