import Events
import JSON
import LogTools
import Observability
import Primitives
import Testing

/// A history as a collector gets it.
@Suite struct HistoryOTLPTests {
    /// A span on a line: its name and kind, its record, that of its parent, from when to when in
    /// milliseconds, its status and what happened in it.
    private func lines(_ history: HistoryTree) throws -> [String] {
        try spans(HistoryOTLP(history)).map { span in
            let events = (span.member("events")?.elements ?? []).map { event in
                "\(text(event, "name"))@\(milliseconds(event, "timeUnixNano"))"
            }
            let status = span.member("status")?.member("code")?.description ?? "0"
            let parent = span.member("parentSpanId").map { offset($0) } ?? "nothing"
            let own = span.member("spanId").map { offset($0) } ?? "none"
            let kind = span.member("kind")?.description ?? "none"
            let start = milliseconds(span, "startTimeUnixNano")
            let end = milliseconds(span, "endTimeUnixNano")
            let parts: [String] = [
                "\(text(span, "name")) (\(kind)) \(own) below \(parent)", "\(start) to \(end)",
                status,
            ]
            return (parts + events).joined(separator: ", ")
        }
    }

    private func spans(_ export: HistoryOTLP) throws -> [JSONText] {
        let json = try JSONText(validating: Array(export.text.utf8))
        return (json.member("resourceSpans")?.elements ?? []).flatMap { resource in
            (resource.member("scopeSpans")?.elements ?? []).flatMap {
                $0.member("spans")?.elements ?? []
            }
        }
    }

    private func attributes(_ element: JSONText) -> [String: String] {
        var found: [String: String] = [:]
        for pair in element.member("attributes")?.elements ?? [] {
            found[text(pair, "key")] = pair.member("value").map { text($0, "stringValue") }
        }
        return found
    }

    private func text(_ element: JSONText, _ name: String) -> String {
        element.member(name)?.stringValue ?? "absent"
    }

    private func milliseconds(_ element: JSONText, _ name: String) -> Double {
        let nanoseconds = Int64(text(element, name)) ?? 0
        return Double(nanoseconds - Story.start.nanoseconds) / 1_000_000
    }

    /// The record that a span is of.
    private func offset(_ id: JSONText) -> String {
        let known = (0..<32 as Range<UInt64>).first {
            hexadecimal(EngineSpans.id(of: Offset($0))) == id.stringValue
        }
        return known.map { "#\($0)" } ?? id.description
    }

    @Test("one run is one span, in the encoding that collectors read")
    func encoding() throws {
        var story = Story()
        let run = story.invoke("f", by: Story.worker, at: 0, cause: nil)
        story.complete(run, at: 1, .none, took: 1)
        let attributes = [
            ("faas.invoked_name", "f"), ("faas.trigger", "other"), ("function_id", "f"),
            ("iii.function.kind", "user"), ("iii.offset", "0"), ("iii.kind", "invoked"),
            ("iii.invocation", "00000000-0000-cccc-0000-000000000000"), ("iii.function", "f"),
            ("iii.namespace", "default"), ("iii.worker", "00000000-0000-aaaa-0000-000000000001"),
            ("iii.awaited", "true"), ("iii.condition", "false"), ("iii.end", "1"),
        ]
        let pairs = attributes.map { #"{"key":"\#($0.0)","value":{"stringValue":"\#($0.1)"}}"# }
        let export = HistoryOTLP(try story.history())
        #expect(export.leftOut == 0)
        let expected: [String] = [
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","#,
            #""value":{"stringValue":"iii"}}]},"scopeSpans":[{"scope":{"name":"iii"},"#,
            #""spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","#,
            #""spanId":"9e3779b97f4a7c15","name":"call f","kind":2,"#,
            #""startTimeUnixNano":"1788264000000000000","#,
            #""endTimeUnixNano":"1788264000001000000","#,
            #""attributes":["#, pairs.joined(separator: ","), #"],"#,
            #""events":[],"links":[],"status":{"code":1},"flags":1}]}]}]}"#,
        ]
        #expect(export.text == expected.joined())
    }

    @Test("hello: the request, its run, the message and its delivery, each below what led to it")
    func hello() throws {
        #expect(
            try lines(Story.hello().history()) == [
                "GET /hello (2) #5 below nothing, 0.0 to 4.2, 1",
                "call hello::api (2) #6 below #5, 0.1 to 4.2, 1, log@1.0",
                "enqueue greet::process → default (4) #8 below #6, 1.2 to 1.2, 1",
                "fn_queue default (5) #9 below #8, 1.3 to 4.3, 1, state::set@4.25",
            ]
        )
        let spans = try spans(HistoryOTLP(Story.hello().history()))
        let delivery = attributes(try #require(spans.last))
        #expect(delivery["iii.queue"] == "default")
        #expect(delivery["iii.attempt"] == "1")
        #expect(delivery["iii.function"] == "greet::process")
        #expect(delivery["iii.worker.name"] == "greeter")
        #expect(delivery["iii.end"] == "12")
        // As the engine's exporter says it, counted from 0.
        #expect(delivery["attempt"] == "0")
        let write = try #require(spans.last?.member("events")?.elements?.first)
        #expect(attributes(write)["iii.key"] == "abc123")
        #expect(attributes(write)["iii.offset"] == "11")
    }

    @Test("an error is the status of its span and of the request's, with an event of its own")
    func failure() throws {
        var story = Story()
        story.begin()
        let run = story.request()
        let error = ErrorBody(code: "E", message: "it broke", stacktrace: "line 1")
        story.complete(run, at: 2, .failure(error), took: 1.9)
        let history = try story.history()
        #expect(
            try lines(history) == [
                "GET /hello (2) #5 below nothing, 0.0 to 2.0, 2, exception@2.0",
                "call hello::api (2) #6 below #5, 0.1 to 2.0, 2, exception@2.0",
            ]
        )
        let request = try #require(try spans(HistoryOTLP(history)).first)
        #expect(request.member("status")?.member("message")?.stringValue == "it broke")
        #expect(attributes(request)["http.response.status_code"] == "500")
        #expect(attributes(request)["error.stack"] == "line 1")
    }

