package import Events
package import Primitives

/// One thing that a worker reports without waiting for an answer.
package enum Telemetry: Equatable, Sendable {
    case log(LogLine)
    case span(ReportedSpan)
    case metric(MetricReported)

    package var event: Event {
        switch self {
        case .log(let line): .logged(line.record)
        case .span(let span): .spanReported(span.record)
        case .metric(let metric): .metricReported(metric)
        }
    }

    /// Whether it is a metric that is larger than what metrics are: it is not recorded.
    package var isTooLarge: Bool {
        if case .metric(let metric) = self { metric.isTooLarge } else { false }
    }

    /// Whether it is a span that has not ended.
    package var isPending: Bool {
        if case .span(let span) = self { span.record.isPending } else { false }
    }

    package var trace: TraceID? {
        switch self {
        case .log(let line): line.trace
        case .span(let span): span.trace
        case .metric: nil
        }
    }
}

/// What came in one frame.
package struct TelemetryBatch: Sendable {
    package let items: [Telemetry]
    /// The frame's length, in bytes: what it takes of the room for telemetry that waits.
    package let bytes: Int
    /// Frames of spans, and other frames, that were dropped unread since the last batch.
    package let dropped: DroppedFrames

    package init(items: [Telemetry], bytes: Int, dropped: DroppedFrames) {
        self.items = items
        self.bytes = bytes
        self.dropped = dropped
    }
}

/// Telemetry that nobody had room for.
package struct DroppedFrames: Equatable, Sendable {
    /// Of spans; each holds one at least.
    package var spans = 0
    /// Of logs and metrics.
    package var others = 0

    package init() {}
}
