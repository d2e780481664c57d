import Cron
import Folding
import HTTP
import JSON
import Primitives
import Queue
import Testing

@testable import Engine

/// Workers come back one by one, and register one function after the other: what needs several
/// waits for all of them.
@Suite("Functions and conditions that come one after the other")
struct LateFunctionTests {
    private let midnight = Timestamp(seconds: 1_900_000_000 - 1_900_000_000 % 86_400)
    private let set = #"{"scope":"s","key":"k","value":1}"#

    // MARK: State triggers

    @Test(
        "what a state trigger fired before a crash waits for its condition, too",
        arguments: [["f", "c"], ["c", "f"]]
    )
    func stateTrigger(order: [String]) throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f", "c")
        let config = #"{"condition_function_id":"c"}"#
        try first.settle(.trigger(worker, "state", config, to: "f"))
        try first.settle(.call(worker, "state::set", set))
        let second = try first.restarted()
        let next = try second.join("w", serving: order[0])
        #expect(second.left.dispatches.isEmpty)
        #expect(second.engine.views.work.reactions.count == 1)
        let question = try #require(try second.settle(.serve(next, order[1])).dispatches.first)
        #expect(question.function == "c")
        let run = try second.settle(.answer(next, question.invocation, "true")).dispatches
        #expect(run.map(\.function) == ["f"])
        try second.settle(.answer(next, try #require(run.first).invocation))
        #expect(second.engine.views.work.reactions.count == 0)
    }

    @Test("that it waits for a condition in vain is told, and not before workers had their time")
    func lostCondition() throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f", "c")
        let config = #"{"condition_function_id":"c"}"#
        try first.settle(.trigger(worker, "state", config, to: "f"))
        for _ in 0..<2 { try first.settle(.call(worker, "state::set", set)) }
        let second = try first.restarted()
        _ = try second.join("w", serving: "f")
        func told(after seconds: Double) throws -> [String] {
            second.pass(seconds: seconds)
            try second.settle()
            return second.engine.takeNotices().map(\.text).filter { $0.contains("its condition") }
        }
        #expect(try told(after: 9) == [])
        let lines = try told(after: 2)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("state trigger function f waits") == true)
        #expect(lines.first?.hasSuffix("its condition c (waiting for it: 2)") == true)
        #expect(try told(after: 60) == [])
    }

    @Test(
        "a write that comes before workers may be back fires triggers when they are",
        arguments: [(9.9, true), (10.0, false)]
    )
    func earlyWrite(seconds: Double, waits: Bool) throws {
        let first = try Lab()
        let maker = try first.join("m")
        let config = #"{"key":"k","condition_function_id":"c"}"#
        let input = #"{"trigger_type":"state","function_id":"f","config":\#(config)}"#
        try first.settle(.call(maker, "engine::register_trigger", input))
        let second = try first.restarted()
        let client = try second.join("m")
        second.pass(seconds: seconds)
        try second.settle(.call(client, "state::set", set))
        #expect(second.engine.views.work.reactions.count == (waits ? 1 : 0))
        _ = try second.join("w", serving: "f", "c")
        #expect(second.left.dispatches.map(\.function) == (waits ? ["c"] : []))
    }

    // MARK: Topics

    private let publish = #"{"topic":"t","data":1}"#
    private let asked = #"{"topic":"t","condition_function_id":"c","max_retries":0}"#

    /// An engine with three messages for `f`, whose condition `c` nobody serves.
    private func topic() throws -> (Lab, Peer, QueueState) {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "queue", asked, to: "f"))
        for _ in 0..<3 { try lab.settle(.call(worker, "enqueue", publish)) }
        #expect(lab.left.dispatches.isEmpty)
        return (lab, worker, try #require(lab.engine.views.work.queue.queues["t::f@default"]))
    }

    @Test("messages of a topic wait for their condition, and spend no attempt")
    func messages() throws {
        let (lab, worker, queue) = try topic()
        #expect(queue.depth == 3 && queue.deadCount == 0)
        let other = try lab.join("o", serving: "c")
        let questions = lab.left.dispatches
        #expect(questions.map(\.function) == ["c", "c", "c"])
        let question = try #require(questions.first)
        let run = try lab.settle(.answer(other, question.invocation, "true")).dispatches
        #expect(run.map(\.function) == ["f"])
        try lab.settle(.answer(worker, try #require(run.first).invocation))
        #expect(queue.depth == 2)
    }

    @Test("where it does not come, each delivery has failed, and not before workers had their time")
    func missing() throws {
        let (lab, worker, queue) = try topic()
        lab.pass(seconds: 9)
        try lab.settle(.call(worker, "enqueue", publish))
        #expect(queue.depth == 4 && queue.deadCount == 0)
        lab.pass(seconds: 1)
        #expect(try lab.settle().dispatches.isEmpty)
        #expect(queue.depth == 0 && queue.deadCount == 4)
        try lab.settle(.call(worker, "enqueue", publish))
        #expect(queue.deadCount == 5, "it is not waited for again")
        // When it has been there once more, it is.
        let other = try lab.join("o", serving: "c")
        try lab.settle(.workerLeft(other.connection, reason: "gone"))
        try lab.settle(.call(worker, "enqueue", publish))
        #expect(queue.depth == 1 && queue.deadCount == 5)
    }

    @Test("of a long backlog not all fail in one turn, in which nobody else would be heard")
    func flood() throws {
        let (lab, worker, queue) = try topic()
        let more = 2 * Limits.endsOfTurn
        try lab.turn((0..<more).map { _ in Command.call(worker, "enqueue", publish) })
        lab.pass(seconds: 10)
        try lab.settle()
        #expect(queue.deadCount == Limits.endsOfTurn)
        try lab.rest()
        #expect(queue.deadCount == more)
        try lab.rest()
        #expect(queue.deadCount == more + 3 && queue.depth == 0)
    }

    @Test("it is not remembered that one was awaited which no subscription has any more")
    func forgotten() throws {
        let (lab, worker, _) = try topic()
        #expect(lab.engine.awaitedConditions.keys.map(\.id) == ["c"])
        let other = #"{"topic":"t","condition_function_id":"d"}"#
        try lab.settle(.trigger(worker, "queue", other, to: "f"))
        #expect(lab.engine.awaitedConditions.keys.map(\.id) == ["d"])
        try lab.settle(.register(worker.connection, .removeTrigger(id: "t")))
        #expect(lab.engine.awaitedConditions.isEmpty)
    }

    @Test("they are not lost where their own function is not there either")
    func neither() throws {
        let (lab, worker, queue) = try topic()
        try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        lab.pass(seconds: 60)
        try lab.settle()
        #expect(queue.depth == 3 && queue.deadCount == 0)
    }

    @Test("they go where their subscription has no condition any more")
    func unconditional() throws {
        let (lab, worker, _) = try topic()
        let left = try lab.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f"))
        #expect(left.dispatches.map(\.function) == ["f", "f", "f"])
    }

    // MARK: Cron

    private func job(_ catchUp: String = "all") -> String {
        #"{"expression":"0 * * * *","catch_up":"\#(catchUp)","condition_function_id":"c"}"#
    }

    /// The hours of the slots that run, one after the other.
    private func hours(_ lab: Lab, _ worker: Peer, asking other: Peer) throws -> [String] {
        var hours: [String] = []
        var left = try lab.settle()
        while let dispatch = left.dispatches.first {
            let isRun = dispatch.function == "f"
            if isRun {
                let slot = JSONText(trusted: dispatch.payload).member("scheduled_time")
                hours.append(String(try #require(slot?.stringValue).dropFirst(12).prefix(1)))
            }
            left = try lab.settle(.answer(isRun ? worker : other, dispatch.invocation, "true"))
            left += try lab.settle()
        }
        return hours
    }

    @Test(
        "slots that are caught up wait for their condition; others pass",
        arguments: [("all", ["1", "2"]), ("skip", [])]
    )
    func slots(policy: String, expected: [String]) throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", job(policy), to: "f"))
        for _ in 0..<2 {
            lab.pass(seconds: 3600)
            #expect(try lab.settle().dispatches.isEmpty)
        }
        let other = try lab.join("o", serving: "c")
        lab.pass(seconds: 1)
        #expect(try hours(lab, worker, asking: other) == expected)
        #expect(lab.engine.views.work.cron.openFirings.isEmpty)
    }

    /// The life behind a crash that cut off the run of a slot, when its condition had been asked.
    private func behindCutOffRun() throws -> Lab {
        let first = try Lab(at: midnight)
        let worker = try first.join("w", serving: "f", "c")
        try first.settle(.trigger(worker, "cron", job(), to: "f"))
        first.pass(seconds: 3600)
        #expect(try first.settle().dispatches.map(\.function) == ["c"])
        return try first.restarted()
    }

    @Test("a run that a crash cut off waits for its condition, and so do the slots behind it")
    func cutOff() throws {
        let second = try behindCutOffRun()
        let again = try second.join("w", serving: "f")
        try second.settle(.trigger(again, "cron", job(), to: "f"))
        for seconds in [1.0, 3600] {
            second.pass(seconds: seconds)
            #expect(try second.settle().dispatches.isEmpty)
            #expect(second.engine.views.work.cron.openFirings.count == 1)
        }
        let other = try second.join("o", serving: "c")
        second.pass(seconds: 1)
        #expect(try hours(second, again, asking: other) == ["1", "2"])
    }

    @Test(
        "a run that waits for a condition goes on when its trigger has another one, or none",
        arguments: ["", #","condition_function_id":"d""#]
    )
    func changedCondition(condition: String) throws {
        let second = try behindCutOffRun()
        let next = try second.join("w", serving: "f", "d")
        try second.settle(.trigger(next, "cron", job(), to: "f"))
        second.pass(seconds: 1)
        #expect(try second.settle().dispatches.isEmpty)
        let config = #"{"expression":"0 * * * *","catch_up":"all"\#(condition)}"#
        try second.settle(.trigger(next, "cron", config, to: "f"))
        second.pass(seconds: 1)
        #expect(try hours(second, next, asking: next) == ["1"])
        #expect(second.engine.views.work.cron.openFirings.isEmpty)
    }

    @Test("a slot that overlaps a run which goes on is not caught up when its condition comes")
    func overlapped() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        let other = try lab.join("o", serving: "c")
        try lab.settle(.trigger(worker, "cron", job(), to: "f"))
        lab.pass(seconds: 3600)
        let question = try #require(try lab.settle().dispatches.first)
        let runs = try lab.settle(.answer(other, question.invocation, "true")).dispatches
        let run = try #require(runs.first)
        try lab.settle(.workerLeft(other.connection, reason: "gone"))
        lab.pass(seconds: 3600)
        #expect(try lab.settle().dispatches.isEmpty)
        try lab.settle(.answer(worker, run.invocation))
        let again = try lab.join("o", serving: "c")
        lab.pass(seconds: 1)
        #expect(try hours(lab, worker, asking: again) == [])
        lab.pass(seconds: 3600)
        #expect(try hours(lab, worker, asking: again) == ["3"])
    }

    // MARK: HTTP

    private static let functions = ["g", "c", "m", "f"]
    private static let route =
        #"{"api_path":"/f","condition_function_id":"c","middleware_function_ids":["m"]}"#

    @Test(
        "a route is 503 until all whom it asks are back, and its function",
        arguments: functions
    )
    func route(missing: String) throws {
        let first = try Lab { $0.http.middleware = ["g"] }
        let worker = try first.join("w", serving: "g", "c", "m", "f")
        try first.settle(.trigger(worker, "http", Self.route, to: "f"))
        let second = try first.restarted { $0.http.middleware = ["g"] }
        let next = try second.join("w")
        for function in Self.functions where function != missing {
            try second.settle(.serve(next, function))
        }
        try second.settle(.trigger(next, "http", Self.route, to: "f"))
        let early = try second.settle(.get("/f"))
        #expect(early.compactMap(\.reply) == [.routeNotReady])
        #expect(early.dispatches.isEmpty, "nobody is asked in vain")
        try second.settle(.serve(next, missing))
        let ready = try second.settle(.get("/f", exchange: 2)).dispatches
        #expect(ready.map(\.function) == ["g"])
    }

    @Test("when their time is over, it is 500")
    func routeInVain() throws {
        let first = try Lab()
        try first.settle(.serve(try first.join("w"), "f"))
        let second = try first.restarted()
        let worker = try second.join("w", serving: "f")
        let config = #"{"api_path":"/f","condition_function_id":"c"}"#
        try second.settle(.trigger(worker, "http", config, to: "f"))
        #expect(try second.settle(.get("/f")).compactMap(\.reply) == [.routeNotReady])
        second.pass(seconds: 10)
        let late = try second.settle(.get("/f", exchange: 2)).compactMap(\.reply)
        #expect(late.map(\.status) == [500])
    }

    @Test("who knows a key gets its response also while the function is not back")
    func kept() throws {
        func post(_ exchange: UInt64, _ key: String) -> Command {
            .get(
                "/f",
                exchange: exchange,
                method: "POST",
                headers: [("content-type", "application/json"), ("idempotency-key", key)],
                body: "1"
            )
        }
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        let config = #"{"api_path":"/f","http_method":"POST"}"#
        try first.settle(.trigger(worker, "http", config, to: "f"))
        let run = try #require(try first.settle(post(1, "k")).dispatches.first)
        try first.settle(.answer(worker, run.invocation, #"{"status_code":201}"#))
        let second = try first.restarted()
        let next = try second.join("w")
        try second.settle(.trigger(next, "http", config, to: "f"))
        let replies = try second.settle(post(1, "k"), post(2, "l")).compactMap(\.reply)
        #expect(replies.map(\.status).sorted() == [201, 503])
    }
}
