import Events
import Observability
import Primitives

/// A history as spans, for programs that show traces: whatever began is a span below what led to
/// it, and all else happened within one.
struct TracedHistory {
    struct Span {
        let record: LogRecord
        let work: HistorySpan
        /// The place of the span that it stands below.
        let parent: Int?
        /// Why there is no end where one belongs; nil when nothing is missing.
        let missing: String?
        /// What neither begins nor ends one, in the order of the log.
        fileprivate(set) var within: [LogRecord] = []
        /// What says how it ended.
        fileprivate(set) var ending: LogRecord?
        /// When it ended, or else the last that is known of it.
        fileprivate(set) var end: Timestamp
    }

    /// In the order of the log: each stands behind its parent.
    private(set) var spans: [Span] = []
    /// Records that belong to no span.
    private(set) var loose: [LogRecord] = []
    /// Those that SDKs have reported, as they say.
    let reported: [ReportedSpan]

    init(_ tree: HistoryTree) {
        reported = tree.history.reportedSpans
        var work = HistorySpans()
        let parts = tree.nodes.map { work.take(FollowedRecord($0.record)) }
        let parents = tree.parents
        // The span that each node is, or is within.
        var places: [Int?] = []
        for (index, node) in tree.nodes.enumerated() {
            let around = parents[index].flatMap { places[$0] }
            places.append(around)
            switch parts[index] {
            case .begins:
                guard let begun = work[node.record.offset] else { continue }
                places[index] = spans.count
                add(node, begun, below: around)
            case .ends:
                if let around { spans[around].ending = node.record }
            case .isWithin:
                if let around {
                    spans[around].within.append(node.record)
                } else if node.record.span == nil {
                    loose.append(node.record)
                }
            }
        }
        findEnds(tree.history)
    }

    private mutating func add(_ node: HistoryTree.Node, _ work: HistorySpan, below parent: Int?) {
        spans.append(
            Span(
                record: node.record,
                work: work,
                parent: parent,
                missing: node.missing,
                end: work.start
            )
        )
    }

    /// What did not end went on until it was cut off, or at least as long as anything in it.
    private mutating func findEnds(_ history: History) {
        for place in spans.indices.reversed() {
            let span = spans[place]
            let last = max(span.end, span.within.last?.time ?? span.end)
            let cut = history.interruptions[span.record.offset]?.time
            let end = span.work.end ?? cut ?? last
            spans[place].end = end
            if let parent = span.parent { spans[parent].end = max(spans[parent].end, end) }
        }
    }
}

extension HistoryTree {
    /// The node that each node stands below; nil for roots.
    fileprivate var parents: [Int?] {
        var parents = [Int?](repeating: nil, count: nodes.count)
        for index in nodes.indices {
            for child in nodes[index].children { parents[child] = index }
        }
        return parents
    }
}

extension History {
    /// A later report of a span takes the place of an earlier one. What has not ended is none yet.
    fileprivate var reportedSpans: [ReportedSpan] {
        struct Key: Hashable {
            let trace: TraceID
            let span: UInt64
        }
        var places: [Key: Int] = [:]
        var spans: [ReportedSpan] = []
        for record in records {
            guard case .spanReported(let report) = record.event, let trace = record.trace,
                report.end.nanoseconds != 0
            else { continue }
            let span = ReportedSpan(record: report, trace: trace)
            let key = Key(trace: trace, span: report.span)
            if let place = places[key] {
                spans[place] = span
            } else {
                places[key] = spans.count
                spans.append(span)
            }
        }
        return spans
    }
}

extension FollowedRecord {
    fileprivate init(_ record: LogRecord) {
        self.init(
            offset: record.offset,
            time: record.time,
            trace: record.trace,
            cause: record.cause,
            event: record.event,
            byteCount: record.byteCount
        )
    }
}
