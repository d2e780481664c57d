import Events
import Primitives
import Testing

@testable import Queue

extension Bench {
    /// What the queue would deliver next.
    fileprivate func next(in queue: String = "q") throws -> Message {
        let state = try #require(view.queues[queue])
        return try #require(view.next(in: state, isServed: { _ in true }))
    }

    /// The disk does not give that.
    ///
    /// - Returns: which message it is, and whether that is to be told.
    fileprivate mutating func refuse(_ queue: String = "q") throws -> Refusal {
        let message = try next(in: queue)
        let isFirst = view.putAside(message, of: queue, now: now)
        return Refusal(offset: message.offset, isFirst: isFirst)
    }

    fileprivate struct Refusal: Equatable {
        let offset: Offset
        let isFirst: Bool
    }
}

@Suite("Messages that the disk does not give")
struct RefusedTests {
    @Test("one is put aside and holds up no other; it is tried less and less often")
    func aside() throws {
        var bench = Bench()
        bench.define()
        let offsets = try (0..<3).map { _ in try bench.enqueue() }
        let first = try bench.refuse()
        #expect(first == .init(offset: offsets[0], isFirst: true))
        #expect(bench.deliver() == Array(offsets[1...]))
        let told = try bench.explained(offsets[0])
        #expect(told.state == "waiting" && told.reason == "unreadable")
        #expect(told.why.contains("the disk does not give its record"))
        #expect(try bench.explained(offsets[0], served: false).reason == "unreadable")
        #expect(bench.view.queues["q"]?.depth == 3)
        #expect(bench.view.queues["q"]?.oldestWaiting == offsets[0])
        for seconds in [2, 4, 8, 16, 32, 64, 64] as [Int64] {
            bench.pass(milliseconds: 1000 * seconds - 1)
            #expect(bench.deliver() == [], "\(seconds) s")
            #expect(bench.view.nextDue() == bench.now.advanced(by: .milliseconds(1)))
            bench.pass(milliseconds: 1)
            let again = try bench.refuse()
            #expect(again == .init(offset: offsets[0], isFirst: false))
        }
        bench.pass(milliseconds: 64_000)
        let message = try bench.next()
        let isOver = bench.view.wasRead(message, of: "q")
        #expect(isOver)
        #expect(bench.view.nextDue() == nil)
        #expect(bench.deliver() == [offsets[0]])
        #expect(message.nextAttempt == 1)
        #expect(bench.view.digest() == bench.replayed().digest())
    }

    @Test("one is tried for all; when the disk gives it, all are")
    func probe() throws {
        var bench = Bench()
        bench.define()
        let offsets = try (0..<3).map { _ in try bench.enqueue() }
        for offset in offsets {
            let refused = try bench.refuse()
            #expect(refused == .init(offset: offset, isFirst: offset == offsets[0]))
        }
        #expect(bench.deliver() == [])
        bench.pass(milliseconds: 2000)
        let message = try bench.next()
        #expect(message.offset == offsets[0])
        let isOver = bench.view.wasRead(message, of: "q")
        #expect(isOver)
        #expect(bench.deliver() == offsets)
        #expect(bench.view.nextDue() == nil)
    }

    @Test("they are tried in turn: one that is never given keeps none of the others")
    func turns() throws {
        var bench = Bench()
        bench.define()
        let offsets = try (0..<2).map { _ in try bench.enqueue() }
        for _ in offsets { _ = try bench.refuse() }
        bench.pass(milliseconds: 2000)
        let bad = try bench.refuse()
        #expect(bad == .init(offset: offsets[0], isFirst: false))
        bench.pass(milliseconds: 4000)
        #expect(bench.deliver() == [offsets[1]])
        // One that was tried and has gone another way does not end it for the rest.
        bench.pass(milliseconds: 4000)
        #expect(bench.deliver() == [offsets[0]])
    }

    @Test("a queue of which all is refused is not read to its end, but rests")
    func rest() throws {
        var bench = Bench()
        bench.define()
        let offsets = try (0..<Limits.refusedMessages + 2).map { _ in try bench.enqueue() }
        for _ in 0..<Limits.refusedMessages { _ = try bench.refuse() }
        #expect(bench.deliver() == [])
        #expect(try bench.explained(offsets[Limits.refusedMessages]).reason == "unreadable")
        bench.pass(milliseconds: 2000)
        #expect(bench.deliver() == [offsets[0]] + offsets[Limits.refusedMessages...])
    }

    @Test("its group waits behind it, and no other does")
    func group() throws {
        var bench = Bench()
        bench.define(fifo: true)
        let head = try bench.enqueue(#"{"g":"a"}"#)
        let next = try bench.enqueue(#"{"g":"a"}"#)
        let other = try bench.enqueue(#"{"g":"b"}"#)
        let refused = try bench.refuse()
        #expect(refused.offset == head)
        #expect(bench.deliver() == [other])
        #expect(try bench.explained(next).reason == "behind_group")
        bench.pass(milliseconds: 2000)
        #expect(bench.deliver() == [head])
        bench.ack(head)
        #expect(bench.deliver() == [next])
    }

    @Test("it can be dropped, and a queue that is defined anew has it still")
    func dropped() throws {
        var bench = Bench()
        bench.define()
        try bench.enqueue()
        _ = try bench.refuse()
        bench.define(concurrency: 1)
        #expect(try bench.call(.purge, #"{"queue":"q"}"#).hasSuffix(#""purged":1}"#))
        bench.pass(milliseconds: 2000)
        #expect(bench.deliver() == [])
        #expect(bench.view.nextDue() == nil)

        bench.subscribe("f")
        let published = try bench.publish()
        _ = try bench.refuse("t::f@default")
        let changed = Subscribed(
            topic: "t",
            function: FunctionName(id: "f"),
            condition: nil,
            settings: QueueSettings(
                fifo: false,
                concurrency: 1,
                attempts: 1,
                backoff: .milliseconds(1),
                groupField: nil
            )
        )
        bench.apply(.subscribed(changed))
        #expect(bench.deliver(from: "t::f@default") == [])
        bench.pass(milliseconds: 2000)
        #expect(bench.deliver(from: "t::f@default") == [published])
    }
}
