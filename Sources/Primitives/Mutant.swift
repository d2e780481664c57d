#if MUTANTS
import Glibc
#endif

/// A bug planted on purpose, to see whether the simulator finds it: the test of the test.
///
/// Ordinary builds contain none: without the `MUTANTS` flag, which only a manifest evaluated with
/// `III_MUTANTS` in its environment sets, the question is a constant `false`. With it, the
/// environment variable `III_MUTANT` names the one that is active.
package enum Mutant: Sendable {
    /// The gate lets effects out when their records are staged.
    case ackBeforeSync
    /// The last batch before a roll counts as durable before it is.
    case unsyncedBeforeRoll
    /// The checksum of a batch header is not looked at.
    case headerUnchecked
    /// A failed write counts as done when a second sync says so.
    case retryAfterError
    /// Recovery reads what the page cache holds.
    case recoveryFromCache
    /// Recovery serves the tail without syncing it.
    case noTailSync
    /// The log ends at the first bad batch, whatever follows.
    case truncateAtFirstBad
    /// Whatever is wrong with the last batch counts as a torn write.
    case tailAlwaysTorn
    /// What a torn write left is not zeroed.
    case staleTail
    /// Batches of another segment pass for this one's.
    case noSaltCheck
    /// Batches pass wherever they stand.
    case noPositionCheck
    /// The checksum of a batch's body is not looked at.
    case bodyUnchecked
    /// A delivery that a restart undoes forgets the attempts before it.
    case forgottenAttempts
    /// A view asks for random bits while it folds.
    case randomInApply
    /// Of a torn batch, the records that hold are served.
    case halfBatch
    /// A key is set whatever revision its caller expects.
    case blindCompareAndSet
    /// A snapshot holds one record more than the offset that it states.
    case snapshotAhead

    #if MUTANTS
    private static let active = getenv("III_MUTANT").map { String(cString: $0) }

    package static func `is`(_ mutant: Mutant) -> Bool { "\(mutant)" == active }

    package static func drifted(_ time: Timestamp) -> Timestamp {
        guard Mutant.is(.randomInApply) else { return time }
        var entropy = SystemEntropy()
        return Timestamp(nanoseconds: Int64(truncatingIfNeeded: entropy.next()))
    }
    #else
    /// Whether this bug is planted.
    @inlinable @inline(__always)
    package static func `is`(_ mutant: Mutant) -> Bool { false }

    /// `time`, unless ``randomInApply`` is planted.
    @inlinable @inline(__always)
    package static func drifted(_ time: Timestamp) -> Timestamp { time }
    #endif
}
