package import JSON
package import Primitives

/// How a function is invoked by HTTP: `registerfunction.invocation`, read and found allowed
/// (protocol 8).
package struct Endpoint: Equatable, Sendable {
    package enum Method: String, CaseIterable, Sendable { case GET, POST, PUT, PATCH, DELETE }

    /// What proves to the other side who asks. Each holds the name of an environment variable of
    /// the engine, never a secret.
    package enum Authentication: Equatable, Sendable {
        case hmac(secret: String)
        case bearer(secret: String)
        case apiKey(header: String, secret: String)
    }

    package struct Header: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    package let url: WebAddress
    package let method: Method
    /// For all of a request, from the look-up of the name to the end of the response, in
    /// milliseconds.
    package let timeout: Int64
    package let headers: [Header]
    package let authentication: Authentication?

    /// - Throws: the code of protocol 8 and what to change; nobody but the operator reads it.
    package init(_ invocation: JSONText, _ policy: OutboundPolicy) throws(ErrorBody) {
        do throws(JSONFieldError) {
            let fields = try JSONFields(invocation, path: "invocation")
            let text = try fields.requiredString("url")
            method = try Self.method(fields)
            timeout = try Self.timeout(fields)
            headers = try Self.headers(fields)
            authentication = try Self.authentication(fields)
            guard let url = WebAddress(text) else {
                throw fields.mismatch("url", expected: "a URL of http or https with a host")
            }
            self.url = url
        } catch {
            let code =
                if case .mismatch("invocation.url", _, _) = error {
                    "url_validation_failed"
                } else { "INVALID_ARGUMENTS" }
            let message = code == "INVALID_ARGUMENTS" ? "\(error)" : "Invalid URL: \(error)"
            throw ErrorBody(code: code, message: message)
        }
        try policy.check(url)
        if let authentication {
            try policy.check(
                secret: authentication.secret,
                for: url.host,
                missing: authentication.missingCode
            )
        }
    }

    private static func method(_ fields: JSONFields) throws(JSONFieldError) -> Method {
        guard let text = try fields.optionalString("method") else { return .POST }
        guard let method = Method(rawValue: text) else {
            throw fields.mismatch("method", expected: "GET, POST, PUT, PATCH or DELETE")
        }
        return method
    }

    private static func timeout(_ fields: JSONFields) throws(JSONFieldError) -> Int64 {
        guard let timeout = try fields.optionalInteger("timeout_ms") else { return 30_000 }
        guard (1...Limits.fetchMilliseconds).contains(timeout) else {
            throw fields.mismatch("timeout_ms", expected: "1 to \(Limits.fetchMilliseconds)")
        }
        return timeout
    }

    private static func headers(_ fields: JSONFields) throws(JSONFieldError) -> [Header] {
        guard let object = try fields.optionalObject("headers") else { return [] }
        let names = object.names
        let limits = "at most \(headersMax) headers of \(headerBytesMax) bytes in all"
        // Each name is looked for among all of them, here and wherever a request is made.
        guard names.count <= headersMax else {
            throw fields.mismatch("headers", expected: limits)
        }
        var bytes = 0
        return try names.map { (name) throws(JSONFieldError) in
            let value = try object.requiredString(name)
            guard isAllowed(name), value.isFieldValue else {
                let what = "a header of one line that is not the connection's own"
                throw fields.mismatch("headers", expected: "\(what), not \"\(name)\"")
            }
            bytes += name.utf8.count + value.utf8.count
            guard bytes <= headerBytesMax else {
                throw fields.mismatch("headers", expected: limits)
            }
            return Header(name: name, value: value)
        }
    }

    /// Headers of a request that a registration may set.
    private static let headersMax = 100
    /// Their names and values, in bytes.
    private static let headerBytesMax = 16 << 10

    private static func authentication(
        _ fields: JSONFields
    ) throws(JSONFieldError) -> Authentication? {
        guard let auth = try fields.optionalObject("auth") else { return nil }
        switch try auth.requiredString("type") {
        case "hmac": return .hmac(secret: try auth.requiredString("secret_key"))
        case "bearer": return .bearer(secret: try auth.requiredString("token_key"))
        case "api_key":
            let header = try auth.requiredString("header")
            guard isAllowed(header) else {
                throw auth.mismatch("header", expected: "a header that may be set")
            }
            return .apiKey(header: header, secret: try auth.requiredString("value_key"))
        default: throw auth.mismatch("type", expected: "hmac, bearer or api_key")
        }
    }

    /// Headers that say where a message ends, or what becomes of the connection, are the engine's.
    private static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade",
        "te", "trailer", "expect", "proxy-connection",
    ]

    private static func isAllowed(_ name: String) -> Bool {
        let punctuation = Set("!#$%&'*+-.^_`|~".utf8)
        return !name.isEmpty && !reserved.contains(name.lowercased())
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || punctuation.contains(byte)
            }
    }
}

extension Endpoint.Authentication {
    /// The variable's name.
    package var secret: String {
        switch self {
        case .hmac(let secret), .bearer(let secret), .apiKey(_, let secret): secret
        }
    }

    package var missingCode: String {
        switch self {
        case .hmac: "secret_not_found"
        case .bearer: "token_not_found"
        case .apiKey: "api_key_not_found"
        }
    }
}
