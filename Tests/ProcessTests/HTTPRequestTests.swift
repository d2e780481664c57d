import Foundation
import Testing

extension Programs {
    /// What functions get of a request, and what becomes of what they do (services 1, A.1 to A.7).
    @Suite("Requests over HTTP, rule by rule")
    struct HTTPRequestTests {
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

extension Programs.HTTPRequestTests {
    /// What the function is called with for the next request; answered with nothing of interest.
    private func input() throws -> Envelope {
        let call = try worker.dispatch("fn")
        try worker.answer(call, ["body": 1])
        #expect(try peer.response().status == 200)
        return try #require(call["data"] as? Envelope)
    }

    private func end(_ name: String, of call: Envelope) throws -> WebSocket {
        let data = try #require(call["data"] as? Envelope)
        let reference = try #require(data[name] as? Envelope)
        return try WebSocket(port: engine.workerPort, path: ChannelEnds.path(reference))
    }

    @Test("A.1: a route needs a path that is text and has no wildcard; the rest is read leniently")
    func configurations() throws {
        let wrong: [Envelope] = [
            [:], ["api_path": 5], ["api_path": NSNull()], ["api_path": "a/*"],
            ["api_path": "*", "http_method": "POST"], ["api_path": "a", "http_method": 1],
        ]
        for (number, config) in wrong.enumerated() {
            try worker.bind("wrong-\(number)", "http", "fn", ["config": config])
            let refusal = try worker.next("a refusal of \(config)") {
                $0["type"] as? String == "triggerregistrationresult"
                    && $0["id"] as? String == "wrong-\(number)"
            }
            #expect(code(of: refusal) == "trigger_registration_failed")
            #expect(!message(of: refusal).isEmpty)
        }
        // Middleware that is no text is passed over.
        try worker.route("pAtCh", "a", to: "fn", ["middleware_function_ids": [1, "mw", NSNull()]])
        try peer.request("PATCH", "/a")
        try worker.answer(try worker.dispatch("mw"), ["action": "continue"])
        #expect(try input()["method"] as? String == "PATCH")
        #expect(worker.inbox.isEmpty)

        let info = try worker.ask("engine::triggers::info", ["id": "http"])
        let type = try #require(info["result"] as? Envelope, "\(JSON.text(info))")
        func properties(_ schema: String) -> Set<String> {
            let schema = type["\(schema)_schema"] as? Envelope
            return Set((schema?["properties"] as? Envelope ?? [:]).keys)
        }
        #expect(
            properties("configuration").isSuperset(of: [
                "api_path", "http_method", "condition_function_id",
            ])
        )
        #expect(
            properties("request")
                == ["query_params", "path_params", "headers", "path", "method", "body"]
        )
        #expect(properties("response") == ["status_code", "headers", "body"])
    }

