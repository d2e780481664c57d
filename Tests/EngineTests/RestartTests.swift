import CommitLog
import Cron
import Events
import JSON
import Folding
import Primitives
import Queue
import State
import Testing

@testable import Engine

/// What the next life of the engine makes of the log.
@Suite("Restarts")
struct RestartTests {
    private func restart(
        _ lab: Lab,
        life: UInt64 = 2,
        _ adjust: (inout EngineOptions) -> Void = { _ in }
    ) throws -> Lab {
        lab.disk.crash(keepingWrite: false)
        return try Lab(disk: lab.disk, at: lab.now.wall, life: life, adjust)
    }

    @Test("messages that waited for their worker go to the one that comes after the crash")
    func pending() throws {
        let first = try Lab()
        let producer = try first.join("p")
        try first.settle(.enqueue(producer, "f", "1"))
        try first.settle(.enqueue(producer, "f", "2"))
        let second = try restart(first)
        _ = try second.join("w", serving: "f")
        #expect(second.left.lines.suffix(2) == ["invoke f 1", "invoke f 2"])
    }

    @Test("messages for builtins go on by themselves")
    func builtin() throws {
        let first = try Lab { $0.queues["default"] = .once(attempts: 3, concurrency: 1) }
        let worker = try first.join("w", serving: "f")
        try first.settle(.enqueue(worker, "f"))
        let set = #"{"scope":"s","key":"k","value":1}"#
        try first.settle(.enqueue(worker, "state::set", set))
        #expect(first.engine.views.state.keyCount == 0)
        let second = try restart(first) { options in options.queues["default"] = .standard }
        #expect(second.engine.views.state.keyCount == 1)
    }

