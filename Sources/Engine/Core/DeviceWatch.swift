import Primitives

/// Notices a device that is slow or does not answer at all. Nothing is acknowledged early for it;
/// an operator must hear of it.
struct DeviceWatch {
    /// Since when something waits for the device, on the monotonic clock; nil: nothing does.
    private(set) var waitingSince: UInt64?
    /// Whether that is when the turn began in which it was handed over.
    private var isUnsure = false
    private var lastWarning: UInt64?
    private var hasCried = false

    /// A write that takes longer is told of, in nanoseconds.
    static let slow: UInt64 = 1_000_000_000
    /// One that takes longer is an alarm.
    static let hung: UInt64 = 60_000_000_000
    /// The time between two warnings.
    static let quiet: UInt64 = 60_000_000_000

    /// Called once a turn. `isBusy`: something is on its way to the device; `hasMoved`: something
    /// arrived since the last call.
    mutating func check(isBusy: Bool, hasMoved: Bool, now: UInt64) -> Notice? {
        let since = waitingSince
        if hasMoved || !isBusy {
            waitingSince = isBusy ? now : nil
            isUnsure = isBusy
            return since.flatMap { ended(after: now - $0, now) }
        }
        guard let since else {
            waitingSince = now
            isUnsure = true
            return nil
        }
        guard now - since >= Self.hung, !hasCried else { return nil }
        hasCried = true
        return Notice(
            severity: .error,
            text: "the device has not finished a write for \((now - since) / Self.slow) s; nothing "
                + "is acknowledged until it does. If it never does, stop the engine and look after "
                + "the device: what was acknowledged is on it"
        )
    }

    private mutating func ended(after span: UInt64, _ now: UInt64) -> Notice? {
        guard span >= Self.slow else { return nil }
        let wasHung = hasCried
        hasCried = false
        if !wasHung, let lastWarning, now - lastWarning < Self.quiet { return nil }
        lastWarning = now
        return Notice(
            severity: .warning,
            text: "the device took \(span / 1_000_000) ms for a write; everything waits for it"
        )
    }

    /// Called behind the check: something is on its way since `now` at the earliest. Before, the
    /// core was busy with its turn, for which the device is not to blame.
    mutating func begin(_ now: () -> UInt64) {
        guard isUnsure else { return }
        isUnsure = false
        waitingSince = now()
    }

    /// How long from `now` until ``check(isBusy:hasMoved:now:)`` has something to say, in
    /// nanoseconds; nil: only what arrives can change that.
    func timeUntilDue(_ now: UInt64) -> UInt64? {
        guard let waitingSince, !hasCried else { return nil }
        let due = waitingSince + Self.hung
        return due > now ? due - now : 0
    }
}
