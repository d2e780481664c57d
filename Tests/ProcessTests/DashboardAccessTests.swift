import Foundation
import Testing

extension Programs {
    /// Who may see the dashboard of an engine that listens beyond loopback.
    @Suite("Dashboard access")
    struct DashboardAccessTests {}
}

extension Programs.DashboardAccessTests {
    private static let routes = [
        ("GET", "/"), ("GET", "/app.css"), ("GET", "/main.js"), ("GET", "/icon.svg"),
        ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/api/status"), ("GET", "/api/requests"),
        ("GET", "/api/requests/00000000000000000000000000000001"), ("GET", "/api/log"),
        ("GET", "/api/log/records"), ("GET", "/api/log/why-kept/0"), ("GET", "/api/live"),
        ("POST", "/api/call"), ("POST", "/api/enqueue"), ("GET", "/nothing"), ("PUT", "/api/call"),
        ("OPTIONS", "/api/call"), ("DELETE", "/"), ("GET", "/?token=wrong"), ("GET", "//healthz"),
        ("GET", "/healthz/../api/status"), ("GET", "/HEALTHZ"),
    ]

    private func started(_ more: [String] = []) throws -> EngineProcess {
        try EngineProcess.started(["--set", "security.token=s3cret"] + more)
    }

    /// As a peer beyond this machine is seen, by way of a proxy on it.
    private func ask(
        _ engine: EngineProcess,
        _ method: String,
        _ path: String,
        _ headers: [String] = []
    ) throws -> RawResponse {
        let remote = headers + ["X-Forwarded-For: 203.0.113.7", "Connection: close"]
        let body = method == "GET" || method == "HEAD" ? nil : "{}"
        return try HTTPPeer(port: engine.dashboardPort).ask(method, path, remote, body: body)
    }

    @Test("Without the token no route answers anything but health")
    func scan() throws {
        let engine = try started()
        for wrong in [[], ["Authorization: Bearer wrong"], ["Cookie: iii-0=x"]] {
            for (method, path) in Self.routes {
                let reply = try ask(engine, method, path, wrong + ["X-III-Request: 1"])
                #expect(reply.status == 401, "\(method) \(path)")
                #expect(!reply.text.contains("s3cret"))
                #expect(reply["content-security-policy"] != nil, "\(method) \(path)")
            }
        }
        let health = try ask(engine, "GET", "/healthz")
        #expect(health.status == 200)
        #expect(health.text == #"{"status":"ok"}"#)
    }

