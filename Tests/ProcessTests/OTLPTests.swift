import Foundation
import Testing

extension LongPrograms {
    /// What a collector of OpenTelemetry gets.
    @Suite("OTLP over HTTP")
    struct OTLPTests {}
}

/// `Fixtures/otlp_receiver.py`: what it prints.
private final class Collector {
    let port: Int
    private let process: ChildProcess

    init(failures: Int, in scratch: Scratch) throws {
        let python = try Project.python(
            with: "opentelemetry-proto==1.45.2",
            module: "opentelemetry.proto",
            in: scratch
        )
        let process = try ChildProcess(
            [python, "\(Project.fixtures)/otlp_receiver.py", "\(failures)"],
            label: "collector",
            in: scratch,
            environment: [:]
        )
        self.process = process
        port = try eventually("the collector listens") {
            guard process.isRunning else { throw Failure("collector: \(process.errors)") }
            return process.output.split(separator: "\n").first.flatMap { Int($0) }
        }
    }

    /// The elements of every export of that path, as `ScopeSpans` and its siblings have them.
    func elements(_ path: String, _ names: (String, String, String)) throws -> [Envelope] {
        var found: [Envelope] = []
        for line in process.output.split(separator: "\n").dropFirst() {
            let export = JSON.object(String(line))
            guard export["path"] as? String == path,
                let message = export["message"] as? Envelope
            else { continue }
            for resource in message[names.0] as? [Envelope] ?? [] {
                for scope in resource[names.1] as? [Envelope] ?? [] {
                    found += scope[names.2] as? [Envelope] ?? []
                }
            }
        }
        return found
    }

    var errors: String { process.errors }
}

extension LongPrograms.OTLPTests {
    @Test(
        "Spans and logs reach a collector, once it is up to it",
        arguments: ["http/protobuf", "http/json"]
    )
    func export(form: String) throws {
        let engine = EngineProcess(in: try Scratch())
        let collector = try Collector(failures: 2, in: engine.scratch)
        engine.environment = [
            "III_OBSERVABILITY__EXPORTER": "both",
            "III_OBSERVABILITY__ENDPOINT": "http://127.0.0.1:\(collector.port)",
            "OTEL_EXPORTER_OTLP_PROTOCOL": form,
        ]
        try engine.start()
        let client = try RawWorker.ready(engine, functions: ["test::f"])
        _ = try client.ask("engine::log::warn", ["message": "told", "data": ["n": 7]])
        let id = try client.call("test::f", [:])
        try client.fail(client.dispatch("test::f"), "it broke")
        _ = try client.reply(to: id)

        let logs = try eventually("the line has arrived") {
            let logs = try collector.elements(
                "/v1/logs",
                ("resourceLogs", "scopeLogs", "logRecords")
            )
            return logs.isEmpty ? nil : logs
        }
        #expect(logs.count == 1)
        #expect(JSON.text(logs[0]["body"]) == #"{"stringValue":"told"}"#)
        #expect(logs[0]["severityText"] as? String == "WARN")
        #expect(JSON.text(logs[0]["attributes"]) == #"[{"key":"n","value":{"intValue":"7"}}]"#)

        let spans = try eventually("the span has arrived") {
            let spans = try collector.elements(
                "/v1/traces",
                ("resourceSpans", "scopeSpans", "spans")
            )
            return spans.isEmpty ? nil : spans
        }
        #expect(spans.compactMap { $0["name"] as? String } == ["call test::f"])
        #expect(JSON.text(spans[0]["status"]).contains("it broke"))
        let event = (spans[0]["events"] as? [Envelope])?.first
        #expect(event?["name"] as? String == "exception")
        #expect(collector.errors == "")
    }
}
