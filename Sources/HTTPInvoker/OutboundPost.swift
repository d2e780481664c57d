import Engine
package import HTTPFunctions
package import NIOCore
import NIOHTTP1
import Primitives

/// What became of a message that was sent to a server of somebody else.
package enum PostOutcome: Equatable, Sendable {
    /// With what the server answered, byte for byte.
    case accepted([UInt8])
    /// It will not be taken, whenever it is sent.
    case refused(String)
    /// It may be taken later, but not before `pause` is over: what the server has asked for, up to
    /// a minute.
    case failed(String, pause: TimeAmount)
}

/// A message to a server that the operator named.
package struct OutboundPost: Sendable {
    package let endpoint: Endpoint
    package let body: [UInt8]

    package init(endpoint: Endpoint, body: [UInt8]) {
        self.endpoint = endpoint
        self.body = body
    }
}

/// How often a message is sent again that a server may take later: after a second, and after twice
/// as long each further time, unless the server asks for a longer pause.
package struct PostRetries: Sendable {
    private var left: Int
    private var pause = TimeAmount.seconds(1)

    /// So many attempts behind the first one.
    package init(_ count: Int) { left = count }

    /// How long the next attempt waits behind one that came to `outcome`; nil: there is none.
    mutating func next(after outcome: PostOutcome) -> TimeAmount? {
        guard left > 0, case .failed(_, let asked) = outcome else { return nil }
        left -= 1
        defer { pause = pause * 2 }
        return max(pause, asked)
    }
}

extension InvokerSettings {
    /// Sends a message until the server has taken or refused it, or no attempt is left. On `loop`,
    /// where `done` is called once, with what the last attempt came to.
    package func send(
        _ post: OutboundPost,
        retries: PostRetries,
        on loop: any EventLoop,
        done: @escaping (PostOutcome) -> Void
    ) {
        send(post, on: loop) { outcome in
            var rest = retries
            guard let pause = rest.next(after: outcome) else { return done(outcome) }
            loop.assumeIsolated().scheduleTask(in: pause) { [rest] in
                self.send(post, retries: rest, on: loop, done: done)
            }
        }
    }

    /// Sends a message once. On `loop`, where `done` is called once.
    func send(
        _ post: OutboundPost,
        on loop: any EventLoop,
        done: @escaping (PostOutcome) -> Void
    ) {
        var status: Int?
        var pause = TimeAmount.zero
        var answer: [UInt8] = []
        let call = OutboundCall(OutboundRequest(post), self, loop) { result in
            let reason =
                if case .failure(let error) = result { error.message } else {
                    "HTTP \(status ?? 0)"
                }
            switch status {
            case .some(200..<300): done(.accepted(answer))
            // RFC 9110, 15.5.9 and RFC 6585, 4; what a server has trouble with passes.
            case nil, 408, 429, .some(500...): done(.failed(reason, pause: pause))
            case .some: done(.refused(reason))
            }
        }
        call.heard = { head in
            status = Int(head.status.code)
            pause = Self.retryAfter(head)
        }
        call.answered = { answer = $0 }
        call.start()
    }

    /// How long the server wants to be let be (RFC 9110, 10.2.3), as far as it says so in seconds.
    private static func retryAfter(_ head: HTTPResponseHead) -> TimeAmount {
        guard let text = head.headers.first(name: "retry-after"), let seconds = Int64(text) else {
            return .zero
        }
        return .seconds(min(60, max(0, seconds)))
    }
}

extension OutboundRequest {
    fileprivate init(_ post: OutboundPost) {
        let url = post.endpoint.url
        var headers = HTTPHeaders()
        for header in post.endpoint.headers {
            headers.replaceOrAdd(name: header.name, value: header.value)
        }
        headers.replaceOrAdd(name: "host", value: url.authority)
        headers.replaceOrAdd(name: "content-length", value: String(post.body.count))
        headers.replaceOrAdd(name: "connection", value: "close")
        endpoint = post.endpoint
        owner = ConnectionID(loop: 0, number: .max)
        head = HTTPRequestHead(version: .http1_1, method: .POST, uri: url.target, headers: headers)
        body = post.body
    }
}
