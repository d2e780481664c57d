import JSON
import Primitives

// `engine::traces::…` and `engine::logs::list`.

extension TelemetryStore {
    /// - Throws: `memory_exporter_not_enabled` where no spans are kept.
    func spanStore() throws(ErrorBody) -> SpanStore {
        guard settings.tracing, settings.keepsSpans else {
            let reason =
                settings.tracing
                ? "observability.exporter is otlp; set it to memory or both"
                : "tracing is off; set observability.tracing to true"
            throw ErrorBody(
                code: "memory_exporter_not_enabled",
                message: "no spans are kept: \(reason)"
            )
        }
        return spans
    }

    func traces(
        _ function: TelemetryFunction,
        _ input: JSONText,
        _ context: TelemetryContext
    ) throws(ErrorBody) -> JSONText {
        let spans = try spanStore()
        let name = function.rawValue
        var json = JSONBuilder()
        json.beginObject()
        switch function {
        case .traceTree:
            let id = try JSONFields.read(input, of: name) { (fields) throws(JSONFieldError) in
                try fields.requiredString("trace_id")
            }
            json.key("roots")
            if let trace = TraceID(id) {
                SpanTree(trace, in: spans, collapsing: settings.collapsed).write(into: &json)
            } else {
                json.raw(.emptyArray)
            }
        case .groupTraces:
            let grouping = try JSONFields.read(input, of: name, SpanGrouping.init)
            json.key("groups")
            let groups = try spans.groups(grouping, now: context.now)
            JSONValue.array(groups.map(\.json)).write(into: &json)
        default:
            let query = try JSONFields.read(input, of: name, SpanQuery.init)
            try write(query, of: spans, context, into: &json)
        }
        json.key("storage")
        storage.write(into: &json)
        json.endObject()
        return json.finish()
    }

    private func write(
        _ query: SpanQuery,
        of spans: SpanStore,
        _ context: TelemetryContext,
        into json: inout JSONBuilder
    ) throws(ErrorBody) {
        let (rows, total) = try spans.list(query, now: context.now)
        let tags = spans.tags(of: Set(rows.map(\.trace)))
        json.key("spans")
        json.beginArray()
        for row in rows {
            json.beginObject()
            row.writeMembers(into: &json)
            if let tags = tags[row.trace], !tags.isEmpty {
                json.key("trace_tags")
                JSONValue.object(tags).write(into: &json)
            }
            json.endObject()
        }
        json.endArray()
        json.key("total")
        json.integer(total)
        json.key("offset")
        json.integer(query.offset)
        json.key("limit")
        json.integer(query.limit)
    }

    /// How complete what is listed is. What had to make room is not missing: it is in the log.
    var storage: JSONValue {
        .object([
            "archive": .string("disabled"),
            "completeness": .string(droppedSpans == 0 ? "complete" : "partial"),
            "known_dropped_spans": .integer(Int64(clamping: droppedSpans)),
            "physical_bytes": .integer(Int64(spans.window.bytes)),
            "max_disk_bytes": .integer(0),
            "last_error": .null,
        ])
    }

    func listLogs(_ input: JSONText, _ context: TelemetryContext) throws(ErrorBody) -> JSONText {
        let name = TelemetryFunction.listLogs.rawValue
        let query = try JSONFields.read(input, of: name, LogQuery.init)
        let (rows, total) = logs.list(query)
        var json = JSONBuilder()
        json.beginObject()
        json.key("logs")
        json.beginArray()
        for row in rows { row.element.write(into: &json, received: row.received) }
        json.endArray()
        json.key("total")
        json.integer(total)
        if settings.logging {
            json.key("query")
            query.json.write(into: &json)
        }
        json.key("timestamp")
        json.integer(context.now.milliseconds)
        json.endObject()
        return json.finish()
    }
}
