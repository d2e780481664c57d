package import Events
import JSON
package import Primitives

/// What is told of a span beside the work that it stands for.
package struct SpanDetails: Sendable {
    /// Whether nothing tells of its end.
    package var isOpen = false
    package var attributes: [TelemetryAttribute] = []
    package var events: [SpanEvent] = []
    /// What led to it in another trace, where no span of its own contains it.
    package var origin: Origin?

    package struct Origin: Equatable, Sendable {
        package let trace: TraceID
        package let span: UInt64

        package init(trace: TraceID, span: UInt64) {
            self.trace = trace
            self.span = span
        }
    }

    package init() {}

    /// As ``SpanReported/links``.
    var links: JSONText {
        guard let origin else { return .emptyArray }
        var json = JSONBuilder()
        json.beginArray()
        json.beginObject()
        json.key("trace_id")
        json.string(origin.trace.description)
        json.key("span_id")
        json.string(hexadecimal(origin.span))
        json.key("trace_state")
        json.null()
        json.key("attributes")
        [TelemetryAttribute]().write(into: &json)
        json.endObject()
        json.endArray()
        return json.finish()
    }
}

/// Something that happened at one moment within a span.
package struct SpanEvent: Equatable, Sendable {
    let name: String
    let time: Timestamp
    let attributes: [TelemetryAttribute]

    package init(_ name: String, at time: Timestamp, _ attributes: [TelemetryAttribute]) {
        self.name = name
        self.time = time
        self.attributes = attributes
    }

    static func exception(_ error: ErrorBody, at time: Timestamp) -> SpanEvent {
        SpanEvent(
            "exception",
            at: time,
            [
                TelemetryAttribute("exception.type", error.code),
                TelemetryAttribute("exception.message", error.message),
            ]
        )
    }
}

extension [SpanEvent] {
    /// As ``SpanReported/events``.
    var text: JSONText {
        var json = JSONBuilder()
        json.beginArray()
        for event in self {
            json.beginObject()
            json.key("name")
            json.string(event.name)
            json.key("timestamp_unix_nano")
            json.integer(event.time.nanoseconds)
            json.key("attributes")
            event.attributes.write(into: &json)
            json.endObject()
        }
        json.endArray()
        return json.finish()
    }
}
