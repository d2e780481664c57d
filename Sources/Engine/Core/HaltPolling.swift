import Primitives

/// When the core thread keeps its processor for a moment instead of sleeping.
///
/// A processor with nothing to run is halted, and to wake it takes tens of microseconds on a
/// virtual machine. A client that sends a request after the answer to the one before waits for that
/// at each thread on the way, longer than for anything the engine does. While there is one such
/// client, nobody wants the processor, so the thread looks for what comes next without giving it
/// up, for as long as a hypervisor would (Linux, Documentation/virt/guest-halt-polling.rst). With
/// more than one request under way others want it, and the device is what is waited for: then the
/// thread sleeps.
package struct HaltPolling {
    /// Grows with every sleep that was short, shrinks faster with those that were not.
    private var credit = 0
    /// Commands handled since the log was last idle.
    private var commands = 0
    /// When the last sleep began, in nanoseconds.
    private var since: UInt64 = 0

    /// What tells of a client that goes on. One late answer of the device does not end it.
    private static let enough = 16
    private static let most = 32
    private static let costOfLong = 4

    package init() {}

    /// Call with the number of commands that a turn handled.
    package mutating func handled(_ count: Int) { commands += count }

    /// Call before a sleep at `now`, in nanoseconds. `isIdle`: nothing waits for the device.
    ///
    /// - Returns: how long to look for what would end that sleep first, in nanoseconds.
    package mutating func begin(now: UInt64, isIdle: Bool) -> UInt64 {
        if commands > 1 { credit = 0 }
        if isIdle { commands = 0 }
        since = now
        return credit >= Self.enough ? Limits.haltPoll : 0
    }

    /// Call when the sleep is over.
    package mutating func end(now: UInt64) {
        let wasShort = now - since <= Limits.haltPoll
        credit = wasShort ? min(credit + 1, Self.most) : max(credit - Self.costOfLong, 0)
    }
}
