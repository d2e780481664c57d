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
/// A trigger never overlaps itself: the first slot that comes while its run goes on is logged as
/// skipped, and so are, by that record, all further ones until the run ends. No slot is caught up:
/// the next one is always the first after now.
///
/// Invariants:
/// * A trigger that is not running waits for the first slot after it was added or its last run
///   ended, unless its expression names none.
/// * No slot is waited for that is not later than the last one fired of the same schedule, except
///   by triggers that were there when that one fired.
package struct CronView: Sendable {
    private struct Entry {
        let trigger: CronTrigger
        let ordinal: UInt64
    }

    /// What a slot belongs to, across triggers that come and go.
    struct Schedule: Hashable, Comparable {
        let function: FunctionName
        let expression: String

        static func < (left: Schedule, right: Schedule) -> Bool {
            (left.function.namespace, left.function.id, left.expression)
                < (right.function.namespace, right.function.id, right.expression)
        }
    }

    private var entries: [String: Entry] = [:]
    private var ids: [UInt64: String] = [:]
    private var nextOrdinal: UInt64 = 0
    private var slots = SlotHeap()

    var open: [Offset: CronFired] = [:]
    /// The open firing of a trigger id, whether or not the trigger is still there.
    var running: [String: Offset] = [:]
    var lastFired: [Schedule: Timestamp] = [:]
    var pruneAt = Self.pruneAtLeast

    package init() {}

    /// The earliest slot of all triggers; nil when none waits.
    package var nextDue: Timestamp? { slots.first?.time }

    package var triggerCount: Int { entries.count }

    /// The last slot that fired of every schedule that is remembered, in the order of their names.
    var lastSlots: [(function: FunctionName, expression: String, last: Timestamp)] {
        lastFired.map { ($0.key.function, $0.key.expression, $0.value) }.sorted { first, second in
            (first.function.namespace, first.function.id, first.expression)
                < (second.function.namespace, second.function.id, second.expression)
        }
    }

    /// How many schedules' last slots are remembered.
    var scheduleCount: Int { lastFired.count }

    /// The slot that a trigger waits for; nil when there is no such trigger, when its expression
    /// names no more slots, and when it waits for the end of its run instead.
    package func nextSlot(of id: String) -> Timestamp? {
        entries[id].flatMap { slots[$0.ordinal] }
    }

    package func trigger(_ id: String) -> CronTrigger? { entries[id]?.trigger }

    package func isRunning(_ id: String) -> Bool { running[id] != nil }

    /// The firings whose runs have not ended, in offset order: after a crash they are run again.
    package var openFirings: [(offset: Offset, fired: CronFired)] {
        open.map { ($0.key, $0.value) }.sorted { $0.offset < $1.offset }
    }

    /// What the function gets (services 1, B.4).
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

// MARK: Triggers

extension CronView {
    /// Lets `trigger` wait for its first slot after `now`, in the place of one with the same id.
    package mutating func add(_ trigger: CronTrigger, now: Timestamp) {
        remove(trigger.id)
        let entry = Entry(trigger: trigger, ordinal: nextOrdinal)
        nextOrdinal += 1
        entries[trigger.id] = entry
        ids[entry.ordinal] = trigger.id
        wait(entry, after: now)
    }

    /// Forgets a trigger, if it is there. A run of it that goes on stays open.
    package mutating func remove(_ id: String) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        ids[entry.ordinal] = nil
        slots.move(entry.ordinal, to: nil)
    }

    /// Lets a slot of a trigger pass without a word: another trigger stands for it.
    package mutating func pass(_ slot: Timestamp, of id: String, now: Timestamp) {
        if let entry = entries[id] { wait(entry, after: max(slot, now)) }
    }

    private mutating func wait(_ entry: Entry, after now: Timestamp) {
        let trigger = entry.trigger
        let schedule = Schedule(
            function: trigger.function,
            expression: trigger.expression.text
        )
        let start = max(now, lastFired[schedule] ?? now)
        slots.move(entry.ordinal, to: trigger.expression.next(after: start))
    }
}

// MARK: Deciding: reads, changes nothing.

extension CronView {
    /// What became of the slots that have come, in slot order and then in the order in which their
    /// triggers were added: one event for each trigger. Each is to be logged and applied.
    package func decideDue(now: Timestamp) -> [CronEvent] {
        slots.due(by: now).map { slot in
            guard let id = ids[slot.ordinal], let trigger = entries[id]?.trigger else {
                preconditionFailure("a slot belongs to a trigger")
            }
            guard let run = running[id] else {
                return .fired(
                    CronFired(
                        trigger: id,
                        function: trigger.function,
                        expression: trigger.expression.text,
                        scheduled: slot.time,
                        actual: now
                    )
                )
            }
            let reason =
                "its run of offset \(run) has not ended; the next slot is the first after its end"
            return .skipped(CronSkipped(trigger: id, scheduled: slot.time, reason: reason))
        }
    }
}

// MARK: Applying: changes, cannot refuse.

extension CronView {
    package mutating func apply(_ event: CronEvent, at offset: Offset) {
        switch event {
        case .fired(let fired):
            open[offset] = fired
            running[fired.trigger] = offset
            remember(fired)
            if let entry = entries[fired.trigger] {
                wait(entry, after: max(fired.scheduled, fired.actual))
            }
        case .skipped(let skipped):
            guard let entry = entries[skipped.trigger] else { return }
            if running[skipped.trigger] != nil {
                slots.move(entry.ordinal, to: nil)
            } else {
                wait(entry, after: skipped.scheduled)
            }
        }
    }

    /// The run that the record at `firing` began is over. A trigger that missed a slot meanwhile
    /// waits for its first one after `now`.
    package mutating func ended(firing: Offset, now: Timestamp) {
        guard let fired = open.removeValue(forKey: firing) else { return }
        guard running[fired.trigger] == firing else { return }
        running[fired.trigger] = nil
        if let entry = entries[fired.trigger], slots[entry.ordinal] == nil {
            wait(entry, after: now)
        }
    }

    private mutating func remember(_ fired: CronFired) {
        let schedule = Schedule(function: fired.function, expression: fired.expression)
        lastFired[schedule] = max(fired.scheduled, lastFired[schedule] ?? fired.scheduled)
        guard lastFired.count >= pruneAt else { return }
        let oldest = fired.actual.advanced(by: .seconds(-Self.memorySeconds))
        lastFired = lastFired.filter { $0.value >= oldest }
        pruneAt = max(Self.pruneAtLeast, 2 * lastFired.count)
    }

    /// How far the wall clock may be set back without a slot being fired again. Schedules that have
    /// not fired for so long are forgotten, so that workers which invent new ones do not fill the
    /// memory.
    private static let memorySeconds: Int64 = 86_400
    private static let pruneAtLeast = 1024
}
