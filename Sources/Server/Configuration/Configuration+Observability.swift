package import NetServer
package import Observability
package import Primitives

extension Configuration {
    package struct Observability: Equatable, Sendable {
        package var logging = true
        package var tracing = true
        /// What the engine calls itself in what it tells.
        package var serviceName = "iii"
        /// Nil: the engine's own.
        package var serviceVersion: String?
        package var serviceNamespace: String?
        /// Where spans, logs and metrics go: they are kept for whoever looks, sent, or both.
        package var exporter = Exporter.memory
        /// Of the collector; nil: what the environment says, or one on this machine.
        package var endpoint: String?
        package var otlpProtocol: OTLPProtocol?
        /// Whether the engine's own metrics are sent as totals, or as what came since the last
        /// time.
        package var metricsTemporality: Temporality?
        /// Of traces that no rule of `sampling` is about.
        package var samplingRatio = 1.0
        /// Its ratio counts over `samplingRatio`, where it has one.
        package var sampling = SamplingTable()
        package var logsSamplingRatio = 1.0
        package var memoryMaxSpans: UInt32 = 10_000
        package var metricsMaxCount: UInt32 = 10_000
        package var metricsRetention = Timestamp.Span.seconds(3600)
        package var logsMaxCount: UInt32 = 10_000
        package var logsRetention = Timestamp.Span.seconds(3600)
        package var alerts: [AlertRule] = []
        package var collapseSpans: [CollapsedSpans] = []
        /// What the engine says of itself on standard error: from which severity on, and how.
        package var logLevel = LogLevel.info
        package var logFormat = LogFormat.text
        /// Whether it also says there what workers log.
        package var logsConsoleOutput = false
        /// Whether subscribers of streams may have spans, payloads and all; nil: where only this
        /// machine can reach the listener for streams.
        package var devtoolsStreams: Bool?
        package var dashboard = true
        package var dashboardAddress = ListenAddress(host: "127.0.0.1", port: 9090)
        /// Names by which browsers may reach the dashboard, besides addresses and `localhost`.
        package var dashboardHosts: [String] = []
        /// Whether the dashboard may change nothing.
        package var dashboardReadOnly = false

        package init() {}
    }

    package enum Exporter: String, CaseIterable, Equatable, Sendable {
        case memory, otlp, both
    }

    /// How OTLP is written over HTTP.
    package enum OTLPProtocol: String, CaseIterable, Equatable, Sendable {
        case protobuf = "http/protobuf"
        case json = "http/json"

        /// What names it where the configuration does not.
        static let variable = "OTEL_EXPORTER_OTLP_PROTOCOL"
    }

    package enum Temporality: String, CaseIterable, Equatable, Sendable {
        case cumulative, delta
    }

    package enum LogLevel: String, CaseIterable, Equatable, Sendable {
        case trace, debug, info, warn, error
    }

    package enum LogFormat: String, CaseIterable, Equatable, Sendable {
        case text, json
    }

    /// `[observability] sampling`.
    package struct SamplingTable: Equatable, Sendable {
        /// Nil: `sampling_ratio`.
        package var ratio: Double?
        package var isParentBased = true
        package var rules: [Sampling.Rule] = []
        package var tracesPerSecond: Double?

        package init() {}
    }
}

extension Configuration.Observability {
    static let fields: [Field<Self>] = [
        Field("logging", \.logging, .flag),
        Field("tracing", \.tracing, .flag),
        Field("service_name", \.serviceName, .nonEmpty),
        Field(optional: "service_version", \.serviceVersion, .nonEmpty),
        Field(optional: "service_namespace", \.serviceNamespace, .nonEmpty),
        Field("exporter", \.exporter, .choice),
        Field(optional: "endpoint", \.endpoint, .collector),
        Field(optional: "otlp_protocol", \.otlpProtocol, .choice),
        Field(optional: "metrics_temporality", \.metricsTemporality, .choice),
        Field("sampling_ratio", \.samplingRatio, .ratio),
        Field("sampling", \.sampling, .sampling),
        Field("logs_sampling_ratio", \.logsSamplingRatio, .ratio),
        Field("memory_max_spans", \.memoryMaxSpans, .integer(1...10_000_000)),
        Field("metrics_max_count", \.metricsMaxCount, .integer(1...10_000_000)),
        Field("metrics_retention", \.metricsRetention, .positiveSpan),
        Field("logs_max_count", \.logsMaxCount, .integer(1...10_000_000)),
        Field("logs_retention", \.logsRetention, .positiveSpan),
        Field("alerts", \.alerts, .alerts),
        Field("collapse_spans", \.collapseSpans, .collapsedSpans),
        Field("log_level", \.logLevel, .choice),
        Field("log_format", \.logFormat, .logFormat),
        Field("logs_console_output", \.logsConsoleOutput, .flag),
        Field(optional: "devtools_streams", \.devtoolsStreams, .flag),
        Field("dashboard", \.dashboard, .flag),
        Field("dashboard_address", \.dashboardAddress, .address),
        Field(alias: "dashboard_port", \.dashboardAddress.port, .integer(0 ... .max)),
        Field("dashboard_hosts", \.dashboardHosts, .hostNames),
        Field("dashboard_read_only", \.dashboardReadOnly, .flag),
    ]

