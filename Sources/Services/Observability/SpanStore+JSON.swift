import Events
import JSON
import Primitives

extension ReportedSpan {
    /// Its members, without the braces, as listings show them (services 2, C.4).
    func writeMembers(into json: inout JSONBuilder) {
        json.key("trace_id")
        json.string(trace.description)
        json.key("span_id")
        json.string(hexadecimal(record.span))
        json.key("parent_span_id")
        if record.parent == 0 { json.null() } else { json.string(hexadecimal(record.parent)) }
        json.key("name")
        json.string(record.name)
        json.key("start_time_unix_nano")
        json.integer(record.start.nanoseconds)
        json.key("end_time_unix_nano")
        json.integer(record.end.nanoseconds)
        json.key("status")
        json.string(record.statusText)
        json.optional("status_description", record.statusDescription)
        json.key("attributes")
        record.attributes.write(into: &json)
        json.key("service_name")
        json.string(record.service)
        json.key("events")
        json.raw(bytes: record.events)
        json.key("links")
        json.raw(bytes: record.links)
        json.scope(record.scope)
        if let flags = record.flags {
            json.key("flags")
            json.integer(UInt64(flags))
        }
        json.optional("trace_state", record.traceState)
        if record.isPending {
            json.key("pending")
            json.bool(true)
        }
    }
}

extension JSONBuilder {
    /// A member that is left out where there is no value.
    mutating func optional(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        string(value)
    }

    mutating func scope(_ scope: TelemetryScope) {
        optional("instrumentation_scope_name", scope.name)
        optional("instrumentation_scope_version", scope.version)
    }
}
