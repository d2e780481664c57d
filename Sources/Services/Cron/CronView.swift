package import Events
package import JSON
package import Primitives

/// Which cron triggers there are, when each comes next, and which of their runs have not ended.
///
/// Triggers live as long as their workers' connections, so they are told (``add(_:now:)``,
/// ``remove(_:)``) and not logged here. What is folded from the log, and so survives a crash, is
/// what has been fired: a slot is fired once, whatever happens after.
///
///     add ──▶ waiting ──fired──▶ running, and waiting for the next slot ──ended──▶ waiting
///                                   │                                         ▲
///                                   └──skipped──▶ running, without a slot ────┘ ended
///
/// By ``CronPolicy/Overlap/skip`` a trigger never overlaps itself: the first slot that comes while
/// its run goes on is logged as skipped, and so are, by that record, all further ones until the run
/// ends: they were not missed. Slots that were missed while nobody had the trigger, and those of
/// ``CronPolicy/Overlap/queue``, run one behind the other.
///
/// Invariants:
/// * Slots of a trigger fire in order: none at or before its `floor`, which never goes back, unless
///   the clock was corrected (``patience``) and the trigger is added anew.
/// * No slot is waited for that is not later than the last one fired of the same schedule, except
///   by triggers that were there when that one fired, or where the clock was corrected since.
package struct CronView: Sendable {
    struct Entry {
        let trigger: CronTrigger
        let ordinal: UInt64
        /// No slot up to here is this trigger's any more.
        var floor: Timestamp
        /// Slots up to here were missed, and are caught up; not before that instant.
        var missed: (until: Timestamp, notBefore: Timestamp)?
        /// The slot that is waited for. When it is due, the heap knows.
        var slot: Timestamp?
        /// The function, its own or its condition, that slots wait for until somebody serves it.
        var awaited: FunctionName?
        /// Slots behind `since`, `last` among them, that waited and were too many: to be told.
        var dropped: (since: Timestamp, last: Timestamp)?

        func isMissed(_ slot: Timestamp) -> Bool { missed.map { slot <= $0.until } ?? false }
    }

    /// What a slot belongs to, across triggers that come and go.
    struct Schedule: Hashable, Comparable {
        let function: FunctionName
        /// The text of a ``CronSchedule``.
        let expression: String

        static func < (left: Schedule, right: Schedule) -> Bool {
            (left.function.namespace, left.function.id, left.expression)
                < (right.function.namespace, right.function.id, right.expression)
        }
    }

    /// Since when somebody wants a schedule's missed slots, and the record that says so.
    struct Watch: Equatable {
        let offset: Offset
        let since: Timestamp
    }

    var entries: [String: Entry] = [:]
    private(set) var ids: [UInt64: String] = [:]
    private var nextOrdinal: UInt64 = 0
    private(set) var slots = SlotHeap()
    /// The triggers, there or not, for whose runs that go on a slot was skipped.
    private(set) var skipping: [String: CronTrigger] = [:]

    /// The triggers that rest, by the functions that they wait for; never empty.
    var resting: [FunctionName: Set<String>] = [:]

    var open: [Offset: CronFired] = [:]
    /// The runs of a trigger id that go on, whether or not the trigger is still there; never empty.
    /// They are its open firings, and those of this life that somebody asked for.
    var running: [String: Set<Offset>] = [:]
    var lastFired: [Schedule: Timestamp] = [:]
    var pruneAt = Self.pruneAtLeast
    var watched: [Schedule: Watch] = [:]
    /// Schedules that are not to run, and the records that say so.
    var paused: [Schedule: Offset] = [:]
    /// The last slots of before the clock was corrected, of schedules that have not passed them
    /// since. A snapshot does not hold them.
    var doubted: [Schedule: Timestamp] = [:]
    /// How far the clock is behind the time of records. It is told, like triggers.
    package internal(set) var lag = Timestamp.Span(nanoseconds: 0)
    /// The latest that the clock has said since it was corrected; nil: nobody has told.
    var latest: Timestamp?
    /// What the clock said when it was corrected; nil: it was not.
    var corrected: Timestamp?

    package init() {}

    /// When the earliest slot of all triggers is due; nil when none waits.
    package var nextDue: Timestamp? { slots.first?.time }

    package var triggerCount: Int { entries.count }

    /// In the order in which they were added.
    package var triggers: [CronTrigger] {
        entries.values.sorted { $0.ordinal < $1.ordinal }.map(\.trigger)
    }

    /// How many schedules' last slots are remembered.
    var scheduleCount: Int { lastFired.count }

    /// The slot that a trigger waits for; nil when there is no such trigger, when its expression
    /// names no more slots, when it is paused, and when it waits for the end of its run instead.
    package func nextSlot(of id: String) -> Timestamp? { entries[id]?.slot }

    package func trigger(_ id: String) -> CronTrigger? { entries[id]?.trigger }

    /// The trigger that a slot fired for. Its worker may have come back with another id for it.
    package func trigger(of fired: CronFired) -> CronTrigger? {
        if let entry = entries[fired.trigger], entry.trigger.function == fired.function {
            return entry.trigger
        }
        let schedule = Schedule(fired)
        return triggers.first { Schedule($0) == schedule }
    }

    package func isRunning(_ id: String) -> Bool { running[id] != nil }

    package func isPaused(_ trigger: CronTrigger) -> Bool { paused[Schedule(trigger)] != nil }

    /// The last slot of a trigger's schedule that fired or was passed over.
    package func lastSlot(of trigger: CronTrigger) -> Timestamp? { lastFired[Schedule(trigger)] }

    /// The firings whose runs have not ended, in offset order: after a crash they are run again.
    package var openFirings: [(offset: Offset, fired: CronFired)] {
        open.map { ($0.key, $0.value) }.sorted { $0.offset < $1.offset }
    }

    /// The slot that the record at `firing` fired; nil: its run has ended.
    package func openFiring(at firing: Offset) -> CronFired? { open[firing] }

    /// What the function gets (services 1, B.4); `scheduled` is a whole second.
    package static func payload(
        trigger: String,
        scheduled: Timestamp,
        actual: Timestamp
    ) -> JSONText {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("trigger")
        builder.string("cron")
        builder.key("job_id")
        builder.string(trigger)
        builder.key("scheduled_time")
        builder.string(scheduled.rfc3339(zone: "+00:00"))
        builder.key("actual_time")
        builder.string(actual.rfc3339(zone: "+00:00"))
        builder.endObject()
        return builder.finish()
    }
}

