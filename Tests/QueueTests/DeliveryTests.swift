import Events
import JSON
import Primitives
import Testing

@testable import Queue

@Suite("What a queue delivers")
struct DeliveryTests {
    @Test("the oldest first, and no more than its concurrency")
    func order() throws {
        var bench = Bench()
        bench.define(concurrency: 2)
        let offsets = try (0..<5).map { _ in try bench.enqueue() }
        #expect(bench.deliver() == Array(offsets[..<2]))
        #expect(bench.deliver() == [])
        bench.ack(offsets[1])
        #expect(bench.deliver() == [offsets[2]])
        #expect(bench.view.queues["q"]?.depth == 4)
    }

    @Test("a failed message comes back before newer ones when its delay is over")
    func backoff() throws {
        var bench = Bench()
        bench.define(concurrency: 1, attempts: 4, backoff: 100)
        let first = try bench.enqueue()
        let second = try bench.enqueue()
        #expect(bench.deliver() == [first])
        bench.fail(first)
        #expect(bench.deliver() == [second])
        bench.pass(milliseconds: 99)
        #expect(bench.view.nextDue() == bench.now.advanced(by: .milliseconds(1)))
        bench.pass(milliseconds: 1)
        let third = try bench.enqueue()
        bench.ack(second)
        #expect(bench.deliver() == [first])
        bench.fail(first)
        #expect(bench.view.nextDue() == bench.now.advanced(by: .milliseconds(200)))
        #expect(bench.deliver() == [third])
    }

    @Test("a queue that is paused delivers nothing until its time, then goes on where it stood")
    func paused() throws {
        var bench = Bench()
        bench.define(concurrency: 2)
        bench.define("other")
        let offsets = try (0..<2).map { _ in try bench.enqueue() }
        let last = try bench.enqueue(to: "other")
        let end = bench.now.advanced(by: .milliseconds(100))
        let isFirst = bench.view.pause("q", until: end)
        #expect(isFirst)
        #expect(bench.deliver() == [])
        let isAnother = bench.view.pause("other", until: end.advanced(by: .milliseconds(100)))
        #expect(!isAnother)
        #expect(bench.deliver(from: "other") == [])
        #expect(bench.view.nextDue() == end)
        let early = bench.view.takeDue(now: bench.now)
        #expect(early == [])
        let due = bench.view.takeDue(now: end)
        #expect(due == ["q", "other"], "all are tried at once")
        #expect(bench.view.nextDue() == nil)
        #expect(bench.deliver() == offsets)
        #expect(bench.deliver(from: "other") == [last])
    }

    @Test("the last failure is a dead letter", arguments: [UInt32(0), 1, 2, 5])
    func attempts(limit: UInt32) throws {
        var bench = Bench()
        bench.define(attempts: limit, backoff: 1)
        let offset = try bench.enqueue()
        var calls: UInt32 = 0
        while bench.view.queues["q"]?.deadCount == 0, calls < 10 {
            #expect(bench.deliver() == [offset])
            calls += 1
            bench.fail(offset)
            bench.pass(milliseconds: 1000)
        }
        #expect(calls == max(1, limit))
        #expect(bench.deliver() == [])
        #expect(bench.view.queues["q"]?.depth == 0)
    }

