import Events
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
        package var spanCount = 10_000
        package var spanBytes = 32 << 20
        package var logCount = 10_000
        package var logBytes = 16 << 20
        package var metricCount = 10_000
        package var metricBytes = 16 << 20
        /// How long logs and metrics are kept.
        package var age = Timestamp.Span.seconds(3600)

        package init() {}
    }

    var settings: Settings
    var spans: SpanStore
    var logs: LogStore
    var metrics: MetricStore
    /// Spans that were dropped before they were read, at the least, since they were last cleared.
    var droppedSpans: UInt64 = 0
    /// How many were dropped before that.
    var forgivenSpans: UInt64 = 0

    package init(_ settings: Settings = Settings()) {
        self.settings = settings
        spans = SpanStore(
            .init(count: settings.spanCount, bytes: settings.spanBytes, age: nil)
        )
        logs = LogStore(
            .init(count: settings.logCount, bytes: settings.logBytes, age: settings.age)
        )
        metrics = MetricStore(
            .init(count: settings.metricCount, bytes: settings.metricBytes, age: settings.age)
        )
    }

    /// Keeps what was recorded; `bytes` is about what it takes.
    package mutating func apply(_ item: Telemetry, bytes: Int, at time: Timestamp) {
        switch item {
        case .log(let line): logs.append(line, bytes: bytes, at: time)
        case .span(let span): spans.append(.reported(span), bytes: bytes, at: time)
        case .metric(let metric): metrics.append(metric, bytes: bytes, at: time)
        }
    }
}

extension TelemetryStore.Settings {
    /// Whether this is to be recorded and kept.
    package func takes(_ item: Telemetry) -> Bool {
        switch item {
        case .log: logging
        case .span, .metric: tracing
        }
    }
}
