import Cron
import Events
import Folding
import HTTP
import JSON
import Primitives
import Queue
import State
import Testing

@testable import Engine

@Suite("HTTP triggers")
struct HTTPTests {
    private func lab(_ config: String = #"{"api_path":"/f"}"#) throws -> (Lab, Peer) {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "c")
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        return (lab, worker)
    }

    @Test("a request runs its function and gets what it answers, under its trace")
    func request() throws {
        let (lab, worker) = try lab()
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let dispatch = try #require(
            try lab.settle(.get("/f", with: Propagation(traceparent: given))).dispatches.first
        )
        #expect(dispatch.traceparent.trace.description == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(dispatch.baggage == "iii.function.id=f")
        #expect(dispatch.caller == nil)
        let left = try lab.settle(
            .answer(worker, dispatch.invocation, #"{"status_code":201,"body":{"a":1}}"#)
        )
        #expect(left.lines == [#"http 201 {"a":1}"#])
        guard case .respond(_, _, let trace) = left.first else { return }
        #expect(trace == dispatch.traceparent.trace)
    }

    @Test("no path, no method, no function, a failed function: 404, 405, 500")
    func refusals() throws {
        let (lab, worker) = try lab()
        #expect(try lab.settle(.get("/nobody")).first?.reply == .notFound)
        #expect(try lab.settle(.get("/f", method: "PUT")).lines == ["http 405 "])
        let dispatch = try #require(try lab.settle(.get("/f")).dispatches.first)
        let failed = try lab.settle(.fail(worker, dispatch.invocation, code: "E1", "broken"))
        let envelope = #"http 500 {"error":{"code":"E1","message":"broken""#
        #expect(failed.lines.first?.hasPrefix(envelope) == true)
        try lab.settle(.register(worker.connection, .removeFunction(id: "f")))
        let missing = try lab.settle(.get("/f"))
        #expect(missing.lines.first?.contains(#""code":"function_not_found""#) == true)
    }

