import Events
import JSON
import Primitives

/// The youngest log lines.
struct LogStore: Sendable {
    private(set) var window: Window<LogLine>

    init(_ bounds: Window<LogLine>.Bounds) { window = Window(bounds) }

    mutating func append(_ line: LogLine, bytes: Int, at time: Timestamp) {
        window.append(line, bytes: bytes, at: time)
    }

    mutating func trim(now: Timestamp) { window.trim(now: now) }

    mutating func removeAll() { window.removeAll() }

    mutating func bound(by bounds: Window<LogLine>.Bounds, now: Timestamp) {
        window.bound(by: bounds, now: now)
    }

    /// The newest first.
    func list(_ query: LogQuery) -> (rows: [Window<LogLine>.Entry], total: Int) {
        let rows = window.entries.reversed().filter { query.matches($0) }
        let page = rows.dropFirst(query.offset).prefix(query.limit ?? .max)
        return (Array(page), rows.count)
    }
}

/// The input of `engine::logs::list`.
struct LogQuery {
    private let from: Int64?
    private let until: Int64?
    private let trace: String?
    /// What the id of a line's trace begins with; iii's own engine does not know this one.
    private let tracePrefix: String?
    private let span: String?
    private let leastSeverity: Int64?
    private let severity: String?
    let offset: Int
    /// nil: all of them.
    let limit: Int?

    init(_ fields: JSONFields) throws(JSONFieldError) {
        from = try fields.optionalInteger("start_time")
        until = try fields.optionalInteger("end_time")
        trace = try fields.optionalString("trace_id")?.lowercased()
        tracePrefix = try fields.optionalString("trace_prefix")?.lowercased()
        span = try fields.optionalString("span_id")?.lowercased()
        leastSeverity = try fields.optionalInteger("severity_min")
        severity = try fields.optionalString("severity_text")
        offset = try fields.optionalCount("offset") ?? 0
        limit = try fields.optionalCount("limit")
    }

    fileprivate func matches(_ entry: Window<LogLine>.Entry) -> Bool {
        let line = entry.element
        // In milliseconds: what cannot be told in nanoseconds lies beyond every line.
        let time = entry.time.milliseconds
        return (from.map { time >= $0 } ?? true)
            && (until.map { time <= $0 } ?? true)
            && (trace.map { line.trace?.description == $0 } ?? true)
            && (tracePrefix.map { line.trace?.description.hasPrefix($0) ?? false } ?? true)
            && (span.map { line.record.span != 0 && hexadecimal(line.record.span) == $0 } ?? true)
            && (leastSeverity.map { Int64(line.record.severity) >= $0 } ?? true)
            && (severity.map { line.record.severityText.lowercased() == $0.lowercased() } ?? true)
    }

    /// What was asked for, null where nothing was.
    var json: JSONValue {
        func number(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return .object([
            "start_time": number(from), "end_time": number(until), "trace_id": text(trace),
            "span_id": text(span), "severity_min": number(leastSeverity),
            "severity_text": text(severity), "offset": .integer(Int64(offset)),
            "limit": number(limit.map { Int64($0) }),
        ])
    }
}

extension Window<LogLine>.Entry {
    var time: Timestamp { element.time(received: received) }
}

extension LogLine {
    /// When it was written, as far as anybody knows.
    func time(received: Timestamp) -> Timestamp {
        let told = [record.time, record.observed]
        return told.first { $0.nanoseconds != 0 } ?? received
    }

    /// As listings show it (services 2, C.4). Of a line with more than `limit` bytes only the
    /// beginning of its text is written.
    func write(into json: inout JSONBuilder, received: Timestamp, limit: Int = .max) {
        let size = record.body.utf8.count + record.attributes.count + record.resource.count
        let isCut = size > limit
        let observed = record.observed.nanoseconds == 0 ? received : record.observed
        json.beginObject()
        json.key("timestamp_unix_nano")
        json.integer(time(received: received).nanoseconds)
        json.key("observed_timestamp_unix_nano")
        json.integer(observed.nanoseconds)
        json.key("severity_number")
        json.integer(Int64(record.severity))
        json.key("severity_text")
        json.string(record.severityText)
        json.key("body")
        json.string(isCut ? record.body.beginning(bytes: limit) : record.body)
        json.key("attributes")
        json.raw(bytes: isCut ? JSONText.emptyObject.bytes : record.attributes)
        json.key("trace_id")
        if let trace { json.string(trace.description) } else { json.null() }
        json.key("span_id")
        if record.span == 0 { json.null() } else { json.string(hexadecimal(record.span)) }
        json.key("resource")
        let hasResource = !isCut && !record.resource.isEmpty
        json.raw(bytes: hasResource ? record.resource : JSONText.emptyObject.bytes)
        json.key("service_name")
        json.string(record.service)
        json.scope(record.scope)
        if isCut {
            json.key("cut")
            json.bool(true)
        }
        json.endObject()
    }
}

extension String {
    /// Up to `limit` bytes of it, and no part of a character.
    func beginning(bytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
