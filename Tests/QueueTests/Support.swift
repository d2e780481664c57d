import Events
import JSON
import Primitives
import Testing

@testable import Queue

/// A queue view with a log of its own: decides, records, applies, and can fold all of it again.
struct Bench {
    var view = QueueView()
    private(set) var events: [(event: QueueEvent, time: Timestamp)] = []
    var now = Timestamp(seconds: 1000)
    private var receipts: UInt64 = 0

    mutating func apply(_ event: QueueEvent) {
        let offset = Offset(UInt64(events.count))
        events.append((event, now))
        view.apply(event, at: offset, time: now, trace: nil)
    }

    mutating func define(
        _ queue: String = "q",
        fifo: Bool = false,
        concurrency: UInt32 = 10,
        attempts: UInt32 = 3,
        backoff: Int64 = 1000
    ) {
        let settings = QueueSettings(
            fifo: fifo,
            concurrency: concurrency,
            attempts: attempts,
            backoff: .milliseconds(backoff),
            groupField: fifo ? "g" : nil
        )
        apply(.defined(QueueDefined(queue: queue, settings: settings)))
    }

    /// Subscribes functions to the topic `t`.
    mutating func subscribe(_ functions: String...) {
        for function in functions {
            let event = Subscribed(
                topic: "t",
                function: FunctionName(id: function),
                condition: nil,
                settings: .standard
            )
            apply(.subscribed(event))
        }
    }

    /// Ends the subscription of a function to the topic `t`.
    mutating func unsubscribe(_ function: String, keepsMessages: Bool = true) {
        let event = Unsubscribed(
            topic: "t",
            function: FunctionName(id: function),
            keepsMessages: keepsMessages
        )
        apply(.unsubscribed(event))
    }

    /// Publishes `[1]` to the topic `t`.
    mutating func publish() throws -> Offset {
        let enqueued = try view.decidePublish(
            JSONText(trusted: Array(#"{"topic":"t","data":[1]}"#.utf8)),
            function: "enqueue",
            receipt: UUID128(high: 1, low: UInt64(events.count)),
            baggage: nil
        )
        apply(.enqueued(enqueued))
        return Offset(UInt64(events.count - 1))
    }

    @discardableResult
    mutating func enqueue(
        _ payload: String = "{}",
        to queue: String = "q",
        function: String = "f"
    ) throws(ErrorBody) -> Offset {
        receipts += 1
        let enqueued = try view.decideEnqueue(
            queue: queue,
            target: FunctionName(id: function),
            payload: Array(payload.utf8),
            receipt: UUID128(high: 9, low: receipts),
            baggage: nil
        )
        apply(.enqueued(enqueued))
        return Offset(UInt64(events.count - 1))
    }

    /// Delivers all that can be delivered now; the offsets of the messages.
    mutating func deliver(
        from queue: String = "q",
        served: (FunctionName) -> Bool = { _ in true }
    ) -> [Offset] {
        var offsets: [Offset] = []
        guard let state = view.queues[queue] else { return [] }
        while let message = view.next(in: state, isServed: served) {
            apply(
                .delivered(
                    Delivered(
                        queue: queue,
                        message: message.offset,
                        worker: UUID128(high: 0, low: 1),
                        invocation: UUID128(high: 0, low: 2),
                        attempt: message.nextAttempt
                    )
                )
            )
            offsets.append(message.offset)
        }
        return offsets
    }

    mutating func ack(_ offset: Offset, in queue: String = "q") {
        let span = Timestamp.Span(nanoseconds: 0)
        apply(.acked(Acked(queue: queue, message: offset, result: .none, duration: span)))
    }

    @discardableResult
    mutating func fail(_ offset: Offset, in queue: String = "q") -> QueueEvent? {
        guard let message = view.message(offset, in: queue) else { return nil }
        let error = ErrorBody(code: "c", message: "m")
        let event = view.decideFailure(of: message, in: queue, error: error, now: now)
        apply(event)
        return event
    }

    mutating func pass(milliseconds: Int64) {
        now = now.advanced(by: .milliseconds(milliseconds))
        _ = view.takeDue(now: now)
    }

    /// What a function answers, as text.
    mutating func call(
        _ function: QueueFunction,
        _ input: String,
        served: (FunctionName) -> Bool = { _ in true },
        content: (Message) -> Message.Content? = { $0.content }
    ) throws -> String {
        let text = try JSONText(validating: Array(input.utf8))
        let decision = try view.decide(
            function,
            input: text,
            by: "w",
            consumers: { _ in 2 },
            isServed: served,
            content: content
        )
        for event in decision.events { apply(event) }
        return decision.result.description
    }

    /// The same events folded into an empty view.
    func replayed() -> QueueView {
        var view = QueueView()
        for (number, entry) in events.enumerated() {
            let offset = Offset(UInt64(number))
            view.apply(entry.event, at: offset, time: entry.time, trace: nil)
        }
        return view
    }

    /// The places of the records that are needed; what is folded from them is the same.
    func needed() -> [Int] {
        let needed = events.indices.filter {
            view.needs(events[$0].event, at: Offset(UInt64($0)))
        }
        var folded = QueueView()
        for number in needed {
            let entry = events[number]
            folded.apply(entry.event, at: Offset(UInt64(number)), time: entry.time, trace: nil)
        }
        #expect(folded.digest() == view.digest())
        for (name, queue) in view.queues {
            #expect(folded.queues[name]?.delayedCount == queue.delayedCount)
            #expect(folded.queues[name]?.inFlight == queue.inFlight)
        }
        return needed
    }
}
