import HTTPFunctions
import Primitives
import Testing

@testable import HTTPInvoker

@Suite("Requests")
struct OutboundCallTests {
    private static let ok =
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true"

    private func ask(
        _ answer: String?,
        _ outside: Outside = Outside(),
        fields: String = ""
    ) async throws -> String {
        let server = try await CannedServer(answer)
        let result = try await outside.run(
            #"{"url":"http://127.0.0.1:\#(server.port)/p?q=1"\#(fields)}"#
        )
        try await server.close()
        return result.line
    }

    @Test("leave in one piece and say what they are")
    func request() async throws {
        var outside = Outside()
        outside.policy.secrets = [SecretRule("K")].compactMap { $0 }
        outside.policy.knownSecrets = ["K"]
        outside.secrets = ["K": "topsecret"]
        let server = try await CannedServer("HTTP/1.1 204 No Content\r\n\r\n")
        let port = server.port
        let result = try await outside.run(
            #"{"url":"http://127.0.0.1:\#(port)/p?q=1","headers":{"X-App":"1","content-type":"a/b"},"#
                + #""auth":{"type":"hmac","secret_key":"K"}}"#,
            payload: #"{"hello":"world"}"#
        )
        #expect(result == .none)
        let reads = server.reads
        try await server.close()
        #expect(reads.count == 1)
        let text = try #require(reads.first)
        let code = "3f627e3ec44fd25ce44ccb839678427828e75a78f19fdecaabf2a3674940d76b"
        let lines = text.lowercased().split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.first == "post /p?q=1 http/1.1")
        for header in [
            "host: 127.0.0.1:\(port)", "x-iii-function-path: mail::send", "x-app: 1",
            "x-iii-timestamp: 1700000000", "x-iii-signature: sha256=\(code)",
            "content-type: a/b", "content-length: 17",
            "x-iii-invocation-id: 00000000-0000-0007-0000-000000000008",
        ] {
            #expect(lines.count { $0 == header } == 1, "\(header) in \(text)")
        }
        #expect(!lines.contains { $0.hasPrefix("transfer-encoding") })
        #expect(text.hasSuffix("\r\n\r\n{\"hello\":\"world\"}"))
    }

    @Test(
        "take a file descriptor each while there is one, and give it back with the connection",
        .timeLimit(.minutes(1))
    )
    func descriptors() async throws {
        var outside = Outside()
        let descriptors = DescriptorShare(own: 1, of: DescriptorPool(0))
        outside.descriptors = descriptors
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        for _ in 0..<3 {
            // It may still be closing when its answer is there.
            while !descriptors.take() { await Task.yield() }
            descriptors.give()
            #expect(try await ask(answer, outside) == "{}")
        }
        while !descriptors.take() { await Task.yield() }
        #expect(try await ask(answer, outside).contains("no file descriptor is left"))
    }

    @Test("carry a body with GET, and other credentials")
    func credentials() async throws {
        var outside = Outside()
        outside.policy.secrets = [SecretRule("K")].compactMap { $0 }
        outside.policy.knownSecrets = ["K"]
        outside.secrets = ["K": "s3cret"]
        for (auth, header) in [
            (#"{"type":"bearer","token_key":"K"}"#, "authorization: bearer s3cret"),
            (#"{"type":"api_key","header":"X-Key","value_key":"K"}"#, "x-key: s3cret"),
        ] {
            let server = try await CannedServer("HTTP/1.1 200 OK\r\n\r\n[1]")
            let result = try await outside.run(
                #"{"url":"http://127.0.0.1:\#(server.port)","method":"GET","auth":\#(auth)}"#
            )
            #expect(result.line == "[1]")
            let text = try #require(server.reads.first)
            try await server.close()
            #expect(text.hasPrefix("GET / HTTP/1.1\r\n"))
            #expect(text.hasSuffix("\r\n\r\n{}"))
            #expect(text.lowercased().contains("\r\n\(header)\r\n"))
        }
        // A secret that would break out of its header goes nowhere.
        outside.secrets = ["K": "a\r\nb: c"]
        let refused = try await outside.run(
            #"{"url":"http://127.0.0.1:1","auth":{"type":"bearer","token_key":"K"}}"#
        )
        #expect(refused.line.hasPrefix("token_not_found: "))
        #expect(!refused.line.contains("b: c"))
    }

    @Test(
        "end with what the response says",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "[]"),
            // As long as the connection, in chunks, behind an interim response.
            ("HTTP/1.1 200 OK\r\n\r\n{\"a\":1}", "{\"a\":1}"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
                "[]"
            ),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "[]"),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                "nothing"
            ),
            (
                "HTTP/1.1 404 My Own\r\nContent-Length: 0\r\n\r\n",
                "http_error: HTTP 404 Not Found"
            ),
            ("HTTP/1.1 599 My Own\r\nContent-Length: 0\r\n\r\n", "http_error: HTTP 599"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                "invalid_response: the body of HTTP 200 is not JSON"
            ),
        ]
    )
    func responses(_ answer: String, _ expected: String) async throws {
        #expect(try await ask(answer) == expected)
    }

    @Test("fail where there is no response, or not all of it")
    func failures() async throws {
        #expect(try await ask("").hasPrefix("http_request_failed: POST to 127.0.0.1 failed"))
        #expect(try await ask("SSH-2.0-x\r\n\r\n").hasPrefix("http_request_failed: "))
        #expect(try await ask(Self.ok).hasPrefix("http_response_failed: "))
        let late = try await ask(nil, fields: #","timeout_ms":50"#)
        #expect(late == "http_request_failed: POST to 127.0.0.1 failed: no response within 50 ms")
        var small = Outside()
        small.responseBytes = 4
        #expect(
            try await ask("HTTP/1.1 200 OK\r\n\r\n[1,2]", small)
                .hasPrefix("http_response_failed: POST to 127.0.0.1 failed: the response is larger")
        )
        let server = try await CannedServer(nil)
        let port = server.port
        try await server.close()
        let nobody = try await Outside().run(#"{"url":"http://127.0.0.1:\#(port)"}"#)
        #expect(nobody.line.hasPrefix("http_request_failed: POST to 127.0.0.1 failed: no conn"))
    }

    @Test("by TLS fail where the other side has none")
    func tls() async throws {
        let server = try await CannedServer("HTTP/1.1 200 OK\r\n\r\n[]")
        let result = try await Outside().run(#"{"url":"https://127.0.0.1:\#(server.port)"}"#)
        try await server.close()
        #expect(result.line.hasPrefix("http_request_failed: POST to 127.0.0.1 failed: TLS"))
        #expect(server.reads.allSatisfy { !$0.contains("POST") })
    }
}

@Suite("Addresses of requests")
struct PinningTests {
    @Test("are those of the resolver, tried in turn")
    func names() async throws {
        let server = try await CannedServer("HTTP/1.1 200 OK\r\n\r\n[]")
        var outside = Outside()
        outside.names = ["fn.test": ["127.0.0.9", "127.0.0.1"]]
        let port = server.port
        let result = try await outside.run(#"{"url":"http://fn.test:\#(port)/"}"#)
        #expect(result.line == "[]")
        let text = try #require(server.reads.first)
        try await server.close()
        #expect(text.lowercased().contains("host: fn.test:\(port)\r\n"))
    }

    @Test("are checked at every call, all of them: a name that was public may turn inwards")
    func rebinding() async throws {
        let server = try await CannedServer("HTTP/1.1 200 OK\r\n\r\n[]")
        var outside = Outside()
        outside.policy.allowedRanges = []
        for addresses in [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:127.0.0.1"], []] {
            outside.names = ["fn.test": addresses]
            let result = try await outside.run(#"{"url":"http://fn.test:\#(server.port)/"}"#)
            #expect(result.line.hasPrefix("url_validation_failed: "))
            // Who calls need not know where a name leads inside.
            #expect(!result.line.contains("127.0.0.1"))
        }
        #expect(server.reads.isEmpty)
        try await server.close()
    }

    @Test("are subject to the policy of now, not of the registration")
    func changed() async throws {
        var outside = Outside()
        let before = outside.policy
        outside.policy.hosts = []
        let result = try await outside.run(
            #"{"url":"http://127.0.0.1:1/"}"#,
            registeredUnder: before
        )
        #expect(result.line.hasPrefix("url_validation_failed: URL not in allowlist"))
    }
}
