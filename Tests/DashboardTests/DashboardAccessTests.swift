import Dashboard
import Testing

@Suite("Access to the dashboard")
struct DashboardAccessTests {
    private let access = DashboardAccess(
        token: "secret",
        hosts: ["iii.example.com"],
        cookieName: "iii-1",
        cookieValue: "c00c1e"
    )

    private func judge(
        _ headers: [String: String] = [:],
        method: String = "GET",
        path: String = "/api/status",
        query: String? = nil,
        from address: String = "10.0.0.9",
        host: String? = "10.0.0.1:9090"
    ) -> String {
        var all = headers.map { (name: $0.key, value: $0.value) }
        if let host { all.append(("host", host)) }
        let request = DashboardAccess.Request(
            method: method,
            path: path,
            query: query,
            headers: all,
            remoteAddress: address
        )
        switch access.judge(request) {
        case .allowed: return "allowed"
        case .welcomed: return "welcomed"
        case .refused(let status, let code, _): return "\(status) \(code)"
        }
    }

    @Test("peers of this machine need no token, unless they come through a proxy")
    func local() {
        for host in ["localhost:9090", "127.0.0.1", "[::1]:9090", nil] {
            #expect(judge(from: "127.0.0.1", host: host) == "allowed")
            #expect(judge(from: "::1", host: host) == "allowed")
        }
        let refused = "401 UNAUTHORIZED"
        #expect(judge(from: "127.0.0.1", host: "iii.example.com") == refused)
        #expect(judge(["x-forwarded-for": "1.2.3.4"], from: "::1", host: "localhost") == refused)
        #expect(judge(["forwarded": "for=1.2.3.4"], from: "::1", host: "localhost") == refused)
        #expect(judge(["x-real-ip": "1.2.3.4"], from: "::1", host: "localhost") == refused)
        #expect(judge(["via": "1.1 proxy"], from: "::1", host: "localhost") == refused)
    }

    @Test("others need the token or the cookie, and exactly those")
    func remote() {
        #expect(judge() == "401 UNAUTHORIZED")
        for wrong in ["Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret"] {
            #expect(judge(["authorization": wrong]) == "401 UNAUTHORIZED", "\(wrong)")
        }
        #expect(judge(["authorization": "Bearer secret"]) == "allowed")
        #expect(judge(["sec-websocket-protocol": "bearer.secret"]) == "allowed")
        for wrong in ["iii-1=", "iii-1=c00c1", "iii-2=c00c1e", "iii-1=secret", "c00c1e"] {
            #expect(judge(["cookie": wrong]) == "401 UNAUTHORIZED", "\(wrong)")
        }
        #expect(judge(["cookie": "a=b; iii-1=c00c1e; d=e"]) == "allowed")
        #expect(access.setCookie == "iii-1=c00c1e; Path=/; HttpOnly; SameSite=Strict")
    }

    @Test("a token in the address opens what a header does; on the page it is taken for a cookie")
    func address() {
        #expect(judge(path: "/", query: "token=secret") == "welcomed")
        let header = ["authorization": "Bearer secret"]
        #expect(judge(header, path: "/", query: "token=secret") == "allowed")
        for path in ["/api/status", "/metrics", "/readyz", "/api/live", "/main.js"] {
            for query in ["token=secret", "limit=1&token=secret", "token=wrong&token=s%65cret"] {
                #expect(judge(path: path, query: query) == "allowed", "\(path)?\(query)")
            }
        }
        for path in ["/", "/api/status"] {
            for query in ["token=wrong", "token=", "token", "xtoken=secret", "Token=secret", ""] {
                #expect(judge(path: path, query: query) == "401 UNAUTHORIZED", "\(path)?\(query)")
            }
        }
        for path in ["/", "/api/call"] {
            #expect(judge(method: "POST", path: path, query: "token=secret") == "403 CSRF")
        }
        #expect(judge(query: "token=secret", host: "evil.example") == "421 UNKNOWN_HOST")
    }

    @Test("a name that nobody allowed is not served, whoever asks")
    func hosts() {
        for host in ["evil.example", "iii.example.com.evil.example", "localhost.evil", "a b"] {
            #expect(judge(from: "127.0.0.1", host: host) == "421 UNKNOWN_HOST", "\(host)")
        }
        let token = ["authorization": "Bearer secret"]
        #expect(judge(token, host: "evil.example") == "421 UNKNOWN_HOST")
        #expect(judge(token, host: "III.example.com:443") == "allowed")
        #expect(judge(token, host: "192.168.0.7:9090") == "allowed")
    }

    @Test("pages of others may not ask, not even those of this machine")
    func origins() {
        let own = "http://localhost:9090"
        #expect(judge(["origin": own], from: "::1", host: "localhost:9090") == "allowed")
        for origin in ["http://localhost:3000", "https://evil.example", "null", ""] {
            let verdict = judge(["origin": origin], from: "::1", host: "localhost:9090")
            #expect(verdict == "403 FOREIGN_ORIGIN", "\(origin)")
        }
        #expect(judge(["origin": own], from: "::1", host: nil) == "403 FOREIGN_ORIGIN")
    }

    @Test("what may change something needs what no form of another page can send")
    func changes() {
        func post(_ headers: [String: String]) -> String {
            judge(headers, method: "POST", path: "/api/call", from: "::1", host: "localhost")
        }
        let json = "application/json"
        #expect(post(["x-iii-request": "1", "content-type": json]) == "allowed")
        #expect(
            post(["x-iii-request": "1", "content-type": json + "; charset=utf-8"]) == "allowed"
        )
        #expect(post(["content-type": json]) == "403 CSRF")
        #expect(post(["x-iii-request": "0", "content-type": json]) == "403 CSRF")
        #expect(post(["x-iii-request": "1", "content-type": "text/plain"]) == "415 NOT_JSON")
        #expect(post(["x-iii-request": "1"]) == "415 NOT_JSON")
        // A token or the cookie is not enough.
        for access in [["authorization": "Bearer secret"], ["cookie": "iii-1=c00c1e"]] {
            #expect(judge(access, method: "DELETE", path: "/api/call") == "403 CSRF")
        }
    }
}
