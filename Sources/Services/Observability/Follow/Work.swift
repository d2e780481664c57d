import Events
import Primitives

/// Something that a record begins and a later one ends.
struct Work {
    enum Kind {
        /// Something happened that runs a function: a request, a cron slot, a write of the state.
        case trigger
        /// A worker runs a function.
        case run
        /// It waits in a queue, or in those of a topic's subscriptions.
        case message
        /// A worker has a message.
        case delivery
    }

    let kind: Kind
    /// Of the record that begins it.
    let offset: Offset
    let trace: TraceID?
    let cause: Offset?
    let start: Timestamp
    /// A trigger's type; the queue or topic of a message, and the queue of a delivery.
    var type = ""
    /// What happened, in a few words.
    var summary = ""
    var function: FunctionName?
    var worker: UUID128?
    var invocation: UUID128?
    /// Whether it decides over another run.
    var isCondition = false
    var isTopic = false
    /// Of a delivery: 1 for the first.
    var attempt: UInt32 = 0
    var baggage: String?
    /// Of a trigger: whether its function runs by now.
    var isTaken = false
    /// Of a message: whether it is a dead letter.
    var isDead = false
    /// Of a request.
    var attributes: [TelemetryAttribute] = []
    /// What its span calls it: the trigger of a cron slot, the delivery of a message.
    var job = ""
    /// Below which span what it leads to stands, and below which its own; 0: below none.
    var span: UInt64 = 0
    var parentSpan: UInt64 = 0

    /// Whether the engine itself tells of it: an SDK does so of what it was called for.
    var hasSpan: Bool { span == EngineSpans.id(of: offset) }

    init(_ kind: Kind, _ record: FollowedRecord) {
        self.kind = kind
        offset = record.offset
        trace = record.trace
        cause = record.cause
        start = record.time
    }
}

/// What became of work.
enum WorkOutcome {
    case done
    case failed(ErrorBody)
    /// A message is to be delivered again.
    case retried(ErrorBody)
    case dead(ErrorBody)
    /// What it would have run did not take place.
    case skipped

    init(_ result: FunctionResult) {
        if case .failure(let error) = result { self = .failed(error) } else { self = .done }
    }

    var error: ErrorBody? {
        switch self {
        case .failed(let error), .retried(let error), .dead(let error): error
        case .done, .skipped: nil
        }
    }
}

/// What one record changes about the work there is.
struct WorkChange {
    typealias Ended = (work: Work, outcome: WorkOutcome)

    var began: Work?
    /// A run or a delivery, and what ends with it: a trigger or a message.
    var ended: Ended?
    var endedToo: Ended?
    /// Work whose end nobody recorded: the engine was killed.
    var interrupted: [Work] = []
    /// A dead letter that is a message again, or was thrown away.
    var revived: Work?
    var discarded: Work?
}

/// The work that is under way, as far as it was seen to begin.
///
/// Invariant: no more than `limit` at a time: the oldest is forgotten.
struct OpenWork {
    private var entries: [Offset: Work] = [:]
    /// Their offsets, and those of some that have ended.
    private var order = RecentOffsets()
    private let limit: Int

    init(limit: Int = 65_536) { self.limit = limit }

    var count: Int { entries.count }

    subscript(_ offset: Offset) -> Work? { entries[offset] }

    mutating func take(_ record: FollowedRecord) -> WorkChange {
        var change = WorkChange()
        switch record.event {
        case .started: change.interrupted = restart()
        case .triggered(let event):
            var work = Work(.trigger, record)
            work.type = event.type
            work.summary = event.summary
            work.function = event.function
            if event.type == "http" { work.attributes = RequestAttributes.read(event) }
            work.job = event.trigger
            work.parentSpan = event.parent?.span ?? 0
            change.began = begin(root(work))
        case .cron(.fired(let event)):
            var work = Work(.trigger, record)
            work.type = "cron"
            work.summary = "cron \(event.expression)"
            work.function = event.function
            work.job = event.trigger
            change.began = begin(root(work))
        case .cron(.skipped):
            if let cause = record.cause, let trigger = end(cause, .trigger) {
                change.ended = (trigger, .skipped)
            }
        case .invoked(let event): change.began = run(event, record)
        case .completed(let event): completed(event, record, &change)
        case .queue(let event): take(event, record, &change)
        default: break
        }
        return change
    }

