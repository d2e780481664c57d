import DequeModule
import Events
import Primitives

/// Decides which traces are kept: once for each, where it begins, from what the log says alone, so
/// that following it again comes to the same.
///
/// A trace that no record begins (a worker's own) is decided over by the first span that is told of
/// it. Bounded: what was decided the longest ago is forgotten, and decided again by the ratio.
struct TraceSampler: Sendable {
    private var decided: [TraceID: Bool] = [:]
    private var order: Deque<TraceID> = []
    /// Traces that may begin now, as of `filled`; a full bucket is a second's worth.
    private var tokens: Double?
    private var filled = Timestamp(nanoseconds: 0)
    /// Spans that were not kept.
    private(set) var passedOver: UInt64 = 0

    private static let limit = 65_536

    /// Work begins that nothing in its trace led to.
    mutating func begin(
        _ trace: TraceID,
        _ operation: String,
        _ service: String,
        parent: RemoteSpan?,
        at time: Timestamp,
        _ sampling: Sampling
    ) {
        guard decided[trace] == nil else { return }
        if sampling.isParentBased, let parent {
            note(trace, parent.isSampled)
        } else if !sampling.keepsAllTraces {
            decide(trace, operation, service, at: time, sampling)
        }
    }

    /// - Returns: whether a span of that trace is kept; `span` is looked at where that matters.
    mutating func keeps(
        _ trace: TraceID,
        at time: Timestamp,
        _ sampling: Sampling,
        _ span: @autoclosure () -> ReportedSpan
    ) -> Bool {
        let isKept = verdict(trace, at: time, sampling, span)
        if !isKept { passedOver += 1 }
        return isKept
    }

    private mutating func verdict(
        _ trace: TraceID,
        at time: Timestamp,
        _ sampling: Sampling,
        _ span: () -> ReportedSpan
    ) -> Bool {
        if !decided.isEmpty, let known = decided[trace] { return known }
        if sampling.keepsAllTraces { return true }
        let span = span()
        return decide(span.trace, span.record.name, span.record.service, at: time, sampling)
    }

    @discardableResult
    private mutating func decide(
        _ trace: TraceID,
        _ operation: String,
        _ service: String,
        at time: Timestamp,
        _ sampling: Sampling
    ) -> Bool {
        let rate = sampling.rate(operation, service)
        var isKept = Sampling.place(of: trace) < rate
        if isKept, let limit = sampling.tracesPerSecond { isKept = takeToken(limit, at: time) }
        // What follows from the id alone is not kept in mind.
        let isPlain = sampling.rules.isEmpty && sampling.tracesPerSecond == nil
        if !isPlain { note(trace, isKept) }
        return isKept
    }

    private mutating func takeToken(_ limit: Double, at time: Timestamp) -> Bool {
        let capacity = max(1, limit)
        let passed = Double(max(0, filled.distance(to: time).nanoseconds)) / 1_000_000_000
        let available = tokens.map { min(capacity, $0 + passed * limit) } ?? capacity
        filled = time
        guard available >= 1 else {
            tokens = available
            return false
        }
        tokens = available - 1
        return true
    }

    private mutating func note(_ trace: TraceID, _ isKept: Bool) {
        decided[trace] = isKept
        order.append(trace)
        if order.count > Self.limit, let oldest = order.popFirst() { decided[oldest] = nil }
    }
}

extension WorkFacts {
    /// What its span will be called.
    var operation: String {
        let function = function?.id ?? ""
        switch (kind, type) {
        case (.trigger, "http"):
            let attributes = request?.attributes ?? []
            guard let route = attributes["http.route"] else { return summary }
            return "\(attributes["http.request.method"] ?? "") \(route)"
        case (.trigger, "cron"), (.run, _): return "call \(function)"
        case (.trigger, "state"), (.trigger, "stream"): return "\(type)_triggers"
        case (.trigger, _): return "trigger \(function)"
        case (.message, _): return "enqueue \(function) → \(type)"
        case (.delivery, _): return isTopic ? "queue \(type)" : "fn_queue \(type)"
        }
    }
}
