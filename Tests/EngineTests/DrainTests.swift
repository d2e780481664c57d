import Folding
import HTTP
import Primitives
import Queue
import Testing

@testable import Engine

/// Workers that leave, in order or not, and what becomes of what they had to do.
@Suite("Workers that leave")
struct DrainTests {
    private func cease(_ peer: Peer, _ function: String) -> Command {
        .register(peer.connection, .removeFunction(id: function))
    }

    @Test("a function that is taken back gets no new work, and what runs ends as ever")
    func takenBack() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let caller = try lab.join("c")
        let delivery = try #require(try lab.settle(.enqueue(caller, "f", "1")).dispatches.first)
        let call = try #require(try lab.settle(.call(caller, "f", id: .text("x"))).dispatches.first)
        #expect(try lab.settle(cease(worker, "f")).lines == [])
        let refused = try lab.settle(.call(caller, "f", id: .text("y")))
        #expect(refused.lines.first?.hasPrefix("f = function_not_found") == true)
        #expect(try lab.settle(.enqueue(caller, "f", "2")).dispatches.isEmpty)
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        #expect(try lab.settle(.answer(worker, call.invocation, "7")).lines == ["f = 7"])
        try lab.settle(.answer(worker, delivery.invocation))
        #expect(queue.depth == 1, "only the second message waits")
        try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        let next = try lab.join("n", serving: "f")
        let second = try #require(lab.left.dispatches.last)
        #expect(String(decoding: second.payload, as: UTF8.self) == "2")
        try lab.settle(.answer(next, second.invocation))
        #expect(queue.depth == 0)
        #expect(lab.isQuiet)
    }

    @Test("what runs when a drain has had its time is told of, and nothing where nothing runs")
    func cutOff() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let caller = try lab.join("c")
        func told() -> [String] {
            lab.engine.takeNotices().map(\.text).filter { $0.contains("drain_timeout") }
        }
        let call = try #require(try lab.settle(.call(caller, "f")).dispatches.first)
        try lab.settle(.drain)
        #expect(!lab.hasDrained)
        let left = try lab.settle(.endDrain(limit: "10s"))
        #expect(left.lines == ["f = invocation_stopped: Invocation stopped"])
        #expect(lab.hasDrained)
        #expect(told().map { $0.contains("did not end within 10s") } == [true])
        #expect(try lab.settle(.answer(worker, call.invocation, "7")).lines == [], "too late")
        try lab.settle(.endDrain(limit: "10s"))
        #expect(told().isEmpty)
    }

    @Test("who waits for the keeper of a stream hears it, too, when a drain has had its time")
    func keptStream() throws {
        let lab = try Lab()
        _ = try lab.join("keeper", serving: "stream::get(board)")
        let caller = try lab.join("c")
        let place = #"{"stream_name":"board","group_id":"g","item_id":"i"}"#
        let asked = try lab.settle(.call(caller, "stream::get", place)).dispatches
        #expect(asked.map(\.function) == ["stream::get(board)"])
        let left = try lab.settle(.drain, .endDrain(limit: "10s"))
        #expect(left.lines.count { $0.contains("invocation_stopped") } == 1, "\(left.lines)")
    }

    @Test("a job that fails for a call that was cut off loses no attempt, and may yet end well")
    func nested() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f", "g")
        for _ in 0..<2 { try lab.settle(.enqueue(worker, "f")) }
        let jobs = lab.left.dispatches
        try #require(jobs.count == 2)
        try lab.settle(.call(worker, "g"))
        let left = try lab.settle(.drain, .endDrain(limit: "10s"))
        #expect(left.lines == ["g = invocation_stopped: Invocation stopped"])
        #expect(lab.hasDrained && !lab.isQuiet, "the jobs go on until their workers go")
        try lab.settle(.fail(worker, jobs[0].invocation))
        try lab.settle(.answer(worker, jobs[1].invocation))
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        #expect(queue.deadCount == 0)
        let message = try #require(lab.engine.views.work.queue.onlyMessage)
        #expect(message.failures == 0)
    }

    @Test("dead letters that are to be told of by the second are told of when a drain ends")
    func letters() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f")
        for _ in 0..<2 {
            try lab.settle(.enqueue(worker, "f"))
            try lab.settle(.fail(worker, try #require(lab.left.dispatches.last).invocation))
        }
        _ = lab.engine.takeNotices()
        try lab.settle(.drain, .endDrain(limit: "10s"))
        let told = lab.engine.takeNotices().map(\.text)
        #expect(told.count { $0.hasPrefix("1 more message of queue default") } == 1)
    }

    @Test("the pong to a worker that leaves comes behind what it is still sent")
    func pong() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        // The disk is slow: the dispatch waits for its record.
        let sent = try lab.turn(
            .call(worker, "f", as: .void),
            cease(worker, "f"),
            .pinged(worker.connection)
        )
        #expect(sent.lines == [])
        #expect(try lab.settle().lines(to: worker) == ["invoke f {}", "pong"])
    }

    @Test("a worker that leaves in order decides over the joins that it was asked about")
    func joins() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "judge")
        try lab.settle(.trigger(worker, "stream:join", "{}", to: "judge"))
        let asked = try #require(try lab.settle(.join(1)).dispatches.first)
        try lab.settle(
            .register(worker.connection, .removeTrigger(id: "t")),
            cease(worker, "judge"),
            .pinged(worker.connection)
        )
        let refusal = #"{"unauthorized":true}"#
        let left = try lab.settle(.answer(worker, asked.invocation, refusal))
        #expect(left.subscriberLines == [#"send 1 {"type":"unauthorized"}"#])
        #expect(lab.isQuiet)
    }

    @Test("of two workers that share a function, the one that stays gets all of it")
    func replica() throws {
        let lab = try Lab()
        let first = try lab.join("w", serving: "f")
        let second = try lab.join("w", serving: "f")
        let caller = try lab.join("c")
        try lab.settle(cease(first, "f"))
        for number in 0..<3 {
            let left = try lab.settle(.call(caller, "f", id: .text("\(number)")))
            #expect(left.lines(to: second).count == 1)
        }
    }

    @Test("of two workers with the same schedule one fires each slot, and the other one after it")
    func replicaOfSchedule() throws {
        let lab = try Lab()
        let first = try lab.join("w", serving: "f")
        let second = try lab.join("w", serving: "f")
        let config = #"{"expression":"* * * * * *"}"#
        try lab.settle(.trigger(first, "cron", config, to: "f", id: "1"))
        try lab.settle(.trigger(second, "cron", config, to: "f", id: "2"))
        try lab.settle(.trigger(second, "cron", config, to: "f", id: "3", metadata: "1"))
        lab.pass(seconds: 1)
        let dispatches = try lab.settle().dispatches
        #expect(dispatches.count == 2, "once, and once for what is another trigger")
        for dispatch in dispatches {
            try lab.settle(
                .answer(first, dispatch.invocation),
                .answer(second, dispatch.invocation)
            )
        }
        try lab.settle(.workerLeft(first.connection, reason: "gone"))
        lab.pass(seconds: 1)
        #expect(try lab.settle().lines(to: second).count == 2)
    }

    @Test("a worker that is gone loses nothing: its calls are ended, its deliveries go again")
    func gone() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 2) }
        let worker = try lab.join("w", serving: "f")
        let caller = try lab.join("c")
        try lab.settle(.enqueue(caller, "f", "1"))
        try lab.settle(.call(caller, "f", id: .text("x")))
        let left = try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        #expect(left.lines == ["f = invocation_stopped: Invocation stopped"])
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        #expect(queue.depth == 1)
        let next = try lab.join("n", serving: "f")
        let again = try #require(lab.left.dispatches.last)
        #expect(String(decoding: again.payload, as: UTF8.self) == "1")
        try lab.settle(.workerLeft(next.connection, reason: "gone"))
        #expect(queue.deadCount == 1, "both attempts are spent")
    }
}