    @Test("The token in the page's address becomes a cookie, which is not the token")
    func cookie() throws {
        let engine = try started()
        let welcome = try ask(engine, "GET", "/?token=s3cret")
        #expect(welcome.status == 303)
        #expect(welcome["location"] == "/")
        let header = try #require(welcome["set-cookie"])
        #expect(header.contains("HttpOnly"))
        #expect(header.contains("SameSite=Strict"))
        #expect(!header.contains("s3cret"))
        let cookie = "Cookie: " + header.prefix { $0 != ";" }
        #expect(try ask(engine, "GET", "/api/status", [cookie]).status == 200)
        #expect(try ask(engine, "GET", "/", [cookie]).status == 200)
        // A cookie of that name is not enough, nor one that is nearly right.
        let name = cookie.prefix { $0 != "=" }
        let guesses = ["\(name)=", "\(cookie.dropLast())_", "\(cookie)0", "\(cookie.dropLast())"]
        for guess in guesses {
            #expect(try ask(engine, "GET", "/api/status", [guess]).status == 401, "\(guess)")
        }
        #expect(
            try ask(engine, "GET", "/api/status", ["Authorization: Bearer s3cret"]).status == 200
        )
        // Of another life of the engine.
        engine.kill9()
        try engine.start()
        #expect(try ask(engine, "GET", "/api/status", [cookie]).status == 401)
    }

    @Test("The token in the address opens every route, and is told to nobody")
    func address() throws {
        let engine = try started()
        for path in ["/metrics", "/readyz", "/api/status", "/api/requests", "/main.js"] {
            let reply = try ask(engine, "GET", "\(path)?token=s3cret")
            #expect(reply.status == 200, "\(path)")
            #expect(!reply.text.contains("s3cret"), "\(path)")
            #expect(try ask(engine, "GET", "\(path)?token=wrong").status == 401, "\(path)")
        }
        func watch(_ token: String) throws -> WebSocket {
            try WebSocket(
                port: engine.dashboardPort,
                path: "/api/live?token=\(token)",
                headers: ["X-Forwarded-For: 203.0.113.7"]
            )
        }
        _ = try watch("s3cret")
        #expect(throws: Failure("upgrade of /api/live?token=wrong answered with 401")) {
            _ = try watch("wrong")
        }
        #expect(engine.errors.contains("security.token is shorter than 16 characters"))
        #expect(!engine.errors.contains("s3cret"), "\(engine.errors)")
    }

    @Test("Foreign origins, foreign names and what a foreign form can post are refused")
    func forgery() throws {
        let engine = try started()
        let port = engine.dashboardPort
        func post(_ headers: [String], type: String = "application/json") throws -> Int {
            let headers = headers + ["Connection: close"]
            return try HTTPPeer(port: port)
                .ask("POST", "/api/call", headers, body: "{}", type: type).status
        }
        let own = "X-III-Request: 1"
        #expect(try post([own]) == 400)
        #expect(try post([own, "Origin: http://127.0.0.1:\(port)"]) == 400)
        #expect(try post([own, "Origin: http://127.0.0.1:\(port + 1)"]) == 403)
        #expect(try post([own, "Origin: https://evil.example"]) == 403)
        #expect(try post([]) == 403)
        #expect(try post([own], type: "text/plain") == 415)
        for host in ["evil.example", "evil.example:\(port)"] {
            let peer = try HTTPPeer(port: port)
            try peer.send("GET /api/status HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            #expect(try peer.response().status == 421)
        }
    }

    @Test("Names that are configured are served; a proxy's peers show the token")
    func names() throws {
        let engine = try started(["--set", "observability.dashboard_hosts=iii.example.com"])
        func get(_ headers: String) throws -> Int {
            let peer = try HTTPPeer(port: engine.dashboardPort)
            let lines = "Host: iii.example.com\r\nConnection: close\r\n\(headers)\r\n"
            try peer.send("GET /api/status HTTP/1.1\r\n\(lines)")
            return try peer.response().status
        }
        #expect(try get("") == 401)
        #expect(try get("Authorization: Bearer s3cret\r\n") == 200)
    }

    @Test("Beyond loopback a token is made, and kept from others")
    func made() throws {
        let engine = try EngineProcess.started([
            "--set", "observability.dashboard_address=0.0.0.0:0",
        ])
        let token = text(of: "\(engine.data)/token").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(token.utf8.count == 64)
        #expect(engine.errors.contains(token))
        let plain = "no TLS beyond this machine: observability.dashboard_address 0.0.0.0:0:"
        #expect(engine.errors.contains(plain), "\(engine.errors)")
        #expect(try ask(engine, "GET", "/api/status").status == 401)
        let allowed = try ask(engine, "GET", "/api/status", ["Authorization: Bearer \(token)"])
        #expect(allowed.status == 200)
    }

    @Test("Read-only, what may change something is refused, and reading goes on")
    func readOnly() throws {
        let engine = try EngineProcess.started(["--set", "observability.dashboard_read_only=true"])
        let client = DashboardClient(engine)
        let worker = try RawWorker.ready(engine, functions: ["f"])
        let place: Envelope = ["scope": "s", "key": "k", "value": 1]
        let changes: [(String, Envelope)] = [
            ("state::set", place), ("f", [:]), ("engine::traces::clear", [:]),
            ("iii::queue::purge", ["queue": "default"]),
        ]
        for (function, data) in changes {
            let refused = try client.call(function, data)
            #expect(refused.status == 403, "\(function)")
            #expect(refused.body.errorCode == "READ_ONLY")
        }
        let enqueue = try client.post("/api/enqueue", ["function_id": "f"])
        #expect(enqueue.status == 403)
        #expect(try client.call("state::get", ["scope": "s", "key": "k"]).status == 200)
        #expect(try client.call("engine::workers::list").status == 200)
        #expect(JSON.object(try client.get("/api/status").text)["read_only"] as? Bool == true)
        _ = worker
    }
}
