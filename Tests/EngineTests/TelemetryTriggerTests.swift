import Events
import JSON
import Observability
import Primitives
import Testing

@testable import Engine

@Suite("Triggers for what is reported")
struct TelemetryTriggerTests {
    private let lab: Lab
    private let worker: Peer

    init() throws {
        lab = try Lab()
        worker = try lab.join("w", serving: "f")
    }

    private func write(_ level: String, _ text: String) throws -> [Effect.Dispatch] {
        let input = #"{"message":"\#(text)"}"#
        return try lab.settle(.call(worker, "engine::log::\(level)", input)).dispatches
    }

    @Test("a log trigger fires for lines of its level alone, or for all")
    func levels() throws {
        try lab.settle(.trigger(worker, "log", #"{"level":"warn"}"#, to: "f", id: "t"))
        #expect(try write("info", "a").isEmpty)
        #expect(try write("error", "b").isEmpty, "the level is no minimum")
        let run = try #require(try write("warn", "c").first)
        let line = try JSONText(validating: run.payload)
        #expect(line.member("body")?.stringValue == "c")
        #expect(line.member("severity_number")?.description == "13")
        // While it runs, what its worker writes belongs to it.
        try lab.settle(.answer(worker, run.invocation))
        try lab.settle(.trigger(worker, "log", "{}", to: "f", id: "t"))
        let all = try write("info", "d")
        #expect(all.count == 1)
        for run in all { try lab.settle(.answer(worker, run.invocation)) }
        try lab.settle(.trigger(worker, "log", #"{"level":"all"}"#, to: "f", id: "u"))
        #expect(try write("info", "e").count == 2)
    }

    @Test("a level that there is not is refused")
    func refused() throws {
        let left = try lab.settle(.trigger(worker, "log", #"{"level":"loud"}"#, to: "f", id: "t"))
        #expect(left.lines.contains { $0.contains("all, trace, debug, info, warn, error") })
    }

    @Test("so is a status that no trace has")
    func refusedStatus() throws {
        let config = #"{"status":"weird"}"#
        let left = try lab.settle(.trigger(worker, "trace", config, to: "f", id: "t"))
        #expect(left.lines.contains { $0.contains("one of unset, ok, error") }, "\(left.lines)")
        #expect(!left.lines.contains("watch traces true"))
    }

    @Test("runs beyond those of a second are dropped, which is counted and told")
    func tooMany() throws {
        try lab.settle(.trigger(worker, "log", "{}", to: "f", id: "t"))
        let record = Logged(
            severity: 9,
            severityText: "INFO",
            body: "a",
            service: "w",
            span: 0,
            attributes: JSONText.emptyObject.bytes
        )
        let line = Telemetry.log(LogLine(record: record, trace: nil))
        func report(_ count: Int) throws {
            let lines = [Telemetry](repeating: line, count: count)
            let batch = TelemetryBatch(items: lines, bytes: 1, dropped: DroppedFrames())
            try lab.settle(.reported(batch))
        }
        for _ in 0..<16 { try report(TelemetryTriggers.firedLimit / 16) }
        #expect(lab.engine.telemetryTriggers.dropped == 0)
        try report(1)
        #expect(lab.engine.telemetryTriggers.dropped == 1)
        let told = lab.engine.takeNotices().filter { $0.text.contains("1 were dropped") }
        #expect(told.count == 1)
        lab.pass(seconds: 1)
        try report(1)
        #expect(lab.engine.telemetryTriggers.dropped == 1)
    }

    @Test("what a log trigger's function logs does not fire it again")
    func loop() throws {
        try lab.settle(.trigger(worker, "log", "{}", to: "f", id: "t"))
        let run = try #require(try write("info", "a").first)
        let reported = LogLine(
            record: Logged(
                severity: 9,
                severityText: "INFO",
                body: "again",
                service: "w",
                span: 1,
                attributes: JSONText.emptyObject.bytes
            ),
            trace: run.traceparent.trace
        )
        let batch = TelemetryBatch(items: [.log(reported)], bytes: 1, dropped: DroppedFrames())
        #expect(try lab.settle(.reported(batch)).dispatches.isEmpty)
        // The worker runs that function: its call belongs to that trace.
        #expect(try write("info", "b").isEmpty)
        try lab.settle(.answer(worker, run.invocation))
        #expect(try write("info", "c").count == 1)
    }

    @Test("while it runs, what its worker writes fires it only where another caller is named")
    func beside() throws {
        let shop = try lab.joinObserving("shop", serving: "g")
        try lab.settle(.trigger(shop, "log", "{}", to: "g", id: "t"))
        func write(_ text: String, _ context: CallContext?, _ more: String = "") throws -> Int {
            let input = #"{"message":"\#(text)"\#(more)}"#
            let call =
                if let context {
                    Command.call(shop, "engine::log::info", input, context: context)
                } else {
                    Command.call(shop, "engine::log::info", input)
                }
            return try lab.settle(call).dispatches.count
        }
        let first = try lab.settle(.call(worker, "engine::log::info", #"{"message":"a"}"#))
        let run = try #require(first.dispatches.first)
        // A thread of the handler's own may have written that.
        #expect(try write("b", nil) == 0)
        let own = CallContext(function: "g", invocation: run.invocation.description)
        #expect(try write("c", own) == 0)
        // Whatever the line says of itself: that of another trace, too.
        let elsewhere = #","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#
        #expect(try write("d", own, elsewhere) == 0)
    }

    @Test("a function that says nothing of where it logs from does not run for ever")
    func endless() throws {
        try lab.settle(.serve(worker, "busy"))
        _ = try lab.settle(.call(worker, "busy"))
        try lab.settle(.trigger(worker, "log", "{}", to: "f", id: "t"))
        let other = try lab.join("o")
        let first = try lab.settle(.call(other, "engine::log::info", #"{"message":"a"}"#))
        #expect(first.dispatches.count == 1)
        #expect(try write("info", "b").isEmpty, "though its worker is busy with other traces")
    }

    @Test("a trace trigger is told of traces, each once, that it wants")
    func traces() throws {
        let added = try lab.settle(
            .trigger(
                worker,
                "trace",
                #"{"service_name":"shop","status":"ERROR"}"#,
                to: "f",
                id: "t"
            )
        )
        #expect(added.lines.contains("watch traces true"))
        let first = try #require(TraceID(high: 0, low: 1))
        let second = try #require(TraceID(high: 0, low: 2))
        let seen = [
            SeenTrace(trace: first, service: "shop", status: "error"),
            SeenTrace(trace: first, service: "shop", status: "error"),
            SeenTrace(trace: second, service: "shop", status: "ok"),
            SeenTrace(trace: second, service: "iii", status: "error"),
        ]
        let run = try #require(try lab.settle(.sawTraces(seen)).dispatches.first)
        #expect(
            String(decoding: run.payload, as: UTF8.self) == #"{"trace_ids":["\#(first)"]}"#
        )
        let own = SeenTrace(trace: run.traceparent.trace, service: "shop", status: "error")
        #expect(try lab.settle(.sawTraces([own])).dispatches.isEmpty)
    }

    @Test("the parent that a function is handed is its trigger's span, or its delivery's")
    func parents() throws {
        let route = #"{"api_path":"f","http_method":"GET"}"#
        try lab.settle(.trigger(worker, "http", route, to: "f", id: "h"))
        let run = try #require(try lab.settle(.get("/f")).dispatches.first)
        let root = try offset(of: .triggered)
        #expect(run.traceparent.span == EngineSpans.id(of: root))
        let inner = try #require(try lab.settle(.call(worker, "f")).dispatches.first)
        #expect(inner.traceparent == run.traceparent, "inferred: what its worker was handed")
        try lab.settle(.call(worker, "f", as: .enqueue(queue: "default")))
        let delivery = try #require(lab.left.dispatches.last)
        #expect(delivery.traceparent.span == EngineSpans.id(of: try offset(of: .delivered)))
    }

    /// Of the last record of a kind.
    private func offset(of kind: EventKind) throws -> Offset {
        let events = try lab.recordedEvents()
        return Offset(UInt64(try #require(events.lastIndex { $0.kind == kind })))
    }
}