extension CronView.Schedule {
    init(_ trigger: CronTrigger) {
        self.init(function: trigger.function, expression: trigger.schedule.text)
    }

    init(_ fired: CronFired) {
        self.init(function: fired.function, expression: fired.expression)
    }

    init(_ mark: CronMark) {
        self.init(function: mark.function, expression: mark.expression)
    }

    init(_ schedule: CronSkipped.Schedule) {
        self.init(function: schedule.function, expression: schedule.expression)
    }
}

// MARK: Triggers

extension CronView {
    /// Lets `trigger` wait for its first slot after `now`, for one of before that its jitter puts
    /// off until later, or for those that were missed, in the place of one with the same id.
    package mutating func add(_ trigger: CronTrigger, now: Timestamp) {
        remove(trigger.id)
        let schedule = Schedule(trigger)
        if let old = skipping[trigger.id],
            Schedule(old) != schedule || trigger.policy.overlap != .skip
        {
            skipping[trigger.id] = nil
        }
        let known = missedSince(trigger, now: now)
        // Of a schedule that is new, nothing of before is waited for.
        let come = trigger.come(by: now, after: last(of: schedule) ?? known ?? now)
        var entry = Entry(trigger: trigger, ordinal: nextOrdinal, floor: come)
        if let known, known < come {
            entry.floor = trigger.floorOfMissed(since: known, until: come, now: now)
            // Its function, and other workers that serve it, may be about to be registered.
            entry.missed = (come, now.advanced(by: Self.settling))
        }
        nextOrdinal += 1
        entries[trigger.id] = entry
        ids[entry.ordinal] = trigger.id
        wait(trigger.id)
    }

