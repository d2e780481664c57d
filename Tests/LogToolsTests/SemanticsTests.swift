import Events
import LogTools
import Primitives
import RecordFormat
import Testing

/// One broken rule a test, beside a history that keeps it.
@Suite struct SemanticsTests {
    private func findings(_ story: Story) -> [String] {
        var semantics = Semantics()
        story.forEach { semantics.check($0) }
        return semantics.finish().found
    }

    private func expect(_ story: Story, _ parts: String...) {
        let found = findings(story)
        #expect(found.count == parts.count, "\(found)")
        for (finding, part) in zip(found, parts) {
            #expect(finding.contains(part), "\(finding)")
        }
    }

    @Test("hello over a queue and over a topic keeps every rule")
    func sound() {
        expect(.hello())
        var story = Story()
        story.add(.queue(.subscribed(Story.subscribed)), trace: nil)
        let message = story.enqueue("greetings", nil, at: 1, cause: nil)
        let queue = "greetings::greet::process@default"
        let delivery = story.deliver(message, of: queue, at: 2)
        story.ack(delivery, message, of: queue, at: 3)
        expect(story)
    }

    @Test("what was not delivered is not acknowledged")
    func unasked() {
        var story = Story()
        let first = story.enqueue("q", "f", at: 1, cause: nil)
        let second = story.enqueue("q", "f", at: 2, cause: nil)
        let delivery = story.deliver(first, of: "q", at: 3)
        story.ack(delivery, second, of: "q", at: 4)
        expect(story, "record 3 (acked): it ends delivery 2, which is not open")
    }

    @Test("attempts begin at 1 and count failures, also behind a crash")
    func attempts() {
        var story = Story()
        let message = story.enqueue("q", "f", at: 1, cause: nil)
        let delivery = story.deliver(message, of: "q", at: 2)
        story.retry(delivery, message, of: "q", failures: 1, at: 3)
        _ = story.deliver(message, of: "q", attempt: 2, at: 4)
        story.add(.started(Started(version: "0.1.0", process: 2)), at: 5, trace: nil)
        let good = story
        _ = story.deliver(message, of: "q", attempt: 2, at: 6)
        expect(story)
        story = good
        _ = story.deliver(message, of: "q", attempt: 1, at: 6)
        expect(story, "attempt 1 of message 0 of queue q follows attempt 2")
        story = good
        _ = story.deliver(message, of: "q", attempt: 3, at: 6)
        expect(story, "attempt 3 of message 0 of queue q follows 1 failure")
    }

    @Test("a message is out once at a time")
    func twice() {
        var story = Story()
        let message = story.enqueue("q", "f", at: 1, cause: nil)
        _ = story.deliver(message, of: "q", at: 2)
        _ = story.deliver(message, of: "q", at: 3)
        let found = findings(story)
        #expect(found.first?.contains("is still out, by delivery 1") == true, "\(found)")
    }

    @Test("what is purged waits, and is over with it")
    func purged() {
        var story = Story()
        story.add(.queue(.defined(QueueDefined(queue: "q", settings: .standard))), trace: nil)
        let first = story.enqueue("q", "f", at: 1, cause: nil)
        let second = story.enqueue("q", "f", at: 2, cause: nil)
        func purge(_ messages: Offset...) {
            let event = Purged(queue: "q", by: nil, messages: messages)
            story.add(.queue(.purged(event)), at: 4, trace: nil)
        }
        let delivery = story.deliver(first, of: "q", at: 3)
        purge(second)
        expect(story)
        purge(first, second)
        story.ack(delivery, first, of: "q", at: 5)
        expect(
            story,
            "message \(first) of queue q does not wait",
            "its message \(second) of queue q is not pending",
            "it ends delivery \(delivery), which is not open"
        )
    }

    @Test("what is purged as dead is a dead letter")
    func purgedDead() {
        var story = Story()
        story.add(.queue(.defined(QueueDefined(queue: "q", settings: .standard))), trace: nil)
        let message = story.enqueue("q", "f", at: 1, cause: nil)
        let event = Purged(queue: "q", by: nil, messages: [message], areDead: true)
        story.add(.queue(.purged(event)), at: 2, trace: nil)
        expect(story, "message \(message) of queue q is no dead letter")
    }

    @Test(
        "a dead letter of which retention left no death is discarded all the same",
        arguments: [false, true]
    )
    func thinned(isPurged: Bool) {
        var story = Story()
        story.add(.queue(.subscribed(Story.subscribed)), trace: nil)
        let queue = "greetings::greet::process@default"
        let message = story.enqueue("greetings", nil, at: 1, cause: nil)
        let delivery = story.deliver(message, of: queue, at: 2)
        let error = ErrorBody(code: "e", message: "m")
        let letter = DeadLettered(queue: queue, message: message, failures: 1, error: error)
        let death = story.add(.queue(.deadLettered(letter)), at: 3, cause: delivery)
        let purged = Purged(queue: queue, by: nil, messages: [message], areDead: true)
        let discarded = Discarded(queue: queue, message: message)
        let end: QueueEvent = isPurged ? .purged(purged) : .discarded(discarded)
        story.add(.queue(end), at: 4, trace: nil)
        expect(story)
        var semantics = Semantics()
        story.forEach { record in
            if record.offset != delivery, record.offset != death { semantics.check(record) }
        }
        #expect(semantics.finish().found == [])
    }

