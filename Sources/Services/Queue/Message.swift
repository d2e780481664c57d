package import Primitives

/// A message of one queue, from its `enqueued` record until it is acked or discarded.
///
/// A class, because the queue's order, its delays and its dead letters all point at the same
/// message; it never leaves the core thread.
package final class Message {
    /// The offset of its `enqueued` record: with the queue's name, its identity.
    package let offset: Offset
    package let target: Target
    package let receipt: UUID128
    package let trace: TraceID?
    package let baggage: String?
    package let group: String?
    /// JSON.
    package let payload: [UInt8]
    /// Deliveries that failed.
    package internal(set) var failures: UInt32 = 0
    package internal(set) var state = State.waiting
    /// The record that let it be delivered: its own, that of a retry or a redrive, or the one that
    /// ended its group's message before it. No delivery leaves before that one is durable.
    package internal(set) var released: Offset
    /// How often it was put among the ready messages: what tells its entry there from older ones.
    var turn: UInt64 = 0

    package enum State: Equatable {
        /// Can be delivered now, or is behind another of its group.
        case waiting
        /// Failed, and waits for its next attempt.
        case delayed(until: Timestamp)
        case inFlight(since: Timestamp)
        case dead(error: ErrorBody, at: Timestamp)
        case done
    }

    init(
        offset: Offset,
        target: Target,
        receipt: UUID128,
        trace: TraceID?,
        baggage: String?,
        group: String?,
        payload: [UInt8]
    ) {
        self.offset = offset
        released = offset
        self.target = target
        self.receipt = receipt
        self.trace = trace
        self.baggage = baggage
        self.group = group
        self.payload = payload
    }

    var isWaiting: Bool { state == .waiting }

    /// The number that its next delivery carries, 1 for the first.
    package var nextAttempt: UInt32 { failures + 1 }
}

/// A function that messages are for: one object for all of them.
package final class Target {
    package let function: FunctionName

    init(_ function: FunctionName) { self.function = function }
}