    /// Forgets a trigger, if it is there. A run of it that goes on stays open.
    package mutating func remove(_ id: String) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        if let awaited = entry.awaited { wake(id, for: awaited) }
        ids[entry.ordinal] = nil
        slots.move(entry.ordinal, to: nil)
    }

    /// Lets a slot of a trigger pass without a word: another trigger stands for it.
    package mutating func pass(_ slot: Timestamp, of id: String, now: Timestamp) {
        raise(id, to: max(slot, now))
        wait(id)
    }

    private mutating func raise(_ id: String, to floor: Timestamp) {
        guard let entry = entries[id] else { return }
        entries[id]?.floor = max(entry.floor, floor)
    }

    /// Puts a trigger's next slot where it is due, or nowhere.
    mutating func wait(_ id: String) {
        guard let entry = entries[id] else { return }
        let trigger = entry.trigger
        var slot: Timestamp?
        if paused[Schedule(trigger)] == nil, skipping[id] == nil, entry.awaited == nil {
            slot = trigger.schedule.next(after: entry.floor)
        }
        if let next = slot, running[id] != nil,
            trigger.policy.overlap == .queue
                || trigger.policy.overlap != .allow
                    && (entry.isMissed(next) || entry.isMissed(entry.floor))
        {
            // It is its turn when the run has ended: the first slot behind those that were caught
            // up is not lost to their last run.
            slot = nil
        }
        entries[id]?.slot = slot
        slots.move(entry.ordinal, to: slot.map { due($0, entry) })
    }

    private func due(_ slot: Timestamp, _ entry: Entry) -> Timestamp {
        let notBefore = entry.isMissed(slot) ? entry.missed?.notBefore : nil
        let due = notBefore ?? slot.advanced(by: entry.trigger.delay(of: slot))
        // A later one of another trigger may have fired before the clock was set back.
        return max(due, last(of: Schedule(entry.trigger)) ?? due)
    }

    /// How long slots that were missed, and runs that are repeated, wait for whatever else is
    /// about to be registered.
    package static let settling = Timestamp.Span.seconds(1)
}

// MARK: Applying: changes, cannot refuse.

extension CronView {
    package mutating func apply(_ event: CronEvent, at offset: Offset) {
        switch event {
        case .fired(let fired):
            open[offset] = fired
            running[fired.trigger, default: []].insert(offset)
            remember(fired)
            advance(fired)
        case .skipped(let skipped):
            if let entry = entries[skipped.trigger], entry.slot == skipped.scheduled,
                entry.trigger.policy.overlap == .skip, running[skipped.trigger] != nil
            {
                // What it waited for passes, and so do all further ones until its run ends.
                skipping[skipped.trigger] = entry.trigger
            }
            if let schedule = skipped.schedule.map(Schedule.init) {
                cover(schedule, skipped.scheduled)
            }
            raise(skipped.trigger, to: skipped.scheduled)
            if let dropped = entries[skipped.trigger]?.dropped, dropped.last <= skipped.scheduled {
                entries[skipped.trigger]?.dropped = nil
            }
            wait(skipped.trigger)
        case .watched(let mark):
            let schedule = Schedule(mark)
            watched[schedule] = Watch(offset: offset, since: mark.at)
        case .forgotten(let mark): watched[Schedule(mark)] = nil
        case .paused(let mark):
            let schedule = Schedule(mark)
            paused[schedule] = offset
            for id in ids(of: schedule) { wait(id) }
        case .resumed(let mark):
            let schedule = Schedule(mark)
            paused[schedule] = nil
            cover(schedule, mark.at)
            for id in ids(of: schedule) {
                raise(id, to: mark.at)
                wait(id)
            }
        }
    }

