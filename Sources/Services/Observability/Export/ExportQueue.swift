import DequeModule
import Events
import Primitives

/// What waits to be sent to a collector: so much at the most, and the oldest makes room.
struct ExportQueue: Sendable {
    private var spans: Deque<ReportedSpan> = []
    private var logs: Deque<(line: LogLine, received: Timestamp)> = []
    private var metrics: Deque<(metric: MetricReported, received: Timestamp)> = []
    private let limit: Int
    /// How much had to make room, or was not taken.
    private(set) var dropped: UInt64 = 0

    init(limit: Int = 8192) { self.limit = limit }

    mutating func append(_ item: Telemetry, at time: Timestamp) {
        switch item {
        case .span(let span):
            guard !span.record.isPending else { return }
            spans.append(span)
            dropped += Self.trim(&spans, to: limit)
        case .log(let line):
            logs.append((line, time))
            dropped += Self.trim(&logs, to: limit)
        case .metric(let metric):
            metrics.append((metric, time))
            dropped += Self.trim(&metrics, to: limit)
        }
    }

    private static func trim<Element>(_ queue: inout Deque<Element>, to limit: Int) -> UInt64 {
        guard queue.count > limit else { return 0 }
        queue.removeFirst()
        return 1
    }

    /// Up to `limit` of each kind that `paths` names; what there is none of is not among them.
    mutating func take(limit: Int, of paths: Set<String>) -> [OTLPExport] {
        func first<Element>(_ queue: inout Deque<Element>) -> [Element] {
            defer { queue.removeFirst(min(limit, queue.count)) }
            return Array(queue.prefix(limit))
        }
        var batches: [OTLPExport] = []
        if paths.contains(OTLPExport.spansPath) { batches.append(.spans(first(&spans))) }
        if paths.contains(OTLPExport.logsPath) { batches.append(.logs(first(&logs))) }
        if paths.contains(OTLPExport.metricsPath) { batches.append(.metrics(first(&metrics))) }
        return batches.filter { $0.count > 0 }
    }

    mutating func lose(_ count: Int) { dropped += UInt64(count) }
}
