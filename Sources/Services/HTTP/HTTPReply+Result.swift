package import JSON
package import Primitives

extension HTTPReply {
    /// The response that a function's value means (services 1, A.8).
    ///
    /// - Returns: nil for null: such a function answers in another way, or not at all.
    package init?(value: JSONText) {
        guard !value.isNull else { return nil }
        let members = value.members("status_code", "headers", "body")
        status = Self.status(members.0)
        headers = Self.headers(members.1)
        let isTyped = headers.contains {
            $0.name.utf8.count == 12 && $0.name.lowercased() == "content-type"
        }
        let content = members.2 ?? .emptyObject
        guard isTyped else {
            headers.append(("content-type", "application/json"))
            body = content.bytes
            return
        }
        if let text = content.stringValue {
            body = Array(text.utf8)
        } else if content.isNull {
            body = []
        } else {
            body = content.bytes
        }
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

    static func status(_ value: JSONText?) -> Int {
        guard let number = value?.numberValue, case .integer(let status) = number,
            (100...999).contains(status)
        else { return 200 }
        return Int(status)
    }

    /// An object's string values, of names that differ in case alone the last, or an array's
    /// `Name: value` lines. What is no header's value counts as not given.
    private static func headers(_ value: JSONText?) -> [(name: String, value: String)] {
        guard let value else { return [] }
        if let lines = value.elements {
            return lines.compactMap { line in
                guard let text = line.stringValue, let colon = text.firstIndex(of: ":")
                else { return nil }
                let name = trimmed(text[..<colon])
                let value = trimmed(text[text.index(after: colon)...])
                return name.isEmpty || !value.isFieldValue ? nil : (name, value)
            }
        }
        guard case .object(let members) = value.value() else { return [] }
        let given = members.members.compactMap { member -> (name: String, value: String)? in
            guard case .string(let text) = member.value, text.isFieldValue else { return nil }
            return (member.name, text)
        }
        guard given.count > 1 else { return given }
        var names: Set<String> = []
        return given.reversed().filter { names.insert($0.name.lowercased()).inserted }.reversed()
    }

    private static func trimmed(_ text: Substring) -> String {
        let blanks: Set<Character> = [" ", "\t"]
        var text = text
        while let first = text.first, blanks.contains(first) { text.removeFirst() }
        while let last = text.last, blanks.contains(last) { text.removeLast() }
        return String(text)
    }
}