    @Test("a delivery that did not end is repeated with the attempts that it had")
    func inFlight() throws {
        let first = try Lab { options in options.queues["default"] = .once(attempts: 3) }
        let worker = try first.join("w", serving: "f")
        try first.settle(.enqueue(worker, "f"))
        try first.settle(.fail(worker, try #require(first.left.dispatches.last).invocation))
        #expect(first.left.dispatches.count == 2)
        let second = try restart(first) { $0.queues["default"] = .once(attempts: 3) }
        let next = try second.join("w", serving: "f")
        let dispatch = try #require(second.left.dispatches.last)
        let message = try #require(second.engine.views.work.queue.onlyMessage)
        #expect(message.failures == 1)
        #expect(message.nextAttempt == 2)
        try second.settle(.answer(next, dispatch.invocation))
        #expect(second.engine.views.work.queue.onlyMessage == nil)
    }

    @Test("a dead letter that was redriven waits behind its group after a crash, too")
    func redrivenInGroup() throws {
        func adjust(_ options: inout EngineOptions) {
            let fifo = QueueSettings(
                fifo: true,
                concurrency: 10,
                attempts: 1,
                backoff: .milliseconds(0),
                groupField: "g"
            )
            options.queues["default"] = fifo
        }
        let first = try Lab(adjust)
        let worker = try first.join("w", serving: "f")
        for number in 1...3 {
            try first.settle(.enqueue(worker, "f", #"{"g":1,"n":\#(number)}"#))
        }
        try first.settle(.fail(worker, try #require(first.left.dispatches.last).invocation))
        try first.settle(.call(worker, "iii::queue::redrive", #"{"queue":"default"}"#))
        let second = try restart(first, adjust)
        let next = try second.join("w", serving: "f")
        var order: [String] = []
        while let dispatch = second.left.dispatches.last,
            order.count < second.left.dispatches.count
        {
            #expect(second.left.dispatches.count == order.count + 1, "one of a group at a time")
            order.append(String(decoding: dispatch.payload, as: UTF8.self))
            try second.settle(.answer(next, dispatch.invocation))
        }
        #expect(order == [#"{"g":1,"n":2}"#, #"{"g":1,"n":3}"#, #"{"g":1,"n":1}"#])
    }

    @Test("recovery lets go of messages that are done")
    func memory() throws {
        weak var message: Message?
        var view = QueueView()
        let queue = "default"
        view.apply(
            .defined(QueueDefined(queue: queue, settings: .standard)),
            at: Offset(0),
            time: Lab.epoch,
            trace: nil
        )
        for number in UInt64(0)..<10 {
            let enqueued = Enqueued(
                queue: queue,
                target: FunctionName(id: "f"),
                receipt: UUID128(high: 1, low: number),
                group: nil,
                baggage: nil,
                payload: []
            )
            let offset = Offset(1 + 3 * number)
            view.apply(.enqueued(enqueued), at: offset, time: Lab.epoch, trace: nil)
            message = view.message(offset, in: queue)
            let delivered = Delivered(
                queue: queue,
                message: offset,
                worker: UUID128(high: 0, low: 1),
                invocation: UUID128(high: 0, low: 2),
                attempt: 1
            )
            view.apply(
                .delivered(delivered),
                at: offset.advanced(by: 1),
                time: Lab.epoch,
                trace: nil
            )
            let acked = Acked(
                queue: queue,
                message: offset,
                result: .none,
                duration: Timestamp.Span(nanoseconds: 0)
            )
            view.apply(.acked(acked), at: offset.advanced(by: 2), time: Lab.epoch, trace: nil)
            #expect(message == nil, "message \(number) is kept")
        }
    }

    @Test("a subscription outlives its worker and the engine")
    func subscription() throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f"))
        try first.settle(.workerLeft(worker.connection, reason: "closed"))
        let second = try restart(first)
        let producer = try second.join("p")
        try second.settle(.call(producer, "iii::durable::publish", #"{"topic":"t","data":1}"#))
        #expect(second.left.dispatches.isEmpty)
        _ = try second.join("w", serving: "f")
        #expect(second.left.dispatches.isEmpty, "its trigger may be about to be registered")
        second.pass(seconds: 1)
        try second.settle()
        #expect(second.left.dispatches.map(\.function) == ["f"], "it need not be")
    }

    @Test(
        "messages of a topic have their trigger's metadata after a restart, old ones and new ones",
        arguments: [false, true]
    )
    func metadata(leaves: Bool) throws {
        func subscribe(_ lab: Lab, _ peer: Peer) throws {
            let metadata = #"{"m":1}"#
            let config = #"{"topic":"t"}"#
            try lab.settle(.trigger(peer, "queue", config, to: "f", metadata: metadata))
        }
        let publish = #"{"topic":"t","data":1}"#
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        try subscribe(first, worker)
        try first.settle(.call(worker, "enqueue", publish))
        let second = try restart(first)
        let producer = try second.join("p")
        try second.settle(.call(producer, "enqueue", publish))
        // Functions come before triggers.
        var next = try second.join("w", serving: "f")
        try second.settle(.call(producer, "enqueue", publish))
        #expect(second.left.dispatches.isEmpty)
        if leaves {
            // Who comes next has as much time.
            try second.settle(.workerLeft(next.connection, reason: "gone"))
            second.pass(seconds: 2)
            try second.settle()
            next = try second.join("w", serving: "f")
            #expect(second.left.dispatches.isEmpty)
        }
        try subscribe(second, next)
        let beside = second.left.dispatches.compactMap { $0.metadata?.description }
        #expect(beside == [#"{"m":1}"#, #"{"m":1}"#, #"{"m":1}"#])
        second.pass(seconds: 2)
        #expect(try second.settle().dispatches.isEmpty)
        #expect(second.left.dispatches.count == 3, "each of them once")
    }

    @Test(
        "a trigger that is registered again has no more of what it was subscribed to before",
        arguments: [
            ("queue", #"{"topic":"u"}"#, "f", []), ("queue", #"{"topic":"t"}"#, "g", ["g"]),
            ("http", #"{"api_path":"/f"}"#, "f", []),
            ("durable:subscriber", #"{"topic":"t"}"#, "f", ["f"]),
        ]
    )
    func replaced(type: String, config: String, function: String, expected: [String]) throws {
        let publish = #"{"topic":"t","data":1}"#
        let first = try Lab()
        let worker = try first.join("w", serving: "f", "g")
        try first.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f"))
        try first.settle(.trigger(worker, type, config, to: function))
        try first.settle(.call(worker, "enqueue", publish))
        #expect(first.left.dispatches.map(\.function) == expected)
        let second = try restart(first)
        let next = try second.join("w", serving: "f", "g")
        second.pass(seconds: 1)
        try second.settle()
        #expect(second.left.dispatches.map(\.function) == expected, "what had not ended")
        try second.settle(.call(next, "enqueue", publish))
        #expect(second.left.dispatches.map(\.function) == expected + expected)
    }

    @Test("what another trigger is subscribed to as well stays when one is registered again")
    func replacedOne() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        for id in ["1", "2"] {
            try lab.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f", id: id))
        }
        try lab.settle(.trigger(worker, "queue", #"{"topic":"u"}"#, to: "f", id: "1"))
        #expect(lab.engine.views.work.queue.topicNames == ["t", "u"])
        try lab.settle(.trigger(worker, "queue", #"{"topic":"u"}"#, to: "f", id: "2"))
        #expect(lab.engine.views.work.queue.topicNames == ["u"])
    }

    @Test("what a trigger wanted of its topic's queue ends with it, also where another one stays")
    func remaining() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "c")
        try lab.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f", id: "1"))
        let config = #"{"topic":"t","condition_function_id":"c","concurrency":1}"#
        try lab.settle(.trigger(worker, "queue", config, to: "f", id: "2"))
        let publish = Command.call(worker, "enqueue", #"{"topic":"t","data":1}"#)
        let asked = try #require(try lab.settle(publish).dispatches.first)
        #expect(asked.function == "c")
        try lab.settle(.answer(worker, asked.invocation, "false"))
        try lab.settle(.register(worker.connection, .removeTrigger(id: "2")))
        #expect(try lab.settle(publish).dispatches.map(\.function) == ["f"])
        #expect(try lab.settle(publish).dispatches.map(\.function) == ["f"], "more than one")
    }

    @Test("a message that makes a record which no log can hold is given up, and the engine starts")
    func givenUp() throws {
        let first = try Lab { $0.queues["default"] = .once(attempts: 3, concurrency: 1) }
        let worker = try first.join("w", serving: "f")
        let text = String(repeating: "x", count: 600_000)
        let place = #""scope":"s","key":"k""#
        try first.settle(.call(worker, "state::set", #"{\#(place),"value":"\#(text)"}"#))
        try first.settle(.enqueue(worker, "f"))
        let append = #"{"type":"append","path":"","value":"\#(text)"}"#
        try first.settle(.enqueue(worker, "state::update", #"{\#(place),"ops":[\#(append)]}"#))
        let second = try restart(first) { $0.queues["default"] = .standard }
        let notices = second.engine.takeNotices().map(\.text)
        #expect(notices.contains { $0.hasPrefix("something was given up") })
        _ = try second.join("w", serving: "f")
        #expect(second.left.dispatches.map(\.function) == ["f"])
    }

    @Test("a cron slot fires once over restarts, and a run that a crash cut off is run again")
    func cron() throws {
        let config = #"{"expression":"0 * * * * *"}"#
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "cron", config, to: "f"))
        first.pass(seconds: 61)
        try first.settle()
        let run = try #require(first.left.dispatches.last)
        let second = try restart(first)
        let next = try second.join("w", serving: "f")
        #expect(second.left.dispatches.isEmpty, "its trigger may be about to be registered")
        second.pass(seconds: 1)
        try second.settle()
        #expect(second.left.dispatches.map(\.payload) == [run.payload], "the same slot")
        try second.settle(.trigger(next, "cron", config, to: "f"))
        try second.settle()
        #expect(second.left.dispatches.count == 1, "and not again by its trigger")
        try second.settle(.answer(next, try #require(second.left.dispatches.last).invocation))
        let third = try restart(second, life: 3)
        let last = try third.join("w", serving: "f")
        try third.settle(.trigger(last, "cron", config, to: "f"))
        #expect(third.left.dispatches.isEmpty, "what ended is not run again")
        third.pass(seconds: 61)
        try third.settle()
        #expect(third.left.dispatches.count == 1, "the next slot comes")
    }

    @Test("acknowledged state is there, and its order too")
    func state() throws {
        let first = try Lab()
        let worker = try first.join("w")
        for key in ["b", "a", "c"] {
            try first.settle(
                .call(worker, "state::set", #"{"scope":"s","key":"\#(key)","value":"\#(key)"}"#)
            )
        }
        let digest = Digest(of: first.engine.views)
        let second = try restart(first)
        #expect(second.recovered == digest)
        let reader = try second.join("r")
        try second.settle(.call(reader, "state::list", #"{"scope":"s"}"#))
        #expect(second.left.lines.last == #"state::list = ["b","a","c"]"#)
    }

    @Test("time does not go back with the system's clock")
    func clock() throws {
        let first = try Lab()
        let worker = try first.join("w")
        try first.settle(.enqueue(worker, "f"))
        let last = first.engine.log.lastTime
        first.disk.crash(keepingWrite: false)
        let earlier = Timestamp(nanoseconds: last.nanoseconds - 3_600_000_000_000)
        let second = try Lab(disk: first.disk, at: earlier, life: 2)
        #expect(second.engine.now.wall >= last)
    }

    @Test("on a clock that is a little behind the log, cron jobs go by the clock")
    func clockOfJobs() throws {
        let midnight = Timestamp(seconds: 1_900_000_000 - 1_900_000_000 % 86_400)
        let first = try Lab(at: midnight)
        _ = try first.join("w")
        first.disk.crash(keepingWrite: false)
        let clock = midnight.advanced(by: .seconds(-10_200))
        let lab = try Lab(disk: first.disk, at: clock, clock: clock, life: 2)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 * * * *"}"#, to: "f"))
        #expect(
            lab.engine.views.work.cron.nextSlot(of: "t") == midnight.advanced(by: .seconds(-7200))
        )
    }
}

extension QueueView {
    /// The one message of the queue `default`; nil when there is not exactly one.
    var onlyMessage: Message? {
        guard queues["default"]?.depth == 1 else { return nil }
        let offsets = (UInt64(0)..<500).map { Offset($0) }
        return offsets.lazy.compactMap { message($0, in: "default") }.first
    }
}
