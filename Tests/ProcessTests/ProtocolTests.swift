import Foundation
import Testing

extension Programs {
    /// The hazards of the worker protocol, with a client that can send anything.
    @Suite("Worker protocol")
    struct ProtocolTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started()
        }
    }
}

// MARK: - Connecting

extension Programs.ProtocolTests {
    @Test("The first frame is workerregistered, with an id and a token")
    func firstFrame() throws {
        let worker = try RawWorker(engine)
        #expect(worker.greeting["type"] as? String == "workerregistered")
        for key in ["worker_id", "reattach_token"] {
            let id = try #require(worker.greeting[key] as? String, "\(key) is missing")
            #expect(UUID(uuidString: id) != nil, "\(key) is no UUID: \(id)")
        }
    }

    @Test("Neither a subprotocol nor an extension is chosen, whatever is offered")
    func negotiatesNothing() throws {
        let socket = try WebSocket(
            port: engine.workerPort,
            headers: [
                "Sec-WebSocket-Protocol: chat, superchat",
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            ]
        )
        #expect(socket.headers["sec-websocket-protocol"] == nil)
        #expect(socket.headers["sec-websocket-extensions"] == nil)
    }

    @Test("An unknown path is answered with 404, with and without an upgrade")
    func unknownPath() throws {
        #expect(throws: Failure("upgrade of /nowhere answered with 404")) {
            _ = try WebSocket(port: engine.workerPort, path: "/nowhere")
        }
        #expect(try HTTPClient.get(engine.workerPort, "/nowhere").status == 404)
    }

    @Test("A worker path without an upgrade is answered with a client error")
    func noUpgrade() throws {
        #expect(400..<500 ~= (try HTTPClient.get(engine.workerPort, "/").status))
    }

    @Test("The path /otel takes binary frames, whatever is in them, and answers pings")
    func telemetry() throws {
        let socket = try WebSocket(port: engine.workerPort, path: "/otel")
        try socket.send(binary: Array(#"LOGS{"resourceLogs":[]}"#.utf8))
        try socket.send(binary: Array(#"OTLP{"resourceSpans":[]}"#.utf8))
        try socket.send(binary: Array("MTRC{not json".utf8))
        try socket.send(binary: [0, 255, 1, 2])
        try socket.send(text: "ignored")
        try socket.ping(Array("still here".utf8))
        #expect(try nextPong(socket) == Array("still here".utf8))
    }

    @Test("A ping is answered with a pong of the same payload; the message ping with pong")
    func pings() throws {
        let worker = try RawWorker(engine)
        try worker.socket.ping([1, 2, 3])
        #expect(try nextPong(worker.socket) == [1, 2, 3])
        try worker.send(["type": "ping"])
        _ = try worker.next("pong") { $0["type"] as? String == "pong" }
    }

    @Test("What is registered before engine::workers::register works from then on")
    func buffering() throws {
        let worker = try RawWorker(engine)
        try worker.register("early::fn")
        let caller = try RawWorker.ready(engine)
        let refused = try caller.ask("early::fn", [:])
        #expect(code(of: refused) == "function_not_found", "\(JSON.text(refused))")

        try worker.announce()
        let id = try caller.call("early::fn", ["n": 1])
        try worker.answer(worker.dispatch("early::fn"), "now")
        #expect(try caller.reply(to: id)["result"] as? String == "now")
    }

    @Test("SIGTERM closes workers with 1012, which makes every SDK come back")
    func closeCode() throws {
        let worker = try RawWorker.ready(engine)
        engine.terminate()
        #expect(try worker.closeCode() == 1012)
        #expect(try engine.wait() == .exit(0), "\(engine.errors)")
    }

    private func nextPong(_ socket: WebSocket) throws -> [UInt8] {
        let deadline = Deadline(in: 30)
        while !deadline.passed {
            switch try socket.receive(within: 1) {
            case .pong(let payload): return payload
            case .close, .end: throw Failure("closed instead of a pong")
            default: continue
            }
        }
        throw Failure("no pong within 30 s")
    }
}

// MARK: - Calling

extension Programs.ProtocolTests {
    @Test("A call keeps its id on the way, and the result comes back")
    func call() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let caller = try RawWorker.ready(engine)
        let id = try caller.call("echo::fn", ["deep": [1, NSNull(), ["x": "y"]]])
        let dispatch = try worker.dispatch("echo::fn")
        #expect(dispatch["invocation_id"] as? String == id)
        let data = try #require(dispatch["data"] as? Envelope)
        #expect(JSON.text(data["deep"]) == #"[1,null,{"x":"y"}]"#)
        try worker.answer(dispatch, ["ok": true])
        let reply = try caller.reply(to: id)
        #expect(JSON.text(reply["result"]) == #"{"ok":true}"#)
        #expect(reply["function_id"] as? String == "echo::fn")
        #expect(reply["error"] == nil)
    }

    @Test("A call without data reaches the handler with data null")
    func absentData() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let caller = try RawWorker.ready(engine)
        let id = "0f2c4d3e-1111-4222-8333-444455556666"
        try caller.send(["type": "invokefunction", "invocation_id": id, "function_id": "echo::fn"])
        let dispatch = try worker.dispatch("echo::fn")
        #expect(dispatch["data"] is NSNull, "\(JSON.text(dispatch))")
        try worker.answer(dispatch, 1)
        #expect(try caller.reply(to: id)["result"] as? Int == 1)
    }

    @Test(
        "A result that is null or absent answers the caller without a value",
        arguments: [
            #""result":null,"#, "",
        ]
    )
    func emptyResult(field: String) throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let caller = try RawWorker.ready(engine)
        let id = try caller.call("echo::fn", [:])
        _ = try worker.dispatch("echo::fn")
        try worker.socket.send(
            text: """
                {\(field)"invocation_id":"\(id)","function_id":"echo::fn","type":"invocationresult"}
                """
        )
        let reply = try caller.reply(to: id)
        #expect(reply["error"] == nil)
        #expect(reply["result"] == nil || reply["result"] is NSNull, "\(JSON.text(reply))")
    }

    @Test("Python's NaN and infinities arrive as null, lone surrogates as U+FFFD, nothing lost")
    func notQuiteJSON() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let caller = try RawWorker.ready(engine)
        let id = UUID().uuidString.lowercased()
        try caller.socket.send(
            text: """
                {"invocation_id": "\(id)", "function_id": "echo::fn", "data": {"list": [NaN, \
                Infinity, -Infinity, 1.5], "text": "a\\ud800b", "pair": "\\ud83d\\ude00", \
                "large": [9223372036854775808, 18446744073709551615]}, "type": "invokefunction"}
                """
        )
        let dispatch = try worker.dispatch("echo::fn")
        let data = try #require(dispatch["data"] as? Envelope, "\(JSON.text(dispatch))")
        #expect(JSON.text(data["list"]) == "[null,null,null,1.5]")
        #expect(data["text"] as? String == "a\u{FFFD}b")
        #expect(data["pair"] as? String == "😀")
        #expect(JSON.text(data["large"]) == "[9223372036854775808,18446744073709551615]")
        try worker.socket.send(
            text: """
                {"invocation_id":"\(id)","function_id":"echo::fn","result":[NaN,"\\udfff"],\
                "type":"invocationresult"}
                """
        )
        #expect(JSON.text(try caller.reply(to: id)["result"]) == "[null,\"\u{FFFD}\"]")
    }

    @Test("The type may stand last, and any key may stand anywhere")
    func typeLast() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let id = UUID().uuidString.lowercased()
        try worker.socket.send(
            text: """
                {"action": null, "data": {"type": "void"}, "function_id": "echo::fn", \
                "unknown": [{}], "invocation_id": "\(id)", "type": "invokefunction"}
                """
        )
        let dispatch = try worker.dispatch("echo::fn")
        try worker.answer(dispatch, "self")
        #expect(try worker.reply(to: id)["result"] as? String == "self")
    }

    @Test("Only the worker that was asked may answer")
    func forgedResult() throws {
        let worker = try RawWorker.ready(engine, functions: ["owner::fn"])
        let caller = try RawWorker.ready(engine)
        let thief = try RawWorker.ready(engine, functions: ["other::fn"])
        let id = try caller.call("owner::fn", [:])
        let dispatch = try worker.dispatch("owner::fn")
        try thief.answer(dispatch, "forged")
        // The thief's next call has been read after its forgery.
        _ = try thief.ask("state::get", ["scope": "s", "key": "k"])
        try worker.answer(dispatch, "true")
        #expect(try caller.reply(to: id)["result"] as? String == "true")
    }

    @Test("A void call runs, and neither its success nor its failure answers the caller")
    func void() throws {
        let worker = try RawWorker.ready(engine, functions: ["void::fn"])
        let caller = try RawWorker.ready(engine)
        let missing: Envelope = [
            "type": "invokefunction", "function_id": "void::missing", "data": [:],
            "action": ["type": "void"],
        ]
        try caller.send(missing)
        var present = missing
        present["function_id"] = "void::fn"
        try caller.send(present)
        let dispatch = try worker.dispatch("void::fn")
        #expect(UUID(uuidString: dispatch["invocation_id"] as? String ?? "") != nil)
        try worker.answer(dispatch, "dropped")
        _ = try worker.ask("state::get", ["scope": "s", "key": "k"])
        _ = try caller.ask("state::get", ["scope": "s", "key": "k"])
        #expect(caller.inbox.isEmpty, "\(JSON.text(caller.inbox))")
    }

    @Test("An unknown function is answered with function_not_found and its name")
    func functionNotFound() throws {
        let reply = try RawWorker.ready(engine).ask("no::such", [:])
        #expect(code(of: reply) == "function_not_found")
        #expect(message(of: reply).contains("no::such"), "\(JSON.text(reply))")
    }

    @Test("A handler's error comes back as it was sent")
    func handlerError() throws {
        let worker = try RawWorker.ready(engine, functions: ["bad::fn"])
        let caller = try RawWorker.ready(engine)
        let id = try caller.call("bad::fn", [:])
        try worker.fail(worker.dispatch("bad::fn"), "smtp down")
        let reply = try caller.reply(to: id)
        #expect(code(of: reply) == "invocation_failed")
        #expect(message(of: reply) == "smtp down")
    }

    @Test("The caller hears invocation_stopped when the worker goes away during the call")
    func calleeGone() throws {
        let caller = try RawWorker.ready(engine)
        let worker = try RawWorker.ready(engine, functions: ["gone::fn"])
        let id = try caller.call("gone::fn", [:])
        _ = try worker.dispatch("gone::fn")
        worker.socket.disconnect()
        #expect(code(of: try caller.reply(to: id)) == "invocation_stopped")
        let after = try eventually("the function is gone") {
            let reply = try caller.ask("gone::fn", [:])
            return code(of: reply) == "function_not_found" ? reply : nil
        }
        #expect(message(of: after).contains("gone::fn"))
    }
}

