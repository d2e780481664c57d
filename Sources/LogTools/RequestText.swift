import Events
import JSON
import Primitives

// How responses to requests, and requests with an `Idempotency-Key`, are told.

extension Responded {
    var headline: Headline {
        let after = "after \(Text.duration(duration))"
        switch form {
        case .engine:
            var headline = Headline("answered \(status) \(after): \(reason)")
            if status >= 500 { headline.tone = .bad }
            return headline
        case .stream: return Headline("answered \(status) \(after), with a stream")
        case .awaited:
            return Headline("nothing is returned \(after): the client waits for a stream")
        case .abandoned: return Headline("the client left \(after), and got no response")
        }
    }

    var fields: [EventField] {
        var fields = [EventField("form", form.name), EventField("duration_ms", .span(duration))]
        if status != 0 { fields.append(EventField("status", .number(UInt64(status)))) }
        if !reason.isEmpty { fields.append(EventField("reason", reason)) }
        return fields
    }
}

extension Responded.Form {
    fileprivate var name: String {
        switch self {
        case .engine: "engine"
        case .stream: "stream"
        case .awaited: "awaited"
        case .abandoned: "abandoned"
        }
    }
}

extension RequestEvent {
    var headline: Headline {
        switch self {
        case .keyed(let event):
            return Headline("\(event.route) runs under the key \"\(event.key.visible)\"")
        case .kept(let event):
            guard let response = event.response else {
                return Headline("request \(event.request) is over; its response is not kept")
            }
            var headline = Headline(
                "response of request \(event.request) kept: \(response.status), "
                    + "\(response.body.count) bytes"
            )
            if response.isJSON { headline.detail = ("body", response.body) }
            return headline
        case .released(let event):
            return Headline("the key of request \(event.request) is free: \(event.reason)")
        case .repeated(let event):
            return Headline("a repetition of request \(event.request): it gets the same response")
        }
    }

    var fields: [EventField] {
        switch self {
        case .keyed(let event):
            return [
                EventField("route", event.route), EventField("key", event.key),
                EventField("fingerprint", .number(event.fingerprint)),
                EventField("expires", .time(event.expires)),
            ]
        case .kept(let event):
            let request = [EventField("request", event.request)]
            guard let response = event.response else { return request }
            return request
                + [
                    EventField("status", .number(UInt64(response.status))),
                    EventField("headers", .json(response.headersText.bytes)),
                ] + EventField.json("body", response.body)
        case .released(let event):
            return [EventField("request", event.request), EventField("reason", event.reason)]
        case .repeated(let event): return [EventField("request", event.request)]
        }
    }
}

extension RequestKept.Response {
    fileprivate var isJSON: Bool {
        headers.contains { header in
            header.name.lowercased() == "content-type" && header.value.contains("json")
        }
    }

    /// As lines, which is how a function returns several of one name.
    fileprivate var headersText: JSONText {
        JSONValue.array(headers.map { .string("\($0.name): \($0.value)") }).text
    }
}
