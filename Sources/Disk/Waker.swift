import CPlatform
import Synchronization

/// Wakes the one thread that owns a storage out of its sleep; anyone may ring.
///
/// The thread announces that it will sleep before it sleeps, and a ring writes to the kernel only
/// if it finds that announcement: to ring a thread that is awake costs one atomic exchange.
///
/// No ring is lost. All three steps are read-modify-write operations on one word, so they have one
/// order. A ring before the announcement makes it fail (the sleeper looks at its inbox again); a
/// ring behind it finds `asleep` and writes to the event counter, which stays readable until the
/// sleeper has seen it. Acquire and release make what the ringer did before visible after.
package final class Waker: Sendable {
    private static let awake = 0
    private static let asleep = 1
    private static let rung = 2

    private let state = Atomic(Waker.awake)
    let descriptor: Int32

    package init() throws(StorageError) {
        descriptor = try check(platform_eventfd(), "eventfd", "waker")
    }

    deinit { platform_close(descriptor) }

    /// Makes the sleeper's current or next sleep end. Any thread.
    package func wake() {
        if state.exchange(Self.rung, ordering: .acquiringAndReleasing) == Self.asleep {
            platform_eventfd_ring(descriptor)
        }
    }

    /// Whether the thread has announced a sleep and nobody has rung since: a guess by the time it
    /// is looked at. Any thread.
    package var isAsleep: Bool { state.load(ordering: .relaxed) == Self.asleep }

    /// Announces a sleep. The owner's thread.
    ///
    /// - Returns: false when somebody rang since the last sleep: look again before sleeping.
    package func prepareToSleep() -> Bool {
        let exchange = state.compareExchange(
            expected: Self.awake,
            desired: Self.asleep,
            ordering: .acquiringAndReleasing
        )
        if exchange.exchanged { return true }
        wokeUp()
        return false
    }

    /// Looks for a ring, or for what `found` looks for, for so long without giving the processor
    /// up: a ring then costs the ringer no system call, and this thread no wake-up. The owner's
    /// thread.
    ///
    /// - Returns: whether there was one: look at the inbox again.
    package func poll(nanoseconds: UInt64, _ found: () -> Bool) -> Bool {
        let end = platform_boottime() + nanoseconds
        repeat {
            if state.load(ordering: .relaxed) == Self.rung {
                wokeUp()
                return true
            }
            if found() { return true }
            platform_relax()
        } while platform_boottime() < end
        return false
    }

    /// Ends the announced sleep, and takes the rings until now as heard. The owner's thread.
    package func wokeUp() {
        _ = state.exchange(Self.awake, ordering: .acquiringAndReleasing)
    }

    /// Makes the event counter unreadable again. Called for every time it was seen readable, not
    /// for every ring: a ringer may write to it after the sleeper was woken by something else.
    func clear() { platform_eventfd_clear(descriptor) }

    /// Sleeps without anything else to wait for.
    package func sleep(nanoseconds: UInt64?) {
        guard prepareToSleep() else { return }
        let limit = nanoseconds.map { Int64(clamping: $0) } ?? -1
        if platform_wait_readable(descriptor, limit) > 0 { clear() }
        wokeUp()
    }
}
