import NIOCore
import NIOHTTP1

/// The head of a request, checked. A class: it is handed on several times, and copied never.
package final class RequestHead {
    package enum Version { case http1_0, http1_1, http2 }

    /// How the end of the body is told.
    package enum Body: Equatable {
        /// Of so many bytes, maybe none.
        case length(Int)
        /// Piece by piece.
        case chunks
    }

    enum Expectation { case none, goOn, unknown }

    package let method: String
    package let target: HTTPTarget
    package let version: Version
    /// In order of arrival, the names in lower case, cookies in one.
    package let headers: [(name: String, value: String)]
    package let body: Body
    /// Whether the client would use the connection again.
    package let keepsAlive: Bool
    let expectation: Expectation
    /// What makes it unanswerable; nil: nothing does.
    let defect: Refusal?

    init(
        method: String,
        target: HTTPTarget,
        version: Version,
        headers: [(name: String, value: String)],
        body: Body,
        keepsAlive: Bool,
        expectation: Expectation,
        defect: Refusal? = nil
    ) {
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = body
        self.keepsAlive = keepsAlive
        self.expectation = expectation
        self.defect = defect
    }

    var isHead: Bool { method == "HEAD" }

    /// The last value under a name in lower case.
    package func header(_ name: String) -> String? {
        headers.last { $0.name == name }?.value
    }
}

extension RequestHead {
    /// As NIO's codec makes it of a stream of HTTP/2.
    convenience init(_ head: HTTPRequestHead) {
        // A stream that gives no length reads as chunked.
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let isChunked = head.headers.contains(name: "transfer-encoding")
        self.init(
            method: head.method.rawValue,
            target: HTTPTarget(head.uri),
            version: .http2,
            headers: plainHeaders(head.headers),
            body: isChunked ? .chunks : .length(length),
            keepsAlive: false,
            expectation: .none,
            defect: head.defect
        )
    }

    /// As NIO knows it.
    var forNIO: HTTPRequestHead {
        HTTPRequestHead(
            version: version == .http1_0 ? .http1_0 : .http1_1,
            method: HTTPMethod(rawValue: method),
            uri: target.query.map { "\(target.path)?\($0)" } ?? target.path,
            headers: HTTPHeaders(headers.map { ($0.name, $0.value) })
        )
    }
}
