import Events
import JSON
import Primitives

/// The input of `engine::traces::list` (services 2, C.6).
struct SpanQuery {
    enum Order: String {
        case start = "start_time"
        case duration
        case service = "service_name"
        case name
    }

    let traces: Set<String>?
    /// What the id of a trace begins with; iii's own engine does not know this one.
    let tracePrefix: String?
    let offset: Int
    let limit: Int
    /// In lower case, as the next two.
    let service: String?
    let name: String?
    let status: String?
    /// In milliseconds.
    let shortest: Double?
    let longest: Double?
    /// In milliseconds since 1970.
    let from: Int64?
    let until: Int64?
    let order: Order
    let isDescending: Bool
    let attributes: [TelemetryAttribute]
    let excluded: [TelemetryAttribute]
    let includesInternal: Bool
    /// Rows are all spans, and what is asked of names and attributes is asked of whole traces.
    let searchesAll: Bool

    init(_ fields: JSONFields) throws(JSONFieldError) {
        if let trace = try fields.optionalString("trace_id") {
            traces = [trace.lowercased()]
        } else {
            traces = try fields.optionalStrings("trace_ids").map { Set($0.map { $0.lowercased() }) }
        }
        tracePrefix = try fields.optionalString("trace_prefix")?.lowercased()
        offset = try fields.optionalCount("offset") ?? 0
        limit = try fields.optionalCount("limit") ?? 100
        service = try fields.optionalString("service_name")?.lowercased()
        name = try fields.optionalString("name")?.lowercased()
        status = try fields.optionalString("status")?.lowercased()
        shortest = try fields.optionalDouble("min_duration_ms")
        longest = try fields.optionalDouble("max_duration_ms")
        from = try fields.optionalInteger("start_time")
        until = try fields.optionalInteger("end_time")
        let order = try fields.optionalString("sort_by") ?? ""
        self.order = order == "duration_ms" ? .duration : Order(rawValue: order) ?? .start
        isDescending = try fields.optionalString("sort_order")?.lowercased() == "desc"
        attributes = try fields.optionalAttributes("attributes")
        excluded = try fields.optionalAttributes("exclude_attributes")
        includesInternal = try fields.optionalBool("include_internal") ?? false
        searchesAll = try fields.optionalBool("search_all_spans") ?? false
    }
}

extension SpanStore {
    /// - Returns: the rows that are asked for, and how many there are in all.
    /// - Throws: `time_value_overflow`.
    func list(
        _ query: SpanQuery,
        now: Timestamp
    ) throws(ErrorBody) -> (rows: [ReportedSpan], total: Int) {
        let from = try Timestamp.told(query.from)
        let until = try Timestamp.told(query.until)
        let traces = query.searchesAll ? tracesMatching(query) : nil
        var rows = spans.filter { span in
            (query.searchesAll || isRoot(span))
                && query.isOf(span.trace)
                && (traces?.contains(span.trace) ?? query.matchesByName(span.record))
                && query.matches(span.record, now: now)
                && span.record.isThere(from: from, until: until, now: now)
        }
        // Of equals in the order in which they came.
        let order = query.ascending(now: now)
        rows = rows.enumerated().sorted { left, right in
            let (first, second) =
                query.isDescending
                ? (right.element, left.element) : (left.element, right.element)
            if order(first.record, second.record) { return true }
            if order(second.record, first.record) { return false }
            return left.offset < right.offset
        }.map(\.element)
        return (Array(rows.dropFirst(query.offset).prefix(query.limit)), rows.count)
    }

    /// The traces that have a span of that name, and one with those attributes.
    private func tracesMatching(_ query: SpanQuery) -> Set<TraceID>? {
        guard query.name != nil || !query.attributes.isEmpty else { return nil }
        var named: Set<TraceID> = []
        var marked: Set<TraceID> = []
        for span in spans {
            if query.matchesName(span.record) { named.insert(span.trace) }
            if query.matchesAttributes(span.record) { marked.insert(span.trace) }
        }
        return named.intersection(marked)
    }

    /// What the spans of each of these traces are tagged with; the later span wins.
    func tags(of traces: Set<TraceID>) -> [TraceID: JSONObject] {
        var tagged: [TraceID: [(start: Timestamp, tag: TelemetryAttribute)]] = [:]
        for span in spans where traces.contains(span.trace) {
            for attribute in span.record.attributes where attribute.isTag {
                tagged[span.trace, default: []].append((span.record.start, attribute))
            }
        }
        return tagged.mapValues { tags in
            var object = JSONObject()
            for (_, tag) in tags.enumerated().sorted(by: {
                ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
            }).map(\.element) {
                object[tag.name] = .string(tag.value)
            }
            return object
        }
    }
}

extension SpanReported {
    fileprivate func isThere(from: Timestamp?, until: Timestamp?, now: Timestamp) -> Bool {
        let end = isPending ? now : self.end
        return (from.map { end >= $0 } ?? true) && (until.map { start <= $0 } ?? true)
    }
}

extension SpanQuery {
    fileprivate func isOf(_ trace: TraceID) -> Bool {
        if let traces, !traces.contains(trace.description) { return false }
        return tracePrefix.map { trace.description.hasPrefix($0) } ?? true
    }

    fileprivate func matches(_ span: SpanReported, now: Timestamp) -> Bool {
        let milliseconds = Double(span.duration(now: now).nanoseconds) / 1_000_000
        return (includesInternal || !span.isInternal)
            && contains(service, span.service)
            && contains(status, span.statusText)
            && (shortest.map { milliseconds >= $0 } ?? true)
            && (longest.map { milliseconds <= $0 } ?? true)
            && !excluded.contains { span.attributes[$0.name] == $0.value }
    }

    fileprivate func matchesByName(_ span: SpanReported) -> Bool {
        matchesName(span) && matchesAttributes(span)
    }

    fileprivate func matchesName(_ span: SpanReported) -> Bool { contains(name, span.name) }

    fileprivate func matchesAttributes(_ span: SpanReported) -> Bool {
        attributes.allSatisfy { span.attributes[$0.name] == $0.value }
    }

    private func contains(_ wanted: String?, _ text: String) -> Bool {
        guard let wanted, !wanted.isEmpty else { return true }
        return text.lowercased().contains(wanted)
    }

    fileprivate func ascending(now: Timestamp) -> (SpanReported, SpanReported) -> Bool {
        switch order {
        case .start: { $0.start < $1.start }
        case .duration: { $0.duration(now: now) < $1.duration(now: now) }
        case .service: { $0.service < $1.service }
        case .name: { $0.name < $1.name }
        }
    }
}

extension TelemetryAttribute {
    /// Whether a trace's row shows it.
    fileprivate var isTag: Bool {
        name.hasPrefix("iii.tag.")
            || ["iii.session.id", "iii.session.name", "iii.message.id"].contains(name)
    }
}
