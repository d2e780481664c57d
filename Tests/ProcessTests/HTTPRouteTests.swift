import Foundation
import Testing

extension Programs {
    /// Routes and responses over the wire (services 1, A.2, A.3, A.8, A.9, A.14).
    @Suite("Routes over HTTP")
    struct HTTPRouteTests {
        let engine: EngineProcess
        let worker: RawWorker
        let peer: HTTPPeer

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["fn", "other"])
            peer = try HTTPPeer(port: engine.httpPort)
        }
    }
}

extension Programs.HTTPRouteTests {
    /// Sends a request that a function is to answer, and returns what that was given.
    private func input(
        _ method: String,
        _ path: String,
        of function: String = "fn"
    ) throws
        -> Envelope
    {
        try peer.request(method, path)
        let call = try worker.dispatch(function)
        try worker.answer(call, ["body": 1])
        #expect(try peer.response(toHead: method == "HEAD").status == 200)
        return try #require(call["data"] as? Envelope)
    }

    private func status(_ method: String, _ path: String) throws -> Int {
        try peer.ask(method, path).status
    }

    @Test("What a function returns becomes the response of the interface's table")
    func vectors() throws {
        let vectors: [(value: String, status: Int, type: String, body: String)] = [
            (#"{"status_code":201,"body":{"a":1}}"#, 201, "application/json", #"{"a":1}"#),
            (#"{"body":"hi"}"#, 200, "application/json", #""hi""#),
            (#"{"body":"hi","headers":{"content-type":"text/plain"}}"#, 200, "text/plain", "hi"),
            (
                #"{"body":{"a":1},"headers":{"Content-Type":"text/plain"}}"#, 200, "text/plain",
                #"{"a":1}"#
            ),
            (#"{"body":null}"#, 200, "application/json", "null"),
            (#"{"body":null,"headers":["Content-Type: text/css"]}"#, 200, "text/css", ""),
            (#"{"status_code":"404"}"#, 200, "application/json", "{}"),
            (#"{"statusCode":404,"body":[]}"#, 200, "application/json", "[]"),
            (#"{"status_code":302,"headers":{"location":"/x"}}"#, 302, "application/json", "{}"),
            (#"{"status_code":799,"body":1}"#, 799, "application/json", "1"),
            (#"{"headers":{"set-cookie":["a=1","b=2"]}}"#, 200, "application/json", "{}"),
            (#"{"headers":["set-cookie: a=1","set-cookie: b=2"]}"#, 200, "application/json", "{}"),
            (#""plain""#, 200, "application/json", "{}"), ("42", 200, "application/json", "{}"),
            ("[1]", 200, "application/json", "{}"), ("true", 200, "application/json", "{}"),
        ]
        try worker.route("GET", "v", to: "fn")
        for vector in vectors {
            try peer.request("GET", "/v")
            let call = try worker.dispatch("fn")
            let value = try #require(JSON.value(vector.value))
            try worker.answer(call, value)
            let response = try peer.response()
            #expect(response.status == vector.status, "\(vector.value)")
            #expect(response.values("content-type") == [vector.type], "\(vector.value)")
            #expect(response.text == vector.body, "\(vector.value)")
            if vector.status == 302 { #expect(response["location"] == "/x") }
            if vector.value.contains("set-cookie:") {
                #expect(response.values("set-cookie") == ["a=1", "b=2"])
            } else {
                #expect(response.values("set-cookie") == [])
            }
        }
    }

    @Test("Paths match as the interface says, and parameters are raw")
    func paths() throws {
        try worker.route("GET", "/a/:id", to: "fn")
        try worker.route("GET", "a/fixed", to: "other")
        try worker.route("GET", "b/{name}/", to: "fn")
        try worker.route("GET", "", to: "fn")
        #expect(
            JSON.text(try input("GET", "/a/x%20y?q=1&q=2&r")["path_params"]) == #"{"id":"x%20y"}"#
        )
        #expect(
            JSON.text(try input("GET", "/a/z?q=1&q=2&r=+%41")["query_params"])
                == #"{"q":"2","r":" A"}"#
        )
        _ = try input("GET", "/a/fixed", of: "other")
        #expect(JSON.text(try input("GET", "/b/n/")["path_params"]) == #"{"name":"n"}"#)
        #expect(try input("GET", "/")["path"] as? String == "")
        for path in ["/a", "/a/", "/a/x/", "/b/n", "/A/x", "/a/x/y"] {
            #expect(try status("GET", path) == 404, "\(path)")
        }
    }

    @Test("Methods: HEAD, OPTIONS, 404 and 405")
    func methods() throws {
        try worker.route("GET", "g", to: "fn")
        try worker.route("post", "g", to: "fn")
        try worker.route("HEAD", "h", to: "fn")
        try worker.route("OPTIONS", "o", to: "fn")
        try worker.route("BREW", "pot", to: "fn")
        for method in ["PUT", "PROPFIND"] {
            let refused = try peer.ask(method, "/g")
            #expect(refused.status == 405)
            #expect(refused.body.isEmpty)
            #expect(refused["allow"]?.split(separator: ",").sorted() == ["GET", "HEAD", "POST"])
            #expect(refused["access-control-allow-origin"] == "*")
        }
        #expect(try peer.ask("PROPFIND", "/nowhere").status == 404)
        let head = try peer.ask("HEAD", "/g")
        #expect(head.status == 404)
        #expect(head["content-length"] == "52")
        #expect(try input("HEAD", "/h")["method"] as? String == "HEAD")
        let missing = try peer.ask("GET", "/nowhere")
        #expect(missing.text == #"{"error":{"code":"NOT_FOUND","message":"Not Found"}}"#)
        #expect(missing["vary"]?.contains("origin") == true)
        for (path, allow) in [("/g", "GET,HEAD,POST"), ("/o", nil), ("/nowhere", nil)] {
            let preflight = try peer.ask("OPTIONS", path, ["Origin: https://a.example"])
            #expect(preflight.status == 200)
            #expect(preflight.body.isEmpty)
            #expect(preflight["allow"] == allow)
            #expect(preflight["access-control-allow-methods"] == "*")
            #expect(preflight["access-control-allow-headers"] == "*")
        }
        #expect(worker.inbox.isEmpty)
        #expect(try status("GET", "/pot") == 404)
        for status in [204, 304] {
            try peer.request("GET", "/g")
            try worker.answer(worker.dispatch("fn"), ["status_code": status, "body": "gone"])
            let bare = try peer.response()
            #expect(bare.status == status)
            #expect(bare["content-length"] == nil)
        }
    }

    @Test("Routes come, conflict, are replaced and go, while a connection stays")
    func changes() throws {
        #expect(try status("GET", "/r/1") == 404)
        let first = try worker.route("GET", "r/:a", to: "fn")
        _ = try input("GET", "/r/1")
        let conflict = try worker.route("GET", "r/:b", to: "other")
        let told = try worker.next("a refusal of the second route") {
            $0["type"] as? String == "triggerregistrationresult"
                && $0["id"] as? String == conflict
        }
        let error = try #require(told["error"] as? Envelope)
        #expect(error["code"] as? String == "trigger_registration_failed")
        let message = error["message"] as? String ?? ""
        #expect(message.contains("conflicts with already-registered route"))
        _ = try input("GET", "/r/1")
        // Another method may name them otherwise.
        try worker.route("POST", "r/:b", to: "other")
        #expect(JSON.text(try input("POST", "/r/1", of: "other")["path_params"]) == #"{"b":"1"}"#)

        let second = try worker.route("get", "/r/:a", to: "other")
        _ = try input("GET", "/r/1", of: "other")
        let neighbour = try RawWorker.ready(engine)
        try neighbour.send(["type": "unregistertrigger", "id": second, "trigger_type": "http"])
        _ = try neighbour.ask("engine::workers::list", [:])
        _ = try input("GET", "/r/1", of: "other")
        for id in [second, first] {
            try worker.send(["type": "unregistertrigger", "id": id, "trigger_type": "http"])
        }
        _ = try worker.ask("engine::workers::list", [:])
        #expect(try status("GET", "/r/1") == 405)
        #expect(try status("HEAD", "/r/1") == 405)
    }

    @Test("The trace that a client names is the one that it is told, however it is answered")
    func traces() throws {
        try worker.route("GET", "t", to: "fn")
        let trace = "0af7651916cd43dd8448eb211c80319c"
        let header = ["traceparent: 00-\(trace)-b7ad6b7169203331-01"]
        try peer.request("GET", "/t", header)
        let call = try worker.dispatch("fn")
        #expect((call["traceparent"] as? String)?.contains(trace) == true)
        try worker.fail(call, "no")
        #expect(try peer.response()["x-iii-trace-id"] == trace)

        try peer.request("GET", "/t", header)
        let streamed = try worker.dispatch("fn")
        let data = try #require(streamed["data"] as? Envelope)
        let reference = try #require(data["response"] as? Envelope)
        let writer = try WebSocket(port: engine.workerPort, path: ChannelEnds.path(reference))
        try writer.send(
            text:
                #"{"type":"set_headers","headers":{"vary":"x","access-control-allow-origin":"n"}}"#
        )
        try writer.send(binary: Array("part".utf8))
        try writer.close(code: 1000)
        let response = try peer.response()
        #expect(response.text == "part")
        #expect(response["x-iii-trace-id"] == trace)
        #expect(response.values("access-control-allow-origin") == ["*"])
        #expect(response.values("vary").count == 1)
        #expect(response["vary"]?.hasPrefix("x, origin") == true)
        let replay = try engine.log("replay", trace)
        #expect(replay.ending == .exit(0), "\(replay.all)")
    }
}

extension Programs.HTTPRouteTests {
    @Test(
        "A worker of the public SDK has middleware and a condition",
        arguments: ["0.11.6", "0.25.0"]
    )
    func python(sdk: String) throws {
        let python = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/http_worker.py"],
            engine: engine
        )
        let shut = try eventually("the route is there", within: 120) { () -> RawResponse? in
            try python.check()
            let response = try HTTPPeer(port: engine.httpPort)
                .ask("POST", "/half/4", body: "{}")
            return response.status == 404 ? nil : response
        }
        #expect(shut.status == 401, "\(shut)")
        let peer = try HTTPPeer(port: engine.httpPort)
        let refused = try peer.ask("POST", "/half/4", ["X-Key: wrong"], body: "{}")
        #expect(refused.status == 401)
        #expect(JSON.object(refused.text)["who"] as? String == "gate")
        #expect(refused["x-gate"] == "shut")
        #expect(try peer.ask("POST", "/half/5", ["X-Key: right"], body: "{}").status == 422)
        #expect(try peer.ask("POST", "/half/x", ["X-Key: right"], body: "{}").status == 500)
        let made = try peer.ask("POST", "/half/8", ["X-Key: right"], body: "{}")
        #expect(made.status == 201)
        #expect(JSON.object(made.text)["half"] as? Int == 4)
        #expect(made.values("set-cookie") == ["a=1", "b=2"])
        try python.stop()
    }
}
