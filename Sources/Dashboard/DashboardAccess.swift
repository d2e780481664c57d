import NetServer

/// Who may see the dashboard, and who may change anything by it. A pure function of what a request
/// presents.
///
/// | request | |
/// |---|---|
/// | `Host` is a name that is neither loopback nor listed | 421 |
/// | from this machine to a name of it | allowed |
/// | from elsewhere, or through a proxy, with the token or the cookie | allowed |
/// | `GET /?token=` with the token, and not by a header | the cookie, and the clean address |
/// | any other from elsewhere | 401 |
/// | `Origin` is another than the page's own | 403 |
/// | not `GET` or `HEAD`, without `X-III-Request: 1` or not JSON | 403, 415 |
///
/// The `Host` check keeps a web page from reaching a loopback address through a name of its own
/// that resolves to it; the others keep it from sending what a browser sends without asking.
package struct DashboardAccess: Sendable {
    /// What a request is judged by.
    package struct Request {
        package var method: String
        package var path: String
        package var query: String?
        /// Names in lower case.
        package var headers: [(name: String, value: String)]
        /// The peer's IP address without port.
        package var remoteAddress: String
        /// Whether it asks for a WebSocket.
        package var isUpgrade: Bool

        package init(
            method: String = "GET",
            path: String = "/",
            query: String? = nil,
            headers: [(name: String, value: String)] = [],
            remoteAddress: String = "127.0.0.1",
            isUpgrade: Bool = false
        ) {
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
            self.remoteAddress = remoteAddress
            self.isUpgrade = isUpgrade
        }

        func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    package enum Verdict: Equatable, Sendable {
        case allowed
        /// Allowed from now on by the cookie: the token is taken out of the address.
        case welcomed
        case refused(status: Int, code: String, message: String)
    }

    private let policy: AccessPolicy
    private let hosts: [String]
    private let cookieName: String
    private let cookieValue: [UInt8]

    /// - Parameters:
    ///   - token: what peers beyond this machine must present; nil refuses all of them.
    ///   - hosts: names, without port, allowed in `Host` besides loopback and IP addresses.
    ///   - cookieName: differs from that of other engines: browsers keep cookies by host, whatever
    ///     the port.
    ///   - cookieValue: a secret of this life of the engine, and not the token: browsers send it to
    ///     whatever else listens on this host.
    package init(token: String?, hosts: [String], cookieName: String, cookieValue: String) {
        policy = AccessPolicy(token: token)
        self.hosts = hosts.map { $0.lowercased() }
        self.cookieName = cookieName
        self.cookieValue = Array(cookieValue.utf8)
    }

    /// The header that gives a browser the cookie, for as long as it runs.
    package var setCookie: String {
        let value = String(decoding: cookieValue, as: UTF8.self)
        return "\(cookieName)=\(value); Path=/; HttpOnly; SameSite=Strict"
    }

    package func judge(_ request: Request) -> Verdict {
        let host = request.header("host")
        if let host, !serves(host) {
            return .refused(
                status: 421,
                code: "UNKNOWN_HOST",
                message: "the Host \(host) is not served here; names are allowed by "
                    + "[observability] dashboard_hosts"
            )
        }
        if let origin = request.header("origin"), !Self.isOwn(origin, host) {
            return .refused(
                status: 403,
                code: "FOREIGN_ORIGIN",
                message: "the Origin \(origin) is not that of the dashboard"
            )
        }
        let isLocal = AccessPolicy.isLocal(
            remoteAddress: request.remoteAddress,
            headers: request.headers
        )
        guard isLocal || hasCookie(request) else { return judgeToken(request) }
        return judgeChange(request)
    }

    /// Whether a `Host` is one of this machine's.
    private func serves(_ host: String) -> Bool {
        let name = AccessPolicy.host(of: host.lowercased()[...])
        return ListenAddress.isLoopback(name) || ListenAddress.isLiteral(name)
            || hosts.contains(name)
    }

    private func judgeToken(_ request: Request) -> Verdict {
        if policy.presentsToken(headers: request.headers, query: nil) {
            return judgeChange(request)
        }
        guard policy.presentsToken(headers: [], query: request.query) else {
            return .refused(
                status: 401,
                code: "UNAUTHORIZED",
                message: "a token is required: open /?token=TOKEN in a browser, or send "
                    + "Authorization: Bearer TOKEN or ?token=TOKEN with each request"
            )
        }
        // A browser would keep the page's address, and show it.
        let isPage = request.path == "/" && request.method == "GET" && !request.isUpgrade
        return isPage ? .welcomed : judgeChange(request)
    }

    /// What a page of somebody else can make a browser send has not all of this.
    private func judgeChange(_ request: Request) -> Verdict {
        if request.method == "GET" || request.method == "HEAD" { return .allowed }
        guard request.header("x-iii-request") == "1" else {
            return .refused(
                status: 403,
                code: "CSRF",
                message: "the header X-III-Request: 1 is required"
            )
        }
        let type = request.header("content-type")?.lowercased() ?? ""
        guard type.split(separator: ";").first?.split(separator: " ").first == "application/json"
        else {
            return .refused(
                status: 415,
                code: "NOT_JSON",
                message: "the body must be sent as Content-Type: application/json"
            )
        }
        return .allowed
    }

    /// Whether a page of that origin is the dashboard's own.
    private static func isOwn(_ origin: String, _ host: String?) -> Bool {
        guard let host = host?.lowercased() else { return false }
        let origin = origin.lowercased()
        return origin == "http://\(host)" || origin == "https://\(host)"
    }

    private func hasCookie(_ request: Request) -> Bool {
        for (name, value) in request.headers where name == "cookie" {
            for part in value.split(separator: ";") {
                let pair = part.drop { $0 == " " }
                guard pair.hasPrefix("\(cookieName)=") else { continue }
                let presented = Array(pair.dropFirst(cookieName.count + 1).utf8)
                if AccessPolicy.equal(presented, cookieValue) { return true }
            }
        }
        return false
    }
}
