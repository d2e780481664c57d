package import Events
package import JSON
package import Primitives

/// A message that somebody asks about: `{"id", "queue"}` of `engine::queue::explain`.
package struct MessageQuery: Equatable, Sendable {
    /// A receipt, a trace, an invocation or a place in the log.
    package let id: String
    /// Only what became of it in this queue; nil: in each that has or had it.
    package let queue: String?

    package init(id: String, queue: String? = nil) {
        self.id = id
        self.queue = queue
    }

    package init(_ input: JSONText) throws(ErrorBody) {
        do throws(JSONFieldError) {
            let fields = try JSONFields(input)
            id = try fields.requiredString("id")
            queue = try fields.optionalString("queue")
        } catch {
            throw QueueView.refusal(.explain, error)
        }
    }
}

/// What the log tells of a message.
package struct LoggedMessage: Equatable, Sendable {
    /// What became of it in one queue.
    package struct Step: Equatable, Sendable {
        package let offset: Offset
        package let time: Timestamp
        package let trace: TraceID?
        package let cause: Offset?
        /// About this message, and no other.
        package let event: QueueEvent
        /// Who wanted it, as far as that is known.
        package var by: String?

        package init(
            offset: Offset,
            time: Timestamp,
            trace: TraceID?,
            cause: Offset?,
            event: QueueEvent
        ) {
            self.offset = offset
            self.time = time
            self.trace = trace
            self.cause = cause
            self.event = event
        }
    }

    package let offset: Offset
    package let time: Timestamp
    package let trace: TraceID?
    package let event: Enqueued
    /// In the order of the log.
    package var steps: [Step] = []

    package init(offset: Offset, time: Timestamp, trace: TraceID?, event: Enqueued) {
        self.offset = offset
        self.time = time
        self.trace = trace
        self.event = event
    }
}

/// The messages that an id means.
package struct LoggedMessages: Equatable, Sendable {
    /// In the order of the log, never empty.
    package let messages: [LoggedMessage]
    /// How many more there are.
    package let more: Int
    /// How workers called themselves that had one of them.
    package let workers: [UUID128: String]

    package init(messages: [LoggedMessage], more: Int, workers: [UUID128: String]) {
        self.messages = messages
        self.more = more
        self.workers = workers
    }
}

extension QueueEvent {
    /// The queue of a message that it tells of; nil: it tells of none, or of one that is new.
    var queue: String? {
        switch self {
        case .delivered(let event): event.queue
        case .acked(let event): event.queue
        case .retried(let event): event.queue
        case .deadLettered(let event): event.queue
        case .redriven(let event): event.queue
        case .discarded(let event): event.queue
        case .purged(let event): event.queue
        case .defined, .subscribed, .unsubscribed, .enqueued: nil
        }
    }

    /// Whether it ends a delivery.
    var endsDelivery: Bool {
        switch self {
        case .acked, .retried, .deadLettered: true
        default: false
        }
    }

    /// Whether a message is over with it.
    var endsMessage: Bool {
        switch self {
        case .acked, .discarded, .purged: true
        default: false
        }
    }

    /// What the function answered that its record has no room for.
    var omission: String? { if case .acked(let event) = self { event.omission } else { nil } }
}
