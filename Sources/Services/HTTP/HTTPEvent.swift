package import JSON

/// The input that a function gets for a request (services 1, A.4).
package struct HTTPEvent {
    /// What the function is called with.
    package let input: JSONText
    /// The same as it goes into the log: without the client's secrets, and without the channels,
    /// which whoever has the key may read and write.
    package let logged: JSONText

    /// Whether a header's value is one that no log should hold. The lengths leave one candidate.
    private static func isSecret(_ name: String) -> Bool {
        switch name.utf8.count {
        case 6: name == "cookie"
        case 7: name == "api-key"
        case 9: name == "x-api-key"
        case 13: name == "authorization"
        case 19: name == "proxy-authorization"
        default: false
        }
    }

    package init(
        _ request: HTTPRequest,
        trigger: HTTPTrigger,
        parameters: [(name: String, value: String)]
    ) {
        let body = Self.body(of: request)
        func build(redacting: Bool) -> JSONText {
            Self.build(request, trigger, parameters, body, redacting: redacting)
        }
        let plain = build(redacting: false)
        input = request.channels.map { JSONText(trusted: $0.appended(to: plain.bytes)) } ?? plain
        let hasSecrets = request.headers.contains { Self.isSecret($0.name) }
        logged = hasSecrets ? build(redacting: true) : plain
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
        json.beginObject()
        forEachLast(of: FormURLEncoding.decode(request.query ?? "")) { json.member($0, $1) }
        json.endObject()
        json.key("path_params")
        json.beginObject()
        for (name, value) in parameters { json.member(name, value) }
        json.endObject()
        json.key("headers")
        json.beginObject()
        forEachLast(of: request.headers) { name, value in
            let isHidden = redacting && isSecret(name)
            json.member(name, isHidden ? "[redacted]" : visible(value))
        }
        json.endObject()
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
        guard let type = request.header("content-type"), isJSON(type),
            let body = try? JSONText(validating: request.body)
        else { return .null }
        return body
    }

    /// Whether a content type has `application/json` anywhere in it.
    package static func isJSON(_ type: String) -> Bool {
        let wanted = "application/json".utf8
        var rest = type.utf8[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "a")) {
            rest = rest[start...]
            if rest.starts(with: wanted) { return true }
            rest.removeFirst()
        }
        return false
    }

    /// Of a repeated name, the last value, at the place of the first.
    private static func forEachLast(
        of pairs: [(name: String, value: String)],
        _ body: (_ name: String, _ value: String) -> Void
    ) {
        // Looking at each of a few is faster than hashing; many are a client's choice.
        guard pairs.count <= 16 else { return forEachLast(ofMany: pairs, body) }
        for (place, pair) in pairs.enumerated()
        where !pairs[..<place].contains(where: { $0.name == pair.name }) {
            let last = pairs[place...].last { $0.name == pair.name }
            body(pair.name, last?.value ?? pair.value)
        }
    }

    private static func forEachLast(
        ofMany pairs: [(name: String, value: String)],
        _ body: (_ name: String, _ value: String) -> Void
    ) {
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
        for pair in result { body(pair.name, pair.value) }
    }

    /// A header value with other than visible ASCII (and blanks) is empty for the function.
    private static func visible(_ value: String) -> String {
        value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 } ? value : ""
    }
}

extension JSONBuilder {
    fileprivate mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }
}

/// `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), as query strings are read.
enum FormURLEncoding {
    static func decode(_ query: String) -> [(name: String, value: String)] {
        if query.isEmpty { return [] }
        return query.split(separator: "&").map { pair in
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
