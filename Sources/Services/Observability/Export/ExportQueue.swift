import Events
import Primitives

/// What waits to be sent to a collector: of each kind so many of so many bytes at the most, and the
/// oldest makes room.
struct ExportQueue: Sendable {
    private var spans: Window<ReportedSpan>
    private var logs: Window<LogLine>
    private var metrics: Window<MetricReported>
    /// How much had to make room, or was not taken.
    private(set) var dropped: UInt64 = 0

    init(limit: Int = 8192, bytes: Int = 32 << 20) {
        spans = Window(.init(count: limit, bytes: bytes, age: nil))
        logs = Window(.init(count: limit, bytes: bytes, age: nil))
        metrics = Window(.init(count: limit, bytes: bytes, age: nil))
    }

    /// `bytes` is about what it takes.
    mutating func append(_ item: Telemetry, bytes: Int, at time: Timestamp) {
        switch item {
        case .span(let span):
            guard !span.record.isPending else { return }
            spans.append(span, bytes: bytes, at: time) { _ in dropped += 1 }
        case .log(let line): logs.append(line, bytes: bytes, at: time) { _ in dropped += 1 }
        case .metric(let metric):
            metrics.append(metric, bytes: bytes, at: time) { _ in dropped += 1 }
        }
    }

    /// Up to `limit` of each kind that `paths` names; what there is none of is not among them.
    mutating func take(limit: Int, of paths: Set<String>) -> [OTLPExport] {
        var batches: [OTLPExport] = []
        if paths.contains(OTLPExport.spansPath) {
            batches.append(.spans(spans.take(limit).map(\.element)))
        }
        if paths.contains(OTLPExport.logsPath) {
            let lines = logs.take(limit).map { (line: $0.element, received: $0.received) }
            batches.append(.logs(lines))
        }
        if paths.contains(OTLPExport.metricsPath) {
            let points = metrics.take(limit).map { (metric: $0.element, received: $0.received) }
            batches.append(.metrics(points))
        }
        return batches.filter { $0.count > 0 }
    }

    mutating func lose(_ count: Int) { dropped += UInt64(count) }
}
