import NIOCore
import NIOHTTP1

/// The answer to a request that reaches no service, or whose body does not come as it should.
package struct Refusal: Error, Equatable {
    package let status: Int
    /// A clause for the person who sent it.
    package let reason: String

    init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    static let invalidHost = Refusal(400, "the Host header must be a host, maybe with a port")
}

extension HTTPRequestHead {
    /// Whether `token` is among the comma-separated values of a header, whatever its case.
    func names(_ token: String, in header: String) -> Bool {
        headers[canonicalForm: header].contains { $0.lowercased() == token }
    }

    /// What makes a request unanswerable although NIO has read it, if anything:
    /// ambiguities about where a request ends are how requests are smuggled.
    var defect: Refusal? {
        if uri.utf8.count > 8192 { return Refusal(414, "the request target exceeds 8192 bytes") }
        if method == .CONNECT { return Refusal(501, "this server is no proxy") }
        guard HTTPTarget.isTarget(uri, of: method.rawValue) else { return HTTPTarget.malformed }
        if headers.contains(where: { Self.breaksLines($0.name) || Self.breaksLines($0.value) }) {
            return Refusal(400, "a header contains a line break or NUL")
        }
        let hosts = headers["host"]
        if hosts.count > 1 || hosts.isEmpty && version != .http1_0 {
            return Refusal(400, "exactly one Host header is required")
        }
        guard hosts.allSatisfy(\.isHost) else { return .invalidHost }
        return framingDefect
    }

    private var framingDefect: Refusal? {
        let encodings = headers["transfer-encoding"]
        let lengths = headers["content-length"]
        guard lengths.count <= 1 else { return Refusal(400, "more than one Content-Length") }
        if let encoding = encodings.first {
            guard lengths.isEmpty else {
                return Refusal(400, "both Content-Length and Transfer-Encoding")
            }
            guard encodings.count == 1, version == .http1_1, encoding.lowercased() == "chunked"
            else {
                return Refusal(400, "Transfer-Encoding must be chunked and nothing else")
            }
        }
        return nil
    }

    private static func breaksLines(_ text: String) -> Bool {
        text.utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 }
    }
}

extension HTTPParserError {
    /// What a request that could not be read is told.
    var refusal: Refusal {
        switch self {
        case .headerOverflow: Refusal(431, "the headers are too many or too large")
        case .invalidVersion:
            Refusal(400, "the request line must end in a version, as HTTP/1.1, and CRLF")
        case .invalidMethod: Refusal(501, "unknown method")
        default: Refusal(400, "malformed HTTP: \(self)")
        }
    }
}

extension ChannelHandlerContext {
    /// Shuts our side once everything is written, however slowly the peer takes it, and then calls
    /// `then`. The whole connection ends when the peer has shut its own. What arrives until then
    /// has to be dropped by the caller: closing over unread bytes would make the kernel reset the
    /// connection, and the peer lose the answer that was just written.
    func shut(then: @escaping () -> Void) {
        let written = eventLoop.makePromise(of: Void.self)
        close(mode: .output, promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in then() }
    }

    /// The same, and ends the connection two seconds later.
    func closeGently() {
        shut {
            let closing = self.eventLoop.assumeIsolated().scheduleTask(in: .seconds(2)) {
                self.close(promise: nil)
            }
            self.channel.closeFuture.whenComplete { _ in closing.cancel() }
        }
    }
}
