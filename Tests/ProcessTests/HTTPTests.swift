import Foundation
import Testing

extension Programs {
    /// What HTTP clients see of functions, middleware and routes (services 1, A.1 to A.14).
    @Suite("HTTP, end to end")
    struct HTTPTests {
        let engine: EngineProcess

        init() throws {
            let scratch = try Scratch()
            let file = try scratch.write(
                "iii.toml",
                """
                [http]
                middleware_timeout = "400ms"
                timeout = "900ms"
                redact_headers = ["x-session"]
                [[http.middleware]]
                function_id = "second"
                priority = 5
                [[http.middleware]]
                function_id = "first"
                [[http.middleware]]
                function_id = "never"
                phase = "onResponse"
                """
            )
            engine = EngineProcess(in: scratch, ["--config", file])
        }
    }
}

extension Programs.HTTPTests {
    private static var proceed: Envelope { ["action": "continue"] }

    private func start(_ functions: String...) throws -> (RawWorker, HTTPPeer) {
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: functions)
        return (worker, try HTTPPeer(port: engine.httpPort))
    }

    /// Lets the request pass one function that is asked about it.
    private func pass(_ worker: RawWorker, _ function: String) throws {
        try worker.answer(worker.dispatch(function), Self.proceed)
    }

    @Test("Middleware is asked in its order, with the condition between, and before the function")
    func order() throws {
        let (worker, peer) = try start("first", "second", "route", "cond", "fn")
        try worker.route(
            "POST",
            "u/:id",
            to: "fn",
            ["condition_function_id": "cond", "middleware_function_ids": ["route"]]
        )
        try peer.request("POST", "/u/7?q=x", ["Cookie: s=1", "X-A: 2"], body: #"{"n":1}"#)
        for function in ["first", "second"] {
            let asked = try worker.dispatch(function)
            let data = try #require(asked["data"] as? Envelope)
            #expect(data["phase"] as? String == "preHandler")
            #expect((data["context"] as? Envelope)?.isEmpty == true)
            let request = try #require(data["request"] as? Envelope)
            #expect(Set(request.keys) == ["path_params", "query_params", "headers", "method"])
            #expect((request["headers"] as? Envelope)?["cookie"] as? String == "s=1")
            #expect((request["path_params"] as? Envelope)?["id"] as? String == "7")
            #expect(worker.inbox.isEmpty, "nobody else is asked meanwhile")
            try worker.answer(asked, Self.proceed)
        }
        let condition = try worker.dispatch("cond")
        let input = try #require(condition["data"] as? Envelope)
        #expect(input["response"] == nil, "a condition gets no channels")
        #expect(JSON.text(input["body"]) == #"{"n":1}"#)
        try worker.answer(condition, true)
        try pass(worker, "route")
        let call = try worker.dispatch("fn")
        #expect((call["data"] as? Envelope)?["response"] != nil)
        try worker.answer(call, ["status_code": 201, "body": ["ok": true]])
        let response = try peer.response()
        #expect(response.status == 201)
        #expect(response.text == #"{"ok":true}"#)
        #expect(response["x-iii-trace-id"] != nil)
    }

    @Test("Global middleware is asked before a body is read, and a path without a route is told so")
    func beforeTheBody() throws {
        let (worker, peer) = try start("first", "second", "fn")
        try worker.route("POST", "a", to: "fn")
        func head(_ path: String) -> String {
            "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                + "Content-Length: 7\r\nExpect: 100-continue\r\n\r\n"
        }
        let nowhere = try HTTPPeer(port: engine.httpPort)
        try nowhere.send(head("/nowhere"))
        #expect(try nowhere.response().status == 404)

        let refused = try HTTPPeer(port: engine.httpPort)
        try refused.send(head("/a"))
        let answer: Envelope = ["action": "respond", "response": ["status_code": 401]]
        try worker.answer(worker.dispatch("first"), answer)
        let response = try refused.response()
        #expect(response.status == 401, "without a 100 in front of it")
        #expect(response["connection"] == "close")

        try peer.send(head("/a"))
        try pass(worker, "first")
        try pass(worker, "second")
        try peer.send(#"{"n":1}"#)
        let call = try worker.dispatch("fn")
        #expect(JSON.text((call["data"] as? Envelope)?["body"]) == #"{"n":1}"#)
        try worker.answer(call, ["body": "done"])
        #expect(try peer.response().text == #""done""#)
        // The log tells what the function was called with, if not in the record of the request.
        try peer.request("POST", "/a", body: #"{"n":2}"#)
        for function in ["first", "second"] { try pass(worker, function) }
        let next = try worker.dispatch("fn")
        #expect(JSON.text((next["data"] as? Envelope)?["body"]) == #"{"n":2}"#)
        try worker.answer(next, ["body": 2])
        #expect(try peer.response().text == "2")
    }

    @Test("Middleware ends a request, fails it, is silent, or says nothing that it can say")
    func endings() throws {
        let (worker, peer) = try start("first", "second", "fn")
        try worker.route("GET", "a", to: "fn")
        try peer.request("GET", "/a")
        let answer: Envelope = [
            "action": "respond",
            "response": ["status_code": 401, "body": "no", "headers": ["x-why": "token"]],
        ]
        try worker.answer(worker.dispatch("first"), answer)
        let refused = try peer.response()
        #expect(refused.status == 401)
        #expect(refused.text == #""no""#)
        #expect(refused["x-why"] == "token")
        #expect(refused["content-type"] == "application/json")
        #expect(refused["access-control-allow-origin"] == "*")

        try peer.request("GET", "/a")
        try worker.fail(worker.dispatch("first"), "broken")
        let failed = try peer.response()
        #expect(failed.status == 500)
        let error = try #require(JSON.object(failed.text)["error"] as? Envelope)
        #expect(error["code"] as? String == "invocation_failed")
        let id = try #require(error["error_id"] as? String)
        #expect((1...12).contains(id.count) && id.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(failed["x-iii-trace-id"] != nil)

        try peer.request("GET", "/a")
        let silent = try worker.dispatch("first")
        let late = try peer.response()
        #expect(late.status == 504)
        #expect(late.text.contains("MIDDLEWARE_TIMEOUT"))
        try worker.answer(silent, Self.proceed)

        try peer.request("GET", "/a")
        try worker.answer(worker.dispatch("first"), ["action": "dance"])
        try worker.answer(worker.dispatch("second"), NSNull())
        try worker.answer(worker.dispatch("fn"), ["body": 1])
        #expect(try peer.response().text == "1")
        #expect(worker.inbox.isEmpty, "what came too late led to nothing: \(worker.inbox)")
        #expect(engine.errors.contains("the request goes on"))
    }

    @Test("Conditions and functions that are missing, false or failing, in their envelopes")
    func envelopes() throws {
        let (worker, peer) = try start("first", "second", "fn", "cond")
        try worker.route("GET", "c", to: "fn", ["condition_function_id": "cond"])
        try worker.route("GET", "missing", to: "no::such")
        try worker.route("GET", "m", to: "fn", ["middleware_function_ids": ["no::mw"]])
        func asked() throws {
            try pass(worker, "first")
            try pass(worker, "second")
        }
        try peer.request("GET", "/c")
        try asked()
        try worker.answer(worker.dispatch("cond"), false)
        let unmet = try peer.response()
        #expect(unmet.status == 422)
        let body = JSON.object(unmet.text)
        #expect(body["skipped"] as? Bool == true)
        #expect(((body["error"] as? Envelope)?.keys.sorted()) == ["code", "message"])

        for path in ["/missing", "/m"] {
            try peer.request("GET", path)
            try asked()
            let missing = try peer.response()
            #expect(missing.status == 500)
            #expect(missing.text.contains("function_not_found"))
            #expect(missing.text.contains("error_id"))
        }
    }

    @Test("A function that is silent costs a bare 504, and what it says later is nothing")
    func timeout() throws {
        let (worker, peer) = try start("first", "second", "fn")
        try worker.route("GET", "a", to: "fn")
        try peer.request("GET", "/a")
        try pass(worker, "first")
        try pass(worker, "second")
        let call = try worker.dispatch("fn")
        let response = try peer.response()
        #expect(response.status == 504)
        #expect(response.body.isEmpty)
        #expect(response["access-control-allow-origin"] == nil)
        try worker.answer(call, ["body": 1])
        try peer.request("GET", "/nowhere")
        #expect(try peer.response().status == 404)
    }

    @Test("No secret reaches the log, of requests or of responses, and a replay says so")
    func secrets() throws {
        let (worker, peer) = try start("first", "second", "fn")
        try worker.route("GET", "a", to: "fn")
        let headers = ["Authorization: Bearer hunter2", "Cookie: hunter2", "X-Session: hunter2"]
        try peer.request("GET", "/a", headers + ["X-Api-Key: hunter2", "X-Open: seen"])
        let asked = try worker.dispatch("first")
        #expect(JSON.text(asked).contains("hunter2"), "middleware sees it")
        try worker.answer(asked, Self.proceed)
        try pass(worker, "second")
        let lines = ["Set-Cookie: hunter2", "X-Session: hunter2", "X-B: c"]
        try worker.answer(worker.dispatch("fn"), ["headers": lines])
        let response = try peer.response()
        #expect(response["set-cookie"] == "hunter2")
        let trace = try #require(response["x-iii-trace-id"])
        #expect(try engine.stop() == .exit(0))
        let replay = try engine.log("replay", trace).output
        #expect(replay.contains("[redacted]"), "\(replay)")
        #expect(replay.contains("seen"))
        let log = try engine.log("show", "-n", "1000", "-o", "json").output
        #expect(log.contains("X-B: c"))
        #expect(!log.contains("hunter2"))
    }
}
