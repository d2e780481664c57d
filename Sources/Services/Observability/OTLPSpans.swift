package import Events
package import JSON
package import Primitives

/// A span, and the request that it belongs to.
package struct ReportedSpan: Equatable, Sendable {
    package let record: SpanReported
    package let trace: TraceID

    package init(record: SpanReported, trace: TraceID) {
        self.record = record
        self.trace = trace
    }
}

/// OTLP/JSON span exports, in the forms that the SDKs write (protocol 11.2).
package enum OTLPSpans {
    /// Reads `{"resourceSpans": […]}`.
    ///
    /// - Parameters:
    ///   - export: as it came.
    ///   - hide: makes of a payload that a function was called with, or returned, what the log may
    ///     hold of it.
    /// - Returns: every span in it; what has no ids is none, and passed over.
    package static func decode(
        _ export: JSONText,
        hiding hide: (_ payload: String) -> String
    ) -> [ReportedSpan] {
        var spans: [ReportedSpan] = []
        for group in export.value()["resourceSpans"].elements {
            let told = group["resource"]["attributes"]
            let service = told.attributes["service.name"]?.content ?? "unknown"
            let resource = told.told
            for scope in group["scopeSpans"].elements {
                for span in scope["spans"].elements {
                    let events = events(span["events"], hiding: hide).bytes
                    guard let span = self.span(span, events, service, resource, scope["scope"])
                    else { continue }
                    spans.append(span)
                }
            }
        }
        return spans
    }

    private static func span(
        _ span: JSONValue,
        _ events: [UInt8],
        _ service: String,
        _ resource: [UInt8],
        _ scope: JSONValue
    ) -> ReportedSpan? {
        guard let trace = span["traceId"].trace, span["spanId"].span != 0 else { return nil }
        let status = UInt8(clamping: span["status"]["code"].integer ?? 0)
        return ReportedSpan(
            record: SpanReported(
                span: span["spanId"].span,
                parent: span["parentSpanId"].span,
                name: span["name"].content ?? "",
                service: service,
                start: span["startTimeUnixNano"].time,
                end: span["endTimeUnixNano"].time,
                status: SpanReported.Status(rawValue: status) ?? .unset,
                statusDescription: span["status"]["message"].name,
                attributes: span["attributes"].texts,
                events: events,
                links: links(span["links"]).bytes,
                flags: span["flags"].integer.flatMap { UInt32(exactly: $0) },
                traceState: span["traceState"].name,
                scope: scope.scope,
                role: span["kind"].role,
                resource: resource
            ),
            trace: trace
        )
    }

    /// As listings show them. Payloads are in events (protocol 11.2).
    private static func events(
        _ events: JSONValue,
        hiding hide: (_ payload: String) -> String
    ) -> JSONText {
        var json = JSONBuilder()
        json.beginArray()
        for event in events.elements {
            json.beginObject()
            json.key("name")
            json.string(event["name"].content ?? "")
            json.key("timestamp_unix_nano")
            json.integer(event["timeUnixNano"].time.nanoseconds)
            json.key("attributes")
            let attributes = event["attributes"].texts.map { attribute in
                guard attribute.name == "iii.payload.json" else { return attribute }
                return TelemetryAttribute(attribute.name, hide(attribute.value), attribute.form)
            }
            attributes.write(into: &json)
            json.endObject()
        }
        json.endArray()
        return json.finish()
    }

    /// As listings show them.
    private static func links(_ links: JSONValue) -> JSONText {
        var json = JSONBuilder()
        json.beginArray()
        for link in links.elements {
            json.beginObject()
            json.key("trace_id")
            json.string(link["traceId"].content ?? "")
            json.key("span_id")
            json.string(link["spanId"].content ?? "")
            json.key("trace_state")
            if let state = link["traceState"].name { json.string(state) } else { json.null() }
            json.key("attributes")
            link["attributes"].texts.write(into: &json)
            json.endObject()
        }
        json.endArray()
        return json.finish()
    }
}

extension JSONValue {
    /// By its number, or by its name in protobuf.
    fileprivate var role: SpanReported.Role {
        switch content {
        case "SPAN_KIND_INTERNAL": .internal
        case "SPAN_KIND_SERVER": .server
        case "SPAN_KIND_CLIENT": .client
        case "SPAN_KIND_PRODUCER": .producer
        case "SPAN_KIND_CONSUMER": .consumer
        default:
            SpanReported.Role(rawValue: UInt8(clamping: integer ?? 0)) ?? .unspecified
        }
    }
}
