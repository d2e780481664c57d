package import JSON
package import Primitives

extension HTTPReply {
    /// What is odd about a function's value that says no status.
    package enum Oddity: Sendable {
        /// Its `status_code` is none.
        case noStatus
        /// It has a `statusCode`.
        case camelCase
        /// It has a number as `status` beside a `body`.
        case shortName
        /// It has no member that counts, and others.
        case noResponse

        /// For people: what the function returned.
        package var text: String {
            switch self {
            case .noStatus:
                "a status_code that is no integer from 200 to 999: its client got 200"
            case .camelCase: "statusCode, which is not status_code: its client got 200"
            case .shortName: "status, which is not status_code: its client got 200"
            case .noResponse: "neither status_code nor headers nor body: its client got 200 with {}"
            }
        }
    }

    /// The response that a function's value means (services 1, A.8).
    ///
    /// - Returns: nil for null: such a function answers in another way, or not at all.
    package init?(value: JSONText) {
        guard !value.isNull else { return nil }
        let members = value.members("status_code", "headers", "body", "statusCode", "status")
        let asked = members.0?.statusAsked
        status = asked ?? 200
        oddity = asked == nil ? Self.oddity(of: value, members) : nil
        headers = Self.headers(members.1)
        let isTyped = headers.contains {
            $0.name.utf8.count == 12 && $0.name.lowercased() == "content-type"
        }
        let content = members.2 ?? .emptyObject
        guard isTyped else {
            headers.append(("content-type", "application/json"))
            body = Self.written(content)
            return
        }
        if let text = content.stringValue {
            body = Array(text.utf8)
        } else if content.isNull {
            body = []
        } else {
            body = Self.written(content)
        }
    }

    /// A value as its text without white space between tokens, which some SDKs put there.
    private static func written(_ content: JSONText) -> [UInt8] {
        // Those of a string are its own: it need not be looked through.
        content.isString ? content.bytes : content.compacted().bytes
    }

    private static func oddity(
        of value: JSONText,
        _ members: JSONText.FiveMembers
    ) -> Oddity? {
        let (status, headers, body, camel, plain) = members
        if status != nil { return .noStatus }
        if camel != nil { return .camelCase }
        if plain?.isNumber == true, body != nil { return .shortName }
        // An object without members may mean just that.
        guard headers == nil, body == nil, value.bytes != JSONText.emptyObject.bytes
        else { return nil }
        return .noResponse
    }

    /// An error that the engine itself answers (services 1, A.10).
    package init(status: Int, error: ErrorBody, errorID: UInt32? = nil) {
        var json = JSONBuilder()
        json.beginObject()
        json.key("error")
        json.beginObject()
        json.key("code")
        json.string(error.code)
        json.key("message")
        json.string(error.message)
        if let errorID {
            json.key("error_id")
            json.string(String(errorID, radix: 16))
        }
        json.endObject()
        if error.code == "CONDITION_NOT_MET" {
            json.key("skipped")
            json.bool(true)
        }
        json.endObject()
        self.init(
            status: status,
            headers: [("content-type", "application/json")],
            body: json.finish().bytes
        )
    }

    package static let notFound = HTTPReply(
        status: 404,
        error: ErrorBody(code: "NOT_FOUND", message: "Not Found")
    )

    /// For a route whose worker is expected back.
    package static let routeNotReady: HTTPReply = {
        let error = ErrorBody(
            code: "ROUTE_NOT_READY",
            message: "The engine has just started, and the worker of this route is not back yet"
        )
        var reply = HTTPReply(status: 503, error: error)
        // In seconds: workers are back within one or two.
        reply.headers.append(("retry-after", "1"))
        return reply
    }()

    package static let conditionNotMet = HTTPReply(
        status: 422,
        error: ErrorBody(code: "CONDITION_NOT_MET", message: "Condition not met")
    )

    package static let middlewareTimeout = HTTPReply(
        status: 504,
        error: ErrorBody(
            code: "MIDDLEWARE_TIMEOUT",
            message: "A middleware function did not answer in time"
        )
    )

    /// No envelope, and no CORS headers either.
    package static let timedOut: HTTPReply = {
        var reply = HTTPReply(status: 504)
        reply.isBare = true
        return reply
    }()

    /// What an `OPTIONS` request is told about a path with these methods; nil: of no route.
    package static func options(_ methods: [String]?) -> HTTPReply {
        guard let methods, !methods.contains("OPTIONS") else { return HTTPReply(status: 200) }
        return HTTPReply(status: 200, headers: [("allow", methods.joined(separator: ","))])
    }

    package static func methodNotAllowed(_ methods: [String]) -> HTTPReply {
        HTTPReply(status: 405, headers: [("allow", methods.joined(separator: ","))])
    }

    /// Why nothing can be answered with this status; nil: it can. What is below 200 announces a
    /// response that follows (RFC 9110, 15.2).
    package static func defect(ofStatus status: Int) -> ErrorBody? {
        guard status < 200 else { return nil }
        return ErrorBody(
            code: "response_status_invalid",
            message: "the function answered with the status \(status), which ends no request; "
                + "take one from 200 on"
        )
    }

    /// An object's string values, of names that differ in case alone the last, or an array's
    /// `Name: value` lines. What is no header's value counts as not given.
    private static func headers(_ value: JSONText?) -> [(name: String, value: String)] {
        guard let value else { return [] }
        if let lines = value.elements {
            return lines.compactMap { line in
                guard let bytes = line.stringValue?.utf8,
                    let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
                else { return nil }
                let name = trimmed(bytes[..<colon])
                let value = trimmed(bytes[colon...].dropFirst())
                return name.isEmpty || !value.isFieldValue ? nil : (name, value)
            }
        }
        guard case .object(let members) = value.value() else { return [] }
        let given = members.members.compactMap { member -> (name: String, value: String)? in
            guard case .string(let text) = member.value, text.isFieldValue else { return nil }
            return (member.name, text)
        }
        return lastOfEachName(given)
    }

    /// Without those behind which one comes whose name differs in case alone, if at all.
    static func lastOfEachName(
        _ headers: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        guard headers.count > 1 else { return headers }
        var names: Set<String> = []
        return headers.reversed().filter { names.insert($0.name.lowercased()).inserted }
            .reversed()
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == 0x09 }
        let rest = text.drop(while: isBlank)
        let end = rest.lastIndex { !isBlank($0) }
        return end.map { String(Substring(rest[...$0])) } ?? ""
    }
}
