import Events
package import JSON
package import Primitives

/// Which spans are told of as they come (services 2, C.8).
package struct WatchedSpans: Equatable, Sendable {
    /// The roots of traces.
    package var rows = false
    package var all = false
    /// Those of these traces.
    package var traces: Set<TraceID> = []

    package init() {}

    package var isEmpty: Bool { !rows && !all && traces.isEmpty }
}

/// Spans for the subscribers of one group of a stream.
package struct SpanPush: Equatable, Sendable {
    package let stream: String
    package let group: String
    /// `{"spans": […]}`.
    package let data: JSONText

    package init(stream: String, group: String, data: JSONText) {
        self.stream = stream
        self.group = group
        self.data = data
    }
}

/// The streams by which spans are told of. Nothing of them is recorded.
package enum DevtoolsStream {
    package static let prefix = "iii:devtools:"
    package static let rows = "iii:devtools:trace-rows"
    package static let spans = "iii:devtools:trace-spans"
    package static let all = "iii:devtools:all-spans"
    package static let everything = "all"
}

/// Spans that have come since they were told of last, for whoever watches. Bounded, also in bytes:
/// the oldest makes room.
struct SpanWatch: Sendable {
    var wanted = WatchedSpans() {
        didSet { if wanted.isEmpty { seen.removeAll() } }
    }
    /// As many as are told of at once, and a page can show.
    private var seen = Window<ReportedSpan>(.init(count: 1000, bytes: 4 << 20, age: nil))

    mutating func note(_ span: ReportedSpan, at time: Timestamp) {
        guard wanted.all || wanted.rows || wanted.traces.contains(span.trace) else { return }
        seen.append(span, bytes: span.record.byteCount, at: time)
    }

    /// What there is to tell; of a span that came twice, the later.
    mutating func take(_ store: SpanStore) -> [SpanPush] {
        let noted = seen.entries.map(\.element)
        guard !noted.isEmpty else { return [] }
        seen.removeAll()
        var newest: [SpanStore.Key: Int] = [:]
        for (place, span) in noted.enumerated() { newest[SpanStore.Key(span)] = place }
        let spans = noted.enumerated().filter { newest[SpanStore.Key($1)] == $0 }.map(\.element)
        var pushes: [SpanPush] = []
        func push(_ stream: String, _ group: String, _ spans: [ReportedSpan]) {
            guard !spans.isEmpty else { return }
            pushes.append(SpanPush(stream: stream, group: group, data: Self.data(spans)))
        }
        if wanted.rows {
            let rows = spans.filter { store.isRoot($0) && !$0.record.isInternal }
            push(DevtoolsStream.rows, DevtoolsStream.everything, rows)
        }
        if wanted.all { push(DevtoolsStream.all, DevtoolsStream.everything, spans) }
        let watched = spans.filter { wanted.traces.contains($0.trace) }
        for (trace, spans) in Dictionary(grouping: watched, by: \.trace)
            .sorted(by: { $0.key.description < $1.key.description })
        {
            push(DevtoolsStream.spans, trace.description, spans)
        }
        return pushes
    }

    private static func data(_ spans: [ReportedSpan]) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("spans")
        json.beginArray()
        for span in spans {
            json.beginObject()
            span.writeMembers(into: &json)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.finish()
    }
}

extension SpanStore.Key {
    init(_ span: ReportedSpan) { self.init(trace: span.trace, span: span.record.span) }
}
