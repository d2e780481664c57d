import JSON
import Primitives
import Testing

@testable import HTTP

private func json(_ text: String) throws -> JSONText {
    try JSONText(validating: Array(text.utf8))
}

@Suite("Middleware")
struct MiddlewareTests {
    /// `401 a=1|body`, or what else is to be done.
    private func show(_ value: String) throws -> String {
        switch MiddlewareVerdict(try json(value)) {
        case .proceed: return "continue"
        case .unknown: return "unknown"
        case .respond(let reply):
            let headers = reply.headers.map { " \($0.name)=\($0.value)" }.joined()
            return "\(reply.status)\(headers)|\(String(decoding: reply.body, as: UTF8.self))"
        }
    }

    @Test("many headers are not compared each with each", .timeLimit(.minutes(1)))
    func manyHeaders() throws {
        let headers = (0..<100_000).map { #""x-\#($0)":"1""# }.joined(separator: ",")
        let answer = #"{"action":"respond","response":{"headers":{\#(headers),"X-0":"2"}}}"#
        guard case .respond(let reply) = MiddlewareVerdict(try json(answer)) else {
            Issue.record("it is no response")
            return
        }
        #expect(reply.headers.count == 100_001)
        #expect(reply.headers.last?.name == "X-0")
    }

    @Test(
        "what it answers is read as the interface has it",
        arguments: [
            (#"{"action":"continue","request":{"headers":{"a":"1"}}}"#, "continue"),
            (#"{"action":"respond"}"#, "200 content-type=application/json|null"),
            (
                #"{"action":"respond","response":{"status_code":401,"body":"no"}}"#,
                #"401 content-type=application/json|"no""#
            ),
            (
                #"{"action":"respond","response":{"status_code":"401","body":{"a":[1]}}}"#,
                #"200 content-type=application/json|{"a":[1]}"#
            ),
            (
                #"{"action":"respond","response":{"headers":{"X-A":"1","Content-Type":"text/css"}}}"#,
                "200 X-A=1 Content-Type=text/css|null"
            ),
            (
                #"{"action":"respond","response":{"headers":{"x-a":"1","x-b":2}}}"#,
                "200 content-type=application/json|null"
            ),
            (
                #"{"action":"respond","response":{"headers":{"x-a":"1","content-type":"a\nb"}}}"#,
                "200 content-type=application/json x-a=1|null"
            ),
            (
                #"{"action":"respond","response":{"headers":["x-a: 1"]}}"#,
                "200 content-type=application/json|null"
            ),
            (#"{"action":"respond","response":7}"#, "200 content-type=application/json|null"),
            (#"{"action":"Continue"}"#, "unknown"), (#"{"action":1}"#, "unknown"),
            ("{}", "unknown"),
            ("true", "unknown"), ("null", "unknown"), (#""continue""#, "unknown"),
        ]
    )
    func verdicts(value: String, expected: String) throws {
        #expect(try show(value) == expected)
    }

    @Test("what it is asked has no body and no channels, and the log's copy no secrets")
    func question() throws {
        let request = HTTPRequest(
            method: "POST",
            path: "/u/7",
            query: "q=x",
            headers: [("cookie", "s=1"), ("x-mine", "2"), ("x-a", "3")],
            body: Array("{}".utf8)
        )
        let question = HTTPEvent.question(
            request,
            parameters: [("id", "7")],
            secrets: SecretHeaders(["X-Mine"])
        )
        let text = { (cookie: String, mine: String) in
            #"{"phase":"preHandler","request":{"path_params":{"id":"7"},"query_params":{"q":"x"},"#
                + #""headers":{"cookie":"\#(cookie)","x-mine":"\#(mine)","x-a":"3"},"#
                + #""method":"POST"},"context":{}}"#
        }
        #expect(question.asked.description == text("s=1", "2"))
        #expect(question.logged.description == text("[redacted]", "[redacted]"))
    }
}

@Suite("Secrets in headers")
struct SecretHeaderTests {
    private let secrets = SecretHeaders(["x-session"])

    @Test(
        "are hidden in what is recorded of a response, and nothing else is touched",
        arguments: [
            (
                #"{"headers":{"Set-Cookie":"a=1","x-a":"2"},"body":{"set-cookie":"b"}}"#,
                #"{"headers":{"Set-Cookie":"[redacted]","x-a":"2"},"body":{"set-cookie":"b"}}"#
            ),
            (
                #"{"headers":["set-cookie: a=1","X-Session : s","x-a: 2",7]}"#,
                #"{"headers":["set-cookie: [redacted]","x-session: [redacted]","x-a: 2",7]}"#
            ),
            (#"{ "headers": {"x-a":"2"}}"#, #"{ "headers": {"x-a":"2"}}"#),
            (#"{"body":1}"#, #"{"body":1}"#), ("7", "7"), ("[]", "[]"),
        ]
    )
    func responses(value: String, expected: String) throws {
        #expect(secrets.hidden(inResponse: try json(value)).description == expected)
        let verdict = #"{"action":"respond","response":\#(value)}"#
        #expect(
            secrets.hidden(inVerdict: try json(verdict)).description
                == #"{"action":"respond","response":\#(expected)}"#
        )
    }

    @Test(
        "are hidden in payloads that workers tell of, wherever headers are in them",
        arguments: [
            (
                #"{"headers": {"Cookie": "a=1", "x-a": 2}, "body": {"cookie": "b"}}"#,
                #"{"headers":{"Cookie":"[redacted]","x-a":2},"body":{"cookie":"b"}}"#
            ),
            (
                #"{"phase":"preHandler","request":{"headers":{"x-session":"s"}}}"#,
                #"{"phase":"preHandler","request":{"headers":{"x-session":"[redacted]"}}}"#
            ),
            (
                #"[{"input":{"headers":["Set-Cookie: a","x-a: 2"]}}]"#,
                #"[{"input":{"headers":["set-cookie: [redacted]","x-a: 2"]}}]"#
            ),
            (#"{ "headers": {"x-a": 1.0}}"#, #"{ "headers": {"x-a": 1.0}}"#),
            (
                #"{"headers":{"headers":{"cookie":"a"}}}"#,
                #"{"headers":{"headers":{"cookie":"[redacted]"}}}"#
            ),
            (#"{"a":{}, "headers": {"cookie": "a..."[TRUNCATED]""#, "[redacted]"),
            (#"{"a":{}, "hea..."[TRUNCATED]""#, #"{"a":{}, "hea..."[TRUNCATED]""#),
            ("null", "null"), (#""headers""#, #""headers""#), ("", ""),
        ]
    )
    func payloads(payload: String, expected: String) {
        #expect(secrets.hidden(inPayload: payload) == expected)
    }

    @Test("are the known ones and those of the configuration")
    func names() {
        for name in ["authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key"] {
            #expect(secrets.contains(name))
        }
        #expect(secrets.contains("x-session"))
        #expect(!SecretHeaders().contains("x-session"))
        #expect(!secrets.contains("content-type"))
    }
}

@Suite("CORS")
struct CORSTests {
    private func show(
        _ rules: CORS.Rules?,
        origin: String? = "https://a.example",
        preflight: Bool = false,
        over headers: [(name: String, value: String)] = []
    ) -> String {
        var headers = headers
        let asker = CORS.Asker(origin: origin, isPreflight: preflight)
        let own = CORS(rules).headers(for: asker, over: &headers)
        return (headers + own).map {
            let name = $0.name.replacing("access-control-", with: "ac-")
            return "\(name)=\($0.value.replacing(Self.varies, with: "VARY"))"
        }.joined(separator: " ")
    }

    private static let varies =
        "origin, access-control-request-method, access-control-request-headers"

    @Test("without rules everything is allowed")
    func open() {
        #expect(show(nil) == "ac-allow-origin=* ac-expose-headers=* vary=VARY")
        #expect(
            show(nil, preflight: true)
                == "ac-allow-origin=* ac-allow-methods=* ac-allow-headers=* vary=VARY"
        )
    }

    @Test("an origin that is listed, byte for byte, comes back; another one does not")
    func origins() {
        let rules = CORS.Rules(origins: ["https://a.example", "http://b.example:8080"])
        #expect(show(rules) == "ac-allow-origin=https://a.example vary=VARY")
        for origin in ["https://A.example", "https://a.example/", "http://b.example", "null"] {
            #expect(show(rules, origin: origin) == "vary=VARY")
        }
        #expect(show(rules, origin: nil) == "vary=VARY")
        for all in [[], ["https://x.example", "*"]] {
            #expect(show(CORS.Rules(origins: all)) == "ac-allow-origin=* vary=VARY")
        }
    }

    @Test("methods are listed in their order, or all")
    func methods() {
        let rules = CORS.Rules(origins: ["https://x.example"], methods: ["PUT", "GET"])
        #expect(
            show(rules, preflight: true)
                == "ac-allow-methods=PUT,GET ac-allow-headers=* vary=VARY"
        )
        #expect(
            show(CORS.Rules(), preflight: true)
                == "ac-allow-origin=* ac-allow-methods=* ac-allow-headers=* vary=VARY"
        )
    }

    @Test("a function's own headers of these names are replaced, and its Vary is kept")
    func clashes() {
        let own: [(name: String, value: String)] = [
            ("Access-Control-Allow-Origin", "https://evil.example"), ("X-A", "1"),
            ("Vary", "accept"), ("accept-ranges", "none"),
        ]
        #expect(
            show(nil, over: own)
                == "X-A=1 accept-ranges=none ac-allow-origin=* ac-expose-headers=* "
                + "vary=accept, VARY"
        )
    }

    @Test("with rules, a function says nothing of the kind: the rules do")
    func ruled() {
        let own: [(name: String, value: String)] = [
            ("Access-Control-Allow-Origin", "*"), ("access-control-allow-credentials", "true"),
            ("ACCESS-CONTROL-MAX-AGE", "600"), ("access-control-expose-headers", "x-a"),
            ("access-control-allow-methods", "PUT"), ("X-A", "1"),
        ]
        let rules = CORS.Rules(origins: ["https://a.example"])
        #expect(show(rules, origin: "https://b.example", over: own) == "X-A=1 vary=VARY")
        #expect(
            show(rules, over: own) == "X-A=1 ac-allow-origin=https://a.example vary=VARY"
        )
    }

    @Test("a Vary that is no header's value is left out", arguments: ["\r\n", "\n", "\u{0}"])
    func brokenVary(text: String) {
        let own = [(name: "vary", value: "x\(text)set-cookie: a=b"), (name: "vary", value: "dnt")]
        #expect(
            show(nil, over: own) == "ac-allow-origin=* ac-expose-headers=* vary=dnt, VARY"
        )
    }
}
