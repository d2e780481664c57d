import Disk
import Events
import JSON
import Observability
import Primitives
import Testing

@testable import Engine

@Suite("What workers report")
struct TelemetryTests {
    private let lab: Lab
    private let caller: Peer

    init() throws {
        lab = try Lab()
        caller = try lab.join("caller")
    }

    private func ask(_ function: String, _ input: String = "{}") throws -> JSONText {
        try lab.value(of: function, input, by: caller)
    }

    private func report(_ items: [Telemetry], dropped: DroppedFrames = DroppedFrames()) -> Command {
        .reported(TelemetryBatch(items: items, bytes: 100, dropped: dropped))
    }

    private func decode(_ export: String) throws -> JSONText {
        try JSONText(validating: Array(export.utf8))
    }

    private func spans(end: String = "1900000000000000009") throws -> [Telemetry] {
        let export = try decode(
            #"""
            {"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[
            {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",
            "name":"execute f","startTimeUnixNano":"1900000000000000000",
            "endTimeUnixNano":"\#(end)"}]}]}]}
            """#
        )
        return OTLPSpans.decode(export, hiding: { $0 }).map { .span($0) }
    }

    private func gauge(_ value: Int) throws -> [Telemetry] {
        let export = try decode(
            #"""
            {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"iii.worker.memory.rss",
            "gauge":{"dataPoints":[{"asInt":"\#(value)","attributes":[{"key":"worker.id",
            "value":{"stringValue":"\#(caller.worker)"}}]}]}}]}]}]}
            """#
        )
        return OTLPMetrics.decode(export).map { .metric($0) }
    }

    private func recorded() throws -> [EventKind] {
        try lab.recordedEvents().map(\.kind)
    }

    @Test("spans, metrics and logs are recorded, and can be looked at")
    func reported() throws {
        let logs = OTLPLogs.decode(
            try decode(
                #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":9,"#
                    + #""body":{"stringValue":"hi"}}]}]}]}"#
            )
        )
        try lab.settle(report(spans() + gauge(7) + logs.map { .log($0) }))
        let kinds = try recorded()
        #expect(kinds.suffix(3) == [.spanReported, .metricReported, .logged])
        let traces = try ask("engine::traces::list")
        let row = try #require(traces.member("spans")?.elements?.first)
        #expect(row.member("name")?.stringValue == "execute f")
        #expect(row.member("trace_id")?.stringValue == "4bf92f3577b34da6a3ce929d0e0e4736")
        let lines = try ask("engine::logs::list")
        #expect(lines.member("logs")?.elements?.first?.member("body")?.stringValue == "hi")
        let metrics = try ask("engine::metrics::list", #"{"metric_name":"iii.worker.memory.rss"}"#)
        #expect(metrics.member("sdk_metrics")?.elements?.count == 1)
    }

    @Test("a worker's gauges are its latest metrics")
    func gauges() throws {
        let info = "engine::workers::info"
        let before = try ask(info, #"{"name":"caller"}"#)
        #expect(before.member("worker")?.member("latest_metrics") == nil)
        try lab.settle(report(gauge(7)))
        let after = try ask(info, #"{"name":"caller"}"#)
        #expect(
            after.member("worker")?.member("latest_metrics")?.description
                == #"{"memory_rss":7,"timestamp_ms":\#(Lab.epoch.milliseconds),"runtime":"node"}"#
        )
    }

    @Test("a span that runs is shown and not recorded")
    func pending() throws {
        let before = try recorded().count
        try lab.settle(report(spans(end: "0")))
        #expect(try recorded().count == before)
        let traces = try ask("engine::traces::list")
        #expect(traces.member("spans")?.elements?.first?.member("pending") == .true)
    }

    @Test("what is turned off is neither recorded nor kept")
    func off() throws {
        let lab = try Lab { $0.telemetry.tracing = false }
        let caller = try lab.join("caller")
        let before = try lab.recordedEvents().count
        try lab.settle(report(spans() + gauge(7)))
        #expect(try lab.recordedEvents().count == before)
        let refusal = try lab.failure(of: "engine::traces::list", by: caller)
        #expect(refusal.code == "memory_exporter_not_enabled")
        let quiet = try Lab { $0.telemetry.logging = false }
        let writer = try quiet.join("writer")
        try quiet.settle(.call(writer, "engine::log::info", #"{"message":"m"}"#))
        let lines = try quiet.value(of: "engine::logs::list", by: writer)
        #expect(lines.member("total")?.description == "0")
    }

    @Test("engine::log::… answers nothing, and its line is listed as it was given")
    func logFunctions() throws {
        let result = try lab.result(
            of: "engine::log::warn",
            #"{"message":"m","data":{"a":1},"service_name":"s"}"#,
            by: caller
        )
        #expect(result == .none)
        let line = try #require(
            try ask("engine::logs::list").member("logs")?.elements?.first
        )
        #expect(line.member("severity_number")?.description == "13")
        #expect(line.member("attributes")?.description == #"{"a":1}"#)
        #expect(line.member("trace_id") == .null, "no trace but the one that was given")
        #expect(line.member("instrumentation_scope_name")?.stringValue == "iii")
        #expect(line.member("instrumentation_scope_version")?.stringValue == "test")
    }

    @Test("what the edges had no room for is told: once, and in what is listed")
    func dropped() throws {
        var dropped = DroppedFrames()
        dropped.spans = 2
        dropped.others = 1
        try lab.settle(report(gauge(1), dropped: dropped), report(gauge(2), dropped: dropped))
        let notices = lab.engine.takeNotices().filter { $0.text.contains("telemetry") }
        #expect(notices.count == 1)
        #expect(notices.first?.severity == .warning)
        let storage = try ask("engine::traces::list").member("storage")
        #expect(storage?.member("known_dropped_spans")?.description == "4")
        lab.pass(seconds: 11)
        try lab.settle(report(gauge(3), dropped: dropped))
        #expect(lab.engine.takeNotices().contains { $0.text.contains("9 messages") })
    }

    @Test("what no record can hold is dropped, and counted as what had no room")
    func tooLarge() throws {
        let lab = try Lab { $0.payloadBytes = 4096 }
        let text = String(repeating: "x", count: 5000)
        let export = try decode(
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","#
                + #""body":{"stringValue":"\#(text)"}}]}]}]}"#
        )
        let lines = OTLPLogs.decode(export)
        #expect(lines.count == 1)
        try lab.settle(report(lines.map { .log($0) }))
        #expect(lab.engine.droppedFrames == 1)
        #expect(lab.engine.takeNotices().contains { $0.text.contains("too large") })
    }

    @Test("a histogram of thousands of buckets is dropped and counted, others beside it are not")
    func histograms() throws {
        func histogram(_ buckets: Int) -> String {
            let counts = Array(repeating: "0", count: buckets).joined(separator: ",")
            return #"{"name":"h","histogram":{"dataPoints":[{"timeUnixNano":"1","count":"0","#
                + #""bucketCounts":[\#(counts)]}]}}"#
        }
        let metrics = [1001, 1000].map(histogram).joined(separator: ",")
        let export = try decode(
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metrics)]}]}]}"#
        )
        let before = try recorded().count
        try lab.settle(report(OTLPMetrics.decode(export).map { .metric($0) }))
        #expect(try recorded().count == before + 1)
        #expect(lab.engine.droppedFrames == 1)
        #expect(lab.engine.takeNotices().contains { $0.text.contains("too large") })
    }

    @Test("so much telemetry waits and no more, and it costs no work its place")
    func room() {
        let room = TelemetryIntake(limit: 100)
        #expect(room.enter(1000, isSpans: true), "one message may always wait")
        #expect(!room.enter(1, isSpans: true))
        #expect(!room.enter(1, isSpans: false))
        room.leave(1000)
        #expect(room.enter(60, isSpans: false))
        #expect(!room.enter(41, isSpans: false))
        #expect(room.enter(40, isSpans: false))
        let dropped = room.takeDropped()
        #expect(dropped.spans == 1)
        #expect(dropped.others == 2)
        #expect(room.takeDropped() == DroppedFrames())
    }

    @Test("what there is no time for is read later, in its order, and takes its room till then")
    func postponed() throws {
        let room = TelemetryIntake(limit: 100, waker: try Waker())
        for bytes in [60, 40] {
            #expect(room.enter(bytes, isSpans: true))
            room.postpone(PostponedTelemetry(bytes: bytes) { [] }, isSpans: true)
        }
        #expect(!room.enter(1, isSpans: true))
        #expect(room.takePostponed()?.bytes == 60)
        room.leave(60)
        #expect(room.enter(60, isSpans: true))
        #expect(room.takePostponed()?.bytes == 40)
        #expect(room.takePostponed() == nil)
    }

    @Test("where nobody reads what is postponed, it is dropped, and its room is free")
    func unread() {
        let room = TelemetryIntake(limit: 100)
        #expect(room.enter(100, isSpans: false))
        room.postpone(PostponedTelemetry(bytes: 100) { [] }, isSpans: false)
        #expect(room.takePostponed() == nil)
        #expect(room.takeDropped().others == 1)
        #expect(room.enter(100, isSpans: false))
    }

    @Test("reading telemetry at once takes a fiftieth of the time, and little is saved up")
    func allowance() {
        let second: UInt64 = 1_000_000_000
        var allowance = TelemetryAllowance(now: 0)
        var used: UInt64 = 0
        // Frames of a millisecond, as many as there is time for, for ten seconds.
        for now in stride(from: 0, through: 10 * second, by: 1_000_000)
        where allowance.isLeft(at: now) {
            used += 1_000_000
            allowance.use(1_000_000)
        }
        // A fiftieth, what was saved up at first, and the frame that ended it.
        #expect(used >= second / 5)
        #expect(used <= second / 5 + 6_000_000)
        // One frame that takes long is paid for.
        allowance.use(second / 10)
        let answers = [14, 16].map { allowance.isLeft(at: $0 * second) }
        #expect(answers == [false, true])
    }

    @Test("what the engine did is counted")
    func counted() throws {
        let worker = try lab.join("w", serving: "f")
        for number in 0..<3 {
            let left = try lab.settle(.call(caller, "f", id: .text("\(number)")))
            let invocation = try #require(left.dispatches.first).invocation
            lab.pass(seconds: 0.5)
            try lab.settle(
                number == 0 ? .fail(worker, invocation) : .answer(worker, invocation)
            )
        }
        try lab.settle(.enqueue(caller, "f"))
        let metrics = try #require(try ask("engine::metrics::list").member("engine_metrics"))
        #expect(
            metrics.member("invocations")?.description
                == #"{"total":4,"success":2,"error":1,"deferred":1,"by_function":{"f":3}}"#
        )
        #expect(metrics.member("workers")?.description == #"{"spawns":2,"deaths":0,"active":2}"#)
        #expect(
            metrics.member("performance")?.member("max_duration_ms")?.description == "500.0"
        )
    }

    @Test("a call's baggage can be looked at by its caller")
    func baggage() throws {
        let result = try lab.result(
            of: "engine::baggage::get",
            #"{"key":"k"}"#,
            by: caller,
            with: Propagation(baggage: "k=v")
        )
        #expect(result.line == #"{"value":"v"}"#)
    }

    @Test("a trace context is passed through as it came, so that spans find their parents")
    func context() throws {
        _ = try lab.join("w", serving: "f")
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
        let with = try lab.settle(.call(caller, "f", with: Propagation(traceparent: given)))
        #expect(with.dispatches.first?.traceparent.description == given)
        let without = try lab.settle(.call(caller, "f"))
        let own = try #require(without.dispatches.first?.traceparent)
        #expect(own.flags == 1)
        #expect(own.span != 0)
    }
}
