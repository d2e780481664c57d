package import Disk
package import Primitives
import Synchronization

/// Up to where the log is durable, for the one thread that follows it beside the core.
///
/// The core stores an offset whenever it learns of a new one; it rings only where the follower has
/// announced that it waits, which is as seldom as the follower pleases.
package final class DurableTail: Sendable {
    private let offset = Atomic<UInt64>(0)
    private let isAwaited = Atomic(false)
    /// What the follower sleeps by; anybody may ring it.
    package let waker: Waker

    package init(waker: Waker) { self.waker = waker }

    /// The first offset that is not known to be durable. Any thread.
    package var durable: Offset { Offset(offset.load(ordering: .acquiring)) }

    /// The core's thread. The store and the look behind it, and the announcement and the look
    /// behind that, are in one order: at least one side sees the other.
    package func move(to durable: Offset) {
        offset.store(durable.rawValue, ordering: .sequentiallyConsistent)
        guard isAwaited.load(ordering: .sequentiallyConsistent) else { return }
        if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { waker.wake() }
    }

    /// The follower's thread: from now on the next move rings.
    ///
    /// - Returns: false where there was one already: do not sleep.
    package func announceWait(past seen: Offset) -> Bool {
        isAwaited.store(true, ordering: .sequentiallyConsistent)
        guard offset.load(ordering: .sequentiallyConsistent) == seen.rawValue else {
            isAwaited.store(false, ordering: .sequentiallyConsistent)
            return false
        }
        return true
    }
}
