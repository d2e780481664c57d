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
    /// Of a stream of HTTP/2.
    ///
    /// - Parameters:
    ///   - fields: in order of arrival, well-formed: the names in lower case, and those that begin
    ///     with a colon in front, none of them twice.
    ///   - isWhole: whether there is no body.
    convenience init(fields: [(name: String, value: String)], isWhole: Bool) {
        func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        let method = first(":method") ?? ""
        let uri = first(":path") ?? ""
        let authority = first(":authority")
        let host = first("host")
        var headers = fields.filter { $0.name.utf8.first != UInt8(ascii: ":") }
        // One of the two has to be there, whichever (RFC 9113, 8.3.1).
        if let authority, host == nil { headers.insert((name: "host", value: authority), at: 0) }
        let stated = first("content-length")
        let length = stated.flatMap(HeadReader.decimal)
        let body: Body =
            if isWhole {
                .length(0)
            } else if let length {
                .length(length)
            } else {
                .chunks
            }
        let defect: Refusal? =
            if !HeadReader.methods.contains(method) {
                HeadReader.unknownMethod
            } else if let authority, let host, authority.lowercased() != host.lowercased() {
                Refusal(400, "the Host header and :authority differ")
            } else if stated != nil, length == nil {
                HeadReader.noLength
            } else {
                HTTPRequestHead(
                    version: .http2,
                    method: HTTPMethod(rawValue: method),
                    uri: uri,
                    headers: HTTPHeaders(headers.map { ($0.name, $0.value) })
                ).defect
            }
        self.init(
            method: method,
            target: HTTPTarget(uri),
            version: .http2,
            headers: joiningCookies(headers),
            body: body,
            keepsAlive: false,
            expectation: .none,
            defect: defect
        )
    }

    /// What it takes as the lines of HTTP/1.1, in bytes.
    var byteCount: Int {
        let query = target.query.map { $0.utf8.count + 1 } ?? 0
        let rest = "  HTTP/1.1\r\n\r\n".utf8.count
        let line = method.utf8.count + target.path.utf8.count + query + rest
        return headers.reduce(line) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
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
