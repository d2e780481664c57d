import Events
import JSON
import Primitives

/// What the span of an HTTP request says of it, out of its `triggered` record: the function's
/// input, secrets redacted (services 2, C.9).
enum RequestAttributes {
    static func read(_ event: Triggered) -> [TelemetryAttribute] {
        var attributes: [TelemetryAttribute] = []
        func add(_ name: String, _ value: String?) {
            if let value { attributes.append(TelemetryAttribute(name, value)) }
        }
        let input = JSONText(trusted: event.event)
        let headers = input.member("headers")
        func header(_ name: String) -> String? { headers?.member(name)?.stringValue }
        // `GET /orders/7`: the path as it was asked for.
        let path = event.summary.firstIndex(of: " ").map {
            String(event.summary[event.summary.index(after: $0)...])
        }
        let query = query(input.member("query_params"))
        let host = header("host")
        add("http.request.method", input.member("method")?.stringValue)
        add(
            "http.route",
            input.member("path")?.stringValue.map { $0.hasPrefix("/") ? $0 : "/\($0)" }
        )
        add("url.path", path)
        add("url.query", query)
        add("url.scheme", "http")
        if let host, let path {
            add("url.full", "http://\(host)\(path)\(query.map { "?\($0)" } ?? "")")
        }
        add("server.address", host.map { String($0.prefix { $0 != ":" }) })
        add("user_agent.original", header("user-agent"))
        add("http.request.header.content_type", header("content-type"))
        add("http.request.body.size", header("content-length"))
        for entry in CallerBaggage.entries(header("baggage")).members {
            add(entry.name, entry.value.content)
        }
        return attributes
    }

    private static func query(_ parameters: JSONText?) -> String? {
        guard case .object(let object) = parameters?.value(), !object.members.isEmpty else {
            return nil
        }
        return object.members.map { "\($0.name)=\($0.value.display)" }.joined(separator: "&")
    }

    /// The status of the response that a function's result means; nil: it is none.
    static func status(_ result: FunctionResult) -> Int? {
        switch result {
        case .none: return nil
        case .failure: return 500
        case .value(let bytes):
            let value = JSONText(trusted: bytes)
            return value.isNull ? nil : value.responseStatus
        }
    }
}
