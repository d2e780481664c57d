package import Primitives

// The clock that triggers go by, which somebody may set.

extension CronView {
    /// How far the clock may be set back so that schedules wait until it is past their last slots,
    /// and none fires twice, as in the cron of Vixie. Where it is set back farther, it was wrong
    /// before: schedules begin anew at what it says, and slots that had fired fire again when they
    /// come, but not when the clock is set forward past them.
    ///
    /// A start takes the log's end for the latest that the clock has said: a correction is not
    /// noticed any more where that is no farther ahead by then. And a start from a snapshot does
    /// not know which slots had fired by a clock that was wrong: set forward past them, it fires
    /// them again where they are caught up.
    package static let patience = Timestamp.Span.seconds(3 * 3600)

    /// What the clock says at a record's time.
    package func time(at record: Timestamp) -> Timestamp {
        record.advanced(by: Timestamp.Span(nanoseconds: -lag.nanoseconds))
    }

    /// Tells what the clock says now, when records get the time `record`.
    ///
    /// - Returns: whether it was corrected by more than ``patience``: the triggers that are there
    ///   are to be added anew.
    package mutating func follow(_ clock: Timestamp, at record: Timestamp) -> Bool {
        lag = clock.distance(to: record)
        let before = latest ?? record
        guard clock.distance(to: before) > Self.patience else {
            latest = max(before, clock)
            return false
        }
        latest = clock
        corrected = clock
        for (schedule, last) in lastFired where last > clock { doubt(schedule, last) }
        return true
    }

    /// A slot fired, or was passed over, by a clock that was wrong.
    mutating func doubt(_ schedule: Schedule, _ slot: Timestamp) {
        doubted[schedule] = max(slot, doubted[schedule] ?? slot)
    }

    /// Where the slots of a schedule begin that were missed; nil: nobody has wanted them by now.
    func missedSince(_ trigger: CronTrigger, now: Timestamp) -> Timestamp? {
        let schedule = Schedule(trigger)
        guard trigger.policy.catchUp != .skip, let watch = watched[schedule], watch.since <= now
        else { return nil }
        if let last = last(of: schedule) { return max(watch.since, last) }
        // What a wrong clock made fire hides which slots had fired before it was corrected.
        guard lastFired[schedule] != nil, let corrected else { return watch.since }
        return max(watch.since, corrected)
    }

    /// The last slot of a schedule that fired or was passed over; nil: there was none, or the clock
    /// was corrected since. It may be later than what the clock says.
    func last(of schedule: Schedule) -> Timestamp? {
        guard let last = lastFired[schedule], last <= latest ?? last else { return nil }
        return last
    }
}
