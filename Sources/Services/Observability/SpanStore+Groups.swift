import Events
import JSON
import Primitives

/// The input of `engine::traces::group_by`.
struct SpanGrouping {
    let attribute: String
    /// In milliseconds since 1970.
    let since: Int64?
    let limit: Int
    let includesInternal: Bool
    let label: String?

    init(_ fields: JSONFields) throws(JSONFieldError) {
        attribute = try fields.requiredString("attribute")
        since = try fields.optionalInteger("since_ms")
        limit = try fields.optionalCount("limit") ?? 100
        includesInternal = try fields.optionalBool("include_internal") ?? false
        label = try fields.optionalString("label_attribute")
    }
}

/// The spans that have the same value of an attribute.
struct SpanGroup {
    let value: String
    fileprivate(set) var label: String?
    /// In the order in which they first appear.
    fileprivate(set) var traces: [TraceID] = []
    fileprivate(set) var spanCount = 0
    fileprivate(set) var errorCount = 0
    fileprivate(set) var first: Timestamp
    fileprivate(set) var last: Timestamp

    var json: JSONValue {
        .object([
            "value": .string(value), "label": label.map { .string($0) } ?? .null,
            "trace_ids": .array(traces.map { .string($0.description) }),
            "span_count": .integer(Int64(spanCount)),
            "first_seen_ms": .integer(first.milliseconds),
            "last_seen_ms": .integer(last.milliseconds),
            "duration_ms": .integer(last.milliseconds - first.milliseconds),
            "error_count": .integer(Int64(errorCount)),
        ])
    }
}

extension SpanStore {
    /// The youngest groups first.
    ///
    /// - Throws: `time_value_overflow`.
    func groups(_ grouping: SpanGrouping, now: Timestamp) throws(ErrorBody) -> [SpanGroup] {
        let since = try Timestamp.told(grouping.since)
        var groups: [String: SpanGroup] = [:]
        var known: Set<Member> = []
        for span in spans {
            let record = span.record
            guard let value = record.attributes[grouping.attribute],
                grouping.includesInternal || !record.isInternal,
                since.map({ record.start >= $0 }) ?? true
            else { continue }
            let end = record.isPending ? now : record.end
            var group =
                groups[value] ?? SpanGroup(value: value, first: record.start, last: end)
            group.spanCount += 1
            if record.status == .error { group.errorCount += 1 }
            group.first = min(group.first, record.start)
            group.last = max(group.last, end)
            if known.insert(Member(value: value, trace: span.trace)).inserted {
                group.traces.append(span.trace)
            }
            if let name = grouping.label, let label = record.attributes[name] {
                group.label = label
            }
            groups[value] = group
        }
        let sorted = groups.values.sorted { ($1.first, $0.value) < ($0.first, $1.value) }
        return Array(sorted.prefix(grouping.limit))
    }

    private struct Member: Hashable {
        let value: String
        let trace: TraceID
    }
}