    @Test("A.4: every key is there, whatever the request has")
    func object() throws {
        try worker.route("POST", "accounts/:id", to: "fn")
        try peer.request(
            "POST",
            "/accounts/u%2F7?page=2&page=3&flag&a+b=%C3%A9+x",
            [
                "X-One: first", "X-One: last", "X-Blank:  ", "X-Name: caf\u{E9}", "X-Tab: a\tb",
                "COOKIE: s=1",
            ],
            body: #"{"nick":"zed"}"#,
            type: "application/json; charset=utf-8"
        )
        let call = try worker.dispatch("fn")
        try worker.answer(call, ["body": 1])
        _ = try peer.response()
        var data = try #require(call["data"] as? Envelope)
        for (name, direction) in [("request_body", "read"), ("response", "write")] {
            let reference = try #require(data.removeValue(forKey: name) as? Envelope, "\(name)")
            #expect(Set(reference.keys) == ["channel_id", "access_key", "direction"])
            #expect(reference["direction"] as? String == direction)
        }
        #expect(
            Set(data.keys)
                == ["query_params", "path_params", "headers", "path", "method", "body", "trigger"]
        )
        #expect(JSON.text(data["query_params"]) == #"{"a b":"é x","flag":"","page":"3"}"#)
        #expect(JSON.text(data["path_params"]) == #"{"id":"u%2F7"}"#)
        // As it was registered, not as it was asked for.
        #expect(data["path"] as? String == "accounts/:id")
        #expect(data["method"] as? String == "POST")
        #expect(JSON.text(data["body"]) == #"{"nick":"zed"}"#)
        #expect(
            JSON.text(data["trigger"]) == #"{"method":"POST","path":"accounts/:id","type":"http"}"#
        )
        let headers = try #require(data["headers"] as? [String: String])
        #expect(headers["x-one"] == "last")
        #expect(headers["x-blank"] == "" && headers["x-name"] == "")
        #expect(headers["x-tab"] == "a\tb" && headers["cookie"] == "s=1")
        #expect(headers["content-type"] == "application/json; charset=utf-8")
        #expect(headers.keys.allSatisfy { $0 == $0.lowercased() })

        try worker.route("GET", "/bare", to: "fn")
        try peer.request("GET", "/bare")
        let bare = try input()
        #expect(bare["path"] as? String == "/bare")
        #expect(bare["body"] is NSNull)
        #expect(JSON.text(bare["query_params"]) == "{}" && JSON.text(bare["path_params"]) == "{}")
    }

    /// A body, its type, and whether it is a value, too.
    private static let bodies: [(type: String, body: String, value: String)] = [
        ("application/json", #"{ "a" : [1 , 2],  "b":"\u00e9" }"#, #"{"a":[1,2],"b":"é"}"#),
        ("text/x; application/json", "[1]", "[1]"),
        ("application/json;v=1", #""text""#, #""text""#),
        ("application/json", "{", "null"), ("application/json", "", "null"),
        (
            "application/json",
            String(repeating: "[", count: 129) + String(repeating: "]", count: 129), "null"
        ),
        ("application/json", "null", "null"), ("Application/JSON", "[1]", "null"),
        ("application/vnd.x+json", "[1]", "null"), ("text/plain", "[1]", "null"),
        ("application/x-www-form-urlencoded", "a=1&b=2", "null"),
        ("multipart/form-data; boundary=x", "--x\r\n\r\n1\r\n--x--\r\n", "null"),
        ("application/octet-stream", "\u{1}\u{2}", "null"),
    ]

    @Test("A.5: what is a value, and what is only to be read; the bytes are those that were sent")
    func bodies() throws {
        try worker.route("POST", "b", to: "fn")
        for (type, body, value) in Self.bodies {
            try peer.request("POST", "/b", body: body, type: type)
            let call = try worker.dispatch("fn")
            let data = try #require(call["data"] as? Envelope)
            #expect(JSON.text(data["body"]) == value, "\(type): \(body)")
            let reader = try end("request_body", of: call)
            #expect(try read(reader) == Array(body.utf8), "\(type): \(body)")
            try worker.answer(call, ["body": 1])
            #expect(try peer.response().status == 200)
        }
        // Without a type, without a body, and never read.
        for _ in 0..<2 {
            try peer.request("POST", "/b", ["Content-Length: 3"])
            try peer.send("[1]")
            #expect(try input()["body"] is NSNull)
        }
        // In pieces that every SDK reads.
        let large = "[\"\(String(repeating: "x", count: 2 << 20))\"]"
        try peer.request("POST", "/b", body: large)
        let call = try worker.dispatch("fn")
        #expect(JSON.text((call["data"] as? Envelope)?["body"]) == large)
        #expect(
            try read(try end("request_body", of: call), atMost: 64 << 10).count == large.utf8.count
        )
        try worker.answer(call, ["body": 1])
        #expect(try peer.response().status == 200)
    }

    /// All that a channel has, up to its end.
    private func read(_ reader: WebSocket, atMost limit: Int = .max) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            switch try reader.receive(within: 30) {
            case .binary(let piece):
                #expect(piece.count <= limit)
                bytes += piece
            case .close(let code):
                #expect(code == 1000)
                return bytes
            case let other: throw Failure("in place of a piece of the body: \(other as Any)")
            }
        }
    }

    @Test("A.6: texts on the response's channel: what counts, what does not, and until when")
    func controls() throws {
        try worker.route("GET", "c", to: "fn")
        try peer.request("GET", "/c")
        let writer = try end("response", of: try worker.dispatch("fn"))
        for text in [
            #"{"type":"set_status","status_code":202}"#,
            #"{"type":"set_status","status_code":99}"#, #"{"type":"set_status","status_code":600}"#,
            #"{"type":"set_status","status_code":"404"}"#, #"{"type":"set_status"}"#,
            #"{"type":"set_status","status_code":404.5}"#, "no JSON", "7", #"{"type":"dance"}"#, "",
            #"{"type":"set_headers","headers":{"x-a":"1","x-b":"1","X-Number":7,"x-null":null}}"#,
            #"{"type":"set_headers","headers":{"X-A":"2","content-type":"text/x"}}"#,
            #"{"type":"set_headers","headers":["x-c: 1"]}"#, #"{"type":"set_headers"}"#,
        ] {
            try writer.send(text: text)
        }
        try writer.send(binary: Array("one,".utf8))
        try writer.send(text: #"{"type":"set_status","status_code":500}"#)
        try writer.send(text: #"{"type":"set_headers","headers":{"x-late":"1"}}"#)
        try writer.send(binary: Array("two".utf8))
        try writer.close(code: 1000)
        let response = try peer.response()
        #expect(response.status == 202)
        #expect(response.text == "one,two")
        #expect(response.values("x-a") == ["2"] && response.values("x-b") == ["1"])
        #expect(response.values("content-type") == ["text/x"])
        #expect(response["transfer-encoding"] == "chunked")
        for name in ["x-number", "x-null", "x-c", "x-late"] { #expect(response[name] == nil) }
    }
}

extension Programs.HTTPRequestTests {
    /// The next request's call.
    private func call() throws -> Envelope {
        try peer.request("GET", "/o")
        return try worker.dispatch("fn")
    }

    @Test(
        "A.7: what is decisive: nothing and a piece, the channel's end, an error before the first"
    )
    func outcomes() throws {
        try worker.route("GET", "o", to: "fn")
        // Nothing was returned: the channel may still be opened. Nothing sets a type.
        let silent = try call()
        try worker.answer(silent, NSNull())
        _ = try worker.ask("engine::cron::list", [:])
        let writer = try end("response", of: silent)
        try writer.send(binary: [0x61])
        // What was sent is told at once, while the rest is still to come.
        let stream = try HTTPStream("GET", "/o", port: engine.httpPort)
        let streamed = try worker.dispatch("fn")
        let flush = try end("response", of: streamed)
        try flush.send(binary: Array("data: 1\n\n".utf8))
        #expect(try stream.readHead().headers["content-type"] == nil)
        #expect(try stream.readChunk() == Array("data: 1\n\n".utf8))
        try worker.fail(streamed, "too late")
        try flush.close(code: 1000)
        #expect(try stream.readChunk() == nil)
        try writer.close(code: 1000)
        let first = try peer.response()
        #expect(first.status == 200 && first.text == "a")

        // Closed without a piece, before its function has said anything.
        let empty = try call()
        let closed = try end("response", of: empty)
        try closed.send(text: #"{"type":"set_status","status_code":418}"#)
        try closed.send(text: #"{"type":"set_headers","headers":{"x-a":"1"}}"#)
        try closed.close(code: 1000)
        let teapot = try peer.response()
        #expect(teapot.status == 418 && teapot.body.isEmpty && teapot["x-a"] == "1")
        try worker.answer(empty, ["status_code": 500])

        // An error before the first piece, texts or not.
        let failed = try call()
        let texts = try end("response", of: failed)
        try texts.send(text: #"{"type":"set_status","status_code":201}"#)
        try worker.fail(failed, "broken")
        let envelope = try peer.response()
        #expect(envelope.status == 500)
        #expect(envelope.text.contains(#""code":"invocation_failed","message":"broken""#))
        #expect(envelope["access-control-allow-origin"] == "*")
    }

    @Test("A.3, A.7: a worker that is gone, and a function that is not served any more")
    func departures() throws {
        try worker.route("GET", "o", to: "fn")
        let other = try RawWorker.ready(engine, functions: ["dies"])
        try other.route("GET", "d", to: "dies")
        try peer.request("GET", "/d")
        _ = try other.dispatch("dies")
        other.socket.disconnect()
        let stopped = try peer.response()
        #expect(stopped.status == 500)
        #expect(stopped.text.contains("invocation_stopped"))
        // Its route has gone with it; that of a function which is not served stays.
        #expect(try peer.ask("GET", "/d").status == 404)
        try worker.send(["type": "unregisterfunction", "id": "fn"])
        _ = try worker.ask("engine::cron::list", [:])
        let missing = try peer.ask("GET", "/o")
        #expect(missing.status == 500)
        #expect(missing.text.contains("function_not_found"))
    }

    @Test("A.7: the body can be read after the response has begun, until the request is over")
    func lateReader() throws {
        try worker.route("POST", "l", to: "fn")
        try peer.request("POST", "/l", body: "[1]")
        let call = try worker.dispatch("fn")
        let writer = try end("response", of: call)
        try writer.send(binary: [0x61])
        let reader = try end("request_body", of: call)
        #expect(try read(reader) == Array("[1]".utf8))
        try writer.close(code: 1000)
        #expect(try peer.response().text == "a")
        #expect(throws: Failure.self) { _ = try end("request_body", of: call) }
    }

    @Test("A.13: the timeout ends with the response's head; nothing returned and sent is 504")
    func timeouts() throws {
        let quick = try EngineProcess.started(["--set", "http.timeout=500ms"])
        let worker = try RawWorker.ready(quick, functions: ["fn"])
        try worker.route("GET", "t", to: "fn")
        let peer = try HTTPPeer(port: quick.httpPort)
        try peer.request("GET", "/t")
        try worker.answer(try worker.dispatch("fn"), NSNull())
        let late = try peer.response()
        #expect(late.status == 504 && late.body.isEmpty)
        // One that has begun goes on for as long as it likes.
        let stream = try HTTPStream("GET", "/t", port: quick.httpPort)
        let call = try worker.dispatch("fn")
        let data = try #require(call["data"] as? Envelope)
        let reference = try #require(data["response"] as? Envelope)
        let writer = try WebSocket(port: quick.workerPort, path: ChannelEnds.path(reference))
        try writer.send(binary: [1])
        try stream.readHead()
        #expect(try stream.readChunk() == [1])
        // Longer than the timeout: another request has run into it meanwhile.
        try peer.request("GET", "/t")
        try worker.answer(try worker.dispatch("fn"), NSNull())
        #expect(try peer.response().status == 504)
        try writer.send(binary: [2])
        #expect(try stream.readChunk() == [2])
        try writer.close(code: 1000)
        #expect(try stream.readChunk() == nil)
    }
}
