import Foundation
import Testing

extension Programs {
    /// The wire as the SDK for Node speaks it.
    @Suite("Node")
    struct NodeTests {
        let engine: EngineProcess
        let worker: NodeWorker

        init() throws {
            engine = try EngineProcess.started(["--set", "engine.duplicate_functions=reject"])
            worker = try NodeWorker(engine: engine)
        }
    }
}

extension Programs.NodeTests {
    @Test("It serves, calls, and gets errors with their code; nothing undefined disturbs")
    func serves() throws {
        let client = try ready(connections: 1)
        let data: Envelope = ["n": [1, NSNull(), 9_007_199_254_740_991, "é😀"]]
        #expect(JSON.text(try client.ask("node::echo", data)["result"]) == JSON.text(data))
        let none = try client.ask("node::nothing", [:])
        #expect(none["error"] == nil && (none["result"] ?? NSNull()) is NSNull)
        let failed = try client.ask("node::fail", ["message": "smtp down"])
        #expect(code(of: failed) == "invocation_failed")
        #expect(message(of: failed) == "smtp down")

        #expect(try asks(client, "node::echo", ["x": 1]) == #"{"value":{"x":1}}"#)
        #expect(try asks(client, "node::nothing", NSNull()) == #"{"value":null}"#)
        #expect(try asks(client, "no::such", [:]) == #"{"error":"function_not_found"}"#)
        let enqueue = try asks(client, "node::echo", [:], ["type": "enqueue", "queue": "default"])
        #expect(enqueue.contains("messageReceiptId"), "\(enqueue)")
        #expect(worker.others.isEmpty, "\(worker.others)")
    }

    @Test("It comes back after both ends of an engine, with everything once")
    func comesBack() throws {
        _ = try ready(connections: 1)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        try engine.start()
        _ = try ready(connections: 2)
        engine.kill9()
        try engine.start()
        let client = try ready(connections: 3)
        #expect(try client.ask("node::echo", ["x": 2])["error"] == nil)
        #expect(worker.others.isEmpty, "\(worker.others)")
    }

    @Test("It takes over from its own connection that nobody reads any more")
    func abandons() throws {
        let client = try ready(connections: 1)
        let hanging = try client.call("node::hang", [:])
        let abandoned = try client.call("node::abandon", [:])
        #expect(code(of: try client.reply(to: hanging)) == "invocation_stopped")
        #expect(code(of: try client.reply(to: abandoned)) == "invocation_stopped")
        let again = try ready(connections: 2)
        #expect(try again.ask("node::echo", "new")["result"] as? String == "new")
        #expect(worker.others.isEmpty, "\(worker.others)")
    }

    @Test("10 MiB with texts in between go through a channel, in order")
    func channel() throws {
        let client = try ready(connections: 1)
        let ends = try ChannelEnds(client)
        let reading = try client.call("node::read", ["reader": ends.reader])
        let writing = try client.call(
            "node::write",
            ["writer": ends.writer, "parts": 80, "bytes": 128 << 10]
        )
        let written = try client.reply(to: writing)["result"] as? Envelope ?? [:]
        let read = try client.reply(to: reading)["result"] as? Envelope ?? [:]
        #expect(read["bytes"] as? Int == 10 << 20)
        #expect(read["texts"] as? Int == 20)
        #expect(read["largest"] as? Int == 64 << 10)
        #expect(read["sha256"] as? String == written["sha256"] as? String)
        #expect(written["sha256"] is String)
    }

    @Test("A body that it reads as a stream comes back as one")
    func streams() throws {
        _ = try ready(connections: 1)
        let body = (0..<(256 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let stream = try HTTPStream("POST", "/mirror", port: engine.httpPort, length: body.count)
        try stream.send(body)
        let head = try stream.readHead()
        #expect(head.status == 202)
        #expect(head.headers["content-type"] == "application/octet-stream")
        #expect(try stream.readBody() == body)
    }

    /// A client, once the worker is there for the `connections`th time, and has everything once.
    private func ready(connections: Int) throws -> RawWorker {
        let client = try RawWorker.ready(engine)
        try eventually("connection \(connections) has registered all") { () -> Void? in
            try worker.check()
            guard worker.connections.count == connections else { return nil }
            let triggers = try bound(client)
            return triggers.isEmpty ? nil : ()
        }
        #expect(Set(worker.connections).count == connections)
        #expect(try bound(client) == ["http", "http"])
        let rows = try client.ask("engine::workers::list", ["runtime": "node"])
        let workers = (rows["result"] as? Envelope)?["workers"] as? [Envelope] ?? []
        #expect(workers.compactMap { $0["id"] as? String } == worker.connections.suffix(1))
        return client
    }

    /// The types of the worker's triggers.
    private func bound(_ client: RawWorker) throws -> [String] {
        let list = try client.ask("engine::registered-triggers::list", [:])
        let rows = (list["result"] as? Envelope)?["registered_triggers"] as? [Envelope]
        return try #require(rows, "\(JSON.text(list))").compactMap { $0["trigger_type"] as? String }
    }

    /// Lets the worker call; how that ended, as text.
    private func asks(
        _ client: RawWorker,
        _ function: String,
        _ payload: Any,
        _ action: Envelope? = nil
    ) throws -> String {
        var call: Envelope = ["function_id": function, "payload": payload]
        call["action"] = action
        return JSON.text(try client.ask("node::ask", call)["result"])
    }
}
