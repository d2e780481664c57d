import DequeModule
package import Events
package import JSON
package import Primitives

/// What became of the youngest cron slots: of one life of the engine, as it goes on, or of a log.
package struct CronHistory: Sendable {
    fileprivate enum Outcome {
        case running
        /// The engine was started anew before its run had ended: it will be run again.
        case interrupted
        case done(Timestamp.Span)
        case failed(ErrorBody, Timestamp.Span)
        case skipped(reason: String)

        var name: String {
            switch self {
            case .running: "running"
            case .interrupted: "interrupted"
            case .done: "done"
            case .failed: "failed"
            case .skipped: "skipped"
            }
        }
    }

    fileprivate struct Entry {
        let offset: Offset
        let trigger: String
        let function: FunctionName?
        let scheduled: Timestamp
        let actual: Timestamp?
        var outcome: Outcome
        /// Whether somebody asked for the run, which took no slot.
        var isByHand = false
    }

    /// The most slots that are kept.
    private let limit: Int
    private var entries: Deque<Entry> = []

    package init(limit: Int) {
        precondition(limit > 0)
        self.limit = limit
    }

    package mutating func add(_ event: CronEvent, at offset: Offset) {
        switch event {
        case .fired(let fired): append(Entry(fired, at: offset))
        case .skipped(let skipped):
            append(
                Entry(
                    offset: offset,
                    trigger: skipped.trigger,
                    function: skipped.schedule?.function,
                    scheduled: skipped.scheduled,
                    actual: nil,
                    outcome: .skipped(reason: skipped.reason)
                )
            )
        case .watched, .forgotten, .paused, .resumed: break
        }
    }

    /// A slot of a life before is run again: from now on it is the youngest.
    package mutating func repeated(_ fired: CronFired, at offset: Offset) {
        entries.removeAll { $0.offset == offset }
        append(Entry(fired, at: offset))
    }

    /// Somebody has a trigger run, which the record at `offset` tells.
    package mutating func began(
        _ trigger: CronTrigger,
        at offset: Offset,
        scheduled: Timestamp,
        actual: Timestamp
    ) {
        append(
            Entry(
                offset: offset,
                trigger: trigger.id,
                function: trigger.function,
                scheduled: scheduled,
                actual: actual,
                outcome: .running,
                isByHand: true
            )
        )
    }

    /// A run of a slot begins: after an interruption, anew.
    package mutating func began(_ firing: Offset) { change(firing, to: .running) }

    package mutating func ended(_ firing: Offset, _ result: FunctionResult, took: Timestamp.Span) {
        var outcome = Outcome.done(took)
        if case .failure(let error) = result { outcome = .failed(error, took) }
        change(firing, to: outcome)
    }

    package mutating func skipped(_ firing: Offset, _ reason: String) {
        change(firing, to: .skipped(reason: reason))
    }

    /// The engine was started anew: whatever ran until then was cut off.
    package mutating func interrupt() {
        for index in entries.indices {
            if case .running = entries[index].outcome { entries[index].outcome = .interrupted }
        }
    }

    private mutating func change(_ firing: Offset, to outcome: Outcome) {
        guard let index = entries.lastIndex(where: { $0.offset == firing }) else { return }
        entries[index].outcome = outcome
    }

    private mutating func append(_ entry: Entry) {
        if entries.count == limit { entries.removeFirst() }
        entries.append(entry)
    }

    /// The youngest first, at most `limit` of those that `isShown` lets through.
    package func list(
        limit: Int,
        isShown: (_ trigger: String, _ function: FunctionName?) -> Bool
    ) -> [JSONValue] {
        var found: [JSONValue] = []
        for entry in entries.reversed() where isShown(entry.trigger, entry.function) {
            if found.count == limit { break }
            found.append(entry.value)
        }
        return found
    }
}

extension CronHistory.Entry {
    fileprivate init(_ fired: CronFired, at offset: Offset) {
        self.init(
            offset: offset,
            trigger: fired.trigger,
            function: fired.function,
            scheduled: fired.scheduled,
            actual: fired.actual,
            outcome: .running
        )
    }

    fileprivate var value: JSONValue {
        var object: JSONObject = [
            "offset": .string(offset.description), "job_id": .string(trigger),
            "scheduled_time": .string(scheduled.rfc3339(zone: "+00:00")),
            "outcome": .string(outcome.name),
        ]
        if isByHand { object["by_hand"] = .bool(true) }
        if let function { object["function_id"] = .string(function.id) }
        if let actual { object["actual_time"] = .string(actual.rfc3339(zone: "+00:00")) }
        switch outcome {
        case .running, .interrupted: break
        case .done(let took): object["duration_ms"] = .integer(took.milliseconds)
        case .failed(let error, let took):
            object["duration_ms"] = .integer(took.milliseconds)
            object["error"] = .object([
                "code": .string(error.code), "message": .string(error.message),
            ])
        case .skipped(let reason): object["reason"] = .string(reason)
        }
        return .object(object)
    }
}