    /// The trigger of a slot that fired goes on behind it.
    private mutating func advance(_ fired: CronFired) {
        guard let entry = entries[fired.trigger] else { return }
        let (slot, now) = (fired.scheduled, max(fired.scheduled, fired.actual))
        let policy = entry.trigger.policy
        // A slot after this is still put off.
        let late = entry.trigger.come(by: now, after: slot)
        if entry.isMissed(slot) || policy.overlap == .queue || late <= slot {
            raise(fired.trigger, to: slot)
        } else if policy.catchUp != .skip, policy.catchUp != .one {
            // The clock was set, or the process was stopped, for more than one slot.
            drop(
                fired.trigger,
                to: entry.trigger.floorOfMissed(since: slot, until: late, now: now),
                after: slot
            )
            let floor = entries[fired.trigger]?.floor ?? slot
            let next = entry.trigger.schedule.next(after: floor)
            entries[fired.trigger]?.missed = next.map { $0 <= late } == true ? (late, now) : nil
        } else {
            // A slot that jitter has put off to about now is not missed.
            let last = entry.trigger.schedule.latest(after: slot, notAfter: late) ?? slot
            let isYoung = last > slot && last.advanced(by: policy.jitter) > now
            raise(fired.trigger, to: isYoung ? Timestamp(nanoseconds: last.nanoseconds - 1) : late)
        }
        wait(fired.trigger)
    }

    /// The run that the record at `firing` began is over. A trigger that missed a slot meanwhile
    /// waits for its first one after `now`, which is the time of a record.
    package mutating func ended(firing: Offset, now: Timestamp) {
        guard let fired = open.removeValue(forKey: firing) else { return }
        ended(run: firing, of: fired.trigger, now: now)
    }

    /// Somebody had a trigger run, which the record at `run` tells. It takes no slot, and counts as
    /// a run in this life of the engine only: a crash ends it for good.
    package mutating func began(run: Offset, of id: String) {
        running[id, default: []].insert(run)
        wait(id)
    }

    /// As ``ended(firing:now:)``, of a run that somebody asked for.
    package mutating func ended(run: Offset, of id: String, now recorded: Timestamp) {
        guard running[id]?.remove(run) != nil, running[id]?.isEmpty == true else { return }
        let now = time(at: recorded)
        running[id] = nil
        let hasSkipped = skipping.removeValue(forKey: id) != nil
        guard let entry = entries[id], entry.slot == nil else { return }
        if hasSkipped {
            raise(id, to: now)
        } else if entry.trigger.policy.overlap == .queue, entry.floor < now {
            let floor = entry.trigger.schedule.floor(
                ofLast: entry.trigger.policy.max,
                after: entry.floor,
                notAfter: now
            )
            drop(id, to: floor, after: entry.floor)
        }
        wait(id)
    }

    /// Gives up the slots behind `since` up to `floor`, for more wait than may.
    private mutating func drop(_ id: String, to floor: Timestamp, after since: Timestamp) {
        guard let trigger = entries[id]?.trigger else { return }
        raise(id, to: floor)
        guard floor > since, let last = trigger.schedule.latest(after: since, notAfter: floor)
        else {
            return
        }
        let begin = entries[id]?.dropped?.since ?? since
        entries[id]?.dropped = (begin, last)
    }

    private func ids(of schedule: Schedule) -> [String] {
        entries.values.filter { Schedule($0.trigger) == schedule }.map(\.trigger.id)
    }

    private mutating func cover(_ schedule: Schedule, _ slot: Timestamp) {
        lastFired[schedule] = max(slot, lastFired[schedule] ?? slot)
        if let old = doubted[schedule], slot >= old { doubted[schedule] = nil }
    }

    private mutating func remember(_ fired: CronFired) {
        let schedule = Schedule(fired)
        // None fires while the clock is behind the last one: it was corrected since.
        if let last = lastFired[schedule], last > fired.actual {
            doubt(schedule, last)
            lastFired[schedule] = nil
        }
        cover(schedule, fired.scheduled)
        guard lastFired.count >= pruneAt else { return }
        let oldest = fired.actual.advanced(by: .seconds(-Self.memorySeconds))
        lastFired = lastFired.filter { $0.value >= oldest || watched[$0.key] != nil }
        doubted = doubted.filter { lastFired[$0.key] != nil }
        pruneAt = max(Self.pruneAtLeast, 2 * lastFired.count)
    }

    /// Schedules that have not fired for so long are forgotten, so that workers which invent new
    /// ones do not fill the memory; those whose missed slots are wanted are not.
    private static let memorySeconds: Int64 = 86_400
    private static let pruneAtLeast = 1024
}
