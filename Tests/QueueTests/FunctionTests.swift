import Events
import JSON
import Primitives
import Testing

@testable import Queue

@Suite("Looking into queues and mending them")
struct FunctionTests {
    /// A queue with two dead letters, the second of which died later.
    private func graveyard() throws -> (Bench, [Offset]) {
        var bench = Bench()
        bench.define(attempts: 1)
        let offsets = [try bench.enqueue(#"{"n":1}"#), try bench.enqueue(#"{"n":2}"#)]
        _ = bench.deliver()
        bench.fail(offsets[0])
        bench.pass(milliseconds: 5000)
        bench.fail(offsets[1])
        return (bench, offsets)
    }

    @Test("dead letters are shown, the newest first")
    func deadLetters() throws {
        var (bench, _) = try graveyard()
        let row =
            #"{"id":"00000000-0000-0009-0000-000000000002","payload":{"n":2},"error":"c: m","#
            + #""failed_at":1005,"retries":1,"size_bytes":7,"queue":"q","function_id":"f","#
            + #""offset":2,"failed_at_ms":1005000,"enqueued_at_ms":1000000,"trace_id":null}"#
        #expect(try bench.call(.deadLetters, #"{"topic":"q","limit":1}"#) == "[\(row)]")
        let second = try bench.call(.deadLetters, #"{"queue":"q","offset":1}"#)
        #expect(second.contains(#""failed_at":1000"#) && !second.contains("1005"))
        #expect(try bench.call(.deadLetters, #"{"topic":"q","offset":2}"#) == "[]")
        #expect(try bench.call(.deadLetters, #"{"topic":"nobody"}"#) == "[]")
        #expect(
            try bench.call(.deadLetterTopics, "{}")
                == #"[{"topic":"q","broker_type":"builtin","message_count":2}]"#
        )
    }

    @Test("a dead letter that cannot be read any more has a name, too, and can be discarded")
    func unreadable() throws {
        var bench = Bench()
        // What is not kept would come from the log.
        bench.view = QueueView(budget: MemoryBudget(bytes: 0))
        bench.define(attempts: 1)
        let offset = try bench.enqueue()
        #expect(bench.deliver() == [offset])
        bench.fail(offset)
        let letters = try bench.call(.deadLetters, #"{"topic":"q"}"#)
        #expect(letters.hasPrefix(#"[{"id":"offset-1","payload":null,"#))
        for id in ["offset-2", "offset-01", "offset-+1", "offset-", "xxxxxx-1", "1"] {
            let other = #"{"queue":"q","message_id":"\#(id)"}"#
            let answer = try bench.call(.discardMessage, other)
            #expect(answer.hasSuffix(#""redriven":0}"#), "\(id)")
        }
        let input = #"{"queue":"q","message_id":"offset-1"}"#
        #expect(try bench.call(.discardMessage, input).hasSuffix(#""redriven":1}"#))
        #expect(bench.view.queues["q"]?.deadCount == 0)
    }

    @Test("how many messages run, wait for their next attempt or just wait is told")
    func stats() throws {
        var bench = Bench()
        bench.define(concurrency: 2, attempts: 2)
        let offsets = [try bench.enqueue(), try bench.enqueue(), try bench.enqueue()]
        _ = bench.deliver()
        bench.fail(offsets[0])
        let stats = try bench.call(.topicStats, #"{"topic":"q"}"#)
        #expect(stats.hasPrefix(#"{"depth":3,"#), "\(stats)")
        #expect(stats.hasSuffix(#","delayed":1,"in_flight":1}"#), "\(stats)")
    }

    @Test("messages that wait or run are shown, the oldest first, and dead ones not")
    func messages() throws {
        var bench = Bench()
        bench.define(concurrency: 2, attempts: 2)
        for number in 1...3 { try bench.enqueue(#"{"n":\#(number)}"#) }
        let offsets = bench.deliver()
        bench.fail(offsets[0])
        func row(
            _ number: Int,
            _ state: String,
            _ why: String,
            attempt: Int,
            next: String = "null"
        ) -> String {
            #"{"id":"00000000-0000-0009-0000-00000000000\#(number)","queue":"q","#
                + #""offset":\#(number),"function_id":"f","state":"\#(state)","#
                + #""attempt":\#(attempt),"next_at_ms":\#(next),"why":"\#(why)","#
                + #""payload":{"n":\#(number)},"size_bytes":7,"#
                + #""enqueued_at_ms":1000000,"trace_id":null}"#
        }
        let rows = [
            row(1, "delayed", "waits for attempt 2 of 2", attempt: 2, next: "1001000"),
            row(2, "in_flight", "its function runs", attempt: 1),
            row(3, "waiting", "next", attempt: 1),
        ]
        let all = try bench.call(.messages, #"{"queue":"q"}"#)
        #expect(all == "[\(rows.joined(separator: ","))]")
        let oldest = try bench.call(.messages, #"{"topic":"q","limit":1}"#)
        #expect(oldest == "[\(rows[0])]")
        for (offset, page) in [("1", rows[1...1]), ("2", rows[2...]), ("\(Int64.max)", [])] {
            let input = #"{"topic":"q","limit":1,"offset":\#(offset)}"#
            #expect(try bench.call(.messages, input) == "[\(page.joined(separator: ","))]")
        }
        let unserved = try bench.call(.messages, #"{"queue":"q"}"#, served: { _ in false })
        #expect(unserved.contains(#""why":"no worker serves its function","payload":{"n":3}"#))
        var (dead, _) = try graveyard()
        #expect(try dead.call(.messages, #"{"queue":"q"}"#) == "[]")
        #expect(try bench.call(.messages, #"{"queue":"nobody"}"#) == "[]")
    }

    @Test("that a message cannot be read is told before that no worker would take it")
    func unreadableFirst() throws {
        var bench = Bench()
        bench.define()
        try bench.enqueue(#"{"n":1}"#)
        for isServed in [false, true] {
            let list = try bench.call(
                .messages,
                #"{"queue":"q"}"#,
                served: { _ in isServed },
                content: { _ in nil }
            )
            let told = #""why":"its record cannot be read","payload":null,"size_bytes":null,"#
            #expect(list.contains(told), "\(list)")
        }
    }

    @Test("a payload that a list has no room for, so deep it is, is told as a text")
    func deepPayload() throws {
        for (levels, isText) in [(125, false), (126, true)] {
            var bench = Bench()
            bench.define(concurrency: 1, attempts: 1)
            let open = String(repeating: "[", count: levels)
            try bench.enqueue(open + String(repeating: "]", count: levels))
            let list = try bench.call(.messages, #"{"queue":"q"}"#)
            #expect(list.contains(#""payload":"[[["#) == isText)
            #expect(JSONText(trusted: Array(list.utf8)).isNested(within: Limits.jsonDepth - 1))
        }
    }

    @Test("a redrive begins anew, the oldest first")
    func redrive() throws {
        var (bench, offsets) = try graveyard()
        #expect(try bench.call(.redrive, #"{"queue":"q"}"#) == #"{"queue":"q","redriven":2}"#)
        #expect(bench.deliver() == offsets)
        #expect(bench.view.message(offsets[0], in: "q")?.nextAttempt == 1)
        #expect(try bench.call(.redrive, #"{"topic":"q"}"#) == #"{"queue":"q","redriven":0}"#)
        let both = try bench.call(.redrive, #"{"queue":"q","topic":"q"}"#)
        #expect(both == #"{"queue":"q","redriven":0}"#)
        #expect(bench.replayed().digest() == bench.view.digest())
    }

    @Test(
        "the log is read only for a receipt that nothing in memory has",
        arguments: [
            ("offset-2", true, 0), ("00000000-0000-0009-0000-000000000001", true, 0),
            ("a typo", false, 0), ("00000000-0000-0009-0000-000000000002", true, 1),
            ("00000000-0000-0009-0000-000000000007", false, 1),
        ]
    )
    func lookup(id: String, isThere: Bool, reads: Int) throws {
        var bench = Bench()
        // Room for the first one.
        bench.view = QueueView(budget: MemoryBudget(bytes: 200))
        bench.define(attempts: 1)
        for _ in 0..<2 { try bench.enqueue() }
        for offset in bench.deliver() { bench.fail(offset) }
        let unkept = Message.Content(
            payload: [],
            receipt: UUID128(high: 9, low: 2),
            time: Timestamp(nanoseconds: 0),
            trace: nil,
            baggage: nil,
            flags: 0
        )
        var read = 0
        let input = #"{"queue":"q","message_id":"\#(id)"}"#
        let decision = try bench.view.decide(
            .discardMessage,
            input: try JSONText(validating: Array(input.utf8)),
            by: "w",
            consumers: { _ in 0 },
            isServed: { _ in true },
            content: { message in
                read += 1
                return message.content ?? unkept
            }
        )
        #expect(decision.events.isEmpty == !isThere)
        #expect(read == reads)
    }

    @Test("one dead letter is redriven or discarded by its receipt")
    func one() throws {
        var (bench, offsets) = try graveyard()
        let first = #"{"queue":"q","message_id":"00000000-0000-0009-0000-000000000001"}"#
        #expect(try bench.call(.discardMessage, first).hasSuffix(#""redriven":1}"#))
        #expect(try bench.call(.discardMessage, first).hasSuffix(#""redriven":0}"#))
        let second = #"{"topic":"q","message_id":"00000000-0000-0009-0000-000000000002"}"#
        #expect(try bench.call(.redriveMessage, second).hasSuffix(#""redriven":1}"#))
        #expect(bench.deliver() == [offsets[1]])
        #expect(bench.view.queues["q"]?.deadCount == 0)
    }

    @Test("a topic's dead letters are found by its name, and by its subscriptions' queues")
    func subscriptions() throws {
        var bench = Bench()
        func subscribe(_ function: String, to topic: String) {
            let event = Subscribed(
                topic: topic,
                function: FunctionName(id: function),
                condition: nil,
                settings: .standard
            )
            bench.apply(.subscribed(event))
        }
        subscribe("a", to: "t")
        subscribe("b", to: "t")
        let enqueued = try bench.view.decidePublish(
            .init(trusted: Array(#"{"topic":"t","data":[1]}"#.utf8)),
            function: "enqueue",
            receipt: UUID128(high: 1, low: 1),
            baggage: nil
        )
        bench.apply(.enqueued(enqueued))
        for queue in ["t::a@default", "t::b@default"] {
            for offset in bench.deliver(from: queue) {
                let error = ErrorBody(code: "c", message: "m")
                let letter = DeadLettered(queue: queue, message: offset, failures: 3, error: error)
                bench.apply(.deadLettered(letter))
            }
        }
        let topic = #"{"topic":"t"}"#
        let own = #"{"queue":"t::b@default"}"#
        let letters = try bench.call(.deadLetters, topic)
        for function in ["a", "b"] {
            let place = #""queue":"t::\#(function)@default","function_id":"\#(function)""#
            #expect(letters.contains(place))
        }
        let stats = try bench.call(.topicStats, own)
        #expect(stats.hasPrefix(#"{"depth":0,"consumer_count":10,"dlq_depth":1,"config":{"#))
        let one = #"{"queue":"t::b@default","message_id":"00000000-0000-0001-0000-000000000001"}"#
        #expect(try bench.call(.discardMessage, one).hasSuffix(#""redriven":1}"#))
        #expect(try bench.call(.deadLetters, own) == "[]")
        let rest = #"{"queue":"t::a@default"}"#
        #expect(try bench.call(.redrive, rest).hasSuffix(#""redriven":1}"#))
        #expect(try bench.call(.messages, rest).contains(#""function_id":"a""#))
        // A topic of the same name is meant before.
        subscribe("c", to: "t::b@default")
        #expect(bench.view.resolve("t::b@default") == ["t::b@default::c@default"])
    }

    @Test("a topic and a function queue of one name are one row, and both are found by it")
    func sameName() throws {
        var bench = Bench()
        bench.define("t", concurrency: 3, attempts: 1)
        bench.subscribe("a")
        let own = try bench.enqueue(to: "t")
        let published = try bench.publish()
        #expect(bench.view.resolve("t") == ["t", "t::a@default"])
        #expect(
            try bench.call(.listTopics, "{}")
                == #"[{"name":"t","broker_type":"builtin","subscriber_count":5}]"#
        )
        let topic = #"{"topic":"t"}"#
        #expect(try bench.call(.topicStats, topic).hasPrefix(#"{"depth":2,"consumer_count":5,"#))
        _ = bench.deliver(from: "t")
        bench.fail(own, in: "t")
        _ = bench.deliver(from: "t::a@default")
        let error = ErrorBody(code: "c", message: "m")
        let letter = DeadLettered(
            queue: "t::a@default",
            message: published,
            failures: 3,
            error: error
        )
        bench.apply(.deadLettered(letter))
        #expect(
            try bench.call(.deadLetterTopics, "{}")
                == #"[{"topic":"t","broker_type":"builtin","message_count":2}]"#
        )
        #expect(try bench.call(.redrive, #"{"queue":"t"}"#) == #"{"queue":"t","redriven":2}"#)
    }

    @Test(
        "what cannot be done is refused by its code",
        arguments: [
            (QueueFunction.redrive, "{}", "queue_not_set"),
            (.redrive, #"{"queue":""}"#, "queue_not_set"),
            (.redriveMessage, #"{"message_id":"x"}"#, "queue_not_set"),
            (.discard, "{}", "queue_not_set"),
            (.discard, #"{"queue":"none"}"#, "NOT_FOUND"),
            (.redriveMessage, #"{"queue":"q"}"#, "message_id_not_set"),
            (.discardMessage, #"{"queue":"q","message_id":""}"#, "message_id_not_set"),
            (.topicStats, "{}", "topic_required"), (.deadLetters, "null", "topic_required"),
            (.messages, "{}", "topic_required"), (.purge, "{}", "queue_not_set"),
            (.purge, #"{"queue":""}"#, "queue_not_set"), (.purge, #"{"queue":"q"}"#, "NOT_FOUND"),
            (.purge, #"{"queue":7}"#, "deserialization_error"),
            (.explain, #"{"id":"x"}"#, "INVALID_ARGUMENTS"),
            (.redrive, #"{"queue":7}"#, "deserialization_error"),
            (.redrive, #"{"queue":"q","topic":"r"}"#, "deserialization_error"),
            (.purge, #"{"queue":"q","topic":"r"}"#, "deserialization_error"),
            (.define, #"{"queue":"q","topic":"r"}"#, "deserialization_error"),
            (.deadLetters, #"{"topic":"q","limit":"x"}"#, "deserialization_error"),
        ]
    )
    func refused(function: QueueFunction, input: String, code: String) {
        var bench = Bench()
        let error = #expect(throws: ErrorBody.self) { _ = try bench.call(function, input) }
        #expect(error?.code == code)
        #expect(bench.events.isEmpty)
    }
}

@Suite("Queue triggers")
struct QueueTriggerTests {
    private func read(_ config: String) throws -> Subscribed {
        try QueueTrigger.subscription(
            of: FunctionName(id: "f"),
            config: try JSONText(validating: Array(config.utf8))
        )
    }

    @Test("settings at the top win over those in queue_config; N retries are N + 1 calls")
    func settings() throws {
        let plain = try read(#"{"topic":"t"}"#)
        #expect(plain.topic == "t")
        #expect(plain.settings == .standard)
        let nested = try read(
            #"{"topic":"t","queue":"u","condition_function_id":"c","queue_config":"#
                + #"{"type":"fifo","maxRetries":5,"concurrency":2,"backoffDelayMs":250}}"#
        )
        #expect(nested.topic == "u")
        #expect(nested.condition == "c")
        #expect(nested.settings.fifo)
        #expect(nested.settings.attempts == 6)
        #expect(nested.settings.concurrency == 2)
        #expect(nested.settings.backoff == .milliseconds(250))
        let top = try read(
            #"{"topic":"t","max_retries":0,"backoff_ms":1,"queue_config":{"maxRetries":5}}"#
        )
        #expect(top.settings.attempts == 1)
        #expect(top.settings.backoff == .milliseconds(1))
    }

    @Test("what has no effect is named")
    func ignored() throws {
        func ignored(_ config: String) throws -> [String] {
            QueueTrigger.ignored(try JSONText(validating: Array(config.utf8)))
        }
        let nested = #"{"visibilityTimeout":30,"delaySeconds":0,"backoffType":"fixed"}"#
        let all = ["visibilityTimeout", "delaySeconds", "backoffType"]
        #expect(try ignored(#"{"topic":"t","queue_config":\#(nested)}"#) == all)
        #expect(try ignored(#"{"topic":"t","delaySeconds":1}"#) == ["delaySeconds"])
        #expect(try ignored(#"{"topic":"t","queue_config":{"maxRetries":5}}"#) == [])
    }

    @Test("numbers beyond all measure are cut, not trapped")
    func huge() throws {
        let max = Int64.max
        let trigger = try read(
            #"{"topic":"t","maxRetries":\#(max),"concurrency":\#(max),"backoff_ms":\#(max)}"#
        )
        #expect(trigger.settings.attempts == .max)
        #expect(trigger.settings.concurrency == .max)
        #expect(trigger.settings.backoff.nanoseconds == .max)
    }

    @Test(
        "a subscription without a topic, or with settings that are none, is refused",
        arguments: [
            "{}", #"{"topic":""}"#, "{\"topic\":\"\(String(repeating: "x", count: 5000))\"}",
            #"{"topic":7}"#, "[]", #"{"topic":"t","maxRetries":-1}"#,
            #"{"topic":"t","maxRetries":"x"}"#, #"{"topic":"t","queue_config":[]}"#,
        ]
    )
    func refused(config: String) {
        let error = #expect(throws: ErrorBody.self) { try read(config) }
        #expect(error?.code == "trigger_registration_failed")
        #expect(error?.message.contains("queue is required") == true)
    }
}
