import Primitives

/// The names that fields of records have in JSON output. A test holds the lists to the sources.
package enum FieldNames {
    /// Of what stands beside the event, in the order of the output.
    package static let own = [
        "offset", "time", "kind", "trace", "cause", "unknown_kind", "bytes", "unreadable",
    ]

    /// Of what events say, by the alphabet.
    package static let ofEvents = [
        "actual", "address", "alert", "at", "attempt", "attempts", "attributes", "awaited",
        "backoff_ms", "baggage", "body", "by", "caller", "change", "comparison", "concurrency",
        "condition", "config", "configured", "content", "data", "dead", "definition", "description",
        "duration_ms", "error_code", "error_message", "events", "expires", "expression", "failures",
        "fifo", "fingerprint", "firing", "first", "form", "function", "group", "group_field",
        "hash", "headers", "id", "input", "invocation", "item", "keeps_messages", "key", "last",
        "links", "message", "messages", "metadata", "metric", "name", "namespace", "new",
        "not_before", "old", "parent", "parent_span", "payload", "points", "previous", "process",
        "queue", "reason", "receipt", "request", "resource", "result", "role", "route", "runtime",
        "scheduled", "schema", "scope", "service", "severity", "severity_text", "span",
        "stacktrace", "start", "status", "status_description", "stream", "summary", "threshold",
        "topic", "trigger", "type", "type_namespace", "unit", "value", "version", "worker",
    ]

    package static let all = own + ofEvents

    /// - Throws: ``ToolError`` with the nearest names where `name` is none of `names`.
    static func check(
        _ name: String,
        among names: [String] = FieldNames.all
    ) throws(ToolError) {
        guard !names.contains(name) else { return }
        let near = Suggestion.nearest(3, to: name, in: names).joined(separator: ", ")
        let advice = near.isEmpty ? "" : "the nearest are \(near), and "
        throw ToolError(
            .unknownField,
            "'\(name.visible)' is no such field of records; \(advice)`iii-log fields` lists "
                + "those that a log has"
        )
    }
}
