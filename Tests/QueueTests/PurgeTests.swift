import Events
import JSON
import Primitives
import Testing

@testable import Queue

@Suite("Dropping what waits")
struct PurgeTests {
    private let own = #"{"queue":"q"}"#

    @Test("what waits and what is delayed goes; what runs stays, and so do dead letters")
    func states() throws {
        var bench = Bench()
        bench.define(concurrency: 3, attempts: 2, backoff: 100)
        let offsets = try (0..<6).map { _ in try bench.enqueue() }
        #expect(bench.deliver() == Array(offsets[..<3]))
        for _ in 1...2 {
            bench.fail(offsets[0])
            bench.pass(milliseconds: 100)
            _ = bench.deliver()
        }
        bench.fail(offsets[1])
        #expect(bench.view.queues["q"]?.deadCount == 1)
        #expect(bench.view.queues["q"]?.delayedCount == 1)
        // The first is dead, the second delayed; three run, and the last one is in line.
        #expect(bench.deliver() == [offsets[4]])
        let before = bench.events.count
        #expect(try bench.call(.purge, own) == #"{"queue":"q","purged":2}"#)
        #expect(bench.events.count == before + 1, "one record")
        #expect(bench.view.queues["q"]?.deadCount == 1)
        #expect(bench.view.queues["q"]?.delayedCount == 0)
        #expect(bench.view.queues["q"]?.depth == 3 && bench.view.queues["q"]?.inFlight == 3)
        #expect(bench.view.nextDue() == nil)
        bench.pass(milliseconds: 1000)
        #expect(bench.deliver() == [])
        #expect(bench.replayed().digest() == bench.view.digest())
        #expect(try bench.call(.purge, own) == #"{"queue":"q","purged":0}"#)
        let after = try bench.enqueue()
        bench.ack(offsets[2])
        #expect(bench.deliver() == [after])
    }

