import Foundation
import Testing

extension LongPrograms {
    /// One life of a worker under every version of the public SDK, unmodified.
    @Suite("Every version of the SDK")
    struct MatrixTests {}
}

extension LongPrograms.MatrixTests {
    @Test(
        "It serves and calls, comes back after both ends of an engine, and its death is told",
        arguments: SDKVersions.all
    )
    func life(version: String) throws {
        let engine = try EngineProcess.started()
        let worker = try AnySDKWorker(sdk: version, engine: engine)
        try serves(worker, round: 1)

        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        try engine.start()
        try serves(worker, round: 2)

        engine.kill9()
        try engine.start()
        try serves(worker, round: 3)

        try dies(worker)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    /// Everything that worked before works now.
    private func serves(_ worker: AnySDKWorker, round: Int) throws {
        let client = try RawWorker.ready(worker.engine)
        try worker.awaitReady(client)
        try answers(worker, client)
        try asks(worker, client)
        try works(worker, client, round)

        let response = try HTTPClient.get(worker.engine.httpPort, "/any?q=\(round)")
        #expect(response.status == 202)
        #expect(response.headers["x-sdk"] == "any")
        #expect(JSON.text(JSON.value(response.body)) == #"{"method":"GET","q":"\#(round)"}"#)
    }

    /// As the one that is called.
    private func answers(_ worker: AnySDKWorker, _ client: RawWorker) throws {
        let data: Envelope = ["n": [1, NSNull(), ["x": "é😀"]], "none": NSNull()]
        let echo = try worker.ask(client, "echo", data)
        #expect(JSON.text(echo["result"]) == JSON.text(data), "\(JSON.text(echo))")

        for (function, data) in [("nothing", [:] as Any), ("echo", NSNull())] {
            let none = try worker.ask(client, function, data)
            #expect(none["error"] == nil, "\(JSON.text(none))")
            #expect(none["result"] == nil || none["result"] is NSNull, "\(JSON.text(none))")
        }

        let failed = try worker.ask(client, "fail", ["message": "smtp down"])
        #expect(code(of: failed) == "invocation_failed", "\(JSON.text(failed))")
        #expect(message(of: failed) == "smtp down")
        let trace = (failed["error"] as? Envelope)?["stacktrace"] as? String
        #expect(trace?.contains("ValueError") == true, "\(JSON.text(failed))")
    }

    /// As the one that calls; its own functions too, through the engine.
    private func asks(_ worker: AnySDKWorker, _ client: RawWorker) throws {
        let own = try worker.asks(client, "any::echo", ["x": 1])
        #expect(JSON.text(own) == #"{"value":{"x":1}}"#)
        for function in ["any::echo", "any::nothing"] {
            let none = try worker.asks(client, function, NSNull())
            #expect(JSON.text(none) == #"{"value":null}"#, "\(function)")
        }
        let list = try worker.asks(client, "engine::functions::list", NSNull())
        let functions = (list["value"] as? Envelope)?["functions"] as? [Envelope]
        #expect(functions?.contains { $0["function_id"] as? String == "any::echo" } == true)

        let errors: [(function: String, payload: Any, action: String?, code: String)] = [
            ("no::such", [:], nil, "function_not_found"),
            ("any::fail", ["message": "smtp down"], nil, "invocation_failed"),
            ("any::echo", [:], "nowhere", "enqueue_error"),
        ]
        for wrong in errors {
            let told = try worker.asks(client, wrong.function, wrong.payload, action: wrong.action)
            let error = try #require(told["error"] as? String, "\(JSON.text(told))")
            #expect(error.contains(wrong.code), "\(error)")
        }
    }

    /// What needs no answer: each piece of work is done, once.
    private func works(_ worker: AnySDKWorker, _ client: RawWorker, _ round: Int) throws {
        let keys = ["void", "queue", "topic"].map { "\($0)-\(round)" }
        let void = try worker.asks(client, "any::keep", ["key": keys[0]], action: "void")
        #expect(JSON.text(void) == #"{"value":null}"#)
        let receipt = try worker.asks(client, "any::keep", ["key": keys[1]], action: "default")
        let id = (receipt["value"] as? Envelope)?["messageReceiptId"] as? String
        #expect(id.flatMap(UUID.init(uuidString:)) != nil, "\(JSON.text(receipt))")
        let event: Envelope = ["topic": "any", "data": ["key": keys[2]]]
        let published = try worker.asks(client, "iii::durable::publish", event)
        #expect(published["error"] == nil, "\(JSON.text(published))")

        let stored = { (key: String) throws -> Int? in
            let reply = try client.ask("state::get", ["scope": "any", "key": key])
            return reply["result"] as? Int
        }
        for key in keys {
            _ = try eventually("\(key) is done") {
                try worker.process.check()
                return try stored(key)
            }
        }
        #expect(try keys.map(stored) == [1, 1, 1])
    }

    /// A call is under way, and the worker is killed.
    private func dies(_ worker: AnySDKWorker) throws {
        let client = try RawWorker.ready(worker.engine, functions: ["test::started"])
        let call = try client.call("any::sleep", ["started": "test::started"])
        _ = try client.dispatch("test::started")
        worker.process.kill9()
        #expect(code(of: try client.reply(to: call)) == "invocation_stopped")
        try eventually("nothing of it is left") { () -> Void? in
            let left = try worker.functionCount(client)
            let triggers = try worker.triggerTypes(client)
            return left == 0 && triggers.isEmpty ? () : nil
        }
        #expect(try HTTPClient.get(worker.engine.httpPort, "/any").status == 404)
    }
}