// MARK: - Enqueueing

extension Programs.ProtocolTests {
    @Test("An enqueue is answered with a receipt, and delivered; the target may come later")
    func enqueue() throws {
        let caller = try RawWorker.ready(engine)
        let action: Envelope = ["type": "enqueue", "queue": "default"]
        let reply = try caller.ask("later::fn", ["n": 7], action: action)
        let result = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        let receipt = try #require(result["messageReceiptId"] as? String)
        #expect(UUID(uuidString: receipt) != nil)
        #expect(result.count == 1)

        let worker = try RawWorker.ready(engine, functions: ["later::fn"])
        let dispatch = try worker.dispatch("later::fn")
        #expect(JSON.text(dispatch["data"]) == #"{"n":7}"#)
        try worker.answer(dispatch, NSNull())
    }

    @Test("An unknown queue is refused with enqueue_error, its name and what is wrong")
    func unknownQueue() throws {
        let action: Envelope = ["type": "enqueue", "queue": "invoicez"]
        let reply = try RawWorker.ready(engine).ask("any::fn", [:], action: action)
        #expect(code(of: reply) == "enqueue_error")
        #expect(message(of: reply).contains("invoicez"), "\(JSON.text(reply))")
        #expect(message(of: reply).contains("not found"), "\(JSON.text(reply))")
    }
}

func code(of reply: Envelope) -> String {
    (reply["error"] as? Envelope)?["code"] as? String ?? ""
}

func message(of reply: Envelope) -> String {
    (reply["error"] as? Envelope)?["message"] as? String ?? ""
}
