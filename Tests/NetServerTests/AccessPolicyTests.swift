import Testing

@testable import NetServer

@Suite("Access")
struct AccessPolicyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var remote = "192.0.2.7"
        var headers: [(name: String, value: String)] = []
        var query: String?
        /// 0 is allowed.
        var status: Int
        var testDescription: String { "\(remote) \(headers) \(query ?? "-") -> \(status)" }
    }

    private static let policy = AccessPolicy(
        token: "s3cret/+",
        origins: ["https://app.example:8443"]
    )

    private func status(_ access: AccessPolicy.Access) -> Int {
        if case .refused(let status, _) = access { status } else { 0 }
    }

    static let bearer = (name: "authorization", value: "Bearer s3cret/+")

    static func origin(_ value: String, _ status: Int) -> Case {
        Case(remote: "127.0.0.1", headers: [("origin", value)], status: status)
    }

    static let cases: [Case] = [
        // Loopback is asked for nothing.
        Case(remote: "127.0.0.1", status: 0),
        Case(remote: "127.9.8.7", status: 0),
        Case(remote: "::1", status: 0),
        Case(remote: "::ffff:127.0.0.1", status: 0),
        Case(remote: "127.0.0.1", headers: [("authorization", "Bearer wrong")], status: 0),
        // Others are.
        Case(status: 401),
        Case(remote: "", status: 401),
        Case(remote: "2001:db8::1", status: 401),
        Case(remote: "::ffff:192.0.2.7", status: 401),
        Case(remote: "128.0.0.1", status: 401),
        Case(headers: [bearer], status: 0),
        Case(headers: [("authorization", "bearer  s3cret/+")], status: 0),
        Case(headers: [("authorization", "Basic s3cret/+")], status: 401),
        Case(headers: [("authorization", "Bearer ")], status: 401),
        Case(headers: [("authorization", "Bearer s3cret/")], status: 401),
        Case(headers: [("authorization", "Bearer s3cret/++")], status: 401),
        Case(headers: [("authorization", "Bearer s3cret/+s3cret/+")], status: 401),
        Case(headers: [("authorization", "Bearer S3cret/+")], status: 401),
        Case(query: "token=s3cret/+", status: 0),
        Case(query: "a=b&token=s3cret%2F%2b&c", status: 0),
        Case(query: "token=s3cret", status: 401),
        Case(query: "xtoken=s3cret/+", status: 401),
        Case(query: "token=", status: 401),
        Case(query: "token=s3cret/%2", status: 401),
        Case(headers: [("sec-websocket-protocol", "bearer.s3cret/+")], status: 0),
        Case(headers: [("sec-websocket-protocol", "x, bearer.s3cret/+ , y")], status: 0),
        Case(headers: [("sec-websocket-protocol", "s3cret/+")], status: 401),
        // An Origin says that a browser is asking, for somebody's page.
        origin("http://localhost:3000", 0),
        origin("https://127.0.0.1", 0),
        origin("http://[::1]:8080", 0),
        origin("https://APP.example:8443", 0),
        origin("https://app.example", 403),
        origin("https://evil.example", 403),
        origin("http://localhost.evil.example", 403),
        origin("http://localhost@evil.example", 403),
        origin("http://localhost:1@evil.example", 403),
        origin("http://[::1]evil.example", 403),
        origin("http://localhost/evil", 403),
        origin("null", 403),
        origin("", 403),
        Case(headers: [bearer, ("origin", "https://evil.example")], status: 403),
        // A Host says by which name we were reached: of this machine are loopback ones alone.
        near("host", "localhost:49134", 0),
        near("host", "LOCALHOST", 0),
        near("host", "127.0.0.1:49134", 0),
        near("host", "[::1]:49134", 0),
        near("host", "0.0.0.0:49134", 0),
        near("host", "[::]:49134", 0),
        near("host", "rebound.example:49134", 421),
        near("host", "localhost.rebound.example", 421),
        near("host", "", 421),
        near("host", "192.0.2.1:80", 401),
        near("host", "[2001:db8::1]:80", 401),
        Case(remote: "::1", headers: [bearer, ("host", "engine.example:80")], status: 0),
        Case(remote: "::1", headers: [("host", "engine.example")], query: bare, status: 0),
        Case(headers: [bearer, ("host", "iii:49134")], status: 0),
        Case(headers: [("host", "iii:49134")], status: 401),
        Case(headers: [("host", "localhost:49134")], status: 401),
        // A proxy on this machine brings others, by whatever Host.
        near("x-forwarded-for", "203.0.113.7", 401),
        near("x-forwarded-proto", "https", 401),
        near("x-forwarded-anything", "", 401),
        near("x-real-ip", "203.0.113.7", 401),
        near("forwarded", "for=203.0.113.7", 401),
        near("via", "1.1 proxy", 401),
        near("x-forwarded", "not a proxy's", 0),
        Case(remote: "::1", headers: [bearer, ("via", "1.1 proxy")], status: 0),
        Case(
            remote: "127.0.0.1",
            headers: [("host", "engine.example"), ("via", "1.1 proxy")],
            status: 401
        ),
        Case(
            remote: "127.0.0.1",
            headers: [("host", "localhost"), ("via", "1.1 proxy")],
            status: 401
        ),
    ]

    private static let bare = "token=s3cret/+"

    private static func near(_ name: String, _ value: String, _ status: Int) -> Case {
        Case(remote: "127.0.0.1", headers: [(name, value)], status: status)
    }

    @Test("follows the table", arguments: cases)
    func table(_ row: Case) {
        let access = Self.policy.check(
            remoteAddress: row.remote,
            headers: row.headers,
            query: row.query
        )
        #expect(status(access) == row.status)
    }

    @Test("without a token lets nobody in from beyond this machine, nor through a proxy")
    func withoutToken() {
        let policy = AccessPolicy(token: nil)
        let far = policy.check(remoteAddress: "192.0.2.7", headers: [Self.bearer], query: "token=")
        #expect(status(far) == 401)
        for (host, expected) in [("localhost:3112", 0), ("any.example", 421), ("10.0.0.1", 401)] {
            let near = policy.check(
                remoteAddress: "127.0.0.1",
                headers: [("host", host)],
                query: nil
            )
            #expect(status(near) == expected, "\(host)")
        }
    }

    @Test("where others judge the peer, its name and its proxies are theirs to judge")
    func judgedByOthers() {
        let policy = AccessPolicy(token: nil, asksForToken: false)
        func check(_ headers: [(name: String, value: String)]) -> Int {
            status(policy.check(remoteAddress: "127.0.0.1", headers: headers, query: nil))
        }
        #expect(check([("host", "iii.example.com"), ("x-forwarded-for", "203.0.113.7")]) == 0)
        #expect(check([("host", "iii.example.com"), ("origin", "https://evil.example")]) == 403)
    }

    @Test("who is refused for want of a token is told each way to give it, where there is one")
    func forms() {
        let ways = ["Authorization: Bearer TOKEN", "?token=TOKEN", "subprotocol bearer.TOKEN"]
        func reason(_ token: String?, _ host: String) -> String {
            let policy = AccessPolicy(token: token)
            let access = policy.check(
                remoteAddress: "127.0.0.1",
                headers: [("host", host)],
                query: nil
            )
            guard case .refused(_, let reason) = access else { return "" }
            return reason
        }
        for way in ways {
            #expect(reason("t", "10.0.0.1").contains(way), "\(way)")
            #expect(reason("t", "any.example").contains(way), "\(way)")
            #expect(!reason(nil, "any.example").contains(way), "\(way)")
        }
    }
}
