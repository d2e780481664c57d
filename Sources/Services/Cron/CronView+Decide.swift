package import Events
package import Primitives

// MARK: Deciding: reads, changes nothing.

extension CronView {
    /// What became of the slots that have come, in slot order and then in the order in which their
    /// triggers were added: one event for each trigger, and one more in front of it where slots
    /// before it are given up. Each is to be logged and applied.
    package func decideDue(now: Timestamp) -> [CronEvent] {
        slots.due(by: now).flatMap { due -> [CronEvent] in
            guard let id = ids[due.ordinal], let entry = entries[id], let slot = entry.slot else {
                preconditionFailure("a slot belongs to a trigger")
            }
            let trigger = entry.trigger
            // One that comes in its time fires: nobody has set the clock forward to it.
            if let old = doubted[Schedule(trigger)], slot <= old, old <= now,
                slot < old || due.time.advanced(by: Self.inTime) < now
            {
                let reason =
                    "the slots up to this one had fired when the clock was set back, and it was "
                    + "set forward again"
                return [.skipped(CronSkipped(trigger, old, reason))]
            }
            let first = running[id]?.min()
            guard let run = first, trigger.policy.overlap == .skip else {
                let (givenUp, next) = entry.judge(slot, now: now)
                return [entry.tooMany, givenUp, next].compactMap(\.self)
            }
            let reason =
                "its run of offset \(run) has not ended; the next slot is the first after its end"
            return [.skipped(CronSkipped(trigger, slot, reason))]
        }
    }

    /// How late the core may be without the clock having been set.
    private static let inTime = Timestamp.Span.seconds(60)

    /// What is to be logged before the run of `firing` ends: the last slot that passes with it, so
    /// that it is not taken for missed, nor for one that is put off still. Nil: the slot that was
    /// skipped was the last, or nobody looks back for such slots.
    package func decideEnding(of firing: Offset, now: Timestamp) -> CronEvent? {
        guard let fired = open[firing] else { return nil }
        return decideEnding(of: firing, trigger: fired.trigger, now: now)
    }

    /// The same of a run of the trigger `id` that somebody asked for.
    package func decideEnding(of run: Offset, trigger id: String, now: Timestamp) -> CronEvent? {
        guard let trigger = skipping[id] else { return nil }
        let schedule = Schedule(trigger)
        let looksBack = watched[schedule] != nil || trigger.policy.jitter.nanoseconds > 0
        guard looksBack, let told = self.last(of: schedule),
            let last = trigger.schedule.latest(after: told, notAfter: now)
        else { return nil }
        let reason = "the slots up to this one passed while its run of offset \(run) went on"
        return .skipped(CronSkipped(trigger, last, reason))
    }

    /// What is to be logged of a trigger that was just added: that missed slots are wanted from now
    /// on, or which of them are not caught up.
    package func decideAdded(_ id: String, now: Timestamp) -> CronEvent? {
        guard let entry = entries[id], entry.trigger.policy.catchUp != .skip else { return nil }
        let trigger = entry.trigger
        guard let known = missedSince(trigger, now: now) else {
            return .watched(CronMark(trigger, at: now))
        }
        let end = min(entry.floor, now)
        guard known < end, let last = trigger.schedule.latest(after: known, notAfter: end) else {
            return nil
        }
        let reason =
            "the slots since \(known.rfc3339()) up to this one were missed, and by "
            + "catch_up \"\(trigger.policy.catchUp.name)\" they do not run"
        return .skipped(CronSkipped(trigger, last, reason))
    }

    /// What is to be logged when a trigger was taken back for good; nil: nothing.
    package func decideForgotten(_ trigger: CronTrigger, now: Timestamp) -> CronEvent? {
        let schedule = Schedule(trigger)
        guard watched[schedule] != nil else { return nil }
        return hasSchedule(of: trigger) ? nil : .forgotten(CronMark(trigger, at: now))
    }

    /// Whether a trigger that is there has the same schedule.
    package func hasSchedule(of trigger: CronTrigger) -> Bool {
        let schedule = Schedule(trigger)
        return entries.values.contains { Schedule($0.trigger) == schedule }
    }

    /// - Returns: nil: the trigger's schedule is paused, or runs, already.
    package func decidePause(_ trigger: CronTrigger, _ pause: Bool, now: Timestamp) -> CronEvent? {
        guard isPaused(trigger) != pause else { return nil }
        let mark = CronMark(trigger, at: now)
        return pause ? .paused(mark) : .resumed(mark)
    }
}

extension CronView.Entry {
    fileprivate func fired(_ slot: Timestamp, _ now: Timestamp) -> CronEvent {
        .fired(
            CronFired(
                trigger: trigger.id,
                function: trigger.function,
                expression: trigger.schedule.text,
                scheduled: slot,
                actual: now
            )
        )
    }

    /// What becomes of `slot`, which is due: it runs, unless it is so late that others have come
    /// behind it, for the clock was set, or the engine was held up. Of all these, those run that
    /// the trigger wants of missed ones; where it wants none, the last, since the engine was there.
    fileprivate func judge(
        _ slot: Timestamp,
        now: Timestamp
    ) -> (givenUp: CronEvent?, next: CronEvent?) {
        let (schedule, policy) = (trigger.schedule, trigger.policy)
        let end = trigger.come(by: now, after: slot)
        // One that jitter has put off to about now is not late, and what is caught up was judged.
        guard !isMissed(slot), slot.advanced(by: policy.jitter) <= now,
            let follower = schedule.next(after: slot), follower <= end
        else { return (nil, fired(slot, now)) }
        let before = Timestamp(nanoseconds: slot.nanoseconds - 1)
        let floor: Timestamp
        if policy.overlap == .queue {
            floor = schedule.floor(ofLast: policy.max, after: before, notAfter: end)
        } else if policy.catchUp == .skip {
            floor = schedule.floor(ofLast: 1, after: before, notAfter: end)
        } else {
            floor = trigger.floorOfMissed(since: before, until: end, now: now)
        }
        guard floor >= slot else { return (nil, fired(slot, now)) }
        let last = schedule.latest(after: before, notAfter: floor) ?? slot
        let rule =
            policy.overlap == .queue
            ? "more than the \(policy.max) of \"max\" would wait"
            : "by catch_up \"\(policy.catchUp.name)\" they do not run"
        let reason =
            "the slots from \(slot.rfc3339()) up to this one came late, together with others, as "
            + "the clock was set or the engine was held up: \(rule)"
        let next = schedule.next(after: floor).flatMap { $0 <= end ? fired($0, now) : nil }
        return (.skipped(CronSkipped(trigger, last, reason)), next)
    }

    /// What is to be logged of slots that were given up.
    fileprivate var tooMany: CronEvent? {
        dropped.map { dropped -> CronEvent in
            let reason =
                "the slots behind \(dropped.since.rfc3339()) up to this one waited, and "
                + "are more than the \(trigger.policy.max) of \"max\""
            return .skipped(CronSkipped(trigger, dropped.last, reason))
        }
    }
}

extension CronSkipped {
    /// No slot of the trigger's schedule up to this one runs any more.
    fileprivate init(_ trigger: CronTrigger, _ slot: Timestamp, _ reason: String) {
        self.init(
            trigger: trigger.id,
            scheduled: slot,
            reason: reason,
            schedule: Schedule(function: trigger.function, expression: trigger.schedule.text)
        )
    }
}

extension CronMark {
    fileprivate init(_ trigger: CronTrigger, at time: Timestamp) {
        self.init(function: trigger.function, expression: trigger.schedule.text, at: time)
    }
}