/// Workers that are there and say nothing.
@Suite("Silent workers")
struct SilenceTests {
    private let second: UInt64 = 1_000_000_000

    @Test("a call whose worker is silent ends with invocation_timeout, where that is asked for")
    func call() throws {
        let lab = try Lab { $0.invocationTimeout = 5 * second }
        let worker = try lab.join("w", serving: "f")
        let caller = try lab.join("c")
        let first = try #require(
            try lab.settle(.call(caller, "f", id: .text("1"))).dispatches.first
        )
        lab.pass(seconds: 3)
        let other = try #require(
            try lab.settle(.call(caller, "f", id: .text("2"))).dispatches.first
        )
        lab.pass(seconds: 1.9)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 0.2)
        #expect(
            try lab.settle().lines
                == ["f = invocation_timeout: f did not answer within 5000 ms"]
        )
        #expect(try lab.settle(.answer(worker, first.invocation, "1")).lines == [], "too late")
        #expect(try lab.settle(.answer(worker, other.invocation, "2")).lines == ["f = 2"])
        #expect(lab.isQuiet)
        lab.pass(seconds: 10)
        try lab.settle()
        #expect(lab.engine.timeUntilDue() == nil, "an idle engine waits for nothing")
    }

    @Test("without that, nobody ends a call but its worker")
    func patient() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let call = try #require(try lab.settle(.call(worker, "f")).dispatches.first)
        lab.pass(seconds: 100_000)
        #expect(try lab.settle().lines == [])
        #expect(lab.engine.timeUntilDue() == nil)
        #expect(try lab.settle(.answer(worker, call.invocation, "1")).lines == ["f = 1"])
    }

    @Test("a request whose function is silent gets the 504 that it would get anyway")
    func request() throws {
        let lab = try Lab { $0.invocationTimeout = second }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "http", #"{"api_path":"/f"}"#, to: "f"))
        try lab.settle(.get("/f"))
        lab.pass(seconds: 1.1)
        #expect(try lab.settle().compactMap(\.reply) == [.timedOut])
        #expect(lab.isQuiet)
    }

    @Test("a delivery goes again when its lease is over; what comes late counts for nothing")
    func lease() throws {
        let lab = try Lab {
            $0.queues["default"] = .once(attempts: 2)
            $0.deliveryLease = 60 * second
        }
        let worker = try lab.join("w", serving: "f")
        let first = try #require(try lab.settle(.enqueue(worker, "f", "1")).dispatches.first)
        lab.pass(seconds: 59)
        #expect(try lab.settle().lines == [])
        let wait = lab.engine.timeUntilDue() ?? .max
        #expect(wait <= second)
        lab.pass(seconds: 1.1)
        let again = try #require(try lab.settle().dispatches.first)
        #expect(again.invocation != first.invocation)
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        try lab.settle(.answer(worker, first.invocation))
        #expect(queue.depth == 1)
        try lab.settle(.answer(worker, again.invocation))
        #expect(queue.depth == 0)
        #expect(lab.engine.timeUntilDue() == nil)
    }

    @Test("a delivery whose worker never answers is a dead letter in the end")
    func dead() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(worker, "f", "1"))
        lab.pass(seconds: 1801)
        #expect(try lab.settle().lines == [])
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        #expect(queue.deadCount == 1)
    }

    @Test("of many dead letters the first is told of at once, the others by the second")
    func manyDead() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f")
        func told(failing count: Int) throws -> [String] {
            for number in 0..<count {
                try lab.settle(.enqueue(worker, "f", "\(number)"))
                let invocation = try #require(lab.left.dispatches.last).invocation
                try lab.settle(.fail(worker, invocation))
            }
            return lab.engine.takeNotices().map(\.text).filter { $0.contains("dead letter") }
        }
        func pass() throws -> [String] {
            lab.pass(seconds: 1.01)
            try lab.settle()
            return try told(failing: 0)
        }
        let first = try told(failing: 5)
        #expect(first.count == 1 && first.first?.contains("after 1 attempt") == true)
        let rest = try pass()
        #expect(rest.count == 1 && rest.first?.hasPrefix("4 more messages of queue d") == true)
        #expect(try told(failing: 1) == [], "a second is not over since then")
        #expect(try pass().first?.hasPrefix("1 more message of queue default is") == true)
        #expect(try pass() == [])
        #expect(try told(failing: 1).count == 1, "at once, after a quiet second")
    }

    @Test("a silent condition holds a message no longer than its function would")
    func condition() throws {
        let lab = try Lab { $0.deliveryLease = 60 * second }
        let worker = try lab.join("w", serving: "f", "c")
        let config = #"{"topic":"t","condition_function_id":"c","backoff_ms":0}"#
        try lab.settle(.trigger(worker, "queue", config, to: "f"))
        let asked = try lab.settle(.call(worker, "enqueue", #"{"topic":"t","data":1}"#))
        #expect(asked.dispatches.map(\.function) == ["c"])
        lab.pass(seconds: 61)
        #expect(try lab.settle().dispatches.map(\.function) == ["c"], "asked again")
    }
}
