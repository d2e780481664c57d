package import Events
import JSON
package import Primitives

/// The youngest spans, logs and metrics, for whoever looks: a part of what the log has of them.
package struct TelemetryStore: Sendable {
    /// What is kept, and how much of it at the most.
    package struct Settings: Equatable, Sendable {
        /// Whether logs are taken at all, and spans and metrics.
        package var logging = true
        package var tracing = true
        /// Whether spans are there to be looked at, and not only sent elsewhere.
        package var keepsSpans = true
        /// `memory`, `otlp` or `both`.
        package var exporter = "memory"
        package var spanCount = 10_000
        package var spanBytes = 32 << 20
        package var logCount = 10_000
        package var logBytes = 16 << 20
        package var metricCount = 10_000
        package var metricBytes = 16 << 20
        /// How long logs and metrics are kept.
        package var logAge = Timestamp.Span.seconds(3600)
        package var metricAge = Timestamp.Span.seconds(3600)
        /// What the engine calls itself in what it tells.
        package var service = "iii"
        package var sampling = Sampling()
        /// Whether whoever may subscribe to streams may subscribe to spans.
        package var pushesSpans = true
        /// Whether lines are said on the engine's own output, too.
        package var echoesLogs = false
        package var alerts: [AlertRule] = []
        package var collapsed: [CollapsedSpans] = []

        package init() {}
    }

    var settings: Settings
    var spans: SpanStore
    var logs: LogStore
    var metrics: MetricStore
    var rollups = MetricRollups()
    var sampler = TraceSampler()
    var watch = SpanWatch()
    var echoes = LogEchoes()
    var alerts = AlertBook()
    /// What evaluations have found, until it is asked for.
    var alertChanges: [AlertChange] = []
    /// Spans that were dropped before they were read, at the least, since they were last cleared.
    var droppedSpans: UInt64 = 0
    /// How many were dropped before that.
    var forgivenSpans: UInt64 = 0

    package init(_ settings: Settings = Settings()) {
        self.settings = settings
        spans = SpanStore(settings.spanBounds, service: settings.service)
        logs = LogStore(settings.logBounds)
        metrics = MetricStore(settings.metricBounds)
    }

    /// Keeps what was recorded; `bytes` is about what it takes.
    package mutating func apply(_ item: Telemetry, bytes: Int, at time: Timestamp) {
        switch item {
        case .log(let line): logs.append(line, bytes: bytes, at: time)
        case .span(let span):
            spans.append(.reported(span), bytes: bytes, at: time)
            watch.note(span, at: time)
        case .metric(let metric):
            metrics.append(metric, bytes: bytes, at: time)
            rollups.add(metric, at: time)
        }
    }
}

extension TelemetryStore.Settings {
    var spanBounds: Window<KeptSpan>.Bounds {
        .init(count: spanCount, bytes: spanBytes, age: nil)
    }

    var logBounds: Window<LogLine>.Bounds {
        .init(count: logCount, bytes: logBytes, age: logAge)
    }

    var metricBounds: Window<MetricReported>.Bounds {
        .init(count: metricCount, bytes: metricBytes, age: metricAge)
    }

    /// Whether such things are there to be looked at.
    package func shows(_ content: TelemetryCleared.Content) -> Bool {
        switch content {
        case .traces: tracing && keepsSpans
        case .logs: true
        }
    }

    /// Whether this is to be recorded and kept.
    package func takes(_ item: Telemetry) -> Bool {
        switch item {
        case .log: logging
        case .span, .metric: tracing
        }
    }
}
