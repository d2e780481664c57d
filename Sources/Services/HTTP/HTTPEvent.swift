package import JSON

/// The input that a function gets for a request (services 1, A.4).
package struct HTTPEvent {
    /// What the function is called with.
    package let input: JSONText
    /// The same as it goes into the log: without the client's secrets.
    package let logged: JSONText

    /// Headers whose values no log should hold.
    static let secretHeaders: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key",
    ]

    package init(
        _ request: HTTPRequest,
        trigger: HTTPTrigger,
        parameters: [(name: String, value: String)]
    ) {
        let body = Self.body(of: request)
        func build(redacting: Bool) -> JSONText {
            Self.build(request, trigger, parameters, body, redacting: redacting)
        }
        input = build(redacting: false)
        let hasSecrets = request.headers.contains { Self.secretHeaders.contains($0.name) }
        logged = hasSecrets ? build(redacting: true) : input
    }

    private static func build(
        _ request: HTTPRequest,
        _ trigger: HTTPTrigger,
        _ parameters: [(name: String, value: String)],
        _ body: JSONText,
        redacting: Bool
    ) -> JSONText {
        var json = JSONBuilder(capacity: 512 + request.body.count)
        json.beginObject()
        json.key("query_params")
        json.strings(lastValues(FormURLEncoding.decode(request.query ?? "")))
        json.key("path_params")
        json.strings(parameters)
        json.key("headers")
        json.strings(
            lastValues(request.headers).map { name, value in
                (name, redacting && secretHeaders.contains(name) ? "[redacted]" : visible(value))
            }
        )
        json.key("path")
        json.string(trigger.path)
        json.key("method")
        json.string(request.method)
        json.key("body")
        json.raw(body)
        json.key("trigger")
        json.beginObject()
        json.key("type")
        json.string("http")
        json.key("path")
        json.string(trigger.path)
        json.key("method")
        json.string(request.method)
        json.endObject()
        json.endObject()
        return json.finish()
    }

    /// The body as a value: what JSON says, else null (services 1, A.5).
    private static func body(of request: HTTPRequest) -> JSONText {
        guard request.header("content-type")?.contains("application/json") == true,
            let body = try? JSONText(validating: request.body)
        else { return .null }
        return body
    }

    /// Of a repeated name, the last value, at the place of the first.
    private static func lastValues(
        _ pairs: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        var places: [String: Int] = [:]
        var result: [(name: String, value: String)] = []
        for pair in pairs {
            if let place = places[pair.name] {
                result[place].value = pair.value
            } else {
                places[pair.name] = result.count
                result.append(pair)
            }
        }
        return result
    }

    /// A header value with other than visible ASCII (and blanks) is empty for the function.
    private static func visible(_ value: String) -> String {
        value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 } ? value : ""
    }
}

extension JSONBuilder {
    fileprivate mutating func strings(_ pairs: [(name: String, value: String)]) {
        beginObject()
        for (name, value) in pairs {
            key(name)
            string(value)
        }
        endObject()
    }
}

/// `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), as query strings are read.
enum FormURLEncoding {
    static func decode(_ query: String) -> [(name: String, value: String)] {
        query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
        }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), let value = hexadecimalByte(rest.prefix(2)) {
                bytes.append(value)
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Returns: nil unless these are two hexadecimal digits.
    private static func hexadecimalByte(_ digits: Substring.UTF8View) -> UInt8? {
        let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        return values.count == 2 ? UInt8(values[0] << 4 | values[1]) : nil
    }
}
