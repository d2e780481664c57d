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

    /// What it takes in memory, beside what a record of `bytes` told, in bytes, roughly.
    func byteCount(_ bytes: Int) -> Int {
        switch self {
        case .reported: bytes + 256
        case .ended(let end): 512 + (end.work.facts.request?.byteCount ?? 0)
        case .call: 256
        }
    }
}
