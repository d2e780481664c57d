import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Spans that records tell")
struct EngineSpanTests {
    private let bench = FollowBench()

    private func ask(
        _ function: TelemetryFunction = .listTraces,
        _ input: String = #"{"search_all_spans":true,"include_internal":true}"#
    ) throws -> JSONText {
        let context = TelemetryContext(now: bench.now, version: "1", baggage: nil)
        let result = try bench.log.answer(
            function,
            JSONText(validating: Array(input.utf8)),
            context
        )
        guard case .value(let bytes) = result.result else { return .null }
        return try JSONText(validating: bytes)
    }

    /// Name, own id and parent of every span, in the order in which they ended.
    private func spans() throws -> [(name: String, id: String, parent: String?)] {
        try (ask().member("spans")?.elements ?? []).map { span in
            (
                span.member("name")?.stringValue ?? "", span.member("span_id")?.stringValue ?? "",
                span.member("parent_span_id")?.stringValue
            )
        }
    }

    private func attributes(of name: String) throws -> [String: String] {
        let spans = try ask().member("spans")?.elements ?? []
        let span = try #require(spans.first { $0.member("name")?.stringValue == name })
        var found: [String: String] = [:]
        for pair in span.member("attributes")?.elements ?? [] {
            guard let elements = pair.elements, let key = elements[0].stringValue else { continue }
            found[key] = elements[1].stringValue
        }
        return found
    }

    private func text(_ record: Offset) -> String { hexadecimal(EngineSpans.id(of: record)) }

