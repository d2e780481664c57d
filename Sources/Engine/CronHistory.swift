import DequeModule
import Events
import JSON
import Primitives

/// What became of the youngest cron slots of this life of the engine. The log has all of them.
struct CronHistory {
    fileprivate enum Outcome {
        case running
        case done(Timestamp.Span)
        case failed(ErrorBody, Timestamp.Span)
        case skipped(reason: String)

        var name: String {
            switch self {
            case .running: "running"
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
    }

    private var entries: Deque<Entry> = []

    private static let countMax = 1000

    mutating func add(_ event: CronEvent, at offset: Offset) {
        switch event {
        case .fired(let fired): fire(fired, at: offset)
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

    /// A slot that fires; one of a life before, where that is run again.
    mutating func fire(_ fired: CronFired, at offset: Offset) {
        entries.removeAll { $0.offset == offset }
        append(
            Entry(
                offset: offset,
                trigger: fired.trigger,
                function: fired.function,
                scheduled: fired.scheduled,
                actual: fired.actual,
                outcome: .running
            )
        )
    }

    mutating func ended(_ firing: Offset, _ result: FunctionResult, took: Timestamp.Span) {
        var outcome = Outcome.done(took)
        if case .failure(let error) = result { outcome = .failed(error, took) }
        change(firing, to: outcome)
    }

    mutating func skipped(_ firing: Offset, _ reason: String) {
        change(firing, to: .skipped(reason: reason))
    }

    private mutating func change(_ firing: Offset, to outcome: Outcome) {
        guard let index = entries.lastIndex(where: { $0.offset == firing }) else { return }
        entries[index].outcome = outcome
    }

    private mutating func append(_ entry: Entry) {
        if entries.count == Self.countMax { entries.removeFirst() }
        entries.append(entry)
    }

    /// The youngest first, at most `limit` of those that `isShown` lets through.
    func list(
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
    fileprivate var value: JSONValue {
        var object: JSONObject = [
            "offset": .string(offset.description), "job_id": .string(trigger),
            "scheduled_time": .string(scheduled.rfc3339(zone: "+00:00")),
            "outcome": .string(outcome.name),
        ]
        if let function { object["function_id"] = .string(function.id) }
        if let actual { object["actual_time"] = .string(actual.rfc3339(zone: "+00:00")) }
        switch outcome {
        case .running: break
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
