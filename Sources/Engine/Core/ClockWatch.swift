import Cron
package import Primitives

/// Notices that somebody sets the wall clock: it then goes another way than the clock that nobody
/// sets.
///
/// The engine's time never goes back, so that no record is older than the one before, and never
/// stands still, so that whatever waits for a span of time waits no longer than that. Where it is
/// ahead of the clock, which was set back, it goes on a little slower until the clock has caught up
/// (``Timestamp/following(_:passed:)``). After a clock was set forward, slots in between came late.
package struct ClockWatch {
    private var last: Now?

    /// Looks at a new reading.
    mutating func check(_ time: Now) -> Notice? {
        defer { last = time }
        guard let last, time.monotonic >= last.monotonic else { return nil }
        let passed = Int64(clamping: time.monotonic - last.monotonic)
        let shown = last.wall.distance(to: time.wall).nanoseconds
        let (jump, overflow) = shown.subtractingReportingOverflow(passed)
        guard overflow || abs(jump) > Self.noticed else { return nil }
        let seconds = abs(jump) / 1_000_000_000
        if jump > 0 {
            return Notice(
                severity: .warning,
                text: "the wall clock was set forward by \(seconds) s: of cron slots in between, "
                    + "those run that catch_up says, or the last"
            )
        }
        return Notice(
            severity: .warning,
            text: "the wall clock was set back by \(seconds) s: \(Self.consequence)"
        )
    }

    /// What is to be said at a start where the log's `end` is ahead of the clock, `wall`.
    package static func notice(end: Timestamp, wall: Timestamp) -> Notice? {
        let lead = wall.distance(to: end).nanoseconds
        guard lead > noticed else { return nil }
        return Notice(
            severity: .warning,
            text: "the log ends at \(end.rfc3339()), and the clock says \(wall.rfc3339()), "
                + "\(lead / 1_000_000_000) s before: \(consequence)"
        )
    }

    private static let consequence =
        "records go on from the later time, a little slower than the clock, until that has caught "
        + "up; delays take as long as they say, and cron jobs wait until the clock is past their "
        + "last slots or, where it is more than "
        + "\(CronView.patience.nanoseconds / 3_600_000_000_000) h behind, begin anew"

    /// In nanoseconds. A clock that is adjusted, and not set, stays far below.
    private static let noticed: Int64 = 1_000_000_000
}

extension Timestamp {
    /// What a time that was this goes on to, `passed` nanoseconds later, where it follows a clock
    /// that says `wall` now and does not go back with it. While it is ahead of the clock, a
    /// sixteenth less passes, until the clock has caught up.
    func following(_ wall: Timestamp, passed: UInt64) -> Timestamp {
        max(wall, advanced(by: Span(nanoseconds: Int64(clamping: passed - passed / 16))))
    }
}
