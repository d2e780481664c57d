import Foundation
import Testing

extension Programs {
    /// Requests with an `Idempotency-Key`, over the wire and over crashes.
    @Suite("Idempotency keys, end to end")
    struct IdempotencyTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started()
        }
    }
}

extension Programs.IdempotencyTests {
    private func start() throws -> RawWorker {
        let worker = try RawWorker.ready(engine, functions: ["pay"])
        try worker.route("POST", "pay/:id", to: "pay")
        return worker
    }

    private func key(_ text: String) -> [String] { ["Idempotency-Key: \"\(text)\""] }

    @Test("The same key gets the same response, from the log, also after kill -9")
    func repeats() throws {
        var worker = try start()
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("POST", "/pay/1", key("k"), body: #"{"sum":5}"#)
        let call = try worker.dispatch("pay")
        let lines = ["x-receipt: r1", "set-cookie: secret=1"]
        try worker.answer(call, ["status_code": 201, "headers": lines, "body": ["paid": 5]])
        let first = try peer.response()
        #expect(first.status == 201)
        #expect(first["set-cookie"] == "secret=1")
        #expect(first["idempotent-replayed"] == nil)
        func checkRepeat(_ peer: HTTPPeer) throws {
            let again = try peer.ask("POST", "/pay/1", key("k"), body: #"{"sum":5}"#)
            #expect(again.status == 201)
            #expect(again.text == #"{"paid":5}"#)
            #expect(again["x-receipt"] == "r1")
            #expect(again["set-cookie"] == nil)
            #expect(again["idempotent-replayed"] == "true")
            #expect(again["access-control-allow-origin"] == "*")
            #expect(again["x-iii-trace-id"] != first["x-iii-trace-id"])
        }
        try checkRepeat(peer)
        for (path, body) in [("/pay/1", #"{"sum":6}"#), ("/pay/2", #"{"sum":5}"#)] {
            let reused = try peer.ask("POST", path, key("k"), body: body)
            #expect(reused.status == 422)
            #expect(reused.text.contains("IDEMPOTENCY_KEY_REUSED"))
        }
        #expect(try peer.ask("POST", "/pay/1", key(""), body: "{}").status == 400)
        // One that is under way when the engine dies.
        try peer.request("POST", "/pay/9", key("open"), body: "{}")
        _ = try worker.dispatch("pay")
        engine.kill9()
        try engine.start()

        worker = try start()
        let later = try HTTPPeer(port: engine.httpPort)
        try checkRepeat(later)
        #expect(worker.inbox.isEmpty)
        try later.request("POST", "/pay/9", key("open"), body: "{}")
        try worker.answer(worker.dispatch("pay"), ["body": "second run"])
        #expect(try later.response().text == #""second run""#)
        #expect(try engine.stop() == .exit(0))
        let log = try engine.log("show", "-n", "1000")
        #expect(log.output.contains("a repetition of request"), "\(log.all)")
        let trace = try #require(first["x-iii-trace-id"])
        let replay = try engine.log("replay", trace)
        #expect(replay.output.contains("kept: 201"), "\(replay.all)")
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
        let printed = try engine.log("show", "-n", "1000", "-o", "json").output
        #expect(!printed.contains("secret=1"))
        #expect(printed.ranges(of: #""paid":5"#).count == 1, "the log has a kept response once")
    }

    @Test("Those that come at the same time wait for the first, and all get its response")
    func concurrent() throws {
        let worker = try start()
        let peers = try (0..<8).map { _ in try HTTPPeer(port: engine.httpPort) }
        for peer in peers { try peer.request("POST", "/pay/1", key("k"), body: "[1]") }
        let call = try worker.dispatch("pay")
        try eventually("all of them are known") { () -> Void? in
            let log = try engine.log("show", "-n", "1000").output
            return log.ranges(of: "a repetition of request").count == 7 ? () : nil
        }
        try worker.answer(call, ["body": 7])
        let responses = try peers.map { try $0.response() }
        #expect(responses.allSatisfy { $0.text == "7" })
        #expect(responses.count { $0["idempotent-replayed"] == "true" } == 7)
        #expect(worker.inbox.isEmpty)
    }

    @Test("A body that is no JSON counts as well, and its function can still read it")
    func otherBodies() throws {
        let worker = try start()
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("POST", "/pay/1", key("k"), body: "a=1", type: "text/plain")
        let call = try worker.dispatch("pay")
        let data = try #require(call["data"] as? Envelope)
        #expect(data["body"] is NSNull)
        let reference = try #require(data["request_body"] as? Envelope)
        let reader = try WebSocket(port: engine.workerPort, path: ChannelEnds.path(reference))
        #expect(try reader.receive(within: 30) == .binary(Array("a=1".utf8)))
        try worker.answer(call, ["body": 1])
        #expect(try peer.response().text == "1")
        let again = try peer.ask("POST", "/pay/1", key("k"), body: "a=1", type: "text/plain")
        #expect(again["idempotent-replayed"] == "true")
        let other = try peer.ask("POST", "/pay/1", key("k"), body: "a=2", type: "text/plain")
        #expect(other.status == 422)
    }

    @Test(
        "A request is not carried out again for its client having left, before a stream or in it",
        arguments: [false, true]
    )
    func leaving(hasBegun: Bool) throws {
        let worker = try start()
        var peer: HTTPPeer? = try HTTPPeer(port: engine.httpPort)
        try peer?.request("POST", "/pay/1", key("k"), body: "{}")
        let call = try worker.dispatch("pay")
        let data = try #require(call["data"] as? Envelope)
        let reference = try #require(data["response"] as? Envelope)
        let open = {
            try WebSocket(port: engine.workerPort, path: ChannelEnds.path(reference))
        }
        var writer = hasBegun ? try open() : nil
        try writer?.send(binary: Array("paid".utf8))
        peer = nil
        // The engine may not have noticed yet; if it has, the address leads nowhere.
        if !hasBegun { writer = try? open() }
        if let writer { #expect(try writer.receive(within: 30) == .close(code: 1011)) }
        try worker.fail(call, "nobody reads")
        let again = try HTTPPeer(port: engine.httpPort).ask("POST", "/pay/1", key("k"), body: "{}")
        #expect(again.status == 409, "\(again.text)")
        #expect(worker.inbox.isEmpty)
    }

    @Test("A function of the public SDK runs once", arguments: ["0.11.6", "0.25.0"])
    func python(sdk: String) throws {
        let python = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/http_worker.py"],
            engine: engine
        )
        try eventually("the route is there", within: 120) { () -> Void? in
            try python.check()
            let peer = try HTTPPeer(port: engine.httpPort)
            return try peer.ask("POST", "/half/4", body: "{}").status == 404 ? nil : ()
        }
        let peer = try HTTPPeer(port: engine.httpPort)
        let headers = ["X-Key: right"] + key("once")
        let bodies = try (0..<3).map { _ in
            try peer.ask("POST", "/half/8", headers, body: "{}").text
        }
        #expect(Set(bodies).count == 1, "\(bodies)")
        #expect(try peer.ask("POST", "/half/8", key("once"), body: "{}").status == 401)
        let next = try peer.ask("POST", "/half/8", ["X-Key: right"], body: "{}").text
        #expect(JSON.object(next)["run"] as? Int == 2)
        try python.stop()
    }
}