    /// The span that what `cause` leads to stands below; 0: none that is known.
    func span(below cause: Offset?) -> UInt64 { cause.flatMap { entries[$0]?.span } ?? 0 }

    /// With a span of its own, which all that it leads to is handed.
    private func root(_ work: Work) -> Work {
        var work = work
        if work.parentSpan == 0 { work.parentSpan = span(below: work.cause) }
        work.span = EngineSpans.id(of: work.offset)
        return work
    }

    /// Nothing is known any more of what is under way: records were passed over.
    mutating func forgetAll() {
        entries = [:]
        order = RecentOffsets()
    }

    // MARK: Runs

    private mutating func run(_ event: Invoked, _ record: FollowedRecord) -> Work {
        var work = Work(.run, record)
        work.function = event.function
        work.worker = event.worker
        work.invocation = event.invocation
        work.isCondition = event.isCondition
        if record.cause == nil {
            work.span = event.parent == 0 ? EngineSpans.id(of: record.offset) : event.parent
        } else {
            work.span = span(below: record.cause)
        }
        if let cause = record.cause, entries[cause]?.kind == .trigger, !event.isCondition {
            entries[cause]?.isTaken = true
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
        switch work.kind {
        case .trigger:
            // It never ran.
            entries[cause] = nil
            change.ended = (work, outcome)
        case .run:
            // A call that was refused before it ran ends below its caller, which goes on.
            guard event.invocation == work.invocation || event.duration.nanoseconds > 0 else {
                return
            }
            entries[cause] = nil
            change.ended = (work, outcome)
            guard !work.isCondition, let trigger = work.cause.flatMap({ end($0, .trigger) })
            else { return }
            change.endedToo = (trigger, outcome)
        case .message, .delivery: break
        }
    }

    // MARK: Queues

    private mutating func take(
        _ event: QueueEvent,
        _ record: FollowedRecord,
        _ change: inout WorkChange
    ) {
        switch event {
        case .enqueued(let event):
            var work = Work(.message, record)
            work.type = event.queue
            work.function = event.target
            work.isTopic = event.target == nil
            work.baggage = event.baggage
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
            entries[event.message]?.isDead = true
            change.endedToo = (message, outcome)
        case .redriven(let event):
            entries[event.message]?.isDead = false
            change.revived = entries[event.message]
        case .discarded(let event): change.discarded = entries.removeValue(forKey: event.message)
        case .defined, .subscribed, .unsubscribed: break
        }
    }

    private mutating func delivery(_ event: Delivered, _ record: FollowedRecord) -> Work {
        var work = Work(.delivery, record)
        work.type = event.queue
        work.worker = event.worker
        work.invocation = event.invocation
        work.attempt = event.attempt
        work.job = event.invocation.description
        work.span = EngineSpans.id(of: record.offset)
        if let message = entries[event.message] {
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
        if !work.isTopic { entries[message] = nil }
        change.endedToo = (work, outcome)
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

    private mutating func begin(_ work: Work) -> Work {
        entries[work.offset] = work
        order.append(work.offset)
        while entries.count > limit, let oldest = order.popFirst() { entries[oldest] = nil }
        // Most of what began has ended: what is left of it need not be kept in order.
        if order.count > 2 * limit { order.keep { entries[$0] != nil } }
        return work
    }

    private mutating func end(_ offset: Offset, _ kind: Work.Kind) -> Work? {
        guard entries[offset]?.kind == kind else { return nil }
        return entries.removeValue(forKey: offset)
    }

    /// What workers had is lost with their connections. Messages wait on, and what is run again
    /// after a restart does so from its trigger's record.
    private mutating func restart() -> [Work] {
        let lost = entries.values.filter { work in
            switch work.kind {
            case .run, .delivery: true
            case .trigger: work.type != "cron" && work.type != "state"
            case .message: false
            }
        }
        for work in lost { entries[work.offset] = nil }
        return lost.sorted { $0.offset < $1.offset }
    }
}
