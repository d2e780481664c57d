import Events
import JSON
import Primitives

/// The spans of one trace, each with those that it contains.
struct SpanTree {
    /// What SDKs can read ends at 128 levels of JSON, of which each span takes two.
    private static let depth = 48

    private let spans: [ReportedSpan]
    private var children: [Int: [Int]] = [:]
    private var roots: [Int] = []
    private var isHidden: [Bool] = []

    init(_ trace: TraceID, in store: SpanStore, collapsing rules: [CollapsedSpans] = []) {
        let all = store.spans(of: trace)
        let parents = Set(all.map(\.record.parent))
        // Wrappers of the engine that led to nothing.
        spans = all.filter { span in
            !["state_triggers", "stream_triggers"].contains(span.record.name)
                || parents.contains(span.record.span)
        }
        var places: [UInt64: Int] = [:]
        for (place, span) in spans.enumerated() { places[span.record.span] = place }
        isHidden = spans.map { span in
            rules.contains { $0.matches(span.record.name, span.record.service) }
        }
        for (place, span) in spans.enumerated() where !isHidden[place] {
            if let parent = shownParent(of: span, places), parent != place {
                children[parent, default: []].append(place)
            } else {
                roots.append(place)
            }
        }
    }

    /// The next span around it that is shown; nil: there is none.
    private func shownParent(of span: ReportedSpan, _ places: [UInt64: Int]) -> Int? {
        var id = span.record.parent
        // Hidden ones may name each other as parents.
        for _ in 0...spans.count {
            guard id != 0, let place = places[id] else { return nil }
            guard isHidden[place] else { return place }
            id = spans[place].record.parent
        }
        return nil
    }

    func write(into json: inout JSONBuilder) {
        var isWritten = isHidden
        json.beginArray()
        for root in roots { write(root, &isWritten, into: &json) }
        // What names each other as parents has no root.
        for place in spans.indices where !isWritten[place] {
            write(place, &isWritten, into: &json)
        }
        json.endArray()
    }

    /// Writes a span and all that it contains. What lies too deep stands beside its parent.
    private func write(_ root: Int, _ isWritten: inout [Bool], into json: inout JSONBuilder) {
        /// What is open, from the outside in, with the children that are still to be written.
        var open: [[Int]] = []
        var waiting = [root]
        while true {
            if let place = waiting.popLast() {
                guard !isWritten[place] else { continue }
                isWritten[place] = true
                json.beginObject()
                spans[place].writeMembers(into: &json)
                json.key("children")
                json.beginArray()
                let contained = Array((children[place] ?? []).reversed())
                if open.count + 1 < Self.depth {
                    open.append(waiting)
                    waiting = contained
                } else {
                    json.endArray()
                    json.endObject()
                    waiting += contained
                }
            } else {
                guard let outer = open.popLast() else { return }
                json.endArray()
                json.endObject()
                waiting = outer
            }
        }
    }
}
