package import JSON
import Primitives

/// The input that a function gets for a request (services 1, A.4).
package struct HTTPEvent {
    /// What the function is called with.
    package let input: JSONText
    /// The same without the channels: what a condition is asked.
    package let plain: JSONText
    /// The same as it goes into the log: without the client's secrets, and without the channels,
    /// which whoever has the key may read and write.
    package let logged: JSONText

    package init(
        _ request: HTTPRequest,
        trigger: HTTPTrigger,
        parameters: [(name: String, value: String)],
        secrets: SecretHeaders = SecretHeaders()
    ) {
        let body = Self.body(of: request)
        func build(hiding secrets: SecretHeaders?) -> JSONText {
            Self.build(request, trigger, parameters, body, hiding: secrets)
        }
        let plain = build(hiding: nil)
        self.plain = plain
        input = request.channels.map { JSONText(trusted: $0.appended(to: plain.bytes)) } ?? plain
        let hasSecrets = request.headers.contains { secrets.contains($0.name) }
        logged = hasSecrets ? build(hiding: secrets) : plain
    }

    /// What middleware is asked about a request (services 1, A.12), and the same for the log.
    package static func question(
        _ request: HTTPRequest,
        parameters: [(name: String, value: String)],
        secrets: SecretHeaders
    ) -> (asked: JSONText, logged: JSONText) {
        func build(hiding secrets: SecretHeaders?) -> JSONText {
            var json = JSONBuilder(capacity: 512)
            json.beginObject()
            json.member(plain: "phase", "preHandler")
            json.key(plain: "request")
            json.beginObject()
            json.parameters(parameters)
            json.query(of: request)
            json.headers(of: request, hiding: secrets)
            json.member(plain: "method", request.method)
            json.endObject()
            json.key(plain: "context")
            json.raw(.emptyObject)
            json.endObject()
            return json.finish()
        }
        let asked = build(hiding: nil)
        let hasSecrets = request.headers.contains { secrets.contains($0.name) }
        return (asked, hasSecrets ? build(hiding: secrets) : asked)
    }

    private static func build(
        _ request: HTTPRequest,
        _ trigger: HTTPTrigger,
        _ parameters: [(name: String, value: String)],
        _ body: JSONText,
        hiding secrets: SecretHeaders?
    ) -> JSONText {
        var json = JSONBuilder(capacity: 512 + request.body.count)
        json.beginObject()
        json.query(of: request)
        json.parameters(parameters)
        json.headers(of: request, hiding: secrets)
        json.member(plain: "path", trigger.path)
        json.member(plain: "method", request.method)
        json.key(plain: "body")
        json.raw(body)
        json.key(plain: "trigger")
        json.beginObject()
        json.member(plain: "type", "http")
        json.member(plain: "path", trigger.path)
        json.member(plain: "method", request.method)
        json.endObject()
        json.endObject()
        return json.finish()
    }

    /// Levels of arrays and objects in a body, so that the message to the function can be read, and
    /// one with the same body in the answer, too: each has two levels around it.
    static let bodyDepth = Limits.jsonDepth - 2

    /// The body as a value: what JSON says, else null (services 1, A.5).
    private static func body(of request: HTTPRequest) -> JSONText {
        guard request.isJSON,
            let body = try? JSONText(validating: request.body, depthLimit: bodyDepth)
        else { return .null }
        return body
    }

    /// Whether a content type has `application/json` anywhere in it.
    package static func isJSON(_ type: String) -> Bool {
        if type == "application/json" { return true }
        let wanted = "application/json".utf8
        var rest = type.utf8[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "a")) {
            rest = rest[start...]
            if rest.starts(with: wanted) { return true }
            rest.removeFirst()
        }
        return false
    }

    /// Of a repeated name, the last value, at the place of the first. Names are compared byte by
    /// byte.
    fileprivate static func forEachLast(
        of pairs: [(name: String, value: String)],
        _ body: (_ name: String, _ value: String) -> Void
    ) {
        // Looking at each of a few is faster than hashing; many are a client's choice.
        guard pairs.count <= 16 else { return forEachLast(ofMany: pairs, body) }
        for (place, pair) in pairs.enumerated()
        where !pairs[..<place].contains(where: { sameBytes($0.name, pair.name) }) {
            let last = pairs[place...].last { sameBytes($0.name, pair.name) }
            body(pair.name, last?.value ?? pair.value)
        }
    }

    private static func forEachLast(
        ofMany pairs: [(name: String, value: String)],
        _ body: (_ name: String, _ value: String) -> Void
    ) {
        var places: [Name: Int] = [:]
        var result: [(name: String, value: String)] = []
        for pair in pairs {
            if let place = places[Name(pair.name)] {
                result[place].value = pair.value
            } else {
                places[Name(pair.name)] = result.count
                result.append(pair)
            }
        }
        for pair in result { body(pair.name, pair.value) }
    }

    /// A header value with other than visible ASCII (and blanks) is empty for the function.
    fileprivate static func visible(_ value: String) -> String {
        value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 } ? value : ""
    }
}

extension JSONBuilder {
    fileprivate mutating func member(plain name: StaticString, _ value: String) {
        key(plain: name)
        string(value)
    }

    fileprivate mutating func query(of request: HTTPRequest) {
        key(plain: "query_params")
        beginObject()
        HTTPEvent.forEachLast(of: FormURLEncoding.decode(request.query ?? "")) { add($0, $1) }
        endObject()
    }

    fileprivate mutating func parameters(_ parameters: [(name: String, value: String)]) {
        key(plain: "path_params")
        beginObject()
        HTTPEvent.forEachLast(of: parameters) { add($0, $1) }
        endObject()
    }

    fileprivate mutating func headers(of request: HTTPRequest, hiding secrets: SecretHeaders?) {
        key(plain: "headers")
        beginObject()
        HTTPEvent.forEachLast(of: request.headers) { name, value in
            let isHidden = secrets?.contains(name) == true
            add(name, isHidden ? SecretHeaders.placeholder : HTTPEvent.visible(value))
        }
        endObject()
    }
}

/// `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), as query strings are read.
enum FormURLEncoding {
    static func decode(_ query: String) -> [(name: String, value: String)] {
        if query.isEmpty { return [] }
        return query.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(
                separator: UInt8(ascii: "="),
                maxSplits: 1,
                omittingEmptySubsequences: false
            ).map { Substring($0).formDecoded }
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }
}
