import Observability
import Primitives
import Testing

@testable import Server

@Suite("Settings of observability")
struct ObservabilityConfigurationTests {
    private static let text = """
        [observability]
        service_name = "shop"
        sampling_ratio = 1
        log_format = "json"
        log_level = "warn"
        collapse_spans = [{ name = "wrap*", service = "iii" }]
        logs_retention = "2h"

        [observability.sampling]
        default = 0.5
        parent_based = false
        rules = [{ operation = "GET /health*", rate = 0 }, { service = "shop", rate = 0.25 }]
        rate_limit = { max_traces_per_second = 100 }

        [[observability.alerts]]
        name = "errors"
        metric = "iii.invocations.error"
        threshold = 10
        operator = ">="
        window_seconds = 30
        cooldown_seconds = 0
        action = { type = "function", path = "ops::page" }

        [[observability.alerts]]
        name = "idle"
        metric = "iii.workers.active"
        threshold = 0.5
        operator = "lessthan"
        enabled = false
        action = { type = "webhook", url = "https://example.com/x" }
        """

    @Test("sampling, alerts and collapsed spans, as TOML has them")
    func toml() throws {
        let loaded = try configuration(toml: Self.text)
        let found = loaded.observability
        let settings = loaded.telemetry
        #expect(found.logFormat == .json)
        #expect(found.logLevel == .warn)
        #expect(settings.service == "shop")
        #expect(settings.logAge == .seconds(7200))
        #expect(settings.sampling.ratio == 0.5)
        #expect(!settings.sampling.isParentBased)
        #expect(settings.sampling.tracesPerSecond == 100)
        #expect(
            settings.sampling.rules == [
                Sampling.Rule(operation: Glob("GET /health*"), service: nil, rate: 0),
                Sampling.Rule(operation: nil, service: Glob("shop"), rate: 0.25),
            ]
        )
        #expect(settings.collapsed == [CollapsedSpans(name: Glob("wrap*"), service: Glob("iii"))])
        #expect(
            settings.alerts == [
                AlertRule(
                    name: "errors",
                    metric: "iii.invocations.error",
                    threshold: 10,
                    comparison: .greaterThanOrEqual,
                    window: .seconds(30),
                    cooldown: .seconds(0),
                    action: .function("ops::page")
                ),
                AlertRule(
                    name: "idle",
                    metric: "iii.workers.active",
                    threshold: 0.5,
                    comparison: .lessThan,
                    isEnabled: false,
                    action: .webhook(url: "https://example.com/x")
                ),
            ]
        )
    }

    @Test("the same, as the workers: form has it")
    func yaml() throws {
        let workspace = try Workspace([
            "config.yaml": """
            workers:
              - name: iii-observability
                config:
                  service_name: shop
                  sampling_ratio: 0.5
                  logs_retention_seconds: 60
                  format: default
                  sampling:
                    rules: [{ operation: "GET *", service: null, rate: 1 }]
                  alerts:
                    - name: errors
                      metric: iii.invocations.error
                      threshold: 10
                      operator: ">"
                      action: { type: log }
                  collapse_spans: []
            """
        ])
        let loaded = try workspace.load()
        #expect(loaded.warnings.isEmpty, "\(loaded.warnings)")
        let settings = loaded.configuration.telemetry
        #expect(settings.service == "shop")
        #expect(settings.logAge == .seconds(60))
        #expect(settings.sampling.ratio == 0.5)
        #expect(settings.sampling.rules.map(\.rate) == [1])
        #expect(
            settings.alerts == [
                AlertRule(name: "errors", metric: "iii.invocations.error", threshold: 10)
            ]
        )
    }

    @Test(
        "what means nothing is refused",
        arguments: [
            "sampling_ratio = 1.5", "sampling_ratio = \"much\"",
            "sampling = { rules = [{ rate = 1 }] }", "sampling = { default = 2 }",
            "sampling = { defualt = 1 }", "collapse_spans = [{}]",
            "endpoint = \"localhost:4318\"", "endpoint = \"http://\"",
            "endpoint = \"http://localhost:4318/?x=1\"",
            "alerts = [{ name = \"a\", metric = \"m\" }]",
            "alerts = [{ name = \"a\", metric = \"m\", threshold = 1, operator = \"=>\" }]",
            "alerts = [{ name = \"a\", metric = \"m\", threshold = nan }]",
            """
            alerts = [{ name = "a", metric = "m", threshold = 1, \
            action = { type = "function", path = "state::set" } }]
            """,
            """
            alerts = [{ name = "a", metric = "m", threshold = 1, \
            action = { type = "webhook", url = "ftp://x" } }]
            """,
            """
            alerts = [{ name = "a", metric = "m", threshold = 1, \
            action = { type = "webhook", url = "https:// x" } }]
            """,
            """
            alerts = [{ name = "a", metric = "m", threshold = 1 }, \
            { name = "a", metric = "n", threshold = 1 }]
            """,
        ]
    )
    func refused(line: String) throws {
        let told = try refusals(["iii.toml": "[observability]\n\(line)\n"])
        #expect(told.count == 1)
        #expect(told.first?.contains("iii.toml:2") == true, "\(told)")
    }

    @Test("an alert on a metric that the engine does not have is warned of")
    func unknownMetric() throws {
        func warnings(_ metric: String) throws -> [String] {
            let rule = "{ name = \"a\", metric = \"\(metric)\", threshold = 1 }"
            let text = "[observability]\nalerts = [\(rule)]\n"
            return try Workspace(["iii.toml": text]).load().warnings.map { "\($0)" }
        }
        let told = try warnings("iii.queue.dept")
        #expect(told.count == 1)
        #expect(told.first?.contains("iii.toml:2") == true, "\(told)")
        #expect(told.first?.contains("did you mean \"iii.queue.depth\"?") == true, "\(told)")
        let others = ["iii.queue.depth.mails", "iii.worker.memory.rss", "shop.orders"]
        for metric in AlertRule.engineMetrics + others {
            #expect(try warnings(metric).isEmpty, "\(metric)")
        }
    }

    @Test("what is in force reads as TOML, and means the same again")
    func shown() throws {
        let text = """
            sampling = { default = 0.5, rules = [{ operation = "a\\"b", rate = 1 }] }
            alerts = [{ name = "a", metric = "m", threshold = 1 }]
            collapse_spans = [{ name = "n" }]
            """
        let first = try Workspace(["iii.toml": "[observability]\n\(text)\n"]).load()
        let shown = first.effective.filter { $0.key.hasPrefix("observability.") }
            .map { "\($0.key.dropFirst("observability.".count)) = \($0.value)" }
        let again = try configuration(
            toml: "[observability]\n" + shown.joined(separator: "\n") + "\n"
        )
        #expect(again.observability == first.configuration.observability)
    }

    @Test("headers for a collector are W3C baggage: percent-encoded, blanks around their parts")
    func headers() throws {
        let loaded = try configuration(toml: "[observability]\nexporter = \"otlp\"\n")
        let text = "Authorization=Basic%20YTpi==, x-scope = a%2Cb\t,x-plain=c"
        let settings = try #require(
            TelemetryExporter.Settings(
                loaded.observability,
                ["OTEL_EXPORTER_OTLP_HEADERS": text]
            )
        )
        #expect(settings.headers.map(\.name) == ["authorization", "x-scope", "x-plain"])
        #expect(settings.headers.map(\.value) == ["Basic YTpi==", "a,b", "c"])
    }

    @Test("a protocol of OpenTelemetry's variable that there is not is warned of, where it counts")
    func unknownProtocol() throws {
        func warnings(_ text: String, _ told: String) throws -> [String] {
            try Workspace(["iii.toml": "[observability]\n\(text)\n"])
                .load(environment: ["OTEL_EXPORTER_OTLP_PROTOCOL": told])
                .warnings.map(\.description)
        }
        let sends = "exporter = \"otlp\""
        #expect(
            try warnings(sends, "grpc") == [
                #"OTEL_EXPORTER_OTLP_PROTOCOL: observability.otlp_protocol must be "#
                    + #""http/protobuf" or "http/json", is "grpc": "http/protobuf" is used"#
            ]
        )
        #expect(try warnings(sends, "http/json").isEmpty)
        #expect(try warnings("\(sends)\notlp_protocol = \"http/json\"", "grpc").isEmpty)
        #expect(try warnings("exporter = \"memory\"", "grpc").isEmpty)
    }

    @Test("of a webhook nobody is shown more than where it leads, and an edit of it counts")
    func webhook() throws {
        func load(_ path: String, _ address: String = "127.0.0.1") throws -> Configuration.Loaded {
            let action = "{ type = \"webhook\", url = \"https://example.com/\(path)\" }"
            let rule = "{ name = \"a\", metric = \"m\", threshold = 1, action = \(action) }"
            let text = "[stream]\naddress = \"\(address):1\"\n[observability]\nalerts = [\(rule)]\n"
            return try Workspace(["iii.toml": text]).load()
        }
        let first = try load("first")
        let shown = first.effective.first { $0.key == "observability.alerts" }?.value ?? ""
        #expect(shown.contains("https://example.com/…"))
        #expect(!shown.contains("first"))
        let edit = ConfigurationEdit(from: first, to: try load("second"))
        #expect(edit.live == ["observability.alerts"])
        #expect(ConfigurationEdit(from: first, to: try load("first")).live.isEmpty)
        #expect(first.configuration.telemetry.pushesSpans)
        #expect(!(try load("first", "0.0.0.0").configuration.telemetry.pushesSpans))
    }
}
