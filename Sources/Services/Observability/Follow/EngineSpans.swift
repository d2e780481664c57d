import Events
import JSON
package import Primitives

/// The engine's own spans, as its records tell them (services 2, C.9).
///
///     GET /orders            triggered … completed      EngineSpans.id(of: triggered)
///       execute orders         by the SDK, below what it was handed
///       enqueue mail → mails   enqueued
///         fn_queue mails         delivered … acked     EngineSpans.id(of: delivered)
///           execute mail           by the SDK
package enum EngineSpans {
    /// The id of the span that begins with a record: never zero, different for every record, and
    /// spread over all 64 bits.
    package static func id(of record: Offset) -> UInt64 {
        let mixed = (record.rawValue &+ 1) &* 0x9E37_79B9_7F4A_7C15
        return mixed == 0 ? 1 : mixed
    }
}

/// A call of one of the engine's own functions, told by the one record that it led to.
struct RecordedCall: Sendable {
    enum Called: Sendable {
        case enqueue(queue: String, function: String, baggage: String?)
        case publish(topic: String, baggage: String?)
        case other(function: String)
    }

    let offset: Offset
    let trace: TraceID
    let parent: UInt64
    let time: Timestamp
    let called: Called

    /// Nil: the record tells of none.
    init?(_ record: FollowedRecord, below work: OpenWork) {
        guard let trace = record.trace, let called = Called(record) else { return nil }
        offset = record.offset
        self.trace = trace
        parent = record.sender?.span ?? work.span(below: record.cause)
        time = record.time
        self.called = called
    }

    func span(of service: String) -> ReportedSpan {
        draft.span(
            offset,
            trace,
            parent: parent,
            from: time,
            to: time,
            error: nil,
            service: service
        )
    }

    var draft: SpanDraft { called.draft }
}

extension RecordedCall.Called {
    /// Of the caller, where the record tells of it.
    var baggage: String? {
        switch self {
        case .enqueue(_, _, let baggage), .publish(_, let baggage): baggage
        case .other: nil
        }
    }

    var draft: SpanDraft {
        switch self {
        case .enqueue(let queue, let function, let baggage):
            var draft = SpanDraft(
                "enqueue \(function) → \(queue)",
                [("function_id", function), ("queue", queue)],
                .producer
            )
            draft.add(broughtAlong: baggage)
            return draft
        case .publish(let topic, let baggage):
            var draft = SpanDraft.call("iii::durable::publish", kind: "internal")
            draft.role = .producer
            draft.add("messaging.destination.name", topic)
            draft.add("messaging.operation.type", "publish")
            draft.add("baggage.topic", topic)
            draft.add(broughtAlong: baggage)
            return draft
        case .other(let function): return .call(function, kind: "internal")
        }
    }

    init?(_ record: FollowedRecord) {
        switch record.event {
        case .queue(.enqueued(let event)):
            if let function = event.target?.id {
                let baggage = event.baggage
                self = .enqueue(queue: event.queue, function: function, baggage: baggage)
            } else {
                self = .publish(topic: event.queue, baggage: event.baggage)
            }
        case .state(let event) where record.cause != nil:
            guard let function = event.caller else { return nil }
            self = .other(function: function)
        case .stream(let event) where record.cause != nil:
            guard let function = event.caller else { return nil }
            self = .other(function: function)
        default: return nil
        }
    }
}

/// Work of the engine's own that has ended, and how.
struct EndedWork: Sendable {
    let work: Work
    let trace: TraceID
    let outcome: WorkOutcome
    let end: Timestamp
    /// Of the response to an HTTP request.
    let status: Int?

    /// Nil: it has no span of its own.
    init?(_ work: Work, _ outcome: WorkOutcome, _ record: FollowedRecord) {
        let facts = work.facts
        guard let trace = facts.trace, facts.hasSpan, facts.kind != .message else { return nil }
        self.work = work
        self.trace = trace
        self.outcome = outcome
        end = record.time
        status = facts.status(after: outcome)
    }

    func span(of service: String) -> ReportedSpan {
        let facts = work.facts
        return SpanDraft(facts, status: status).span(
            facts.offset,
            trace,
            parent: facts.parentSpan,
            from: facts.start,
            to: end,
            error: outcome.error,
            service: service
        )
    }
}

extension FollowedRecord {
    /// The span of somebody else's that a message was sent from, or a function called. One that is
    /// kept nowhere stands for nothing where the engine knows what led to the record.
    var sender: RemoteSpan? {
        let parent: RemoteSpan?
        switch event {
        case .queue(.enqueued(let event)): parent = event.parent
        case .invoked(let event) where event.parent != 0:
            parent = RemoteSpan(span: event.parent, flags: event.flags ?? 1)
        default: parent = nil
        }
        guard let parent, cause == nil || parent.isSampled else { return nil }
        return parent
    }
}

extension StateEvent {
    /// The function that wrote it; nil: nobody called one.
    fileprivate var caller: String? {
        switch self {
        case .set(let event): event.function
        case .deleted(let event): event.reason == .deleted ? "state::delete" : nil
        }
    }
}

extension StreamEvent {
    fileprivate var caller: String? {
        switch self {
        case .set(let event): event.function
        case .deleted: "stream::delete"
        case .sent: "stream::send"
        case .relayed: nil
        }
    }
}
