import Events
import Primitives

/// The work that is under way, as far as it was seen to begin.
///
/// Invariants:
/// * No more than `limit` at a time, and no more than `byteLimit` bytes: the oldest is forgotten.
/// * `bytes` is the sum of the entries'.
struct OpenWork {
    private var entries: [Offset: Work] = [:]
    private(set) var bytes = 0
    /// The messages among them that are dead letters, and in how many queues: a topic's has a copy
    /// for each subscription.
    private var dead: [Offset: Int] = [:]
    /// Their offsets, and those of some that have ended.
    private var order = RecentOffsets()
    private var places: RecentPlaces
    private let limit: Int
    private let byteLimit: Int

    init(limit: Int = 65_536, bytes byteLimit: Int = 64 << 20) {
        self.limit = limit
        self.byteLimit = byteLimit
        places = RecentPlaces(limit: limit)
    }

    mutating func take(_ record: FollowedRecord) -> WorkChange {
        var change = WorkChange()
        switch record.event {
        case .started: change.interrupted = restart()
        case .triggered(let event):
            var work = WorkFacts(.trigger, record)
            work.type = event.type
            work.summary = event.summary
            work.function = event.function
            if event.type == "http" { work.request = RequestFacts(event) }
            work.job = event.trigger
            work.parentSpan = event.parent?.span ?? 0
            change.began = begin(root(work))
        case .cron(.fired(let event)):
            var work = WorkFacts(.trigger, record)
            work.type = "cron"
            work.summary = "cron \(event.expression)"
            work.schedule = event.expression
            work.function = event.function
            work.job = event.trigger
            change.began = begin(root(work))
        case .cron(.skipped):
            if let cause = record.cause, let trigger = end(cause, .trigger) {
                change.ended = (trigger, .skipped)
            }
        case .invoked(let event): change.began = run(event, record)
        case .completed(let event):
            // Before its run is forgotten: observers may be told of it.
            places.note(record.offset, below: span(below: record.cause))
            completed(event, record, &change)
        case .responded(let event): responded(event, record, &change)
        // Triggers may fire for these.
        case .state, .stream, .configuration:
            places.note(record.offset, below: span(below: record.cause))
        case .queue(let event): take(event, record, &change)
        default: break
        }
        return change
    }

    /// The span that what `cause` leads to stands below; 0: none that is known.
    func span(below cause: Offset?) -> UInt64 {
        guard let cause else { return 0 }
        return entries[cause]?.facts.span ?? places[cause] ?? 0
    }

    /// With a span of its own, which all that it leads to is handed.
    private func root(_ work: WorkFacts) -> WorkFacts {
        var work = work
        if work.parentSpan == 0 { work.parentSpan = span(below: work.cause) }
        work.span = EngineSpans.id(of: work.offset)
        return work
    }

    /// Nothing is known any more of what is under way: records were passed over.
    mutating func forgetAll() {
        entries = [:]
        bytes = 0
        dead = [:]
        order = RecentOffsets()
        places = RecentPlaces(limit: limit)
    }

    // MARK: Runs

    private mutating func run(_ event: Invoked, _ record: FollowedRecord) -> Work {
        var work = WorkFacts(.run, record)
        work.function = event.function
        work.worker = event.worker
        work.invocation = event.invocation
        work.isCondition = event.isCondition
        if let sender = record.sender {
            work.span = sender.span
        } else if record.cause == nil {
            work.span = EngineSpans.id(of: record.offset)
        } else {
            work.span = span(below: record.cause)
        }
        return begin(work)
    }

    private mutating func completed(
        _ event: Completed,
        _ record: FollowedRecord,
        _ change: inout WorkChange
    ) {
        guard let cause = record.cause, let work = entries[cause] else { return }
        let outcome = WorkOutcome(event.result)
        switch work.facts.kind {
        case .trigger:
            // It never ran.
            if let trigger = endTrigger(cause) {
                change.ended = (trigger, Self.outcome(of: trigger, event.result))
            }
        case .run:
            // A call that was refused before it ran ends below its caller, which goes on.
            guard event.invocation == work.facts.invocation || event.duration.nanoseconds > 0 else {
                return
            }
            drop(cause)
            change.ended = (work, outcome)
            guard !work.facts.isCondition,
                let trigger = work.facts.cause.flatMap({ endTrigger($0) })
            else { return }
            change.endedToo = (trigger, Self.outcome(of: trigger, event.result))
        case .message, .delivery: break
        }
    }

    /// A request ends with the response that is told of, but for a stream whose function runs: it
    /// ends with that.
    private mutating func responded(
        _ event: Responded,
        _ record: FollowedRecord,
        _ change: inout WorkChange
    ) {
        guard let cause = record.cause, let work = entries[cause], work.facts.kind == .trigger
        else { return }
        var facts = work.facts
        switch event.form {
        case .awaited:
            facts.awaitsResponse = true
            entries[cause] = Work(facts)
        case .stream where !facts.awaitsResponse:
            facts.streamStatus = Int(event.status)
            entries[cause] = Work(facts)
        case .stream, .engine:
            drop(cause)
            change.ended = (work, .answered(Int(event.status), reason: event.reason))
        case .abandoned:
            drop(cause)
            change.ended = (work, .done)
        }
    }

    /// What fired ends with its run, unless it is a request that nothing was answered by that.
    private mutating func endTrigger(_ offset: Offset) -> Work? {
        guard entries[offset]?.facts.awaitsResponse == false else { return nil }
        return end(offset, .trigger)
    }

