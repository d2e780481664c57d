import Foundation
import Testing

extension Programs {
    /// What clients get for what functions and middleware return (services 1, A.8, A.12 to A.15).
    @Suite("Responses over HTTP, rule by rule")
    struct HTTPResponseTests {
        let engine: EngineProcess
        let worker: RawWorker
        let peer: HTTPPeer

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["fn", "mw"])
            peer = try HTTPPeer(port: engine.httpPort)
        }
    }
}

extension Programs.HTTPResponseTests {
    private struct Vector {
        let value: String
        let status: Int
        let type: String
        let body: String

        init(
            _ value: String,
            _ body: String,
            status: Int = 200,
            type: String = "application/json"
        ) {
            self.value = value
            self.status = status
            self.type = type
            self.body = body
        }
    }

    /// The rules beside the table of the interface, which is in `HTTPRouteTests`.
    private static let vectors = [
        Vector(#"{"status_code":404.0,"body":1}"#, "1"),
        Vector(#"{"status_code":-1,"body":1}"#, "1"),
        Vector(#"{"status_code":99,"body":1}"#, "1"),
        Vector(#"{"status_code":1000,"body":1}"#, "1"),
        Vector(#"{"status_code":null,"body":1}"#, "1"),
        Vector(#"{"status_code":true,"body":1}"#, "1"),
        Vector(#"{"status_code":503,"body":[1,2]}"#, "[1,2]", status: 503),
        Vector(#"{"status":404,"Body":1}"#, "{}"), Vector(#"{"body":false}"#, "false"),
        Vector(#"{"body":"é\n"}"#, #""é\n""#),
        Vector(#"{"headers":{"Content-Type":"application/json"},"body":"hi"}"#, "hi"),
        Vector(#"{"headers":{"CONTENT-TYPE":"application/json"},"body":{"a":1}}"#, #"{"a":1}"#),
        Vector(#"{"headers":{"content-type":"text/csv"}}"#, "{}", type: "text/csv"),
        Vector(#"{"headers":{"content-type":"text/csv"},"body":[1]}"#, "[1]", type: "text/csv"),
        Vector(#"{"headers":{"content-type":"text/csv"},"body":true}"#, "true", type: "text/csv"),
        Vector(#"{"headers":{"content-type":7},"body":"hi"}"#, #""hi""#),
        Vector(#"{"headers":"x: y","body":1}"#, "1"), Vector(#"{"headers":7,"body":1}"#, "1"),
    ]

    /// What the function's value becomes.
    private func response(to value: String, of function: String = "fn") throws -> RawResponse {
        try peer.request("GET", "/v")
        let call = try worker.dispatch(function)
        let id = call["invocation_id"] as? String ?? ""
        // As it is written: a float stays one.
        try worker.socket.send(
            text:
                #"{"type":"invocationresult","invocation_id":"\#(id)","function_id":"\#(function)","#
                + #""result":\#(value)}"#
        )
        return try peer.response()
    }

    @Test("A.8: status, body and content type, value by value")
    func values() throws {
        try worker.route("GET", "v", to: "fn")
        for vector in Self.vectors {
            let response = try response(to: vector.value)
            #expect(response.status == vector.status, "\(vector.value)")
            #expect(response.text == vector.body, "\(vector.value)")
            #expect(response.values("content-type") == [vector.type], "\(vector.value)")
            #expect(response["content-length"] == "\(vector.body.utf8.count)", "\(vector.value)")
        }
        let interim = try response(to: #"{"status_code":100,"body":1}"#)
        #expect(interim.status == 500)
        #expect(interim.text.contains(#""code":"response_status_invalid""#), "\(interim.text)")
    }

    @Test("A.8: headers of an object and of lines; what is no header is left out")
    func headers() throws {
        try worker.route("GET", "v", to: "fn")
        let object = try response(
            to: #"{"headers":{"X-A":"1","x-list":["1"],"x-number":1,"x-null":null,"x b":"1","#
                + #""x-cut":"a\r\nx-smuggled: 1"}}"#
        )
        #expect(object.values("x-a") == ["1"])
        for name in ["x-list", "x-number", "x-null", "x b", "x-smuggled"] {
            #expect(object[name] == nil, "\(name)")
        }
        let lines = try response(
            to: #"{"headers":["x-a: 1","X-A:2"," x-b :  a: b ","no colon",": empty","x-c:",7,null,"#
                + #"["x-d: 1"],"x-cut: a\nx-smuggled: 1"]}"#
        )
        #expect(lines.values("x-a") == ["1", "2"])
        #expect(lines.values("x-b") == ["a: b"] && lines.values("x-c") == [""])
        #expect(lines["x-d"] == nil && lines["x-smuggled"] == nil)
        // A connection's own affairs are not the function's.
        let own = try response(
            to: #"{"headers":{"connection":"close","content-length":"999","#
                + #""transfer-encoding":"chunked"},"body":1}"#
        )
        #expect(own.text == "1" && own.values("content-length") == ["1"])
        #expect(try response(to: #"{"body":2}"#).text == "2")
    }

    @Test("A.12: what middleware may respond, and what of it counts")
    func middleware() throws {
        try worker.route("GET", "v", to: "fn", ["middleware_function_ids": ["mw"]])
        func answer(_ response: String) throws -> RawResponse {
            try self.response(to: #"{"action":"respond","response":\#(response)}"#, of: "mw")
        }
        let bare = try answer("{}")
        #expect(bare.status == 200 && bare.text == "null")
        #expect(bare.values("content-type") == ["application/json"])
        for status in ["99", "1000", #""404""#, "null"] {
            #expect(try answer(#"{"status_code":\#(status),"body":[]}"#).status == 200, "\(status)")
        }
        let text = try answer(
            #"{"status_code":403,"body":"no","headers":{"Content-Type":"text/plain","x-a":"1"}}"#
        )
        #expect(text.status == 403)
        // It is JSON whatever its type is said to be.
        #expect(text.text == #""no""#)
        #expect(text.values("content-type") == ["text/plain"] && text["x-a"] == "1")
        // One header that is no text, and none of them counts; lines are none.
        for headers in [#"{"x-a":"1","x-b":2}"#, #"["x-a: 1"]"#] {
            let dropped = try answer(#"{"headers":\#(headers),"body":1}"#)
            #expect(dropped["x-a"] == nil && dropped.text == "1", "\(headers)")
        }
        // What it would change about the request is left.
        try peer.request("GET", "/v?q=1")
        let call = try worker.dispatch("mw")
        let patch: Envelope = [
            "action": "continue", "request": ["query_params": ["q": "2"]], "context": ["a": 1],
        ]
        try worker.answer(call, patch)
        let run = try worker.dispatch("fn")
        let data = try #require(run["data"] as? Envelope)
        #expect(JSON.text(data["query_params"]) == #"{"q":"1"}"#)
        #expect(data["context"] == nil)
        try worker.answer(run, ["body": 1])
        #expect(try peer.response().text == "1")
    }

    @Test("A.13: beyond the limit requests wait, and not against their timeout")
    func concurrency() throws {
        let narrow = try EngineProcess.started([
            "--set", "http.concurrency_request_limit=1", "--set", "http.timeout=2s",
        ])
        let worker = try RawWorker.ready(narrow, functions: ["fn"])
        try worker.route("GET", "n", to: "fn")
        let peers = try (0..<3).map { _ in try HTTPPeer(port: narrow.httpPort) }
        for peer in peers { try peer.request("GET", "/n") }
        // Three in a row, each of a second: the last waited as long as its timeout.
        var statuses: [Int] = []
        for _ in peers {
            let call = try worker.dispatch("fn")
            let end = Deadline(in: 1.1)
            try eventually("a second passes") { () -> Void? in end.passed ? () : nil }
            _ = try worker.ask("engine::cron::list", [:])
            #expect(worker.takeCalls().isEmpty, "one at a time")
            try worker.answer(call, ["body": 1])
        }
        for peer in peers { statuses.append(try peer.response().status) }
        #expect(statuses == [200, 200, 200])
    }
}

extension Programs.HTTPResponseTests {
    /// An engine with these lines below `[http]`.
    private func engine(_ settings: String) throws -> (EngineProcess, RawWorker, HTTPPeer) {
        let scratch = try Scratch()
        let file = try scratch.write("iii.toml", "[http]\n\(settings)\n")
        let engine = EngineProcess(in: scratch, ["--config", file])
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["fn"])
        try worker.route("GET", "v", to: "fn")
        return (engine, worker, try HTTPPeer(port: engine.httpPort))
    }

    private func preflight(_ peer: HTTPPeer, _ origin: String) throws -> RawResponse {
        try peer.ask(
            "OPTIONS",
            "/v",
            ["Origin: \(origin)", "Access-Control-Request-Method: PUT"]
        )
    }

    @Test("A.14: origins and methods that are listed, byte for byte; credentials never")
    func origins() throws {
        let (listed, worker, peer) = try engine(
            #"cors = { allowed_origins = ["https://a.example", "http://b.example:81"], "#
                + #"allowed_methods = ["GET", "PUT"] }"#
        )
        for (origin, isAllowed) in [
            ("https://a.example", true), ("http://b.example:81", true), ("http://a.example", false),
            ("https://a.example:443", false), ("https://A.example", false), ("null", false),
        ] {
            try peer.request("GET", "/v", ["Origin: \(origin)"])
            let allowed: Envelope = [
                "Access-Control-Allow-Origin": "*", "access-control-allow-credentials": "true",
            ]
            try worker.answer(try worker.dispatch("fn"), ["headers": allowed, "body": 1])
            let response = try peer.response()
            #expect(response.text == "1", "it is served whoever asks")
            let check = try preflight(peer, origin)
            #expect(check.status == 200 && check.body.isEmpty)
            #expect(check["access-control-allow-methods"] == "GET,PUT")
            #expect(check["access-control-allow-headers"] == "*")
            #expect(check["access-control-max-age"] == nil)
            for answer in [check, response] {
                let origins = answer.values("access-control-allow-origin")
                #expect(origins == (isAllowed ? [origin] : []), "\(origin)")
                #expect(answer["access-control-allow-credentials"] == nil)
                #expect(answer["access-control-expose-headers"] == nil)
                #expect(
                    answer["vary"]
                        == "origin, access-control-request-method, access-control-request-headers"
                )
            }
        }
        #expect(try peer.ask("GET", "/none")["access-control-allow-origin"] == nil)
        withExtendedLifetime(listed) {}
    }

    @Test("A.14: without rules all is allowed; rules without origins, or with *, allow all of them")
    func open() throws {
        try worker.route("GET", "v", to: "fn")
        let free = try response(to: #"{"body":1,"headers":{"vary":"accept"}}"#)
        #expect(free["access-control-allow-origin"] == "*")
        #expect(free["access-control-expose-headers"] == "*")
        #expect(
            free["vary"]
                == "accept, origin, access-control-request-method, access-control-request-headers"
        )
        for rules in [#"{ allowed_methods = [] }"#, #"{ allowed_origins = ["https://a", "*"] }"#] {
            let (ruled, _, peer) = try engine("cors = \(rules)")
            let check = try preflight(peer, "https://b")
            #expect(check["access-control-allow-origin"] == "*")
            #expect(check["access-control-allow-methods"] == "*")
            #expect(check["access-control-expose-headers"] == nil)
            withExtendedLifetime(ruled) {}
        }
    }

    @Test("A.15: the trace of a client goes on: traceparent, tracestate and baggage")
    func propagation() throws {
        try worker.route("GET", "v", to: "fn")
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        try peer.request(
            "GET",
            "/v",
            [
                "traceparent: 00-\(trace)-00f067aa0ba902b7-01", "tracestate: a=1",
                "baggage: team=red", "X-Forwarded-Proto: https",
            ]
        )
        let call = try worker.dispatch("fn")
        #expect((call["traceparent"] as? String)?.contains(trace) == true)
        #expect((call["baggage"] as? String)?.contains("team=red") == true, "\(JSON.text(call))")
        try worker.answer(call, ["body": 1])
        #expect(try peer.response()["x-iii-trace-id"] == trace)
    }
}