    /// The keys that count as soon as they are edited.
    static let liveKeys: Set<String> = Set(
        [
            "logging", "tracing", "sampling_ratio", "sampling", "logs_sampling_ratio",
            "memory_max_spans", "metrics_max_count", "metrics_retention", "logs_max_count",
            "logs_retention", "logs_console_output", "alerts", "collapse_spans",
        ].map { "observability.\($0)" }
    )

    /// Warns of a variable of OpenTelemetry's that asks for what there is not. It may be meant for
    /// other programs: an engine starts all the same.
    func check(_ environment: [String: String], _ findings: inout Findings) {
        let variable = Configuration.OTLPProtocol.variable
        guard exporter != .memory, otlpProtocol == nil, let told = environment[variable],
            !told.isEmpty,
            Configuration.OTLPProtocol(rawValue: told) == nil
        else { return }
        let expectation = Kind<Configuration.OTLPProtocol>.choice.expectation
        findings.warning(
            at: .variable(variable),
            "observability.otlp_protocol must be \(expectation), is \(quoted(told)): "
                + "\(quoted(Configuration.OTLPProtocol.protobuf.rawValue)) is used"
        )
    }

    /// The same for the engine and for who follows its log; `isPrivate`: only this machine can
    /// reach the listener for streams. A record of telemetry takes some bytes
    /// that are not its own, so that bounds of memory grow with those of counts.
    func telemetry(isPrivate: Bool) -> TelemetryStore.Settings {
        var settings = TelemetryStore.Settings()
        settings.logging = logging
        settings.tracing = tracing
        settings.keepsSpans = exporter != .otlp
        settings.exporter = exporter.rawValue
        settings.service = serviceName
        settings.spanCount = Int(memoryMaxSpans)
        settings.spanBytes = max(settings.spanBytes, Int(memoryMaxSpans) * 3 << 10)
        settings.metricCount = Int(metricsMaxCount)
        settings.metricBytes = max(settings.metricBytes, Int(metricsMaxCount) * 3 << 9)
        settings.metricAge = metricsRetention
        settings.logCount = Int(logsMaxCount)
        settings.logBytes = max(settings.logBytes, Int(logsMaxCount) * 3 << 9)
        settings.logAge = logsRetention
        settings.pushesSpans = devtoolsStreams ?? isPrivate
        settings.echoesLogs = logsConsoleOutput
        settings.alerts = alerts
        settings.collapsed = collapseSpans
        settings.sampling.ratio = sampling.ratio ?? samplingRatio
        settings.sampling.isParentBased = sampling.isParentBased
        settings.sampling.rules = sampling.rules
        settings.sampling.tracesPerSecond = sampling.tracesPerSecond
        settings.sampling.logRatio = logsSamplingRatio
        return settings
    }
}

extension Kind where Value == Configuration.LogFormat {
    /// `default` is what the YAML form calls text.
    fileprivate static let logFormat = Kind.text(
        "\"text\" or \"json\"",
        words: ["text", "json"],
        show: { $0.rawValue },
        parse: { $0 == "default" ? .text : Configuration.LogFormat(rawValue: $0) }
    )
}

extension Configuration {
    var telemetry: TelemetryStore.Settings {
        observability.telemetry(isPrivate: stream.address.isLoopback)
    }
}
