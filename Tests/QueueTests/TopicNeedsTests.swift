import Events
import Primitives
import Testing

@testable import Queue

/// What retention keeps of a message that is over for one subscription, and not for another.
@Suite struct TopicNeedsTests {
    /// How a dead letter comes to its end.
    enum End: CaseIterable {
        case discarded
        case discardedAlone
        case redrivenAndAcked
    }

    private let queue = "t::a@default"
    private let other = "t::b@default"

    private func bench(fifo: Bool) -> Bench {
        var bench = Bench()
        let settings = QueueSettings(
            fifo: fifo,
            concurrency: 1,
            attempts: 1,
            backoff: .seconds(1),
            groupField: nil
        )
        for function in ["a", "b"] {
            let event = Subscribed(
                topic: "t",
                function: FunctionName(id: function),
                condition: nil,
                settings: settings
            )
            bench.apply(.subscribed(event))
        }
        return bench
    }

    private func redrive(_ bench: inout Bench) throws {
        let answer = try bench.call(.redrive, #"{"queue":"t::a@default"}"#)
        #expect(answer.hasSuffix(#""redriven":1}"#))
    }

    @Test("a dead letter that is over does not come back", arguments: [false, true], End.allCases)
    func deadLetter(fifo: Bool, end: End) throws {
        var bench = bench(fifo: fifo)
        let first = try bench.publish()
        let second = try bench.publish()
        #expect(bench.deliver(from: queue) == [first])
        bench.fail(first, in: queue)
        #expect(bench.deliver(from: queue) == [second])
        switch end {
        case .discarded:
            let answer = try bench.call(.discard, #"{"queue":"t::a@default"}"#)
            #expect(answer.hasSuffix(#""discarded":1}"#))
        case .discardedAlone:
            bench.apply(.discarded(Discarded(queue: queue, message: first)))
        case .redrivenAndAcked:
            try redrive(&bench)
            bench.ack(second, in: queue)
            #expect(bench.deliver(from: queue) == [first])
            bench.ack(first, in: queue)
        }
        #expect(bench.view.message(first, in: queue) == nil)
        #expect(bench.needed() == Array(bench.events.indices))
        bench.ack(second, in: queue)
        for message in [first, second] {
            #expect(bench.deliver(from: other) == [message])
            bench.ack(message, in: other)
        }
        #expect(bench.needed() == [0, 1], "nobody has them any more")
    }

    @Test("what is acknowledged stays while another one waits for it", arguments: [false, true])
    func acknowledged(fifo: Bool) throws {
        var bench = bench(fifo: fifo)
        let message = try bench.publish()
        #expect(bench.deliver(from: queue) == [message])
        bench.ack(message, in: queue)
        #expect(bench.needed() == Array(bench.events.indices))
        #expect(bench.deliver(from: other) == [message])
        bench.ack(message, in: other)
        #expect(bench.needed() == [0, 1])
    }

    @Test("what a redrive made history is so when its message is over, too")
    func redriven() throws {
        var bench = bench(fifo: false)
        let message = try bench.publish()
        for _ in 0..<3 {
            #expect(bench.deliver(from: queue) == [message])
            bench.fail(message, in: queue)
            try redrive(&bench)
        }
        let count = bench.events.count
        let before = bench.needed()
        #expect(before.count < count)
        #expect(bench.deliver(from: queue) == [message])
        bench.ack(message, in: queue)
        let after = bench.needed()
        #expect(after.filter { $0 < count } == before)
    }

    @Test("a subscription that was made anew has no part in what was before it")
    func madeAnew() throws {
        var bench = bench(fifo: false)
        let message = try bench.publish()
        let delivery = bench.events.count
        #expect(bench.deliver(from: queue) == [message])
        bench.ack(message, in: queue)
        #expect(bench.needed().contains(delivery))
        bench.unsubscribe("a")
        #expect(!bench.needed().contains(delivery))
        bench.subscribe("a")
        #expect(!bench.needed().contains(delivery))
        #expect(bench.deliver(from: queue) == [])
    }
}
