package import JSON
import Primitives

extension FollowedLog {
    /// Whether, and which, spans are told of by ``takePushes()`` from now on.
    package func watchSpans(_ wanted: WatchedSpans) {
        withTelemetry { $0.watch.wanted = wanted }
    }

    package var watchesSpans: Bool { withTelemetry { !$0.watch.wanted.isEmpty } }

    /// The spans that have come since this was asked for the last time.
    package func takePushes() -> [SpanPush] {
        withTelemetry { $0.watch.take($0.spans) }
    }

    /// Lines that are to be said on the engine's own output, and how many there was no room for.
    package func takeEchoes() -> (lines: [JSONText], lost: UInt64) {
        withTelemetry { $0.echoes.take() }
    }

    /// Spans that sampling passed over.
    package var unsampledSpans: UInt64 { withTelemetry { $0.sampler.passedOver } }
}
