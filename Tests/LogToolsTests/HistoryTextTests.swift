import Events
import LogTools
import Primitives
import Testing

@Suite struct HistoryTextTests {
    @Test("hello over a function queue is a tree from the request to the state")
    func helloQueue() throws {
        let answer = #"{"status_code":200,"body":{"message":"Hello"}}"#
        let trace = try #require(Story.trace)
        let expected = """
            trace \(trace), 8 records (#5 to #12), 2026-09-01T12:00:00Z, took 4.300 ms
                 0.000 ms  http GET /hello -> hello::api  #5
                           │ input {"path":"hello","method":"GET"}
                 0.100 ms  └ hello::api on hello-worker (python 0.25.0)  #6
                 1.000 ms    ├ log INFO hello-worker: got it  #7
                 1.200 ms    ├ enqueue greet::process -> queue default, receipt \(Story.receipt)  #8
                             │ │ payload {"id":"abc123"}
                 1.300 ms    │ └ delivery attempt 1 -> greet::process on greeter (python 0.25.0)  #9
                 4.250 ms    │   ├ state::set greetings/abc123 = {"text":"Hello"}  #11
                 4.300 ms    │   └ acked in 3.000 ms  #12
                 4.200 ms    └ completed 200 \(answer) in 4.100 ms  #10

            """
        #expect(try Story.hello().text() == expected)
    }

    @Test("hello over a topic tells the publication and the subscriber")
    func helloTopic() throws {
        let text = try Story.hello(topic: true).text()
        let expected = [
            "http GET /hello", "hello::api", "publish to topic greetings", "payload",
            "delivery attempt 1 -> greet::process on greeter", "state::set greetings/abc123",
            "acked", "completed 200",
        ]
        var rest = text[...]
        for words in expected {
            let range = try #require(rest.firstRange(of: words), "'\(words)' in order in:\n\(text)")
            rest = rest[range.upperBound...]
        }
    }

    @Test("of a trace that has only spans they are the history")
    func spans() throws {
        var story = Story()
        story.begin()
        // As they come: what ends first, first; and what has begun once more when it is over.
        story.span(2, "query", below: 1, from: 1, to: 3, at: 3)
        story.span(4, "astray", below: 9, from: 7, to: 8, at: 8)
        story.span(3, "render", below: 1, from: 4, to: nil, at: 4)
        story.span(3, "render", below: 1, from: 4, to: 10, at: 10)
        story.span(1, "page", below: 0, from: 1, to: 12, at: 12)
        let trace = try #require(Story.trace)
        let expected = """
            trace \(trace), 4 records (#5 to #9), 2026-09-01T12:00:00.001Z, took 11.000 ms
                 0.000 ms  span shop: page in 11.000 ms  #9
                 0.000 ms  ├ span shop: query in 2.000 ms  #5
                 3.000 ms  └ span shop: render in 6.000 ms  #8
                 6.000 ms  span shop: astray in 1.000 ms  #6

            """
        #expect(try story.text() == expected)
        let traced = HistoryChrome(try story.history()).text
        #expect(traced.ranges(of: "astray").count == 1, "a bar, and nothing else")
    }

