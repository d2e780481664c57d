import Events
import JSON
import Primitives

// Spans and metrics, for people and programs.

extension SpanReported {
    var fields: [EventField] {
        var fields = [
            EventField("span", hexadecimal(span)), EventField("name", name),
            EventField("service", service), EventField("start", .time(start)),
            EventField("status", statusText),
        ]
        if parent != 0 { fields.append(EventField("parent", hexadecimal(parent))) }
        if role != .unspecified { fields.append(EventField("role", "\(role)")) }
        if let duration { fields.append(EventField("duration_ms", .span(duration))) }
        return fields + EventField.optional("status_description", statusDescription)
            + EventField.attributes(attributes) + EventField.json("events", events)
            + EventField.json("links", links) + EventField.json("resource", resource)
    }

    var headline: Headline {
        let length = duration.map { "in \(Text.duration($0))" } ?? "begun"
        var headline = Headline("span \(service): \(name) \(length)")
        if status == .error {
            headline.text += ": \(statusDescription ?? "failed")"
            headline.tone = .bad
        }
        return headline
    }

    /// Nil: it has not ended.
    private var duration: Timestamp.Span? {
        end.nanoseconds == 0 ? nil : start.distance(to: end)
    }

    private var statusText: String {
        switch status {
        case .unset: "unset"
        case .ok: "ok"
        case .error: "error"
        }
    }
}

extension MetricReported {
    var fields: [EventField] {
        [
            EventField("name", name), EventField("service", service), EventField("unit", unit),
            EventField("form", formText),
            EventField("points", .json(JSONValue.array(points.map(Self.json)).text.bytes)),
        ] + EventField.json("resource", resource)
    }

    var headline: Headline {
        var text = "metric \(service): \(name)"
        if points.count == 1, case .number(let value) = points[0].value {
            text += " = \(value) \(unit)"
        } else {
            text += ", \(Text.count(points.count, "point"))"
        }
        return Headline(text)
    }

    private var formText: String {
        switch form {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .upDownCounter: "updowncounter"
        }
    }

    private static func json(_ point: MetricPoint) -> JSONValue {
        func number(_ value: Double) -> JSONValue { JSONNumber(value).map { .number($0) } ?? .null }
        var object: JSONObject = [
            "attributes": EventField.object(point.attributes),
            "time": .string(point.time.rfc3339()),
        ]
        switch point.value {
        case .number(let value): object["value"] = number(value)
        case .histogram(let histogram):
            object["count"] = .number(JSONNumber(histogram.count))
            object["sum"] = number(histogram.sum)
        }
        return .object(object)
    }
}

extension EventField {
    fileprivate static func attributes(_ attributes: [TelemetryAttribute]) -> [EventField] {
        attributes.isEmpty ? [] : json("attributes", object(attributes).text.bytes)
    }

    fileprivate static func object(_ attributes: [TelemetryAttribute]) -> JSONValue {
        var object = JSONObject()
        for attribute in attributes { object[attribute.name] = .string(attribute.value) }
        return .object(object)
    }
}
