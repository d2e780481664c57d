import Primitives

/// Notices that somebody sets the wall clock: it then goes another way than the clock that nobody
/// sets.
///
/// The engine's time never goes back. After a clock was set back it stands still until the clock
/// has caught up, so that no slot fires twice and no record is older than the one before. After a
/// clock was set forward, the slots in between were missed, as if the engine had been down.
struct ClockWatch {
    private var last: Now?

    /// Looks at a new reading; `engine` is the engine's own time so far.
    mutating func check(_ time: Now, engine: Timestamp) -> Notice? {
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
                text: "the wall clock was set forward by \(seconds) s: cron slots in between count "
                    + "as missed"
            )
        }
        return Notice(
            severity: .warning,
            text:
                "the wall clock was set back by \(seconds) s: cron slots and delays wait until it "
                + "shows \(engine.rfc3339()) again"
        )
    }

    /// In nanoseconds. A clock that is adjusted, and not set, stays far below.
    private static let noticed: Int64 = 1_000_000_000
}
