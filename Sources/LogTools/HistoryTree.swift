import Events
package import Primitives

/// A history by cause: who led to what.
package struct HistoryTree: Sendable {
    package struct Node: Equatable, Sendable {
        package let record: LogRecord
        /// Indexes of nodes, in the order of the log.
        package internal(set) var children: [Int] = []
        package internal(set) var isRoot = true
        /// Why there is no end where one belongs; nil when nothing is missing.
        package internal(set) var missing: String?
        /// Whether another run than the one above it may have written it: a log line names no
        /// cause.
        package internal(set) var isGuessed = false

        /// When it happened; of a span, which is told of when it is over: when it began.
        package var time: Timestamp { record.span?.start ?? record.time }

        fileprivate var end: Timestamp {
            guard let span = record.span, span.end > span.start else { return time }
            return span.end
        }
    }

    package let history: History
    /// In the order of the log; spans in the order in which they began.
    package private(set) var nodes: [Node]
    let context: HeadlineContext
    /// By what messages were dropped that waited.
    private var purges: [Offset: Offset] = [:]

    package init(_ history: History) {
        self.history = history
        // Spans tell once more, and late, what the records of the work itself say. They also tell
        // whose log lines are: see LinePlaces.
        // Where there are no such records, they are the history.
        let work = history.records.filter { $0.span == nil }
        nodes = (work.isEmpty ? Self.spans(of: history) : work).map { Node(record: $0) }
        var context = HeadlineContext(workers: history.workers)
        for record in history.records {
            guard case .queue(.enqueued(let event)) = record.event else { continue }
            if let target = event.target {
                context.targets[record.offset] = target
            } else {
                context.topics[record.offset] = event.queue
            }
        }
        self.context = context
        if work.isEmpty { linkSpans() } else { link() }
        findMissing()
    }

    package var roots: [Int] { nodes.indices.filter { nodes[$0].isRoot } }

    /// When the history begins.
    package var start: Timestamp { nodes.first?.time ?? Timestamp(nanoseconds: 0) }

    package var duration: Timestamp.Span {
        start.distance(to: nodes.map(\.end).max() ?? start)
    }

    // MARK: Building

    private mutating func link() {
        var places: [Offset: Int] = [:]
        var lines = LinePlaces(history)
        for index in nodes.indices {
            let record = nodes[index].record
            places[record.offset] = index
            var parent = record.cause.flatMap { places[$0] }
            lines.take(record, at: index, context)
            switch record.event {
            case .completed, .queue(.acked), .queue(.retried), .queue(.deadLettered):
                if let parent, ends(record, nodes[parent].record) {
                    lines.end(parent)
                }
            case .queue(.redriven(let event)):
                parent = places[event.message] ?? parent
            case .queue(.discarded(let event)):
                parent = places[event.message] ?? parent
            case .queue(.purged(let event)):
                let own = event.messages.filter { places[$0] != nil }
                for message in own { purges[message] = record.offset }
                parent = own.first.flatMap { places[$0] } ?? parent
            case .logged(let event) where parent == nil:
                let place = lines.place(of: event)
                parent = place?.node
                nodes[index].isGuessed = place?.isGuessed ?? false
            default:
                break
            }
            if let parent {
                nodes[parent].children.append(index)
                nodes[index].isRoot = false
            }
        }
    }

    /// The last report of each span, in the order in which they began; the longer first, which may
    /// contain the other, and its report is the later one.
    private static func spans(of history: History) -> [LogRecord] {
        var latest: [UInt64: LogRecord] = [:]
        for record in history.records {
            if let span = record.span { latest[span.span] = record }
        }
        return latest.values.sorted { left, right in
            guard let one = left.span, let other = right.span else { return false }
            return (one.start, other.end, right.offset) < (other.start, one.end, left.offset)
        }
    }

    /// Puts each span below the one that it says it is a part of, where that began no later: spans
    /// are what workers say, and might go round in a circle.
    private mutating func linkSpans() {
        var places: [UInt64: Int] = [:]
        for index in nodes.indices {
            guard let span = nodes[index].record.span else { continue }
            if let parent = places[span.parent] {
                nodes[parent].children.append(index)
                nodes[index].isRoot = false
            }
            places[span.span] = index
        }
    }

    /// Whether `record` is the end of what `start` began. A call that was refused before it ran
    /// ends below its caller, which goes on.
    private func ends(_ record: LogRecord, _ start: LogRecord) -> Bool {
        guard case .completed(let end) = record.event else { return true }
        guard case .invoked(let begin) = start.event else { return false }
        return end.invocation == begin.invocation || end.invocation == UUID128(high: 0, low: 0)
            || end.duration > Timestamp.Span(nanoseconds: 0)
    }

    private mutating func findMissing() {
        for index in nodes.indices {
            let node = nodes[index]
            switch node.record.event {
            case .invoked, .queue(.delivered):
                let hasEnd = node.children.contains { child in
                    let record = nodes[child].record
                    return record.event?.isEnd == true && ends(record, node.record)
                }
                if !hasEnd { nodes[index].missing = openEnd(node.record) }
            case .queue(.enqueued) where node.children.isEmpty:
                let purge = purges[node.record.offset]
                nodes[index].missing =
                    purge.map { "dropped with all that waited in its queue (#\($0))" }
                    ?? "no delivery in the log"
            case .triggered where node.children.isEmpty, .cron(.fired) where node.children.isEmpty:
                nodes[index].missing = "no run in the log"
            default:
                break
            }
        }
    }

    private func openEnd(_ record: LogRecord) -> String {
        let plain = "no end in the log"
        guard let interruption = history.interruptions[record.offset] else { return plain }
        let after = Text.duration(record.time.distance(to: interruption.time))
        switch interruption.reason {
        case .restart:
            return "\(plain): the engine was started again \(after) later (#\(interruption.offset))"
        case .workerLeft(let reason):
            return "\(plain): its worker left \(after) later: \(reason) (#\(interruption.offset))"
        }
    }
}

extension LogRecord {
    /// What it reports, if it is the report of a span.
    var span: SpanReported? {
        if case .spanReported(let span) = event { span } else { nil }
    }
}

extension Event {
    /// Whether it ends a run or a delivery.
    var isEnd: Bool {
        switch self {
        case .completed, .queue(.acked), .queue(.retried), .queue(.deadLettered): true
        default: false
        }
    }
}
