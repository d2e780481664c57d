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

    init(failures: Int, certificate: String? = nil, in scratch: Scratch) throws {
        let python = try Project.python(
            with: "opentelemetry-proto==1.45.2",
            module: "opentelemetry.proto",
            in: scratch
        )
        let process = try ChildProcess(
            [python, "\(Project.fixtures)/otlp_receiver.py", "\(failures)"]
                + (certificate.map { [$0] } ?? []),
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

    /// The resources of every export of that path.
    func resources(_ path: String, _ name: String) throws -> [Envelope] {
        process.output.split(separator: "\n").dropFirst().flatMap { line -> [Envelope] in
            let export = JSON.object(String(line))
            guard export["path"] as? String == path else { return [] }
            let message = export["message"] as? Envelope
            return message?[name] as? [Envelope] ?? []
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
        let kind = spans[0]["kind"]
        #expect(kind as? String == "SPAN_KIND_SERVER" || kind as? Int == 2, "\(kind ?? "none")")
        #expect(JSON.text(spans[0]["status"]).contains("it broke"))
        let event = (spans[0]["events"] as? [Envelope])?.first
        #expect(event?["name"] as? String == "exception")
        #expect(collector.errors == "")
    }

    @Test(
        "The engine's own metrics reach a collector by TLS, as totals or as what came since",
        arguments: ["cumulative", "delta"]
    )
    func metrics(temporality: String) throws {
        let engine = EngineProcess(
            in: try Scratch(),
            [
                "observability.service_name=shop", "observability.service_namespace=test",
                "observability.metrics_temporality=\(temporality)",
            ].flatMap { ["--set", $0] }
        )
        let certificate = "\(Project.fixtures)/localhost.pem"
        let collector = try Collector(failures: 0, certificate: certificate, in: engine.scratch)
        engine.environment = [
            "III_OBSERVABILITY__EXPORTER": "both",
            "III_OBSERVABILITY__ENDPOINT": "https://localhost:\(collector.port)",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": certificate,
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        ]
        try engine.start()
        let client = try RawWorker.ready(engine)
        let set: Envelope = ["scope": "s", "key": "k", "value": 1]
        for _ in 0..<3 { _ = try client.ask("state::set", set) }
        func told(_ name: String) throws -> [Envelope] {
            try collector.elements(
                "/v1/metrics",
                ("resourceMetrics", "scopeMetrics", "metrics")
            ).filter { $0["name"] as? String == name }
        }
        func points(_ name: String, _ form: String) throws -> [Envelope] {
            try told(name).flatMap {
                ($0[form] as? Envelope)?["dataPoints"] as? [Envelope] ?? []
            }
        }
        func writes() throws -> [Double] {
            try points("iii_state_writes_total", "sum").compactMap { $0["asDouble"] as? Double }
        }
        let isDelta = temporality == "delta"
        _ = try eventually("the writes are told") {
            let sum = try writes().reduce(0, +)
            return (isDelta ? sum == 3 : try writes().contains(3)) ? () : nil
        }
        let reports = try writes().count
        _ = try eventually("more reports come") { try writes().count >= reports + 3 ? () : nil }
        let all = try writes()
        #expect(isDelta ? all.reduce(0, +) == 3 : all.last == 3)
        let sum = try #require(try told("iii_state_writes_total").first?["sum"] as? Envelope)
        let wanted = "AGGREGATION_TEMPORALITY_\(temporality.uppercased())"
        #expect(sum["aggregationTemporality"] as? String == wanted)
        #expect(sum["isMonotonic"] as? Bool == true)
        let sync = try #require(try points("iii_log_sync_seconds", "histogram").first)
        let buckets = try #require(sync["bucketCounts"] as? [String])
        #expect(buckets.count == (sync["explicitBounds"] as? [Double] ?? []).count + 1)
        #expect(buckets.compactMap { Int($0) }.reduce(0, +) == Int(sync["count"] as? String ?? "0"))
        let resource = try collector.resources("/v1/metrics", "resourceMetrics").first
        let attributes = JSON.text(resource?["resource"] ?? "")
        for text in ["shop", "service.version", "service.namespace"] {
            #expect(attributes.contains(text), "\(attributes)")
        }
        #expect(collector.errors == "")
    }

    @Test("A stop sends all that waits to be sent")
    func rest() throws {
        let engine = EngineProcess(in: try Scratch())
        let collector = try Collector(failures: 0, in: engine.scratch)
        engine.environment = [
            "III_OBSERVABILITY__EXPORTER": "both",
            "III_OBSERVABILITY__ENDPOINT": "http://127.0.0.1:\(collector.port)",
        ]
        try engine.start()
        let client = try RawWorker.ready(engine)
        // More than is sent within seconds, unless somebody hurries.
        let lines = 4000
        var last = ""
        for number in 1...lines {
            last = try client.call("engine::log::info", ["message": "line \(number)"])
        }
        _ = try client.reply(to: last)
        try engine.stop()
        let logs = try collector.elements("/v1/logs", ("resourceLogs", "scopeLogs", "logRecords"))
        #expect(logs.count == lines, "\(engine.errors)")
        #expect(collector.errors == "")
    }

    @Test("A collector that is not there keeps nobody from stopping for more than seconds")
    func away() throws {
        let engine = EngineProcess(in: try Scratch())
        engine.environment = [
            "III_OBSERVABILITY__EXPORTER": "otlp",
            "III_OBSERVABILITY__ENDPOINT": "http://127.0.0.1:9",
        ]
        try engine.start()
        let client = try RawWorker.ready(engine)
        _ = try client.ask("engine::log::info", ["message": "m"])
        let start = Date()
        #expect(try engine.stop() == .exit(0))
        #expect(Date().timeIntervalSince(start) < 9)
    }
}
