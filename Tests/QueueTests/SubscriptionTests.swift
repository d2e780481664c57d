import Events
import Primitives
import RecordFormat
import Testing

@testable import Queue

@Suite("Subscriptions that end")
struct SubscriptionTests {
    private let queue = "t::a@default"

    /// Subscribes `a`, with a dead letter, a message that runs and one that waits; then ends it.
    private func ended() throws -> (Bench, dead: Offset, running: Offset, waiting: Offset) {
        var bench = Bench()
        bench.subscribe("a", "b")
        let dead = try bench.publish()
        _ = bench.deliver(from: queue)
        let error = ErrorBody(code: "c", message: "m")
        let letter = DeadLettered(queue: queue, message: dead, failures: 1, error: error)
        bench.apply(.deadLettered(letter))
        let running = try bench.publish()
        #expect(bench.deliver(from: queue) == [running])
        let waiting = try bench.publish()
        bench.unsubscribe("a")
        return (bench, dead, running, waiting)
    }

    private func expectSame(_ bench: Bench) {
        #expect(bench.replayed().digest() == bench.view.digest())
        // And from what retention keeps.
        var view = QueueView()
        for (number, entry) in bench.events.enumerated() {
            let offset = Offset(UInt64(number))
            guard bench.view.needs(entry.event, at: offset) else { continue }
            view.apply(entry.event, at: offset, time: entry.time, trace: nil)
        }
        #expect(view.digest() == bench.view.digest())
    }