    /// What a trigger has come to whose function ended with `result`.
    private static func outcome(of trigger: Work, _ result: FunctionResult) -> WorkOutcome {
        guard trigger.facts.type == "http", !result.isFailure,
            let status = trigger.facts.streamStatus ?? RequestAttributes.status(result)
        else { return WorkOutcome(result) }
        return .answered(status, reason: "")
    }

    // MARK: Queues

    private mutating func take(
        _ event: QueueEvent,
        _ record: FollowedRecord,
        _ change: inout WorkChange
    ) {
        switch event {
        case .enqueued(let event):
            var work = WorkFacts(.message, record)
            work.type = event.queue
            work.function = event.target
            work.isTopic = event.target == nil
            work.baggage = event.baggage
            work.parentSpan = record.sender?.span ?? 0
            change.began = begin(root(work))
        case .delivered(let event): change.began = delivery(event, record)
        case .acked(let event):
            deliveryEnded(record, .done, &change)
            messageEnded(event.message, .done, &change)
        case .retried(let event): deliveryEnded(record, .retried(event.error), &change)
        case .deadLettered(let event):
            let outcome = WorkOutcome.dead(event.error)
            deliveryEnded(record, outcome, &change)
            guard let message = entries[event.message] else { break }
            dead[event.message, default: 0] += 1
            change.endedToo = (message, outcome)
        case .redriven(let event):
            raise(event.message)
            change.revived = entries[event.message]
        case .discarded(let event): change.discarded = discard([event.message])
        case .purged(let event) where event.areDead: change.discarded = discard(event.messages)
        case .purged(let event): change.purged = purge(event)
        case .defined, .subscribed, .unsubscribed: break
        }
    }

    /// - Returns: of dead letters that were thrown away, those that are known.
    private mutating func discard(_ letters: [Offset]) -> [Work] {
        letters.compactMap { letter in
            let wasDead = raise(letter)
            guard let message = entries[letter] else { return nil }
            // Other subscriptions may have a topic's still.
            if !message.facts.isTopic { forget(letter) }
            return wasDead ? message : nil
        }
    }

    /// A topic's messages go on: other subscriptions may have them still.
    private mutating func purge(_ event: Purged) -> [Work] {
        event.messages.compactMap { message in
            guard let work = entries[message], !work.facts.isTopic else { return nil }
            forget(message)
            return work
        }
    }

    private mutating func delivery(_ event: Delivered, _ record: FollowedRecord) -> Work {
        var work = WorkFacts(.delivery, record)
        work.type = event.queue
        work.worker = event.worker
        work.invocation = event.invocation
        work.attempt = event.attempt
        work.job = event.invocation.description
        work.span = EngineSpans.id(of: record.offset)
        if let message = entries[event.message]?.facts {
            work.isTopic = message.isTopic
            work.parentSpan = message.span
            work.baggage = message.baggage
            work.function =
                message.function ?? Self.subscriber(of: message.type, queue: event.queue)
        }
        return begin(work)
    }

    private mutating func deliveryEnded(
        _ record: FollowedRecord,
        _ outcome: WorkOutcome,
        _ change: inout WorkChange
    ) {
        if let work = record.cause.flatMap({ end($0, .delivery) }) {
            change.ended = (work, outcome)
        }
    }

    /// A topic's message goes on: other subscriptions may have it still.
    private mutating func messageEnded(
        _ message: Offset,
        _ outcome: WorkOutcome,
        _ change: inout WorkChange
    ) {
        guard let work = entries[message] else { return }
        if !work.facts.isTopic { forget(message) }
        change.endedToo = (work, outcome)
    }

    /// One copy of a message is no dead letter any more.
    ///
    /// - Returns: whether one was.
    @discardableResult
    private mutating func raise(_ message: Offset) -> Bool {
        guard let count = dead[message] else { return false }
        dead[message] = count > 1 ? count - 1 : nil
        return true
    }

    /// The function that a topic's queue is for: `TOPIC::FUNCTION@NAMESPACE`.
    private static func subscriber(of topic: String, queue: String) -> FunctionName? {
        let rest = queue.dropFirst(topic.count + 2)
        guard queue.hasPrefix(topic), let at = rest.lastIndex(of: "@") else { return nil }
        return FunctionName(
            namespace: String(rest[rest.index(after: at)...].filter { $0 != "\\" }),
            id: String(rest[..<at].filter { $0 != "\\" })
        )
    }

    // MARK: Keeping

    private mutating func begin(_ facts: WorkFacts) -> Work {
        let work = Work(facts)
        entries[facts.offset] = work
        bytes += work.byteCount
        order.append(facts.offset)
        while entries.count > limit || bytes > byteLimit, let oldest = order.popFirst() {
            forget(oldest)
        }
        // Most of what began has ended: what is left of it need not be kept in order.
        if order.count > 2 * limit { order.keep { entries[$0] != nil } }
        return work
    }

    private mutating func end(_ offset: Offset, _ kind: WorkFacts.Kind) -> Work? {
        guard let work = entries[offset], work.facts.kind == kind else { return nil }
        drop(offset)
        return work
    }

    private mutating func drop(_ offset: Offset) {
        if let work = entries.removeValue(forKey: offset) { bytes -= work.byteCount }
    }

    private mutating func forget(_ offset: Offset) {
        drop(offset)
        if !dead.isEmpty { dead[offset] = nil }
    }

    /// What workers had is lost with their connections. Messages wait on, and what is run again
    /// after a restart does so from its trigger's record.
    private mutating func restart() -> [Work] {
        let lost = entries.values.filter { work in
            switch work.facts.kind {
            case .run, .delivery: true
            case .trigger: work.facts.type != "cron" && work.facts.type != "state"
            case .message: false
            }
        }
        for work in lost { drop(work.facts.offset) }
        return lost.sorted { $0.facts.offset < $1.facts.offset }
    }
}
