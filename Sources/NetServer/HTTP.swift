package import NIOCore
package import Primitives

/// One complete HTTP request.
package struct HTTPRequest: Sendable {
    /// As sent: methods are case-sensitive.
    package let method: String
    /// As sent, without the query.
    package let path: String
    /// As sent, without the question mark.
    package let query: String?
    /// In order of arrival, the names in lower case, cookies in one.
    package let headers: [(name: String, value: String)]
    /// Empty when the exchange has the body.
    package let body: [UInt8]
    /// The peer's IP address without port; empty when unknown.
    package let remoteAddress: String

    /// The last value under a name in lower case, which is the one that functions see.
    package func header(_ name: String) -> String? {
        headers.last { $0.name == name }?.value
    }
}

package struct HTTPReply: Sendable {
    /// 200 through 999; anything else is sent as 500.
    package var status: Int
    /// Sent in this order, repeated names included. Those that frame the message or belong to the
    /// connection are the server's own and skipped; so is what is no valid name or value.
    package var headers: [(name: String, value: String)]
    /// Sent behind those as they are: valid, in lower case, and none of the server's own.
    package var vouched: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
        status: Int,
        headers: [(name: String, value: String)] = [],
        vouched: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.vouched = vouched
        self.body = body
    }
}

/// Answers the HTTP requests of one event loop, on which every method is called.
package protocol HTTPService: AnyObject {
    /// Whether a request's body is to be complete before ``receive(_:_:)``. Otherwise that comes
    /// with the head, and the body by ``HTTPExchange/readBody(_:)``. `header` gives the last value
    /// that was sent under a name.
    func wantsWholeBody(header: (String) -> String?) -> Bool
    /// Whether a request whose whole body is wanted, but has not come along with its head, is to be
    /// received without it: it comes by ``HTTPExchange/collectBody(_:)`` then.
    var takesHeadsFirst: Bool { get }
    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange)
    /// What is answered a request that is refused before it is received, or while its body comes;
    /// the connection ends with it. `head` is nil where none could be read; `trace` is that of the
    /// exchange, if there was one.
    func reply(to refusal: Refusal, of head: RequestHead?, trace: TraceID?) -> HTTPReply
    /// Comes once in a turn of the event loop in which requests were received, after the last of
    /// them, whatever their connections: the time to hand a batch over.
    func readCompleted()
}

extension HTTPService {
    package func wantsWholeBody(header: (String) -> String?) -> Bool { true }
    package var takesHeadsFirst: Bool { false }

    package func reply(
        to refusal: Refusal,
        of head: RequestHead?,
        trace: TraceID?
    ) -> HTTPReply {
        HTTPReply(
            status: refusal.status,
            headers: [("content-type", "text/plain; charset=utf-8")],
            body: Array("\(refusal.reason)\n".utf8)
        )
    }
}

/// Bounds of a listener for HTTP.
package struct HTTPSettings: Sendable {
    package var maximumConnections = 20_000
    /// What its connections take their descriptors from; nil: the process has enough.
    package var descriptors: DescriptorShare?
    /// Requests at the same time on one connection of HTTP/2.
    package var streams = 100
    /// Connections that the kernel completes ahead of us.
    package var backlog: Int32 = 4096
    /// From the accept to the end of the first request's head.
    package var headerDeadline = TimeAmount.seconds(10)
    /// From a reply, once the client has it, to the end of the next request's head.
    package var idleTimeout = TimeAmount.seconds(60)
    /// Between two pieces of a body.
    package var bodyIdle = TimeAmount.seconds(30)
    /// How long the client of a connection of HTTP/2 may take nothing of a reply that waits for it,
    /// or leave a PING unanswered.
    package var replyIdle = TimeAmount.seconds(30)
    /// How long a client that still sends, behind the last reply of a connection, is heard.
    package var lingering = TimeAmount.seconds(30)
    /// How many bytes a second a body that is to be whole must bring on average, once it has taken
    /// longer than `bodyIdle`; 0: any number.
    package var bodyRate = 256
    /// The request's line and headers, in bytes.
    package var headerBytes = 16 << 10
    package var headerCount = 100
    /// A request's body, in bytes, where it is to be whole; and what is read and dropped of one
    /// that nobody wanted, before the client is told that nothing more is.
    package var bodyBytes = 10 << 20
    /// What the bodies of all requests of one event loop may take at the same time, in bytes.
    package var loopBodyBytes = 256 << 20
    /// Whether a request may become a WebSocket: ``HTTPExchange/upgrade(_:_:)``.
    package var allowsUpgrade = false

    package init() {}
}