    @Test("what a crash cut off has no status, says what is missing, and ends with the engine")
    func crash() throws {
        var story = Story()
        story.begin()
        let api = story.request()
        let message = story.enqueue("default", "greet::process", at: 1, cause: api)
        _ = story.deliver(message, of: "default", at: 2)
        story.add(.started(Started(version: "0.1.0", process: 78)), at: 100, trace: nil)
        let second = story.deliver(message, of: "default", at: 200)
        story.ack(second, message, of: "default", at: 203)
        let history = try story.history()
        #expect(
            try lines(history) == [
                "GET /hello (2) #5 below nothing, 0.0 to 100.0, 0",
                "call hello::api (2) #6 below #5, 0.1 to 100.0, 0",
                "enqueue greet::process → default (4) #7 below #6, 1.0 to 1.0, 1",
                "fn_queue default (5) #8 below #7, 2.0 to 100.0, 0",
                "fn_queue default (5) #10 below #7, 200.0 to 203.0, 1",
            ]
        )
        let cut = try spans(HistoryOTLP(history)).map { attributes($0)["iii.missing"] ?? "" }
        let missing = "no end in the log: the engine was started again"
        #expect(cut.map { $0.hasPrefix(missing) } == [false, true, false, true, false])
    }

    @Test("what led to a span from another trace is a link, for a parent is of the same trace")
    func link() throws {
        var story = Story()
        let other = TraceID(high: 3, low: 3)
        let fired = story.add(
            .cron(
                .fired(
                    CronFired(
                        trigger: "t",
                        function: FunctionName(id: "clean::up"),
                        expression: "* * * * *",
                        scheduled: Story.start,
                        actual: Story.start
                    )
                )
            )
        )
        let run = story.invoke("clean::up", by: Story.worker, at: 1, cause: fired, trace: other)
        story.complete(run, at: 2, .none, took: 1, trace: other)
        let spans = try spans(HistoryOTLP(story.history()))
        try #require(spans.count == 2)
        #expect(text(spans[1], "traceId") == other?.description)
        #expect(spans[1].member("parentSpanId") == nil)
        let link = try #require(spans[1].member("links")?.elements?.first)
        #expect(text(link, "traceId") == Story.trace?.description)
        #expect(link.member("spanId").map { offset($0) } == "#0")
    }

    @Test("a caller's own span is the parent of what it called")
    func remote() throws {
        var story = Story()
        let invoked = Invoked(
            invocation: UUID128(high: 1, low: 1),
            function: FunctionName(id: "f"),
            worker: Story.worker,
            caller: Story.nobody,
            awaited: true,
            isCondition: false,
            input: [],
            parent: 0xABCD
        )
        let run = story.add(.invoked(invoked))
        story.complete(run, at: 1, .none, took: 1)
        let span = try #require(try spans(HistoryOTLP(story.history())).first)
        #expect(text(span, "parentSpanId") == "000000000000abcd")
        // As the engine's exporter has it, and not below the run.
        let message = Enqueued(
            queue: "mails",
            target: FunctionName(id: "g"),
            receipt: Story.receipt,
            group: nil,
            baggage: nil,
            payload: [],
            parent: RemoteSpan(span: 0xEF, flags: 1)
        )
        story.add(.queue(.enqueued(message)), cause: run)
        let sent = try #require(try spans(HistoryOTLP(story.history())).last)
        #expect(text(sent, "parentSpanId") == "00000000000000ef")
    }

    @Test("spans that SDKs reported are there as they said, the last report of each, once ended")
    func reported() throws {
        var story = Story()
        let run = story.invoke("f", by: Story.worker, at: 0, cause: nil)
        story.complete(run, at: 5, .none, took: 5)
        let end = Story.start.advanced(by: .milliseconds(3))
        story.add(.spanReported(.sample(7, "query", below: run, until: end)))
        story.add(.spanReported(.sample(7, "query again", below: run, until: end)))
        story.add(.spanReported(.sample(8, "open", below: run, until: nil)))
        let json = try JSONText(validating: Array(HistoryOTLP(story.history()).text.utf8))
        let resources = try #require(json.member("resourceSpans")?.elements)
        let services = resources.map { attributes($0.member("resource") ?? .null)["service.name"] }
        #expect(services == ["iii", "shop"])
        let spans = try spans(HistoryOTLP(story.history()))
        #expect(spans.map { text($0, "name") } == ["call f", "query again"])
        #expect(spans[1].member("parentSpanId").map { offset($0) } == "#0")
        #expect(attributes(spans[1]) == ["db": "orders"])
    }

    @Test("payloads are there only where they are asked for")
    func payloads() throws {
        let history = try Story.hello().history()
        let plain = HistoryOTLP(history).text
        for word in ["iii.payload", "iii.input", "iii.value", "iii.result"] {
            #expect(!plain.contains(word), "\(word)")
        }
        let spans = try spans(HistoryOTLP(history, isFull: true))
        #expect(attributes(spans[0])["iii.input"] == #"{"path":"hello","method":"GET"}"#)
        #expect(attributes(spans[1])["iii.result"]?.contains("Hello") == true)
        #expect(attributes(spans[2])["iii.payload"] == #"{"id":"abc123"}"#)
        let write = try #require(spans[3].member("events")?.elements?.first)
        #expect(attributes(write)["iii.value"] == #"{"text":"Hello"}"#)
    }

    @Test("what belongs to no span is counted")
    func leftOut() throws {
        var story = Story()
        story.set("k", 1, over: nil)
        let export = HistoryOTLP(try story.history())
        #expect(export.leftOut == 1)
        #expect(export.text == #"{"resourceSpans":[]}"#)
        var untraced = Story()
        let run = untraced.invoke("f", by: Story.worker, at: 0, cause: nil, trace: nil)
        untraced.complete(run, at: 1, .none, took: 1, trace: nil)
        #expect(HistoryOTLP(try untraced.history(of: nil, root: run)).leftOut == 1)
    }
}

extension SpanReported {
    /// A span that a service reported, from its first millisecond on; nil: it has not ended.
    static func sample(
        _ id: UInt64,
        _ name: String,
        below record: Offset,
        until end: Timestamp?,
        service: String = "shop"
    ) -> SpanReported {
        SpanReported(
            span: id,
            parent: EngineSpans.id(of: record),
            name: name,
            service: service,
            start: Story.start.advanced(by: .milliseconds(1)),
            end: end ?? Timestamp(nanoseconds: 0),
            status: .ok,
            statusDescription: nil,
            attributes: [TelemetryAttribute("db", "orders")],
            events: Story.json("[]"),
            links: Story.json("[]"),
            flags: nil,
            traceState: nil,
            scope: TelemetryScope(name: "sql"),
            role: .client
        )
    }
}