    @Test("a group whose first message runs goes on with what comes later")
    func runningGroup() throws {
        var bench = Bench()
        bench.define(fifo: true)
        let first = try bench.enqueue(#"{"g":"a"}"#)
        _ = try bench.enqueue(#"{"g":"a"}"#)
        #expect(bench.deliver() == [first])
        #expect(try bench.call(.purge, own) == #"{"queue":"q","purged":1}"#)
        let next = try bench.enqueue(#"{"g":"a"}"#)
        #expect(bench.deliver() == [], "one of a group at a time")
        bench.ack(first)
        #expect(bench.deliver() == [next])
        #expect(bench.replayed().digest() == bench.view.digest())
    }

    @Test("a group whose first message is delayed, or waits, begins anew")
    func waitingGroup() throws {
        var bench = Bench()
        bench.define(fifo: true, backoff: 100)
        let first = try bench.enqueue(#"{"g":"a"}"#)
        for group in ["a", "b", "b"] { _ = try bench.enqueue(#"{"g":"\#(group)"}"#) }
        #expect(bench.deliver(served: { _ in false }) == [])
        #expect(bench.view.functionAppeared(FunctionName(id: "f")) == ["q"])
        #expect(bench.deliver().first == first)
        bench.fail(first)
        #expect(try bench.call(.purge, own) == #"{"queue":"q","purged":3}"#)
        let next = try bench.enqueue(#"{"g":"a"}"#)
        #expect(bench.deliver() == [next])
        #expect(bench.replayed().digest() == bench.view.digest())
    }

    @Test("where only some of a group are dropped, the next of the others may go")
    func part() throws {
        var bench = Bench()
        bench.define(fifo: true)
        let offsets = try (0..<4).map { _ in try bench.enqueue(#"{"g":"a"}"#) }
        let some = Purged(queue: "q", by: nil, messages: [offsets[0], offsets[2], Offset(99)])
        bench.apply(.purged(some))
        #expect(bench.deliver() == [offsets[1]])
        bench.ack(offsets[1])
        #expect(bench.deliver() == [offsets[3]])
        #expect(bench.view.queues["q"]?.depth == 1)
    }

    @Test("what was put aside for want of a worker is forgotten, too")
    func held() throws {
        var bench = Bench()
        bench.define()
        _ = try bench.enqueue(function: "absent")
        #expect(bench.deliver(served: { _ in false }) == [])
        #expect(bench.view.queues["q"]?.unserved(limit: 8).count == 1)
        #expect(try bench.call(.purge, own) == #"{"queue":"q","purged":1}"#)
        #expect(bench.view.queues["q"]?.unserved(limit: 8).isEmpty == true)
        #expect(bench.view.queues["q"]?.oldestWaiting == nil)
        #expect(bench.view.functionAppeared(FunctionName(id: "absent")) == [])
        #expect(bench.deliver() == [])
    }

    @Test("what is dropped gives its memory back")
    func memory() throws {
        let budget = MemoryBudget(bytes: 10_000)
        var bench = Bench()
        bench.view = QueueView(budget: budget)
        bench.define()
        for _ in 0..<3 { _ = try bench.enqueue() }
        #expect(budget.used > 0)
        _ = try bench.call(.purge, own)
        #expect(budget.used == 0)
    }

    @Test("of a topic each subscription's is dropped, or one alone; its record stays as needed")
    func topics() throws {
        var bench = Bench()
        bench.subscribe("a", "b")
        let first = try bench.publish()
        let one = #"{"queue":"t::a@default"}"#
        #expect(try bench.call(.purge, one).hasSuffix(#""purged":1}"#))
        let purge = Offset(UInt64(bench.events.count - 1))
        func needs(_ place: Offset) -> Bool {
            bench.view.needs(bench.events[Int(place.rawValue)].event, at: place)
        }
        #expect(needs(first) && needs(purge), "it must not come back to a")
        #expect(bench.deliver(from: "t::a@default") == [])
        #expect(try bench.call(.purge, #"{"topic":"t"}"#) == #"{"queue":"t","purged":1}"#)
        #expect(!needs(first) && !needs(purge))
        _ = try bench.publish()
        #expect(try bench.call(.purge, #"{"queue":"t"}"#) == #"{"queue":"t","purged":2}"#)
        #expect(bench.replayed().digest() == bench.view.digest())
    }

    @Test("dead letters are dropped at once, in one record; what waits and what runs stays")
    func deadLetters() throws {
        let budget = MemoryBudget(bytes: 10_000)
        var bench = Bench()
        bench.view = QueueView(budget: budget)
        bench.define(fifo: true, attempts: 1)
        let first = try bench.enqueue(#"{"g":"a"}"#)
        let other = try bench.enqueue(#"{"g":"b"}"#)
        let running = try bench.enqueue(#"{"g":"a"}"#)
        let waiting = try bench.enqueue(#"{"g":"a"}"#)
        #expect(bench.deliver() == [first, other])
        bench.fail(first)
        bench.fail(other)
        #expect(bench.deliver() == [running])
        #expect(bench.view.queues["q"]?.deadCount == 2)
        let before = bench.events.count
        #expect(try bench.call(.discard, own) == #"{"queue":"q","discarded":2}"#)
        let expected = Purged(queue: "q", by: "w", messages: [first, other], areDead: true)
        #expect(bench.events.count == before + 1 && bench.events.last?.event == .purged(expected))
        #expect(expected.halves.allSatisfy { $0.areDead })
        #expect(bench.view.queues["q"]?.deadCount == 0 && bench.view.queues["q"]?.depth == 2)
        #expect(try bench.explained(first).state == "discarded")
        #expect(bench.deliver() == [], "the group's next one waits for what runs")
        bench.ack(running)
        #expect(bench.deliver() == [waiting])
        #expect(try bench.call(.discard, own) == #"{"queue":"q","discarded":0}"#)
        #expect(bench.replayed().digest() == bench.view.digest())
        bench.ack(waiting)
        #expect(budget.used == 0)
    }

    @Test("where what told of a death is gone, what was discarded goes all the same")
    func thinned() throws {
        var bench = Bench()
        bench.define(fifo: true, concurrency: 5)
        let offsets = try (0..<3).map { _ in try bench.enqueue(#"{"g":"a"}"#) }
        let (first, second, third) = (offsets[0], offsets[1], offsets[2])
        // Nothing tells that the first one died, and let the second go.
        let delivered = Delivered(
            queue: "q",
            message: second,
            worker: UUID128(high: 0, low: 1),
            invocation: UUID128(high: 0, low: 2),
            attempt: 1
        )
        bench.apply(.delivered(delivered))
        bench.apply(.purged(Purged(queue: "q", by: nil, messages: [first], areDead: true)))
        #expect(bench.view.message(first, in: "q") == nil)
        #expect(bench.view.queues["q"]?.depth == 2 && bench.view.queues["q"]?.inFlight == 1)
        #expect(bench.deliver() == [], "one of a group at a time")
        bench.ack(second)
        #expect(bench.deliver() == [third])
        // What seems to be out for want of its end is so no more.
        bench.apply(.purged(Purged(queue: "q", by: nil, messages: [third], areDead: true)))
        #expect(bench.view.queues["q"]?.depth == 0 && bench.view.queues["q"]?.inFlight == 0)
        let next = try bench.enqueue(#"{"g":"a"}"#)
        #expect(bench.deliver() == [next])
    }

    @Test("where what told of a redrive is gone, what was purged goes all the same")
    func thinnedRedrive() throws {
        var bench = Bench()
        bench.define(attempts: 1)
        let dead = try bench.enqueue()
        #expect(bench.deliver() == [dead])
        bench.fail(dead)
        bench.apply(.purged(Purged(queue: "q", by: nil, messages: [dead])))
        #expect(bench.view.queues["q"]?.deadCount == 0 && bench.view.queues["q"]?.depth == 0)
    }

    @Test("who wanted it is told, and what was dropped")
    func record() throws {
        var bench = Bench()
        bench.define()
        let offsets = try (0..<3).map { _ in try bench.enqueue() }
        _ = try bench.call(.purge, own)
        let expected = Purged(queue: "q", by: "w", messages: offsets)
        #expect(bench.events.last?.event == .purged(expected))
        let halves = expected.halves
        #expect(halves.flatMap(\.messages) == offsets && halves.allSatisfy { $0.by == "w" })
    }
}