    @Test("a request that enqueues, and the delivery, below each other")
    func chain() throws {
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        let message = bench.enqueue("send", cause: run)
        bench.complete(run)
        let delivery = bench.deliver(message)
        bench.ack(message, delivery)
        let spans = try spans().sorted { $0.name < $1.name }
        try #require(spans.map(\.name) == ["GET /hello", "enqueue send → mails", "fn_queue mails"])
        #expect(spans[0] == ("GET /hello", text(root), nil))
        #expect(spans[1] == ("enqueue send → mails", text(message), text(root)))
        #expect(spans[2] == ("fn_queue mails", text(delivery), text(message)))
        let queue = try attributes(of: "fn_queue mails")
        #expect(queue["attempt"] == "0")
        #expect(queue["messaging.system"] == "iii-queue")
        #expect(queue["messaging.operation.type"] == "process")
        #expect(queue["iii.tag.kind"] == "queue.process")
        #expect(queue["iii.tag.display_name"] == "queue(mails) send")
        let tree = try ask(.traceTree, #"{"trace_id":"\#(bench.trace(1))"}"#)
        let top = try #require(tree.member("roots")?.elements)
        #expect(top.count == 1)
        let child = top.first?.member("children")?.elements?.first
        #expect(child?.member("name")?.stringValue == "enqueue send → mails")
        #expect(child?.member("children")?.elements?.count == 1)
    }

    @Test("a delivery's span has the message's baggage, but not what tells of the sender's span")
    func baggage() throws {
        let tags = "iii.tag.kind=step, iii.tag.hidden=true,iii.tag.team=c"
        let sent = "k=v,\(tags),iii.message.receipt=other"
        let message = bench.enqueue("send", baggage: sent)
        bench.ack(message, bench.deliver(message))
        let found = try attributes(of: "fn_queue mails")
        #expect(found["k"] == "v")
        #expect(found["iii.tag.team"] == "c")
        #expect(found["iii.tag.kind"] == "queue.process")
        #expect(found["iii.tag.hidden"] == nil)
        #expect(found["iii.message.receipt"] == nil)
    }

    @Test("the spans of an enqueue and of a publish have the sender's baggage and its parent")
    func senders() throws {
        let sender = RemoteSpan(span: 7, flags: 1)
        let calls: [(function: String?, name: String)] = [
            ("send", "enqueue send → mails"), (nil, "call iii::durable::publish"),
        ]
        for (function, name) in calls {
            let sent = "iii.session.id=s,iii.tag.team=c,iii.tag.kind=step"
            let message = bench.enqueue(function, baggage: sent, parent: sender)
            let found = try attributes(of: name)
            #expect(found["iii.session.id"] == "s")
            #expect(found["iii.tag.team"] == "c")
            #expect(found["iii.tag.kind"] == nil)
            let span = try #require(try spans().first { $0.name == name })
            #expect(span == (name, text(message), hexadecimal(UInt64(7))))
        }
        // Of a span that nobody keeps, what the engine knows takes the place.
        let root = bench.request(2)
        for (flags, parent) in [(UInt8(0), text(root)), (1, hexadecimal(UInt64(7)))] {
            let sender = RemoteSpan(span: 7, flags: flags)
            let inner = bench.enqueue("send", 2, cause: root, parent: sender)
            let span = try #require(try spans().first { $0.id == text(inner) })
            #expect(span.parent == parent)
        }
    }

    @Test("what a function does stands below the span of its caller's that it was called from")
    func nested() throws {
        let outer = bench.invoke("outer", cause: bench.request())
        let inner = bench.invoke("inner", cause: outer, parent: RemoteSpan(span: 7, flags: 1))
        let message = bench.enqueue("send", cause: inner)
        let span = try #require(try spans().first { $0.id == text(message) })
        #expect(span.parent == hexadecimal(UInt64(7)))
    }

    @Test("what a write fires, or the end of a run, stands beside it: the trace has one root")
    func fired() throws {
        func fire(_ type: String, _ function: String, _ cause: Offset) -> Offset {
            let event = Triggered(
                type: type,
                trigger: "t",
                summary: "",
                function: bench.name(function),
                event: []
            )
            return bench.write(.triggered(event), cause: cause)
        }
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        let write = bench.write(.state(.set(.sample)), cause: run)
        bench.complete(bench.invoke("react", cause: fire("state", "react", write)))
        let end = bench.complete(run)
        bench.complete(bench.invoke("watch", cause: fire("observe", "watch", end)))
        let spans = try spans()
        for name in ["call state::set", "state_triggers", "trigger watch"] {
            let span = try #require(spans.first { $0.name == name }, "\(name)")
            #expect(span.parent == text(root), "\(name)")
        }
        let tree = try ask(.traceTree, #"{"trace_id":"\#(bench.trace(1))"}"#)
        #expect(tree.member("roots")?.elements?.count == 1)
    }

    @Test("the youngest places are kept, and those that are below a span")
    func places() {
        var places = RecentPlaces(limit: 2)
        for record in UInt64(1)...4 {
            places.note(Offset(record), below: record == 3 ? 0 : 10 * record)
        }
        let kept = (UInt64(0)...5).map { places[Offset($0)] }
        #expect(kept == [nil, nil, 20, nil, 40, nil])
    }

    @Test("a request's span says what was asked for, without secrets that its record has not")
    func http() throws {
        let event = #"""
            {"query_params":{"a":"1"},"path_params":{"id":"7"},"headers":{"host":"h:80",
            "user-agent":"curl","content-type":"application/json"},"path":"/orders/:id",
            "method":"GET","body":null}
            """#
        let root = bench.write(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: "t",
                    summary: "GET /orders/7",
                    function: bench.name("order"),
                    event: Array(event.utf8)
                )
            )
        )
        let run = bench.invoke("order", cause: root)
        bench.complete(run, 1, .value(Array(#"{"status_code":404,"body":{}}"#.utf8)))
        let found = try attributes(of: "GET /orders/:id")
        #expect(
            found == [
                "http.request.method": "GET", "http.route": "/orders/:id",
                "url.path": "/orders/7", "url.query": "a=1", "url.scheme": "http",
                "url.full": "http://h:80/orders/7?a=1", "server.address": "h",
                "user_agent.original": "curl",
                "http.request.header.content_type": "application/json",
                "http.response.status_code": "404", "function_id": "order",
                "iii.function.kind": "user",
            ]
        )
    }

    @Test("an error is the span's status, its attributes and an event")
    func error() throws {
        let root = bench.request()
        bench.complete(bench.invoke("hello", cause: root), 1, bench.failure)
        let row = try #require(try ask().member("spans")?.elements?.first)
        #expect(row.member("status")?.stringValue == "error")
        #expect(row.member("status_description")?.stringValue == "it broke")
        let event = row.member("events")?.elements?.first
        #expect(event?.member("name")?.stringValue == "exception")
        #expect(try attributes(of: "GET /hello")["error.type"] == "E")
        #expect(try attributes(of: "GET /hello")["http.response.status_code"] == "500")
    }

    @Test("errors, and spans that have not ended, take as much room as they have bytes")
    func bytes() {
        var settings = TelemetryStore.Settings()
        settings.spanBytes = 100_000
        let bench = FollowBench(telemetry: settings)
        let text = String(repeating: "x", count: 30_000)
        let failure = FunctionResult.failure(
            ErrorBody(code: "E", message: text, stacktrace: text)
        )
        func kept() -> Int { bench.log.withTelemetry { $0.spans.window.entries.count } }
        for trace in UInt64(1)...5 {
            bench.complete(bench.invoke("f", trace, cause: nil), trace, failure)
        }
        #expect(kept() == 1)
        for id in UInt64(1)...5 {
            guard case .span(let span) = Telemetry.span("n", id: id, to: nil, [("k", text)]) else {
                continue
            }
            bench.log.began([span])
        }
        #expect(kept() == 3)
    }

    @Test("a call from outside has a span of the engine only where its caller has none")
    func calls() throws {
        let bare = bench.invoke("f", cause: nil)
        bench.complete(bare)
        let traced = bench.write(
            .invoked(
                Invoked(
                    invocation: UUID128(high: 9, low: 9),
                    function: bench.name("g"),
                    worker: bench.worker,
                    caller: UUID128(high: 0, low: 0),
                    awaited: true,
                    isCondition: false,
                    input: [],
                    parent: 0xABCD
                )
            ),
            2
        )
        bench.write(.state(.set(.sample)), 2, cause: traced)
        bench.complete(traced, 2)
        let spans = try spans()
        #expect(spans.map(\.name) == ["call f", "call state::set"])
        #expect(spans.last?.parent == "000000000000abcd")
    }

    @Test("a cron slot, and a topic's deliveries")
    func others() throws {
        let fired = CronFired(
            trigger: "t",
            function: bench.name("tick"),
            expression: "* * * * *",
            scheduled: bench.now,
            actual: bench.now
        )
        let slot = bench.write(.cron(.fired(fired)))
        bench.complete(bench.invoke("tick", cause: slot))
        #expect(try attributes(of: "call tick")["faas.trigger"] == "timer")
        let message = bench.enqueue(nil, 2)
        bench.ack(message, bench.deliver(message, 2, queue: "topic::a@default"), 2)
        let topic = try attributes(of: "queue topic::a@default")
        #expect(topic["function_id"] == "a")
        #expect(topic["baggage.queue"] == "topic::a@default")
        #expect(try attributes(of: "call iii::durable::publish")["baggage.topic"] == "topic")
    }

    @Test("without tracing there are none")
    func off() throws {
        let context = TelemetryContext(now: bench.now, version: "1", baggage: nil, tracing: false)
        _ = bench.log.answer(.listTraces, .emptyObject, context)
        bench.complete(bench.invoke("hello", cause: bench.request()))
        #expect(try spans().isEmpty)
    }

    @Test("a line is listed by the trace that it names, not by its writer's")
    func inferred() throws {
        func line(_ body: String, _ isTraceInferred: Bool) -> Event {
            .logged(
                Logged(
                    severity: 9,
                    severityText: "INFO",
                    body: body,
                    service: "s",
                    span: 0,
                    attributes: JSONText.emptyObject.bytes,
                    isTraceInferred: isTraceInferred
                )
            )
        }
        bench.write(line("own", false))
        bench.write(line("inferred", true))
        let lines = try ask(.listLogs, "{}").member("logs")?.elements ?? []
        #expect(lines.map { $0.member("trace_id") == .null } == [true, false])
    }
}

extension StateSet {
    fileprivate static let sample = StateSet(
        scope: "s",
        key: "k",
        value: [],
        function: "state::set"
    )
}
