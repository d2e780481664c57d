/// How much of an event loop's time goes into reading telemetry at once: a share of it at the most.
/// Work comes over the same loop, and a flood of spans must not slow it: what there is no time for
/// is read by a thread that nobody waits for (``TelemetryIntake/postpone(_:isSpans:)``).
package struct TelemetryAllowance {
    /// Of all the time there is.
    private static let share = 0.02
    /// What may be used at once after a quiet time, in nanoseconds.
    private static let most: Double = 5_000_000

    private var nanoseconds = Self.most
    private var last: UInt64

    package init(now: UInt64) { last = now }

    /// Whether there is time left at `now`, in nanoseconds of any clock that goes on.
    package mutating func isLeft(at now: UInt64) -> Bool {
        nanoseconds = min(Self.most, nanoseconds + Self.share * Double(now &- last))
        last = now
        return nanoseconds > 0
    }

    /// So many nanoseconds went into a frame; what is used beyond the allowance is owed.
    package mutating func use(_ nanoseconds: UInt64) { self.nanoseconds -= Double(nanoseconds) }
}
