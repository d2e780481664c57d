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

    /// `service` is what the engine calls itself.
    mutating func keeps(
        _ span: KeptSpan,
        of service: String,
        at time: Timestamp,
        _ sampling: Sampling
    ) -> Bool {
        if sampling.keepsAllTraces, decided.isEmpty { return true }
        let isKept = verdict(span, service, at: time, sampling)
        if !isKept { passedOver += 1 }
        return isKept
    }

    private mutating func verdict(
        _ span: KeptSpan,
        _ service: String,
        at time: Timestamp,
        _ sampling: Sampling
    ) -> Bool {
        let trace = span.key.trace
        if let known = decided[trace] { return known }
        if sampling.keepsAllTraces { return true }
        // Names matter to rules alone.
        guard !sampling.rules.isEmpty else { return decide(trace, "", "", at: time, sampling) }
        var from = service
        if case .reported(let told) = span { from = told.record.service }
        return decide(trace, span.name, from, at: time, sampling)
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
