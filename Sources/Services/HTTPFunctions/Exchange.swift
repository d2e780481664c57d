import JSON
package import Primitives

// What goes out for one invocation, and what its response means (protocol 8).

extension Endpoint {
    /// The body of a request: the payload, with the id of the worker that called where it is an
    /// object and a worker did (protocol 4.2), in place of what the caller had put there.
    package static func body(_ payload: [UInt8], caller: UUID128?) -> [UInt8] {
        guard let caller, payload.first == UInt8(ascii: "{"), payload.last == UInt8(ascii: "}")
        else { return payload }
        let open = JSONText(trusted: payload).without("_caller_worker_id").bytes.dropLast()
        let isEmpty = open.dropFirst().allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let member = "\(isEmpty ? "" : ",")\"_caller_worker_id\":\"\(caller)\"}"
        return Array(open) + Array(member.utf8)
    }

    /// The headers of a request, in the order in which they are set: a later one replaces an
    /// earlier one of the same name. Those of the connection and of authentication come on top.
    /// `seconds` count from 1970.
    package func headers(
        function: String,
        invocation: UUID128,
        seconds: Int64,
        traceparent: TraceParent
    ) -> [Header] {
        let own = [
            Header(name: "content-type", value: "application/json"),
            Header(name: "x-iii-function-path", value: Self.printable(function)),
            Header(name: "x-iii-invocation-id", value: invocation.description),
            Header(name: "x-iii-timestamp", value: String(seconds)),
            Header(name: "traceparent", value: traceparent.description),
        ]
        return own + headers
    }

    /// A function's id may be any text; what a header cannot hold is percent-encoded.
    private static func printable(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return text }
        var result = ""
        for byte in text.utf8 {
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    /// What the signature of an `hmac` endpoint is made over. The body is in standard base64.
    package static func signed(seconds: Int64, body: String) -> String { "\(seconds):\(body)" }
}

extension FunctionResult {
    /// What a response answers (protocol 8, *Response*). `reason` is the standard name of the
    /// status; the server's own is not passed on.
    package init(status: Int, reason: String, body: [UInt8]) {
        let isBlank = body.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        // The message to the caller is one more level.
        let depth = Limits.jsonDepth - 1
        let text = isBlank ? nil : try? JSONText(validating: body, depthLimit: depth)
        switch status {
        case 200..<300:
            if let text {
                self = .value(text.bytes)
            } else if isBlank {
                self = .none
            } else {
                self = .failure(
                    ErrorBody(
                        code: "invalid_response",
                        message: "the body of HTTP \(status) is not JSON"
                    )
                )
            }
        case ..<400: self = text.map { .value($0.bytes) } ?? .none
        default:
            let error = text?.member("error")
            if let error, error.isObject {
                self = .failure(
                    ErrorBody(
                        code: error.member("code")?.stringValue ?? "http_error",
                        message: error.member("message")?.stringValue ?? "HTTP request failed"
                    )
                )
            } else {
                let status = reason.isEmpty ? "HTTP \(status)" : "HTTP \(status) \(reason)"
                self = .failure(ErrorBody(code: "http_error", message: status))
            }
        }
    }
}