    @Test("spans that say they are parts of each other are all told of")
    func circle() throws {
        var story = Story()
        story.begin()
        story.span(1, "one", below: 2, from: 1, to: 3, at: 3)
        story.span(2, "two", below: 1, from: 1, to: 3, at: 3)
        story.span(3, "self", below: 3, from: 1, to: 3, at: 3)
        let text = try story.text()
        for name in ["one", "two", "self"] { #expect(text.contains("shop: \(name) in")) }
    }

    @Test("a message that fails twice shows each attempt, each error and its end")
    func deadLetter() throws {
        var story = Story()
        story.begin()
        let message = story.enqueue("default", "greet::process", at: 0, cause: nil)
        let error = ErrorBody(
            code: "invocation_failed",
            message: "boom\u{1B}[2J",
            stacktrace: "line 1\nline 2"
        )
        let first = story.deliver(message, of: "default", at: 1)
        story.add(
            .queue(
                .retried(
                    Retried(
                        queue: "default",
                        message: message,
                        failures: 1,
                        notBefore: Story.start.advanced(by: .seconds(1)),
                        error: error
                    )
                )
            ),
            at: 2,
            cause: first
        )
        let second = story.deliver(message, of: "default", attempt: 2, at: 1001)
        story.add(
            .queue(
                .deadLettered(
                    DeadLettered(queue: "default", message: message, failures: 2, error: error)
                )
            ),
            at: 1002,
            cause: second
        )
        story.add(
            .queue(.redriven(Redriven(queue: "default", message: message))),
            at: 70_000,
            trace: TraceID(high: 9, low: 9)
        )
        let words = "invocation_failed: boom\\u001b[2J"
        let trace = try #require(Story.trace)
        let expected = """
            trace \(trace), 6 records (#5 to #10), 2026-09-01T12:00:00Z, took 1 min 10 s
                 0.000 ms  enqueue greet::process -> queue default, receipt \(Story.receipt)  #5
                           │ payload {"id":"abc123"}
                 1.000 ms  ├ delivery attempt 1 -> greet::process on greeter (python 0.25.0)  #6
                 2.000 ms  │ └ failed, 1 time so far, again at 2026-09-01T12:00:01Z: \(words)  #7
                           │     line 2
                  1.001 s  ├ delivery attempt 2 -> greet::process on greeter (python 0.25.0)  #8
                  1.002 s  │ └ dead letter after 2 failures: \(words)  #9
                           │     line 2
               1 min 10 s  └ redriven: message 5 of queue default  #10

            """
        #expect(try story.text() == expected)
        #expect(try story.text(isFull: true).contains("line 1"))
    }

    @Test("a purge stands below the first message that it dropped, and the others say so")
    func purge() throws {
        var story = Story()
        story.begin()
        let first = story.enqueue("default", "f", at: 0, cause: nil)
        let second = story.enqueue("default", "f", at: 1, cause: nil)
        let purged = Purged(queue: "default", by: "iii-cli", messages: [Offset(2), first, second])
        story.add(.queue(.purged(purged)), at: 2, trace: TraceID(high: 9, low: 9))
        let trace = try #require(Story.trace)
        let receipt = Story.receipt
        let expected = """
            trace \(trace), 3 records (#5 to #7), 2026-09-01T12:00:00Z, took 2.000 ms
                 0.000 ms  enqueue f -> queue default, receipt \(receipt)  #5
                           │ payload {"id":"abc123"}
                 2.000 ms  └ purged: 3 messages of queue default by iii-cli  #7
                 1.000 ms  enqueue f -> queue default, receipt \(receipt)  #6
                           │ payload {"id":"abc123"}
                           └ dropped with all that waited in its queue (#7)

            """
        #expect(try story.text() == expected)
        let json = try story.history().json
        #expect(json.contains(#""queue":"default","by":"iii-cli","messages":3,"first":2,"last":6"#))
    }

    @Test("a cron slot shows its run, and the run after a crash that has a trace of its own")
    func cron() throws {
        var story = Story()
        story.begin()
        let fired = story.add(
            .cron(
                .fired(
                    CronFired(
                        trigger: "nightly",
                        function: FunctionName(id: "clean::up"),
                        expression: "0 2 * * *",
                        scheduled: Story.start,
                        actual: Story.start.advanced(by: .milliseconds(3))
                    )
                )
            ),
            at: 3
        )
        _ = story.invoke("clean::up", by: Story.worker, at: 4, cause: fired)
        story.add(.started(Started(version: "0.1.0", process: 78)), at: 5000, trace: nil)
        let other = TraceID(high: 5, low: 5)
        let again = story.invoke(
            "clean::up",
            by: Story.greeter,
            at: 6000,
            cause: fired,
            trace: other
        )
        story.log("swept", "greeter", at: 6000.5, trace: other)
        story.complete(again, at: 6001, .none, took: 1, trace: other)
        let trace = try #require(Story.trace)
        let expected = """
            trace \(trace), 5 records (#5 to #10), 2026-09-01T12:00:00.003Z, took 5.998 s
                 0.000 ms  cron 0 2 * * * -> clean::up, slot 2026-09-01T12:00:00Z, 3.000 ms late  #5
                 1.000 ms  ├ clean::up on hello-worker (python 0.25.0)  #6
                           │ └ no end in the log: the engine was started again 4.996 s later (#7)
                  5.997 s  └ clean::up on worker 00000000  #8
                  5.997 s    ├ log INFO greeter: swept  (perhaps)  #9
                  5.998 s    └ completed in 1.000 ms  #10

            """
        #expect(try story.text() == expected)
    }

    @Test("what a crash left open is shown as open, and the delivery that repeats it")
    func crash() throws {
        var story = Story()
        story.begin()
        let api = story.request()
        let message = story.enqueue("default", "greet::process", at: 1, cause: api)
        _ = story.deliver(message, of: "default", at: 2)
        story.add(.started(Started(version: "0.1.0", process: 78)), at: 100, trace: nil)
        story.add(
            .workerDescribed(
                WorkerDescribed(
                    worker: Story.greeter,
                    name: "greeter-2",
                    namespace: "default",
                    runtime: "python",
                    version: "0.25.0"
                )
            ),
            trace: nil
        )
        let second = story.deliver(message, of: "default", at: 200)
        story.ack(second, message, of: "default", at: 203)
        let greeter = "greeter-2 (python 0.25.0)"
        let missing = "no end in the log: the engine was started again"
        let trace = try #require(Story.trace)
        let expected = """
            trace \(trace), 6 records (#5 to #12), 2026-09-01T12:00:00Z, took 203.000 ms
                 0.000 ms  http GET /hello -> hello::api  #5
                           │ input {"path":"hello","method":"GET"}
                 0.100 ms  └ hello::api on hello-worker (python 0.25.0)  #6
                 1.000 ms    ├ enqueue greet::process -> queue default, receipt \(Story.receipt)  #7
                             │ │ payload {"id":"abc123"}
                 2.000 ms    │ ├ delivery attempt 1 -> greet::process on \(greeter)  #8
                             │ │ └ \(missing) 98.000 ms later (#9)
               200.000 ms    │ └ delivery attempt 1 -> greet::process on \(greeter)  #11
               203.000 ms    │   └ acked in 3.000 ms  #12
                             └ \(missing) 99.900 ms later (#9)

            """
        #expect(try story.text() == expected)
    }

    @Test("a queued run whose result no record can hold is told as done")
    func unrecordedResult() throws {
        var story = Story()
        let message = story.enqueue("default", "f", at: 0, cause: nil)
        let delivery = story.deliver(message, of: "default", at: 1)
        let note = "a result of 20000000 bytes, too large to be recorded"
        let acked = Acked(
            queue: "default",
            message: message,
            result: .failure(ErrorBody(code: "payload_too_large", message: note)),
            duration: .milliseconds(3)
        )
        story.add(.queue(.acked(acked)), at: 4, cause: delivery)
        let text = try story.text()
        #expect(text.contains("acked in 3.000 ms, with \(note)"))
        #expect(!text.contains("failed"))
    }

    @Test("what a client got is told where its function's end does not tell it")
    func responses() throws {
        var story = Story()
        story.begin()
        let run = story.request()
        let request = Offset(run.rawValue - 1)
        func respond(
            _ form: Responded.Form,
            _ status: UInt16,
            _ reason: String = ""
        ) throws -> String {
            var story = story
            let event = Responded(form, status: status, duration: .seconds(8), reason: reason)
            story.add(.responded(event), at: 8000, cause: request)
            story.complete(run, at: 10_000, .none, took: 10_000)
            return try story.text()
        }
        let late = try respond(.engine, 504, "its function has not answered")
        #expect(late.contains("└ answered 504 after 8.000 s: its function has not answered"))
        #expect(late.contains("└ completed in 10.000 s"))
        #expect(try respond(.stream, 413).contains("└ answered 413 after 8.000 s, with a stream"))
        #expect(try respond(.awaited, 0).contains("└ nothing is returned after 8.000 s"))
        #expect(try respond(.abandoned, 0).contains("└ the client left after 8.000 s"))
    }

    @Test("long payloads are cut with a note of their length, and shown whole when asked")
    func payloads() throws {
        var story = Story()
        let long = "\"" + String(repeating: "é", count: 400) + "\""
        _ = story.enqueue("default", "f", at: 0, cause: nil, payload: long)
        let cut = try story.text()
        #expect(cut.contains("é… (802 bytes)"))
        #expect(!cut.contains("\u{FFFD}"))
        #expect(cut.contains("└ no delivery in the log"))
        #expect(try story.text(isFull: true).contains(long))
    }

    @Test("a history of 20,000 levels is written without recursion and without endless lines")
    func deep() throws {
        var story = Story()
        var cause: Offset?
        for level in 0..<20_000 {
            cause = story.invoke("f", by: Story.worker, at: Double(level), cause: cause)
        }
        let text = try story.text()
        #expect(text.split(separator: "\n").allSatisfy { $0.count < 240 })
        #expect(try story.history().json.utf8.count > 20_000)
    }

    @Test("records of other requests stay out")
    func strangers() throws {
        var story = Story.hello()
        let other = TraceID(high: 3, low: 3)
        let start = story.invoke("other::f", by: Story.worker, at: 9, cause: nil, trace: other)
        story.complete(start, at: 10, .none, took: 1, trace: other)
        #expect(try !story.text().contains("other::f"))
        #expect(try story.text(of: other).contains("other::f"))
    }
}
