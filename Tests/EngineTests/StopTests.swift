import Events
import Folding
import JSON
import Primitives
import Queue
import Testing

@testable import Engine

/// What runs when the engine stops, and does not end in time: the next life runs it again.
@Suite("What a stop cuts off")
struct StopTests {
    private func close(_ peer: Peer) -> Command {
        .workerLeft(peer.connection, reason: "shutdown")
    }

    /// Whether a record tells of a delivery that failed.
    private func hasFailures(_ lab: Lab) throws -> Bool {
        try lab.recordedEvents().contains { event in
            switch event {
            case .queue(.retried), .queue(.deadLettered): true
            default: false
            }
        }
    }

    @Test("a delivery is made again as the same attempt; who waits for a call is told of its end")
    func delivery() throws {
        func adjust(_ options: inout EngineOptions) {
            options.queues["default"] = .once(attempts: 1)
        }
        let first = try Lab(adjust)
        let worker = try first.join("w", serving: "f")
        let caller = try first.join("c")
        try first.settle(.enqueue(caller, "f", "1"))
        try first.settle(.call(caller, "f", id: .text("x")))
        try first.settle(.drain)
        #expect(!first.isQuiet)
        let left = try first.settle(close(worker))
        #expect(left.lines == ["f = invocation_stopped: Invocation stopped"])
        #expect(first.isQuiet, "nothing is waited for any more")
        #expect(try !hasFailures(first))
        let second = try first.restarted(adjust)
        let next = try second.join("w", serving: "f")
        let again = try #require(second.left.dispatches.last)
        let message = try #require(second.engine.views.work.queue.onlyMessage)
        #expect(message.failures == 0)
        #expect(message.nextAttempt == 1)
        try second.settle(.answer(next, again.invocation))
        #expect(second.engine.views.work.queue.onlyMessage == nil)
    }

    @Test("what runs when the engine is killed keeps nothing of it in memory")
    func killed() throws {
        weak var worker: Worker?
        do {
            let lab = try Lab()
            let peer = try lab.join("w", serving: "f")
            try lab.settle(.enqueue(peer, "f"))
            worker = lab.engine.registry.workers[peer.connection]
            #expect(worker?.inFlight == 1)
        }
        #expect(worker == nil)
    }

