import Events
import Primitives

/// A span as it is kept. The engine's own, of which there is one for most records, are put together
/// only when somebody looks: most are never looked at.
enum KeptSpan: Sendable {
    indirect case reported(ReportedSpan)
    indirect case ended(EndedWork)
    indirect case call(RecordedCall)

    var key: SpanStore.Key {
        switch self {
        case .reported(let span): SpanStore.Key(trace: span.trace, span: span.record.span)
        case .ended(let end):
            SpanStore.Key(trace: end.trace, span: EngineSpans.id(of: end.work.facts.offset))
        case .call(let call):
            SpanStore.Key(trace: call.trace, span: EngineSpans.id(of: call.offset))
        }
    }

    var isPending: Bool {
        if case .reported(let span) = self { span.record.isPending } else { false }
    }

    /// `service` is what the engine calls itself.
    func span(of service: String) -> ReportedSpan {
        switch self {
        case .reported(let span): span
        case .ended(let end): end.span(of: service)
        case .call(let call): call.span(of: service)
        }
    }

    /// The name that its span has.
    var name: String {
        switch self {
        case .reported(let span): span.record.name
        case .ended(let end): SpanDraft(end.work.facts).name
        case .call(let call): call.draft.name
        }
    }

    /// What it takes in memory, in bytes, roughly.
    var byteCount: Int {
        switch self {
        case .reported(let span): span.record.byteCount
        case .ended(let end): end.byteCount
        case .call(let call): 256 + (call.called.baggage?.utf8.count ?? 0)
        }
    }
}

extension EndedWork {
    fileprivate var byteCount: Int {
        let facts = work.facts
        let texts = facts.summary.utf8.count + (facts.baggage?.utf8.count ?? 0)
        return 512 + texts + (facts.request?.byteCount ?? 0) + (outcome.error?.byteCount ?? 0)
    }
}