    @Test("an ended subscription delivers nothing, and keeps what it had for the next one")
    func ended() {
        var story = Story()
        let subscribed = Story.subscribed
        func end() -> Unsubscribed {
            Unsubscribed(
                topic: subscribed.topic,
                function: subscribed.function,
                keepsMessages: true
            )
        }
        story.add(.queue(.subscribed(subscribed)), trace: nil)
        let queue = "greetings::greet::process@default"
        let first = story.enqueue("greetings", nil, at: 1, cause: nil)
        let second = story.enqueue("greetings", nil, at: 2, cause: nil)
        let delivery = story.deliver(first, of: queue, at: 3)
        story.add(.queue(.unsubscribed(end())), at: 4, trace: nil)
        story.ack(delivery, first, of: queue, at: 5)
        let good = story
        story.add(.queue(.subscribed(subscribed)), at: 6, trace: nil)
        let next = story.deliver(second, of: queue, at: 7)
        story.ack(next, second, of: queue, at: 8)
        story.add(.queue(.unsubscribed(end())), at: 9, trace: nil)
        expect(story)
        story = good
        _ = story.deliver(second, of: queue, at: 6)
        expect(story, "message \(second) of queue \(queue), whose subscription has ended")
    }

    @Test("a cause is of a kind that leads to its effect")
    func causes() {
        var story = Story()
        story.begin()
        let call = story.invoke("f", by: Story.worker, at: 1, cause: Offset(0))
        story.complete(call, at: 2, .none, took: 1)
        story.complete(call, at: 3, .none, took: 1)
        expect(
            story,
            "its cause 0 is started, which leads to none of its kind",
            "the run \(call) that it ends is not open"
        )
    }

    @Test("times never go back")
    func times() {
        var story = Story()
        story.log("b", "s", at: 2, trace: nil)
        story.log("a", "s", at: 1, trace: nil)
        expect(story, "is before")
    }

    @Test("a slot of a cron trigger fires once")
    func slots() {
        var story = Story()
        story.fire(slot: 60, at: 1)
        story.fire(slot: 120, at: 2)
        expect(story)
        story.fire(slot: 120, at: 3)
        expect(story, "a slot fires once")
    }

    @Test("names of keys and of items are told apart by their bytes")
    func names() {
        var story = Story()
        for name in ["\u{E9}", "e\u{301}"] {
            let set = StateSet(
                scope: "s",
                key: name,
                value: Story.json("1"),
                function: "state::set"
            )
            story.add(.state(.set(set)), trace: nil)
            let item = StreamSet(
                stream: "board",
                group: "g",
                item: name,
                value: Story.json("1"),
                isNew: true,
                function: "stream::set"
            )
            story.add(.stream(.set(item)), trace: nil)
        }
        expect(story)
    }

    @Test("behind a hole, absence says nothing")
    func holes() {
        var story = Story()
        let message = story.enqueue("q", "f", at: 1, cause: nil)
        let delivery = story.deliver(message, of: "q", at: 2)
        story.ack(delivery, message, of: "q", at: 3)
        var semantics = Semantics()
        story.forEach { if $0.offset != message { semantics.check($0) } }
        #expect(semantics.finish().found == [])
        var again = Semantics()
        story.forEach { if $0.offset != delivery { again.check($0) } }
        #expect(again.finish().found == [])
    }
}

extension Story {
    static let subscribed = Subscribed(
        topic: "greetings",
        function: FunctionName(id: "greet::process"),
        condition: nil,
        settings: .standard
    )

    mutating func retry(
        _ delivery: Offset,
        _ message: Offset,
        of queue: String,
        failures: UInt32,
        at time: Double
    ) {
        let error = ErrorBody(code: "E", message: "no")
        let event = Retried(
            queue: queue,
            message: message,
            failures: failures,
            notBefore: Story.start,
            error: error
        )
        add(.queue(.retried(event)), at: time, cause: delivery)
    }

    mutating func fire(slot: Int64, at time: Double) {
        let slot = Story.start.advanced(by: .seconds(slot))
        let event = CronFired(
            trigger: "t",
            function: FunctionName(id: "f"),
            expression: "* * * * *",
            scheduled: slot,
            actual: slot
        )
        add(.cron(.fired(event)), at: time)
    }
}
