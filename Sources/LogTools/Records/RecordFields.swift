import Events
import JSON
import Primitives
import RecordFormat

extension LogRecord {
    /// All that it says, under the names that JSON output has it by.
    var fields: [EventField] { ownFields + (event?.fields ?? []) }

    /// What stands beside the event.
    var ownFields: [EventField] {
        let fields =
            [
                EventField("offset", offset), EventField("time", .time(time)),
                EventField("kind", kindName),
            ] + EventField.optional("trace", trace?.description)
            + EventField.record("cause", cause)
        switch content {
        case .event: return fields
        case .unknown:
            return fields
                + [
                    EventField("unknown_kind", .flag(true)),
                    EventField("bytes", .number(UInt64(byteCount))),
                ]
        case .unreadable(let error):
            let reason = "expected \(error.expected) at byte \(error.position) of \(byteCount)"
            return fields + [EventField("unreadable", reason)]
        }
    }
}

extension EventField {
    /// The value as JSON, without white space between its tokens.
    var jsonText: JSONText {
        var json = JSONBuilder()
        writeValue(into: &json)
        return json.finish().compacted()
    }

    /// The value as a filter names it: a string as it is, anything else as JSON.
    var text: String {
        if case .text(let text) = value { return text }
        let json = jsonText
        return json.stringValue ?? json.description
    }
}