    @Test("nothing comes and nothing is delivered, and nothing is lost")
    func stays() throws {
        var (bench, dead, running, waiting) = try ended()
        let later = try bench.publish()
        #expect(bench.view.message(later, in: queue) == nil)
        #expect(bench.view.message(later, in: "t::b@default") != nil)
        #expect(bench.deliver(from: queue) == [])
        #expect(bench.view.queues[queue]?.depth == 2)
        let rows = try bench.call(.messages, #"{"topic":"t"}"#)
        #expect(rows.contains(#""why":"its subscription has ended""#))
        // What runs ends as ever: with a retry, which waits, too.
        bench.fail(running, in: queue)
        bench.pass(milliseconds: 5000)
        #expect(bench.view.message(running, in: queue)?.failures == 1)
        #expect(bench.deliver(from: queue) == [])
        let letters = try bench.call(.deadLetters, #"{"topic":"t"}"#)
        #expect(letters.contains(#""queue":"t::a@default""#))
        #expect(
            try bench.call(.redrive, #"{"queue":"t::a@default"}"#).hasSuffix(#""redriven":1}"#)
        )
        #expect(bench.deliver(from: queue) == [])
        #expect(bench.view.message(dead, in: queue) != nil)
        #expect(bench.view.message(waiting, in: queue) != nil)
        expectSame(bench)
    }

    @Test("who subscribes again takes over what is left")
    func takenOver() throws {
        var (bench, dead, running, waiting) = try ended()
        bench.ack(running, in: queue)
        bench.subscribe("a")
        #expect(bench.view.queues(ofTopic: "t") == ["t::b@default", queue])
        #expect(bench.deliver(from: queue) == [waiting])
        #expect(bench.view.message(dead, in: queue)?.isDead == true)
        let next = try bench.publish()
        #expect(bench.deliver(from: queue) == [next])
        expectSame(bench)
    }

    @Test("the queue goes with its last message, whatever became of that")
    func over() throws {
        var (bench, _, running, _) = try ended()
        #expect(try bench.call(.purge, #"{"queue":"t::a@default"}"#).hasSuffix(#""purged":1}"#))
        bench.ack(running, in: queue)
        #expect(bench.view.queues[queue]?.deadCount == 1)
        let id = #""message_id":"00000000-0000-0001-0000-000000000002""#
        let discard = #"{"queue":"t::a@default",\#(id)}"#
        #expect(try bench.call(.discardMessage, discard).hasSuffix(#""redriven":1}"#))
        #expect(bench.view.queues[queue] == nil)
        #expect(bench.view.queues(ofTopic: "t") == ["t::b@default"])
        expectSame(bench)
        bench.unsubscribe("b", keepsMessages: false)
        #expect(bench.view.topicNames == [])
        bench.subscribe("a")
        bench.unsubscribe("a")
        #expect(bench.view.topicNames == [], "nothing was left")
        expectSame(bench)
    }

    @Test("its place among the topic's queues does not depend on what was left")
    func order() throws {
        var bench = Bench()
        bench.subscribe("a", "b")
        let offset = try bench.publish()
        bench.unsubscribe("a")
        bench.subscribe("a")
        for name in [queue, "t::b@default"] {
            #expect(bench.deliver(from: name) == [offset])
            bench.ack(offset, in: name)
        }
        expectSame(bench)
    }

    @Test("what ended a message is kept while another has it, whose ever the queue's name is now")
    func nameTakenSince() throws {
        var bench = Bench()
        bench.subscribe("a", "b")
        let offset = try bench.publish()
        #expect(bench.deliver(from: queue) == [offset])
        bench.ack(offset, in: queue)
        bench.unsubscribe("a")
        #expect(bench.view.queues[queue] == nil)
        let defined = try #require(bench.view.decideConfigured(queue, .standard))
        bench.apply(.defined(defined))
        #expect(bench.view.message(offset, in: "t::b@default") != nil)
        expectSame(bench)
    }

    @Test("it ends once, and only where it is")
    func decided() throws {
        var (bench, _, _, _) = try ended()
        let known = try #require(bench.view.queues[queue]?.subscription)
        #expect(bench.view.decideUnsubscribe(known) == nil)
        #expect(bench.view.decideSubscribe(known) == known)
        bench.apply(.subscribed(known))
        #expect(bench.view.decideSubscribe(known) == nil)
        let end = try #require(bench.view.decideUnsubscribe(known))
        #expect(end.keepsMessages)
        let other = Subscribed(
            topic: "t",
            function: FunctionName(id: "c"),
            condition: nil,
            settings: .standard
        )
        #expect(bench.view.decideUnsubscribe(other) == nil)
    }

    @Test("a snapshot holds that it has ended, and what the configuration said")
    func snapshot() throws {
        var (bench, _, _, _) = try ended()
        let defined = try #require(bench.view.decideConfigured("q", .standard))
        bench.apply(.defined(defined))
        var bytes: [UInt8] = []
        var writer = SnapshotWriter {
            bytes += $0
            return true
        }
        bench.view.encode(into: &writer)
        _ = writer.finish()
        let read = try bytes.withUnsafeBytes { memory in
            var reader = ByteReader(memory)
            return try QueueView(from: &reader, budget: MemoryBudget(bytes: .max))
        }
        #expect(read.queues[queue]?.isEnded == true)
        #expect(read.queues["q"]?.configured == .standard)
        #expect(read.digest() == bench.view.digest())
    }

    @Test("live triggers make room together, and none for what is running already")
    func consumers() throws {
        var bench = Bench()
        bench.subscribe("a")
        for _ in 0..<20 { _ = try bench.publish() }
        bench.view.queues[queue]?.consumers = 12
        #expect(bench.deliver(from: queue).count == 12)
        bench.view.queues[queue]?.consumers = nil
        #expect(bench.deliver(from: queue).count == 0)
        #expect(bench.view.queues[queue]?.places == 10)
    }

    /// How many records retention keeps.
    private func kept(_ bench: Bench) -> Int {
        bench.events.enumerated().count { number, entry in
            bench.view.needs(entry.event, at: Offset(UInt64(number)))
        }
    }

    @Test("of subscriptions that were made anew over and over, the last record is kept")
    func registeredAnew() throws {
        var bench = Bench()
        for _ in 0..<10 {
            bench.subscribe("a")
            bench.unsubscribe("a")
        }
        #expect(kept(bench) == 0)
        expectSame(bench)
        bench.subscribe("b", "a")
        #expect(kept(bench) == 2)
        expectSame(bench)
        // What is left of one makes all of it needed.
        let message = try bench.publish()
        bench.unsubscribe("a")
        bench.subscribe("a")
        #expect(kept(bench) == 5)
        expectSame(bench)
        #expect(bench.deliver(from: queue) == [message])
        expectSame(bench)
    }
}