    @Test("a delivery that ends in time has ended")
    func inTime() throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        let delivery = try #require(try first.settle(.enqueue(worker, "f")).dispatches.first)
        try first.settle(.drain)
        try first.settle(.answer(worker, delivery.invocation), close(worker))
        let second = try first.restarted()
        _ = try second.join("w", serving: "f")
        #expect(second.left.dispatches.isEmpty)
    }

    @Test("one that is made by a request is made again, too")
    func elsewhere() throws {
        func serve(_ peer: Peer) -> Command {
            let invocation = #"{"url":"https://fn.example.com/mail"}"#
            return .register(
                peer.connection,
                .function(
                    id: "f",
                    definition: .emptyObject,
                    invocation: JSONText(trusted: Array(invocation.utf8))
                )
            )
        }
        let first = try Lab { $0.queues["default"] = .once(attempts: 1) }
        let owner = try first.join("owner")
        try first.settle(serve(owner))
        try first.settle(.enqueue(owner, "f"))
        try first.settle(.drain)
        try first.settle(close(owner))
        #expect(first.isQuiet)
        #expect(try !hasFailures(first))
        let second = try first.restarted()
        let fetches = try second.settle(serve(try second.join("owner"))).filter { effect in
            if case .fetch = effect { true } else { false }
        }
        #expect(fetches.count == 1)
    }

    @Test(
        "a message whose condition is being asked has not failed",
        arguments: [false, true]
    )
    func condition(isAnswered: Bool) throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        let judge = try first.join("j", serving: "c")
        let config = #"{"topic":"t","condition_function_id":"c"}"#
        try first.settle(.trigger(worker, "queue", config, to: "f"))
        let publish = Command.call(worker, "enqueue", #"{"topic":"t","data":1}"#)
        let asked = try #require(try first.settle(publish).dispatches.first)
        #expect(asked.function == "c")
        try first.settle(.drain)
        try first.settle(close(worker))
        // Answered, the function is to run whose worker has gone.
        let end = isAnswered ? Command.answer(judge, asked.invocation, "true") : close(judge)
        try first.settle(end)
        #expect(first.isQuiet)
        #expect(try !hasFailures(first))
    }

    @Test(
        "a cron run is repeated, and slots that passed with it are caught up, as in a crash",
        arguments: ["crash", "stop", "stop of a worker that takes its trigger back"]
    )
    func cron(how: String) throws {
        let config = #"{"expression":"0 * * * * *","catch_up":"all"}"#
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "cron", config, to: "f"))
        first.pass(seconds: 61)
        let run = try #require(try first.settle().dispatches.first)
        if how != "crash" { try first.settle(.drain) }
        first.pass(seconds: 120)
        switch how {
        case "crash": break
        case "stop": try first.settle(close(worker))
        default:
            let removed = Command.register(worker.connection, .removeTrigger(id: "t"))
            try first.settle(removed, close(worker))
        }
        let second = try first.restarted()
        let next = try second.join("w", serving: "f")
        try second.settle(.trigger(next, "cron", config, to: "f"))
        var done = 0
        for _ in 0..<5 {
            second.pass(seconds: 1)
            try second.settle()
            while done < second.left.dispatches.count {
                try second.settle(.answer(next, second.left.dispatches[done].invocation))
                done += 1
            }
        }
        let slots = second.left.dispatches.map(Self.slot)
        #expect(slots.first == Self.slot(run))
        #expect(slots.count == 3, "\(slots)")
        #expect(Set(slots).count == 3, "\(slots)")
    }

    @Test("a worker that takes its topic's trigger back behind a stop is subscribed still")
    func topic() throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        let subscription = #"{"topic":"t"}"#
        try first.settle(.trigger(worker, "queue", subscription, to: "f"))
        try first.settle(.drain)
        try first.settle(.register(worker.connection, .removeTrigger(id: "t")), close(worker))
        let second = try first.restarted()
        let publisher = try second.join("p")
        try second.settle(.call(publisher, "enqueue", #"{"topic":"t","data":1}"#))
        let next = try second.join("w", serving: "f")
        try second.settle(.trigger(next, "queue", subscription, to: "f"))
        #expect(second.left.dispatches.map(\.function) == ["f"])
    }

    private static func slot(_ run: Effect.Dispatch) -> String {
        JSONText(trusted: run.payload).member("scheduled_time")?.stringValue ?? ""
    }

    @Test(
        "a write's functions that have not ended run again, and no further one begins meanwhile",
        arguments: [false, true]
    )
    func reactions(isAnswered: Bool) throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f", "g")
        try first.settle(.trigger(worker, "state", "{}", to: "f", id: "1"))
        try first.settle(.trigger(worker, "state", "{}", to: "g", id: "2"))
        let set = Command.call(worker, "state::set", #"{"scope":"s","key":"k","value":1}"#)
        let run = try #require(try first.settle(set).dispatches.first)
        #expect(run.function == "f")
        try first.settle(.drain)
        if isAnswered {
            #expect(try first.settle(.answer(worker, run.invocation)).dispatches.isEmpty)
        }
        try first.settle(close(worker))
        #expect(first.isQuiet)
        let second = try first.restarted()
        let next = try second.join("w", serving: "f", "g")
        if !isAnswered {
            let again = try #require(second.left.dispatches.first)
            #expect(second.left.dispatches.map(\.function) == ["f"])
            try second.settle(.answer(next, again.invocation))
        }
        #expect(second.left.dispatches.map(\.function) == (isAnswered ? ["g"] : ["f", "g"]))
    }
}