    @Test("no answer is a 504 after the time, and what comes later goes nowhere")
    func timeout() throws {
        let (lab, worker) = try lab()
        let dispatch = try #require(try lab.settle(.get("/f")).dispatches.first)
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "null")).lines == [])
        let late = try #require(try lab.settle(.get("/f", exchange: 2)).dispatches.first)
        lab.pass(seconds: 29.9)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 0.2)
        #expect(try lab.settle().lines == ["http 504 ", "http 504 "])
        #expect(try lab.settle(.answer(worker, late.invocation, "1")).lines == [])
        #expect(lab.isQuiet)
    }

    @Test("a client that went away is not answered")
    func abandoned() throws {
        let (lab, worker) = try lab()
        let dispatch = try #require(try lab.settle(.get("/f")).dispatches.first)
        try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 1)))
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "1")).lines == [])
        lab.pass(seconds: 60)
        #expect(try lab.settle().lines == [])
    }

    @Test(
        "a condition lets a request through unless it answers false or fails",
        arguments: [
            ("false", "http 422"), ("true", "invoke f"), ("null", "invoke f"), ("0", "invoke f"),
            ("{}", "invoke f"), ("error", "http 500"),
        ]
    )
    func condition(answer: String, expected: String) throws {
        let (lab, worker) = try lab(#"{"api_path":"/f","condition_function_id":"c"}"#)
        let question = try #require(try lab.settle(.get("/f")).dispatches.first)
        #expect(question.function == "c")
        let left =
            answer == "error"
            ? try lab.settle(.fail(worker, question.invocation))
            : try lab.settle(.answer(worker, question.invocation, answer))
        #expect(left.lines.count == 1)
        #expect(left.lines.first?.hasPrefix(expected) == true, "\(left.lines)")
    }

    @Test("while the engine drains, requests are refused and what runs may end")
    func drain() throws {
        let (lab, worker) = try lab()
        try lab.settle(.trigger(worker, "cron", #"{"expression":"* * * * * *"}"#, to: "f", id: "s"))
        let dispatch = try #require(try lab.settle(.get("/f")).dispatches.first)
        try lab.settle(.drain)
        #expect(try lab.settle(.get("/f", exchange: 2)).first?.reply?.status == 503)
        #expect(!lab.isQuiet)
        lab.pass(seconds: 5)
        #expect(try lab.settle().lines == [], "no slot is fired")
        let wait = lab.engine.timeUntilDue()
        #expect(wait ?? .max > 0, "and none keeps the loop awake")
        try lab.settle(.answer(worker, dispatch.invocation, "1"))
        #expect(lab.isQuiet)
    }

    @Test("secrets of a request are not in the log")
    func secrets() throws {
        let (lab, _) = try lab()
        let left = try lab.settle(.get("/f", headers: [("authorization", "Bearer hunter2")]))
        #expect(left.lines.first?.contains("hunter2") == true)
        let secret = Array("hunter2".utf8)
        for segment in lab.disk.segments.values { #expect(!segment.contains(secret)) }
    }
}

@Suite("Topics")
struct TopicTests {
    private let publish = #"{"topic":"t","data":1}"#

    @Test("every function gets one copy, however many workers and triggers it has")
    func fanOut() throws {
        let lab = try Lab()
        let first = try lab.join("one", serving: "f", "g")
        let second = try lab.join("two", serving: "f")
        try lab.settle(.trigger(first, "queue", #"{"topic":"t"}"#, to: "f", id: "1"))
        try lab.settle(.trigger(second, "durable:subscriber", #"{"topic":"t"}"#, to: "f", id: "2"))
        try lab.settle(.trigger(first, "queue", #"{"queue":"t"}"#, to: "g", id: "3"))
        let left = try lab.settle(.call(first, "enqueue", publish))
        #expect(left.dispatches.map(\.function).sorted() == ["f", "g"])
    }

    @Test("a subscription waits for its worker; only an explicit end ends it")
    func lifetime() throws {
        let lab = try Lab()
        let producer = try lab.join("p")
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f"))
        try lab.settle(.workerLeft(worker.connection, reason: "closed"))
        #expect(try lab.settle(.call(producer, "enqueue", publish)).dispatches.isEmpty)
        let again = try lab.connect()
        try lab.settle(.call(again.connection, .describe("w", nil, "node", "1")))
        let sent = try lab.settle(.serve(again, "f")).dispatches
        try lab.settle(.answer(again, try #require(sent.first).invocation))
        try lab.settle(.trigger(again, "queue", #"{"topic":"t"}"#, to: "f"))
        try lab.settle(.register(again.connection, .removeTrigger(id: "t")))
        #expect(try lab.settle(.call(producer, "enqueue", publish)).dispatches.isEmpty)
        #expect(lab.engine.views.work.queue.topicNames == [])
    }

    @Test("a condition is asked before each attempt; false is done, an error a failure")
    func condition() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "c")
        let config = #"{"topic":"t","condition_function_id":"c","maxRetries":1,"backoff_ms":0}"#
        try lab.settle(.trigger(worker, "queue", config, to: "f"))
        func ask() throws -> UUID128 {
            let last = try #require(lab.left.dispatches.last)
            #expect(last.function == "c")
            return last.invocation
        }
        try lab.settle(.call(worker, "enqueue", publish))
        try lab.settle(.answer(worker, try ask(), "false"))
        let queue = "t::f@default"
        #expect(lab.engine.views.work.queue.queues[queue]?.depth == 0)
        try lab.settle(.call(worker, "enqueue", publish))
        try lab.settle(.fail(worker, try ask()))
        let run = try lab.settle(.answer(worker, try ask(), "true"))
        #expect(run.dispatches.map(\.function) == ["f"])
        try lab.settle(.fail(worker, try #require(run.dispatches.first).invocation))
        #expect(lab.engine.views.work.queue.queues[queue]?.deadCount == 1)
    }

    @Test("of two subscriptions whose queues would have one name the second is refused")
    func oneQueue() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "b::c", "c")
        func bind(_ topic: String, _ function: String, _ id: String) throws -> [String] {
            let config = #"{"topic":"\#(topic)"}"#
            return try lab.settle(.trigger(worker, "queue", config, to: function, id: id)).lines
        }
        #expect(try bind("a", "b::c", "1") == [])
        let reason =
            "topic 'a::b' for function c would have the queue 'a::b::c@default', which topic 'a' "
            + "for function b::c has; give the topic or the function another name"
        #expect(try bind("a::b", "c", "2") == ["trigger 2: \(reason)"])
        let input = #"{"trigger_type":"queue","function_id":"c","config":{"topic":"a::b"}}"#
        let refused = try lab.failure(of: "engine::register_trigger", input, by: worker)
        #expect(refused == ErrorBody(code: "trigger_registration_failed", message: reason))
        let sent = try lab.settle(.call(worker, "enqueue", #"{"topic":"a","data":1}"#))
        #expect(sent.dispatches.map(\.function) == ["b::c"])
        #expect(try bind("a", "b::c", "3") == [], "the same again is no other one")
        try lab.settle(.call(worker, "queue::define", #"{"queue":"t::c@default"}"#))
        #expect(try bind("t", "c", "4").first?.contains("which is a function queue") == true)
    }

    @Test("a message brings along its publisher's baggage, and metadata: its last trigger's")
    func beside() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        func bind(_ type: String, _ id: String, _ metadata: String) throws {
            let config = #"{"topic":"t"}"#
            try lab.settle(.trigger(worker, type, config, to: "f", id: id, metadata: metadata))
        }
        func metadata() throws -> String? {
            let sent = Propagation(baggage: "k=v,iii.function.id=x")
            let left = try lab.settle(.call(worker, "enqueue", publish, with: sent))
            let dispatch = try #require(left.dispatches.first)
            #expect(dispatch.baggage?.hasPrefix("k=v,iii.function.id=f,") == true)
            return dispatch.metadata?.description
        }
        try bind("queue", "1", #"{"m":1}"#)
        #expect(try metadata() == #"{"m":1}"#)
        try bind("durable:subscriber", "2", "2")
        #expect(try metadata() == "2")
        try bind("queue", "2", "3")
        #expect(try metadata() == "3")
        try lab.settle(.register(worker.connection, .removeTrigger(id: "2")))
        #expect(try metadata() == #"{"m":1}"#)
    }

    @Test("a bad configuration is answered, and registers nothing")
    func refused() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        for (type, config) in [("queue", "{}"), ("cron", "{}"), ("http", #"{"api_path":"*"}"#)] {
            let left = try lab.settle(.trigger(worker, type, config, to: "f"))
            #expect(left.count == 1, "\(type)")
        }
        #expect(lab.engine.registry.triggers.isEmpty)
        let parked = try lab.settle(.trigger(worker, "of another worker", "{}", to: "f"))
        #expect(parked.lines == [])
    }
}

@Suite("Function queues")
struct QueueTests {
    @Test("failures come back with their delay, end as a dead letter, and can be redriven")
    func life() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(worker, "f"))
        for (attempt, delay) in [1.0, 2.0].enumerated() {
            try lab.settle(.fail(worker, try #require(lab.left.dispatches.last).invocation))
            lab.pass(seconds: delay - 0.01)
            #expect(try lab.settle().dispatches.isEmpty, "attempt \(attempt + 1)")
            lab.pass(seconds: 0.02)
            #expect(try lab.settle().dispatches.count == 1, "attempt \(attempt + 1)")
        }
        try lab.settle(.fail(worker, try #require(lab.left.dispatches.last).invocation))
        #expect(lab.engine.views.work.queue.queues["default"]?.deadCount == 1)
        lab.pass(seconds: 100)
        #expect(try lab.settle().dispatches.isEmpty)
        let redriven = try lab.settle(
            .call(worker, "iii::queue::redrive", #"{"queue":"default"}"#)
        )
        #expect(redriven.dispatches.count == 1)
    }

    @Test("what tells of the sender's span alone does not come along with a message")
    func spanTags() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let sent = "iii.tag.kind=a;p=1, iii.tag.display_name =b,iii.tag.hidden=true,iii.tag.x=c,k=v"
        let beside = Propagation(baggage: sent)
        try lab.settle(.call(worker, "f", as: .enqueue(queue: "default"), with: beside))
        let baggage = try #require(lab.left.dispatches.first?.baggage)
        #expect(baggage.hasPrefix("iii.tag.x=c,k=v,iii.function.id=f,"))
    }

    @Test("a message for nobody waits without losing attempts")
    func held() throws {
        let lab = try Lab()
        let producer = try lab.join("p", serving: "f")
        #expect(try lab.settle(.enqueue(producer, "later")).lines == ["receipt later"])
        #expect(try lab.settle(.enqueue(producer, "f")).dispatches.count == 1)
        lab.pass(seconds: 1000)
        try lab.settle()
        #expect(try lab.settle(.serve(producer, "later")).dispatches.map(\.function) == ["later"])
        #expect(lab.engine.views.work.queue.queues["default"]?.deadCount == 0)
    }

    @Test("a worker that goes gives its messages back as failures")
    func gone() throws {
        let lab = try Lab { options in options.queues["default"] = .once(attempts: 3) }
        let first = try lab.join("one", serving: "f")
        try lab.settle(.enqueue(first, "f"))
        _ = try lab.join("two", serving: "f")
        let left = try lab.settle(.workerLeft(first.connection, reason: "closed"))
        #expect(left.dispatches.count == 1)
        #expect(lab.engine.views.work.queue.onlyMessage?.failures == 1)
    }

    @Test("a long backlog for a builtin does not deepen the stack")
    func backlog() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1, concurrency: 1) }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(worker, "f"))
        let set = #"{"scope":"s","key":"k","value":1}"#
        try lab.turn((0..<3000).map { _ in Command.enqueue(worker, "state::set", set, id: nil) })
        try lab.settle(.answer(worker, try #require(lab.left.dispatches.last).invocation))
        for _ in 0..<3000 / Limits.endsOfTurn { try lab.rest() }
        #expect(lab.engine.views.work.queue.queues["default"]?.depth == 0)
        #expect(lab.engine.views.state.keyCount == 1)
    }

    @Test("a queue that is given more room delivers more at once")
    func redefined() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1, concurrency: 1) }
        let worker = try lab.join("w", serving: "f")
        for _ in 0..<3 { try lab.settle(.enqueue(worker, "f")) }
        #expect(lab.left.dispatches.count == 1)
        let define = #"{"queue":"default","config":{"concurrency":2}}"#
        #expect(try lab.settle(.call(worker, "queue::define", define)).dispatches.count == 1)
    }

    @Test("engine::queue::enqueue is the same as a function")
    func asFunction() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let input = #"{"queue":"default","function_id":"f","data":[1]}"#
        let left = try lab.settle(.call(worker, "engine::queue::enqueue", input))
        #expect(left.lines.contains("invoke f [1]"))
        #expect(left.lines.contains { $0.contains("messageReceiptId") })
    }
}

@Suite("Cron triggers")
struct CronTests {
    @Test("a slot fires once, and none while the run goes on")
    func slots() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "c")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 * * * * *"}"#, to: "f"))
        lab.pass(seconds: 60)
        let first = try #require(try lab.settle().dispatches.first)
        #expect(try lab.settle().dispatches.isEmpty)
        lab.pass(seconds: 60)
        #expect(try lab.settle().dispatches.isEmpty, "the run goes on")
        try lab.settle(.answer(worker, first.invocation))
        lab.pass(seconds: 60)
        #expect(try lab.settle().dispatches.count == 1)
    }

    @Test("a condition that answers false skips the slot, not the trigger")
    func condition() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "c")
        let config = #"{"expression":"0 * * * * *","condition_function_id":"c"}"#
        try lab.settle(.trigger(worker, "cron", config, to: "f"))
        lab.pass(seconds: 60)
        let question = try #require(try lab.settle().dispatches.first)
        #expect(question.function == "c")
        #expect(try lab.settle(.answer(worker, question.invocation, "false")).dispatches.isEmpty)
        #expect(lab.engine.views.work.cron.openFirings.isEmpty)
        lab.pass(seconds: 60)
        let next = try #require(try lab.settle().dispatches.first)
        let run = try lab.settle(.answer(worker, next.invocation, "true"))
        #expect(run.dispatches.map(\.function) == ["f"])
    }

    @Test("a trigger that is registered again wants the missed slots of its new schedule alone")
    func replaced() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        for minute in [0, 30] {
            let config = #"{"expression":"\#(minute) * * * *","catch_up":"all"}"#
            try lab.settle(.trigger(worker, "cron", config, to: "f"))
        }
        var wanted: Set<String> = []
        for case .cron(let event) in try lab.recordedEvents() {
            switch event {
            case .watched(let mark): wanted.insert(mark.expression)
            case .forgotten(let mark): wanted.remove(mark.expression)
            default: break
            }
        }
        #expect(wanted.count == 1)
    }

    @Test("a call of its own that comes to nothing does not end a cron run")
    func failedCall() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        _ = try lab.join("old", runtime: "python", version: "0.20.0", serving: "g")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 * * * * *"}"#, to: "f"))
        lab.pass(seconds: 60)
        try lab.settle()
        let payload = "\"\(String(repeating: "x", count: 1 << 20))\""
        let refused = try lab.settle(.call(worker, "g", payload))
        #expect(refused.lines.first?.contains("payload_too_large") == true)
        #expect(lab.engine.views.work.cron.openFirings.count == 1)
    }
}
