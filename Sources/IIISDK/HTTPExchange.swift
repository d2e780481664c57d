import JSON

/// A whole HTTP request, for functions that want more than its body.
public struct HTTPRequest<Body: Decodable & Sendable>: Decodable, Sendable {
    /// Upper case.
    public let method: String
    /// The path of the trigger, parameters unfilled.
    public let path: String
    /// The path's parameters, percent-encoding kept.
    public let pathParams: [String: String]
    /// The query; of a name that comes twice, the last value.
    public let queryParams: [String: String]
    /// Lower-case names.
    public let headers: [String: String]
    /// Nil when the request had no JSON body.
    public let body: Body?
    /// The body as it was sent, whatever it is, to be read piece by piece:
    /// ``Caller/read(from:_:)``.
    public let requestBody: ChannelReference?
    /// Where a response can be written piece by piece, instead of returning one:
    /// ``Caller/respond(to:status:headers:_:)``.
    public let response: ChannelReference?

    private enum CodingKeys: String, CodingKey {
        case method
        case path
        case pathParams = "path_params"
        case queryParams = "query_params"
        case headers
        case body
        case requestBody = "request_body"
        case response
    }
}

extension Caller {
    /// Writes the response of a request as it is made: every piece goes to the client at once. What
    /// the function returns afterwards counts no more.
    ///
    /// Throws ``SDKError/Code/channelClosed`` when the client has gone, or the request was answered
    /// already. When `body` throws, the client sees the response break off.
    public func respond<Body>(
        to request: HTTPRequest<Body>,
        status: Int = 200,
        headers: [String: String] = [:],
        _ body: (ChannelWriter) async throws -> Void
    ) async throws {
        guard let response = request.response else {
            throw SDKError(code: .invalidArgument, message: "this request has no response channel")
        }
        let head = [
            try JSONCoding.encode(
                ControlMessage(type: "set_status", statusCode: status),
                what: "the status"
            ),
            try JSONCoding.encode(
                ControlMessage(type: "set_headers", headers: headers),
                what: "the headers"
            ),
        ]
        try await write(to: response) { writer in
            for message in head { try await writer.write(message.text) }
            try await body(writer)
        }
    }
}

/// What stands before the body of a response that is written piece by piece.
private struct ControlMessage: Encodable {
    let type: String
    var statusCode: Int?
    var headers: [String: String]?

    private enum CodingKeys: String, CodingKey {
        case type
        case statusCode = "status_code"
        case headers
    }
}

/// A whole HTTP response, for functions that want to say more than its body.
public struct HTTPResponse<Body: Encodable & Sendable>: Encodable, Sendable {
    /// 100 to 999.
    public var status: Int
    /// By name.
    public var headers: [String: String]
    /// Sent as JSON.
    public var body: Body?

    /// A response; without a body it is `{}`.
    public init(status: Int = 200, headers: [String: String] = [:], body: Body?) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    private enum CodingKeys: String, CodingKey {
        case status = "status_code"
        case headers
        case body
    }
}

/// Types that deal with the whole exchange themselves.
protocol WholeExchange {}
extension HTTPRequest: WholeExchange {}
extension HTTPResponse: WholeExchange {}

/// Lets functions with plain types serve HTTP triggers. The mark travels as the trigger's metadata,
/// so that the same function called directly gets its payload untouched.
enum PlainHTTP {
    static let mark = "iii.sdk.http"

    /// The request's body, if `metadata` is that of a marked trigger; else nil.
    static func body(of data: [UInt8], metadata: JSONText?) -> [UInt8]? {
        guard let metadata, metadata.member(mark) != nil else { return nil }
        return (JSONText(trusted: data).member("body") ?? .null).bytes
    }

    /// A response with `body`.
    static func response(_ body: RawJSON) -> RawJSON {
        var builder = JSONBuilder(capacity: body.bytes.count + 32)
        builder.beginObject()
        builder.key("status_code")
        builder.integer(200)
        builder.key("body")
        builder.raw(bytes: body.bytes)
        builder.endObject()
        return RawJSON(builder.finish())
    }

    /// A response without a body.
    static let empty = RawJSON(trusted: Array(#"{"status_code":200}"#.utf8))
}
