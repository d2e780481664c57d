package import Events
package import Primitives

/// What a request says about being one of several (draft-ietf-httpapi-idempotency-key-header).
package struct IdempotencyKey: Equatable, Sendable {
    package let text: String

    /// Reads the header of a request, a string of RFC 8941 or the same without its quotes.
    ///
    /// - Returns: nil where there is none, or the method is one that changes nothing.
    /// - Throws: `IDEMPOTENCY_KEY_INVALID`.
    package init?(of request: HTTPRequest) throws(ErrorBody) {
        guard Self.methods.contains(request.method) else { return nil }
        var found: String?
        for (name, value) in request.headers where name == "idempotency-key" {
            guard found == nil else { throw Self.invalid("there is more than one") }
            found = value
        }
        guard var text = found else { return nil }
        if text.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
            text = String(text.dropFirst().dropLast())
        }
        guard (1...Self.longest).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") })
        else {
            throw Self.invalid("it has 1 to \(Self.longest) visible ASCII characters and no quotes")
        }
        self.text = text
    }

    private static let methods: Set<String> = ["POST", "PUT", "PATCH", "DELETE"]
    private static let longest = 255

    private static func invalid(_ reason: String) -> ErrorBody {
        ErrorBody(code: "IDEMPOTENCY_KEY_INVALID", message: "Idempotency-Key: \(reason)")
    }

    /// The same for equal requests, and for hardly any others.
    package static func fingerprint(of request: HTTPRequest) -> UInt64 {
        var hash = ContentHash()
        hash.add(request.method)
        hash.add(request.path)
        hash.add(request.query)
        hash.add(request.body)
        // Its function gets it otherwise. Without this JSON is as it always was: the log has
        // fingerprints of it. Those of other bodies that are older than this line match nothing any
        // more, until they expire: nothing tells them from those of JSON of the same bytes.
        if !request.body.isEmpty, !request.isJSON { hash.add("no JSON") }
        return hash.value
    }
}

extension HTTPTrigger {
    /// What keys are told apart by: the same for the same route, whoever registered it.
    package var route: String { "\(method) /\(path.drop { $0 == "/" })" }
}

extension HTTPReply {
    package static let keyReused = HTTPReply(
        status: 422,
        error: ErrorBody(
            code: "IDEMPOTENCY_KEY_REUSED",
            message: "A different request had this Idempotency-Key; use a new one"
        )
    )

    package static let notKept = HTTPReply(
        status: 409,
        error: ErrorBody(
            code: "IDEMPOTENT_RESPONSE_NOT_KEPT",
            message: "The request with this Idempotency-Key was carried out, or may have been: its "
                + "response was a stream, too large or unheard, and is not kept"
        )
    )

    package static let keysExhausted = HTTPReply(
        status: 503,
        error: ErrorBody(
            code: "IDEMPOTENCY_KEYS_EXHAUSTED",
            message: "Too many requests with an Idempotency-Key are under way"
        )
    )

    /// What a request with a known key gets.
    package init(repeating kept: RequestKept.Response) {
        self.init(
            status: Int(kept.status),
            headers: kept.headers.map { ($0.name, $0.value) } + [("idempotent-replayed", "true")],
            body: kept.body
        )
    }

    /// As the log may keep it.
    package func kept(without secrets: SecretHeaders) -> RequestKept.Response {
        let open = headers.filter { !secrets.contains($0.name.lowercased()) }
        return RequestKept.Response(
            status: UInt16(clamping: status),
            headers: open.map { RequestKept.Header(name: $0.name, value: $0.value) },
            body: body
        )
    }
}
