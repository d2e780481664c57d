import Foundation
import Testing

extension Programs {
    /// What is kept of telemetry, what is told of it live, and what a flood of it does.
    @Suite("Telemetry under control")
    struct TelemetryControlTests {}
}

extension Programs.TelemetryControlTests {
    private func total(_ client: RawWorker, _ function: String) throws -> Int? {
        let reply = try client.ask(function, [:])
        return (reply["result"] as? Envelope)?["total"] as? Int
    }

    @Test("What was cleared stays away over a restart, and what came later is there")
    func cleared() throws {
        let engine = try EngineProcess.started()
        var client = try RawWorker.ready(engine)
        _ = try client.ask("engine::log::info", ["message": "old"])
        _ = try client.ask("engine::logs::clear", [:])
        #expect(try total(client, "engine::logs::list") == 0)
        _ = try client.ask("engine::log::info", ["message": "new"])
        // Nobody waits for lines to be on disk; whoever lists them does.
        #expect(try total(client, "engine::logs::list") == 1)
        engine.kill9()
        try engine.start()
        client = try RawWorker.ready(engine)
        let reply = try client.ask("engine::logs::list", [:])
        let lines = (reply["result"] as? Envelope)?["logs"] as? [Envelope] ?? []
        #expect(lines.compactMap { $0["body"] as? String } == ["new"])
    }

    @Test("With a ratio of nothing no trace is kept, unless its request's own was")
    func sampling() throws {
        let engine = try EngineProcess.started(["--set", "observability.sampling_ratio=0"])
        let client = try RawWorker.ready(engine, functions: ["test::f"])
        try client.send([
            "type": "registertrigger", "id": "t", "trigger_type": "http", "function_id": "test::f",
            "config": ["api_path": "f", "http_method": "GET"],
        ])
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        for headers in [[], ["traceparent: 00-\(trace)-00f067aa0ba902b7-01"]] {
            let peer = try eventually("the route is there") { () -> HTTPPeer? in
                let peer = try HTTPPeer(port: engine.httpPort)
                try peer.request("GET", "/f", headers + ["Connection: close"])
                return peer
            }
            try client.answer(client.dispatch("test::f"), ["status_code": 200])
            #expect(try peer.response().status == 200)
        }
        let reply = try client.ask("engine::traces::list", [:])
        let spans = (reply["result"] as? Envelope)?["spans"] as? [Envelope] ?? []
        #expect(spans.compactMap { $0["trace_id"] as? String } == [trace])
        #expect(spans.first?["parent_span_id"] as? String == "00f067aa0ba902b7")
        let rules = try client.ask("engine::sampling::rules", [:])
        let traces = (rules["result"] as? Envelope)?["traces"] as? Envelope
        #expect(traces?["default_ratio"] as? Double == 0)
    }

    @Test("Subscribers of the devtools streams are told of spans as they end")
    func devtools() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine, functions: ["test::f"])
        let rows = try StreamClient(engine)
        try rows.join("iii:devtools:trace-rows", "all")
        #expect(try rows.event() == "sync []")
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let one = try StreamClient(engine)
        try one.join("iii:devtools:trace-spans", trace)
        #expect(try one.event() == "sync []")
        let call = try worker.call("test::f", [:])
        try worker.answer(worker.dispatch("test::f"), 1)
        _ = try worker.reply(to: call)
        let told = try rows.event()
        #expect(told.hasPrefix("event spans"), "\(told)")
        #expect(told.contains("call test::f"), "\(told)")
        try worker.socket.send(binary: Array(Self.span(trace).utf8))
        let span = try one.event()
        #expect(span.contains(#""name":"told by hand""#), "\(span)")
        #expect(try rows.event().contains("told by hand"))
        try rows.leave("iii:devtools:trace-rows", "all")
        #expect(try rows.expectNothing())
    }

    private static func span(_ trace: String) -> String {
        #"OTLP{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"scope":{},"spans":"#
            + #"[{"traceId":"\#(trace)","spanId":"00f067aa0ba902b7","name":"told by hand","#
            + #""startTimeUnixNano":"1900000000000000000","#
            + #""endTimeUnixNano":"1900000000000000009"}]}]}]}"#
    }

    @Test("A flood of spans is shed and counted, and work goes on meanwhile")
    func flood() throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine)
        let dashboard = DashboardClient(engine)
        // Frames of a few thousand spans each: more at once than may wait for the core.
        let span =
            #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","#
            + #""name":"n","startTimeUnixNano":"1","endTimeUnixNano":"2"}"#
        let spans = Array(repeating: span, count: 4000).joined(separator: ",")
        let frame = Array(
            (#"OTLP{"resourceSpans":[{"scopeSpans":[{"spans":["# + spans + "]}]}]}").utf8
        )
        let floods = try (0..<4).map { _ in
            try WebSocket(port: engine.workerPort, path: "/otel")
        }
        var slowest = 0.0
        var shed = 0.0
        let end = Date(timeIntervalSinceNow: 20)
        while shed == 0, Date() < end {
            for flood in floods { _ = try flood.send(binary: frame, within: 5) }
            let start = Date()
            let stored: Envelope = ["scope": "s", "key": "k", "value": 1]
            #expect(try client.ask("state::set", stored)["error"] == nil)
            slowest = max(slowest, Date().timeIntervalSince(start))
            let text = try dashboard.get("/metrics").text
            shed = Self.value(of: "iii_telemetry_dropped_total", in: text)
        }
        #expect(shed > 0)
        #expect(slowest < 5, "work waited for \(slowest) s")
        let reply = try client.ask("engine::health::check", [:])
        let health = try #require(reply["result"] as? Envelope)
        let components = health["components"] as? Envelope
        let details = (components?["otel"] as? Envelope)?["details"] as? Envelope
        #expect((details?["dropped_span_frames"] as? Double ?? 0) >= shed)
        #expect(engine.errors.contains("telemetry was too large to be recorded, or came too fast"))
    }

    private static func value(of series: String, in text: String) -> Double {
        let line = text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) } ?? 0
    }

    @Test("The engine's own output is JSON where that is configured, lines of workers in it")
    func structured() throws {
        let engine = try EngineProcess.started([
            "--set", "observability.log_format=json", "--set",
            "observability.logs_console_output=true",
            "--set", "observability.log_level=warn",
        ])
        let client = try RawWorker.ready(engine)
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        _ = try client.ask("engine::log::info", ["message": "quiet"])
        _ = try client.ask(
            "engine::log::error",
            ["message": "loud", "trace_id": trace, "service_name": "shop", "data": ["n": 7]]
        )
        let line = try eventually("the line is said") {
            engine.errors.split(separator: "\n").first { $0.contains("loud") }
        }
        let said = JSON.object(String(line))
        #expect(said["severity"] as? String == "ERROR")
        #expect(said["service"] as? String == "shop")
        #expect(said["trace_id"] as? String == trace)
        #expect(JSON.text(said["attributes"] ?? "") == #"{"n":7}"#)
        #expect(!engine.errors.contains("quiet"))
        #expect(!engine.errors.contains("listening"), "that is information")
        for line in engine.errors.split(separator: "\n") {
            #expect(!JSON.object(String(line)).isEmpty, "\(line)")
        }
    }
}
