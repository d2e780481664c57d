package import Primitives

/// A message of one queue, from its `enqueued` record until it is acked or discarded.
///
/// A class, because the queue's order, its delays and its dead letters all point at the same
/// message; it never leaves the core thread. There may be millions: what only a delivery needs is
/// in its ``content``, and in the log.
package final class Message {
    /// The offset of its `enqueued` record: with the queue's name, its identity.
    package let offset: Offset
    package let target: Target
    package let group: String?
    /// nil where memory was short: the record at ``offset`` has it.
    package private(set) var content: Content?
    /// The record that let it be delivered: its own, that of a retry or a redrive, or the one that
    /// ended its group's message before it. No delivery leaves before that one is durable.
    package internal(set) var released: Offset
    /// Records of attempts before this one are history: the last redrive made them so. No part of a
    /// snapshot: behind one all attempts count until the next redrive. Its own offset: all do.
    var attemptsFrom: Offset
    /// Deliveries that failed.
    package internal(set) var failures: UInt32 = 0
    /// How often it was put among the ready messages: what tells its entry there from older ones.
    var turn: UInt32 = 0
    package internal(set) var state = State.waiting
    /// Whether it waits behind another of its group.
    var isBehind = false
    /// Whether it is aside, as the disk does not give it.
    var isRefused = false

    package enum State: Equatable {
        /// Can be delivered now, or is behind another of its group.
        case waiting
        /// Failed, and waits for its next attempt.
        case delayed(until: Timestamp)
        case inFlight(since: Timestamp)
        indirect case dead(error: ErrorBody, at: Timestamp)
        case done
    }

    /// What its `enqueued` record says for its deliveries.
    package final class Content {
        /// JSON.
        package let payload: [UInt8]
        package let receipt: UUID128
        /// When it was enqueued.
        package let time: Timestamp
        package let trace: TraceID?
        package let baggage: String?
        /// Of the trace that it was sent in: those that its handler is handed.
        package let flags: UInt8

        package init(
            payload: [UInt8],
            receipt: UUID128,
            time: Timestamp,
            trace: TraceID?,
            baggage: String?,
            flags: UInt8
        ) {
            self.flags = flags
            self.payload = payload
            self.receipt = receipt
            self.time = time
            self.trace = trace
            self.baggage = baggage
        }

        /// Roughly the memory that it takes beside the message, in bytes.
        var byteCount: Int { Self.byteCount(payload: payload.count) }

        static func byteCount(payload: Int) -> Int { payload + 128 }
    }

    init(offset: Offset, target: Target, group: String?, content: Content?) {
        self.offset = offset
        released = offset
        attemptsFrom = offset
        self.target = target
        self.group = group
        self.content = content
    }

    /// Lets the content go: the message is done.
    func dropContent(_ budget: MemoryBudget) {
        guard let content else { return }
        budget.give(back: content.byteCount)
        self.content = nil
    }

    var isWaiting: Bool { state == .waiting }

    /// Whether it is to be delivered, now or later, and is not being so.
    var isQueued: Bool {
        switch state {
        case .waiting, .delayed: true
        case .inFlight, .dead, .done: false
        }
    }

    var isDead: Bool { if case .dead = state { true } else { false } }

    /// The number that its next delivery carries, or the one that goes on; 1 for the first.
    package var nextAttempt: UInt32 { failures + 1 }
}

/// A function that messages are for: one object for all of them.
package final class Target {
    package let function: FunctionName

    init(_ function: FunctionName) { self.function = function }
}