    @Test("a group goes one by one; groups go side by side; a failing head holds up only its own")
    func groups() throws {
        var bench = Bench()
        bench.define(fifo: true, attempts: 2, backoff: 100)
        let a1 = try bench.enqueue(#"{"g":"a"}"#)
        let a2 = try bench.enqueue(#"{"g":"a"}"#)
        let b1 = try bench.enqueue(#"{"g":"b"}"#)
        let b2 = try bench.enqueue(#"{"g":"b"}"#)
        #expect(bench.deliver() == [a1, b1])
        bench.fail(a1)
        bench.ack(b1)
        #expect(bench.deliver() == [b2])
        bench.pass(milliseconds: 100)
        #expect(bench.deliver() == [a1])
        bench.fail(a1)
        #expect(bench.deliver() == [a2], "a dead letter lets its group go")
    }

    @Test(
        "a group is named by a string, number or boolean",
        arguments: [
            (#"{"g":"a"}"#, "a"), (#"{"g":1}"#, "1"), (#"{"g":1.0}"#, "1.0"),
            (#"{"g":true}"#, "true"), (#"{"g":""}"#, ""),
        ]
    )
    func groupNames(payload: String, name: String) throws {
        var bench = Bench()
        bench.define(fifo: true)
        let offset = try bench.enqueue(payload)
        #expect(bench.view.message(offset, in: "q")?.group == name)
    }

    @Test(
        "without a group a FIFO queue takes nothing",
        arguments: [
            ("{}", "'g'"), ("[]", "'g'"), ("7", "'g'"), (#"{"g":null}"#, "must not be null"),
            (#"{"g":{}}"#, "string, number or boolean"),
            (#"{"g":[1]}"#, "string, number or boolean"),
            ("{\"g\":\"\(String(repeating: "x", count: 5000))\"}", "4096 bytes"),
        ]
    )
    func noGroup(payload: String, mentioned: String) {
        var bench = Bench()
        bench.define(fifo: true)
        let error = #expect(throws: ErrorBody.self) { try bench.enqueue(payload) }
        #expect(error?.code == "enqueue_error")
        #expect(error?.message.contains(mentioned) == true)
    }

    @Test("an unknown queue is named")
    func unknown() {
        var bench = Bench()
        let error = #expect(throws: ErrorBody.self) { try bench.enqueue() }
        #expect(error == ErrorBody(code: "enqueue_error", message: "Queue 'q' not found"))
    }

    @Test("a message that nobody serves waits, holds up no other, and loses no attempt")
    func held() throws {
        var bench = Bench()
        bench.define(concurrency: 1)
        let absent = try bench.enqueue(function: "absent")
        let present = try bench.enqueue()
        let served: (FunctionName) -> Bool = { $0.id == "f" }
        #expect(bench.deliver(served: served) == [present])
        bench.ack(present)
        #expect(bench.deliver(served: served) == [])
        #expect(bench.view.functionAppeared(FunctionName(id: "absent")) == ["q"])
        #expect(bench.deliver() == [absent])
        #expect(bench.view.message(absent, in: "q")?.failures == 0)
        #expect(bench.view.functionAppeared(FunctionName(id: "absent")) == [])
    }

    @Test("a restart brings back what was in flight, in order, with its failures")
    func restart() throws {
        var bench = Bench()
        bench.define(backoff: 0)
        let offsets = try (0..<4).map { _ in try bench.enqueue() }
        #expect(bench.deliver() == offsets)
        bench.ack(offsets[1])
        bench.fail(offsets[2])
        bench.pass(milliseconds: 0)
        var next = bench.replayed()
        next.applyRestart()
        _ = next.takeDue(now: bench.now)
        bench.view = next
        #expect(bench.deliver() == [offsets[0], offsets[2], offsets[3]])
        #expect(bench.view.message(offsets[2], in: "q")?.nextAttempt == 2)
    }

    @Test("what is delayed is counted live as in a restart")
    func delayedCount() throws {
        var bench = Bench()
        bench.define(backoff: 100)
        let offset = try bench.enqueue()
        for failures in 1...2 {
            #expect(bench.deliver() == [offset])
            #expect(bench.view.queues["q"]?.delayedCount == 0)
            #expect(bench.replayed().queues["q"]?.delayedCount == 0, "failed \(failures - 1) times")
            bench.fail(offset)
            #expect(bench.view.queues["q"]?.delayedCount == 1)
            #expect(bench.replayed().queues["q"]?.delayedCount == 1, "failed \(failures) times")
            bench.pass(milliseconds: 1000)
        }
    }

    @Test("each subscription has its own copy and its own end")
    func topics() throws {
        var bench = Bench()
        bench.subscribe("a", "b")
        #expect(bench.view.queues(ofTopic: "t") == ["t::a@default", "t::b@default"])
        let offset = try bench.publish()
        #expect(offset == Offset(2))
        #expect(bench.deliver(from: "t::a@default") == [offset])
        bench.ack(offset, in: "t::a@default")
        #expect(bench.deliver(from: "t::b@default") == [offset])
        bench.unsubscribe("b", keepsMessages: false)
        bench.fail(offset, in: "t::b@default")
        #expect(bench.view.queues(ofTopic: "t") == ["t::a@default"])
        #expect(bench.replayed().digest() == bench.view.digest())
    }

    @Test("the names of subscriptions cannot run together")
    func subscriptionNames() {
        func name(_ function: String, _ namespace: String) -> String {
            let function = FunctionName(namespace: namespace, id: function)
            return QueueView.subscriptionQueue(topic: "t", function: function)
        }
        #expect(name("f", "n") == "t::f@n")
        #expect(name("f@n", "m") == #"t::f\@n@m"#)
        #expect(name("f", #"n\@m"#) == #"t::f@n\\\@m"#)
    }
}
