import Events
import Folding
import JSON
import Primitives
import Queue
import Testing

@testable import Engine

@Suite("Subscriptions and their triggers")
struct SubscriptionTests {
    private let queue = "t::f@default"
    private let publish = #"{"topic":"t","data":1}"#

    private func subscribe(
        _ lab: Lab,
        _ peer: Peer,
        id: String = "t",
        _ settings: String = ""
    ) throws -> [Effect] {
        try lab.settle(.trigger(peer, "queue", #"{"topic":"t"\#(settings)}"#, to: "f", id: id))
    }

    private func restart(
        _ lab: Lab,
        life: UInt64 = 2,
        _ adjust: (inout EngineOptions) -> Void = { _ in }
    ) throws -> Lab {
        lab.disk.crash(keepingWrite: false)
        return try Lab(disk: lab.disk, at: lab.now.wall, life: life, adjust)
    }

    @Test("settings of other engines that have no effect are told of, once a registration")
    func ignored() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        func told(_ id: String, _ settings: String) throws -> [String] {
            _ = try subscribe(lab, worker, id: id, settings)
            try lab.settle(.call(worker, "enqueue", publish))
            return lab.engine.takeNotices().map(\.text).filter { $0.contains("without effect") }
        }
        let config = #","backoffType":"x","queue_config":{"visibilityTimeout":30}"#
        let line = "queue trigger t: without effect are visibilityTimeout, backoffType"
        #expect(try told("t", config) == [line])
        #expect(try told("u", #","queue_config":{"maxRetries":3}"#) == [])
    }

    @Test("what an ended subscription has left stays, and goes to who subscribes next")
    func ended() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        _ = try subscribe(lab, worker, #","concurrency":1,"max_retries":0"#)
        let sent = try lab.settle(.call(worker, "enqueue", publish)).dispatches
        let running = try #require(sent.first)
        try lab.settle(.call(worker, "enqueue", publish))
        try lab.settle(.register(worker.connection, .removeTrigger(id: "t")))
        let told = lab.engine.takeNotices().filter { $0.text.contains("has ended") }
        #expect(told.first?.text.contains("2 that wait or run, 0 dead") == true, "\(told)")
        // The last failure of what was running is a dead letter all the same.
        #expect(try lab.settle(.fail(worker, running.invocation)).dispatches.isEmpty)
        #expect(lab.engine.views.work.queue.queues[queue]?.deadCount == 1)
        #expect(try lab.settle(.call(worker, "enqueue", publish)).dispatches.isEmpty)
        #expect(lab.engine.views.work.queue.queues[queue]?.depth == 1)

        let next = try restart(lab)
        let again = try next.join("w", serving: "f")
        next.pass(seconds: 2)
        #expect(try next.settle().dispatches.isEmpty)
        #expect(try subscribe(next, again).dispatches.count == 1)
        #expect(next.engine.views.work.queue.queues[queue]?.deadCount == 1)
    }

    @Test("a replica that unregisters takes nothing from one that is about to come back")
    func replicas() throws {
        let lab = try Lab()
        let one = try lab.join("one", serving: "f")
        let two = try lab.join("two", serving: "f")
        _ = try subscribe(lab, one, id: "1", #","concurrency":1"#)
        _ = try subscribe(lab, two, id: "2", #","concurrency":1"#)
        for _ in 0..<3 { try lab.settle(.call(one, "enqueue", publish)) }
        try lab.settle(.workerLeft(two.connection, reason: "gone"))
        try lab.settle(.register(one.connection, .removeTrigger(id: "1")))
        let back = try lab.join("two", serving: "f")
        _ = try subscribe(lab, back, id: "2")
        lab.pass(seconds: 10)
        try lab.settle()
        #expect(lab.engine.views.work.queue.queues[queue]?.inFlight == 3)
    }

    @Test("each trigger adds its own room, and takes it along")
    func room() throws {
        let lab = try Lab()
        let one = try lab.join("one", serving: "f")
        let two = try lab.join("two", serving: "f")
        _ = try subscribe(lab, one, id: "1", #","concurrency":2"#)
        for _ in 0..<9 { try lab.settle(.call(one, "enqueue", publish)) }
        #expect(lab.left.dispatches.count == 2)
        #expect(try subscribe(lab, two, id: "2", #","concurrency":3"#).dispatches.count == 3)
        let places = { lab.engine.views.work.queue.queues["t::f@default"]?.places }
        #expect(places() == 5)
        // The same trigger again is no other one.
        #expect(try subscribe(lab, two, id: "2", #","concurrency":3"#).dispatches.isEmpty)
        #expect(places() == 5)
        try lab.settle(.workerLeft(two.connection, reason: "gone"))
        #expect(places() == 2)
        try lab.settle(.register(one.connection, .removeTrigger(id: "1")))
        #expect(places() == 3, "as the last one said")
    }

    @Test("a topic has as many consumers as it has triggers, wherever they came from")
    func consumers() throws {
        let lab = try Lab()
        let one = try lab.join("one", serving: "f", "g")
        let two = try lab.join("two", serving: "f")
        func count(_ topic: String) throws -> Int64? {
            let input = #"{"topic":"\#(topic)"}"#
            let stats = try lab.value(of: "engine::queue::topic_stats", input, by: one)
            return stats.member("consumer_count")?.numberValue?.int64Value
        }
        _ = try subscribe(lab, one, id: "1")
        _ = try subscribe(lab, two, id: "2")
        try lab.settle(.trigger(one, "queue", #"{"topic":"t"}"#, to: "g", id: "3"))
        #expect(try count("t") == 3)
        _ = try subscribe(lab, two, id: "2", #","concurrency":3"#)
        #expect(try count("t") == 3, "the same trigger again is no other one")
        try lab.settle(.trigger(one, "queue", #"{"topic":"u"}"#, to: "g", id: "3"))
        #expect(try count("t") == 2)
        #expect(try count("u") == 1)
        try lab.settle(.workerLeft(two.connection, reason: "gone"))
        #expect(try count("t") == 1)
        try lab.settle(.register(one.connection, .removeTrigger(id: "1")))
        #expect(try count("t") == 0)
    }

    @Test("what queue::define made of a queue holds until the file says something new of it")
    func defined() throws {
        let first = try Lab { $0.queues["q"] = .once(attempts: 2) }
        let worker = try first.join("w")
        for queue in ["default", "q"] {
            let input = #"{"queue":"\#(queue)","config":{"concurrency":7}}"#
            try first.settle(.call(worker, "queue::define", input))
        }
        let second = try restart(first) { $0.queues["q"] = .once(attempts: 2) }
        let queues = second.engine.views.work.queue.queues
        #expect(queues["default"]?.settings.concurrency == 7)
        #expect(queues["q"]?.settings.concurrency == 7)
        let third = try restart(second, life: 3) { $0.queues["q"] = .once(attempts: 5) }
        #expect(third.engine.views.work.queue.queues["q"]?.settings == .once(attempts: 5))
    }

    @Test(
        "engine::queue::enqueue takes what it knows, and refuses the rest",
        arguments: [
            (#""function_id":"","data":1"#, "enqueue_error", "function_id is required"),
            (#""function_id":"f","data":1,"namespace":" ""#, "INVALID_NAMESPACE", "blank"),
            (#""function_id":"f","data":1,"x":2"#, "deserialization_error", #"field "x""#),
            (#""function_id":"f""#, "deserialization_error", #"missing field "data""#),
            (
                #""function_id":"f","data":1,"messageReceiptId":"""#, "enqueue_error",
                "messageReceiptId is required"
            ),
            (
                #""function_id":"f","data":1,"messageReceiptId":"m1""#, "enqueue_error",
                "must be a UUID"
            ),
        ]
    )
    func refused(fields: String, code: String, mentioned: String) throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let input = #"{"queue":"default",\#(fields)}"#
        let error = try lab.failure(of: "engine::queue::enqueue", input, by: peer)
        #expect(error.code == code)
        #expect(error.message.contains(mentioned), "\(error.message)")
        #expect(lab.engine.views.work.queue.queues["default"]?.depth == 0)
    }

    @Test("a receipt that the caller has given out is the message's")
    func receipt() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let id = "0d5d7a0e-7a2b-4f0e-9d55-0f3f9d1b8c11"
        let input = #"{"queue":"default","function_id":"f","data":1,"messageReceiptId":"\#(id)"}"#
        let answer = try lab.value(of: "engine::queue::enqueue", input, by: peer)
        #expect(answer.member("messageReceiptId")?.stringValue == id)
    }

    @Test("the action needs a function, too")
    func action() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let left = try lab.settle(.enqueue(peer, ""))
        let failures = left.compactMap(\.answer)
        #expect(failures.contains { $0.line.contains("function_id is required") }, "\(left.lines)")
    }
}
