package import JSON
import Primitives

/// What a middleware function has to say about a request (services 1, A.12).
package enum MiddlewareVerdict: Equatable, Sendable {
    case proceed
    /// The request ends here.
    case respond(HTTPReply)
    /// Nothing that middleware can say; the request goes on.
    case unknown

    package init(_ value: JSONText) {
        switch value.member("action")?.stringValue {
        case "continue": self = .proceed
        case "respond": self = .respond(HTTPReply(verdict: value.member("response")))
        default: self = .unknown
        }
    }
}

extension HTTPReply {
    /// The body is JSON whatever it is; headers count if all of them are strings, and replace what
    /// is there. What is no header's value counts as not given.
    fileprivate init(verdict response: JSONText?) {
        self.init(
            status: response?.responseStatus ?? 200,
            headers: [("content-type", "application/json")],
            body: (response?.member("body") ?? .null).bytes
        )
        guard case .object(let members)? = response?.member("headers")?.value() else { return }
        var own: [(name: String, value: String)] = []
        for member in members.members {
            guard case .string(let text) = member.value else { return }
            own.append((member.name, text))
        }
        headers = Self.lastOfEachName(headers + own.filter { $0.value.isFieldValue })
    }
}
