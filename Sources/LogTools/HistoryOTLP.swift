import Events
import Observability
import Primitives

/// A history as a collector of OpenTelemetry takes it: the body of a request to its `/v1/traces`,
/// in JSON (OTLP 1.x, "JSON Protobuf Encoding").
///
/// The engine's spans have the names, ids and times that its exporter sends: what a collector knows
/// already is the same span again. Each run has one as well, and spans that SDKs reported are there
/// as they came.
package struct HistoryOTLP {
    /// One line.
    package let text: String
    /// Records that are left out: they have no trace, or nothing of their trace led to them.
    package let leftOut: Int

    /// As the engine calls itself, unless configured.
    private static let service = "iii"

    /// `isFull`: with payloads, which may hold what is not for others.
    package init(_ tree: HistoryTree, isFull: Bool = false) {
        let traced = TracedHistory(tree)
        var leftOut = traced.loose.count
        var spans: [ReportedSpan] = []
        for span in traced.spans {
            guard let trace = span.record.trace else {
                leftOut += 1 + span.within.count
                continue
            }
            let above = span.parent.map { traced.spans[$0].record }
            spans.append(Self.reported(span, trace, below: above, tree, isFull))
        }
        let export = OTLPExport.spans(spans + traced.reported)
        let body = export.body(isJSON: true, of: OTLPExport.Resource(service: Self.service))
        text = String(decoding: body, as: UTF8.self)
        self.leftOut = leftOut
    }

    private static func reported(
        _ span: TracedHistory.Span,
        _ trace: TraceID,
        below above: LogRecord?,
        _ tree: HistoryTree,
        _ isFull: Bool
    ) -> ReportedSpan {
        var story = SpanDetails()
        story.isOpen = span.work.end == nil
        story.attributes = attributes(of: span, tree.history, isFull)
        story.events = span.within.map { record in
            SpanEvent(record.happening, at: record.time, record.attributes(isFull: isFull))
        }
        var parent = span.work.remoteParent
        if let above {
            let id = EngineSpans.id(of: above.offset)
            if above.trace == trace {
                // The caller's own span is below the run's, if it is anywhere.
                if parent == 0 { parent = id }
            } else if let other = above.trace {
                story.origin = SpanDetails.Origin(trace: other, span: id)
            }
        }
        return span.work.reported(
            trace,
            below: parent,
            until: span.end,
            service: service,
            story
        )
    }

    private static func attributes(
        of span: TracedHistory.Span,
        _ history: History,
        _ isFull: Bool
    ) -> [TelemetryAttribute] {
        var attributes = span.record.attributes(isFull: isFull)
        if let function = span.work.function, span.record.lacks("function") {
            attributes += EventField.function(function).compactMap { $0.attribute(isFull: isFull) }
        }
        if let worker = span.record.event?.worker, let name = history.workers[worker] {
            attributes.append(TelemetryAttribute("iii.worker.name", name.name))
        }
        if let missing = span.missing {
            attributes.append(TelemetryAttribute("iii.missing", missing))
        }
        guard let ending = span.ending else { return attributes }
        attributes.append(TelemetryAttribute("iii.end", ending.offset.description))
        return attributes + ending.payloads.compactMap { $0.attribute(isFull: isFull) }
    }
}

extension LogRecord {
    /// What happens with it, in a word: the function that was called, where there is one.
    var happening: String {
        switch event {
        case .state(.set(let event)): event.function
        case .state(.deleted(let event)): event.reason == .deleted ? "state::delete" : kindName
        case .stream(.set(let event)): event.function
        case .stream(.deleted): "stream::delete"
        case .stream(.sent): "stream::send"
        case .logged: "log"
        default: kindName
        }
    }

    /// Those of its fields that hold what functions were handed, or answered.
    var payloads: [EventField] {
        (event?.fields ?? []).filter { field in
            if case .json = field.value { true } else { false }
        }
    }

    fileprivate func lacks(_ name: String) -> Bool {
        event?.fields.contains { $0.name == name } != true
    }

    fileprivate func attributes(isFull: Bool) -> [TelemetryAttribute] {
        [
            TelemetryAttribute("iii.offset", offset.description),
            TelemetryAttribute("iii.kind", kindName),
        ] + (event?.fields ?? []).compactMap { $0.attribute(isFull: isFull) }
    }
}

extension EventField {
    /// Nobody, where a worker could be named.
    private static let nobody = Value.text(UUID128(high: 0, low: 0).description)

    /// Whether it is worth showing: that the engine itself calls goes without saying.
    var saysSomething: Bool { value != Self.nobody }

    /// Nil: it is a payload, and is not wanted.
    fileprivate func attribute(isFull: Bool) -> TelemetryAttribute? {
        guard saysSomething else { return nil }
        let text: String
        switch value {
        case .text(let content): text = content
        case .number(let number): text = "\(number)"
        case .flag(let flag): text = "\(flag)"
        case .time(let time): text = time.rfc3339()
        case .span(let span): text = "\(Double(span.nanoseconds) / 1_000_000)"
        case .json(let bytes):
            guard isFull else { return nil }
            text = String(decoding: bytes, as: UTF8.self)
        }
        return TelemetryAttribute("iii.\(name)", text)
    }
}
