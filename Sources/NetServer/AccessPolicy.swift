import Primitives

/// Who may talk to a listener. A pure function of what the peer presents.
///
/// | peer | token | `Origin` | |
/// |---|---|---|---|
/// | on this machine, and nobody between | not asked | none, loopback, or listed | allowed |
/// | any | right | none, loopback, or listed | allowed |
/// | elsewhere, or through a proxy | missing or wrong | | 401 |
/// | here, by a name that is not loopback | missing or wrong | | 421 |
/// | any | | any other | 403 |
/// | any, with a preflight | not asked | loopback, or listed | allowed |
/// | any | not asked, where others judge the peer | none, loopback, or listed | allowed |
///
/// The token is also what stands against web pages that reach a loopback address through a name of
/// their own which resolves to it: they do not have it.
package struct AccessPolicy: Sendable {
    package enum Access: Equatable, Sendable {
        case allowed
        case refused(status: Int, reason: String)
    }

    /// A WebSocket subprotocol that begins like this carries a token; browsers can set no header.
    static let bearerProtocol = "bearer."

    private let token: [UInt8]?
    private let asksForToken: Bool
    private let origins: [String]

    /// - Parameters:
    ///   - token: what peers that are not on this machine must present; nil refuses all of them.
    ///   - asksForToken: false: who a peer is, others find out.
    ///   - origins: web origins allowed besides loopback ones, as `https://example.com:8443`;
    ///     `*` for all.
    package init(token: String?, asksForToken: Bool = true, origins: [String] = []) {
        precondition(token != "", "An empty token protects nothing.")
        self.token = token.map { Array($0.utf8) }
        self.asksForToken = asksForToken
        self.origins = origins.map { $0.lowercased() }
    }

    /// Judges a request by the peer's IP address (without port), its headers (names in lower case)
    /// and its query (as sent, without the question mark). A preflight is a browser's, which does
    /// not present the token with it, and gets nothing by it: its `Origin` alone is judged.
    package func check(
        remoteAddress: String,
        headers: [(name: String, value: String)],
        query: String?,
        isPreflight: Bool = false
    ) -> Access {
        for (name, value) in headers where name == "origin" && !allows(origin: value) {
            return .refused(status: 403, reason: "the Origin \(value) is not allowed")
        }
        guard asksForToken, !isPreflight,
            !Self.isLocal(remoteAddress: remoteAddress, headers: headers)
        else { return .allowed }
        if presentsToken(headers: headers, query: query) { return .allowed }
        if ListenAddress.isLoopback(remoteAddress), !Self.isForwarded(headers),
            let host = headers.first(where: { $0.name == "host" })?.value,
            !ListenAddress.isLiteral(Self.host(of: host[...]))
        {
            let other = token == nil ? "" : ", or give it: \(Self.forms)"
            return .refused(
                status: 421,
                reason: "the Host \(host) is not served here without the token: use localhost"
                    + other
            )
        }
        guard token != nil else {
            return .refused(
                status: 401,
                reason: "only peers on this machine are served, and none through a proxy; "
                    + "[security] token lets others in"
            )
        }
        return .refused(status: 401, reason: "a token is required: \(Self.forms)")
    }

    /// The ways to present a token, for people.
    private static let forms =
        "Authorization: Bearer TOKEN, ?token=TOKEN, or the WebSocket subprotocol "
        + "\(bearerProtocol)TOKEN"

    /// Whether the peer is on this machine, and nobody stands between: neither a proxy on it, which
    /// says so by a header or hands on the `Host` that it was asked for, nor a web page that
    /// reaches it by a name of its own. Names of `headers` are in lower case.
    package static func isLocal(
        remoteAddress: String,
        headers: [(name: String, value: String)]
    ) -> Bool {
        ListenAddress.isLoopback(remoteAddress) && !isForwarded(headers)
            && headers.allSatisfy { name, value in name != "host" || isOwn(host: value) }
    }

    /// Whether a `Host` is one by which this machine alone is reached. Who connects to the address
    /// of all interfaces comes to loopback.
    private static func isOwn(host: String) -> Bool {
        var name = Self.host(of: host[...]).lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        // Nobody can own a name below localhost (RFC 6761, 6.3).
        return ListenAddress.isLoopback(name) || name.hasSuffix(".localhost")
            || name == "0.0.0.0" || name == "::"
    }

    /// Whether a proxy says that it is one.
    private static func isForwarded(_ headers: [(name: String, value: String)]) -> Bool {
        headers.contains { name, _ in
            name == "forwarded" || name.hasPrefix("x-forwarded-") || name == "x-real-ip"
                || name == "via"
        }
    }

    /// Whether the peer presents the token, in a header or in its query.
    package func presentsToken(
        headers: [(name: String, value: String)],
        query: String?
    ) -> Bool {
        guard let token else { return false }
        return Self.tokens(headers, query).contains { Self.equal($0, token) }
    }

    private func allows(origin: String) -> Bool {
        let origin = origin.lowercased()
        if origins.contains(origin) || origins.contains("*") { return true }
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return ListenAddress.isLoopback(Self.host(of: origin.dropFirst(scheme.count)))
        }
        return false
    }

    /// The host of `host`, `host:port`, `[v6]` or `[v6]:port`; what has another shape comes back
    /// in a form that equals no address and no name.
    package static func host(of authority: Substring) -> String {
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return "" }
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { return "" }
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        guard let colon = authority.firstIndex(of: ":") else { return String(authority) }
        let port = authority[authority.index(after: colon)...]
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return "" }
        return String(authority[..<colon])
    }

    /// Every token that the peer presents.
    private static func tokens(
        _ headers: [(name: String, value: String)],
        _ query: String?
    ) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for (name, value) in headers {
            switch name {
            case "authorization" where value.lowercased().hasPrefix("bearer "):
                found.append(Array(value.dropFirst(7).drop { $0 == " " }.utf8))
            case "sec-websocket-protocol":
                for item in value.split(separator: ",") {
                    let item = item.drop { $0 == " " || $0 == "\t" }
                    guard item.hasPrefix(bearerProtocol) else { continue }
                    let rest = item.dropFirst(bearerProtocol.count)
                    found.append(Array(rest.prefix { $0 != " " && $0 != "\t" }.utf8))
                }
            default: break
            }
        }
        for item in (query ?? "").split(separator: "&") where item.hasPrefix("token=") {
            found.append(item.dropFirst(6).percentDecoded)
        }
        return found
    }

    /// Takes a time that depends on the length of `candidate` only.
    package static func equal(_ candidate: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = UInt8(candidate.count == token.count ? 0 : 1)
        for (index, byte) in candidate.enumerated() {
            difference |= byte ^ token[index % token.count]
        }
        return difference == 0
    }
}
