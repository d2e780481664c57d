import Foundation
import Testing

extension LongPrograms {
    /// What went wrong with real packages somewhere once, each with the versions that it concerns.
    @Suite("Scenarios of the SDK")
    struct ScenarioTests {}
}

// MARK: - Payloads

extension LongPrograms.ScenarioTests {
    @Test(
        "NaN, a lone surrogate and numbers at the edges go there and back",
        arguments: ["0.11.6", "0.25.0"]
    )
    func fidelity(version: String) throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine)
        let worker = try AnySDKWorker(sdk: version, engine: engine)
        try worker.awaitReady(client)
        let reply = try worker.ask(client, "fidelity")
        let told = try #require(reply["result"] as? String, "\(JSON.text(reply))")
        #expect(
            told == """
                [None, None, 'a\u{FFFD}b', 9223372036854775808, 18446744073709551615, \
                -9223372036854775808, 1.0, 1, 1e+300, [None, {'b': None}]]
                """
        )
    }

    @Test("A result that its caller cannot receive is an error, and the caller stays connected")
    func tooLarge() throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine, functions: ["test::big"])
        let worker = try AnySDKWorker(sdk: "0.21.8", engine: engine)
        try worker.awaitReady(client)
        let told = try big(worker, client, mebibytes: 1.2)
        #expect((told["error"] as? String)?.contains("payload_too_large") == true)
        let fits = try big(worker, client, mebibytes: 0.9)
        #expect(fits["length"] as? Int == Int(0.9 * 1024 * 1024), "\(JSON.text(fits))")
        let rows = try client.ask("engine::workers::list", ["runtime": "python"])
        #expect(try ids(of: rows).count == 1)
    }

    @Test("A result of 20 MiB reaches a caller that can receive it")
    func large() throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine, functions: ["test::big"])
        let worker = try AnySDKWorker(sdk: "0.25.0", engine: engine)
        try worker.awaitReady(client)
        let told = try big(worker, client, mebibytes: 20)
        #expect(told["length"] as? Int == 20 * 1024 * 1024, "\(JSON.text(told).prefix(200))")
    }

    /// Lets the worker call a function of the client that answers with so much text.
    private func big(
        _ worker: AnySDKWorker,
        _ client: RawWorker,
        mebibytes: Double
    ) throws -> Envelope {
        let id = try client.call(
            "any::ask",
            ["function_id": "test::big", "payload": [:], "measure": true] as Envelope
        )
        let dispatch = try client.dispatch("test::big")
        let text = String(repeating: "x", count: Int(mebibytes * 1024 * 1024))
        try client.answer(dispatch, text)
        let reply = try client.reply(to: id)
        return try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
    }
}

// MARK: - Coming back

extension LongPrograms.ScenarioTests {
    @Test("The oldest and the newest worker outlive a restart of the engine, side by side")
    func restart() throws {
        let engine = try EngineProcess.started()
        let workers = try ["0.11.6", "0.25.0"].map {
            try AnySDKWorker(
                sdk: $0,
                prefix: "v\($0.replacing(".", with: "-"))",
                engine: engine
            )
        }
        for _ in 1...2 {
            let client = try RawWorker.ready(engine)
            for worker in workers {
                try worker.awaitReady(client)
                let reply = try worker.ask(client, "echo", "here")
                #expect(reply["result"] as? String == "here")
            }
            try engine.stop()
            try engine.start()
        }
    }

    @Test(
        "A worker whose connection breaks is back at once, with nothing twice and no conflict",
        arguments: ["0.19.7", "0.23.0", "0.25.0"]
    )
    func dropped(version: String) throws {
        let engine = try EngineProcess.started(["--set", "engine.duplicate_functions=reject"])
        let client = try RawWorker.ready(engine)
        let worker = try AnySDKWorker(sdk: version, engine: engine)
        try worker.awaitReady(client)
        let list: Envelope = ["runtime": "python"]
        let before = try ids(of: client.ask("engine::workers::list", list))
        let dropped = try worker.ask(client, "drop")
        #expect(code(of: dropped) == "invocation_stopped", "\(JSON.text(dropped))")
        try eventually("a new connection") { () -> Void? in
            try worker.process.check()
            let now = try ids(of: client.ask("engine::workers::list", list))
            return now.count == 1 && now != before ? () : nil
        }
        try worker.awaitReady(client)
        #expect(try worker.ask(client, "echo", "back")["result"] as? String == "back")
        #expect(!worker.process.errors.contains("CONFLICT"), "\(worker.process.errors)")
    }

    @Test("A worker with 400 functions outlives two restarts within three seconds")
    func manyFunctions() throws {
        let engine = try EngineProcess.started()
        let worker = try AnySDKWorker(sdk: "0.23.0", functions: 400, engine: engine)
        try worker.awaitReady(RawWorker.ready(engine))
        try engine.stop()
        try engine.start()
        // As soon as it is back, and perhaps in the middle of its replay: this SDK does not notice
        // when its connection ends then.
        let client = try RawWorker.ready(engine)
        try eventually("the worker is back") { () -> Void? in
            try worker.functionCount(client) > 0 ? () : nil
        }
        try engine.stop()
        try engine.start()
        try worker.awaitReady(RawWorker.ready(engine))
    }

    private func ids(of workers: Envelope) throws -> [String] {
        let rows = (workers["result"] as? Envelope)?["workers"] as? [Envelope]
        return try #require(rows, "\(JSON.text(workers))").compactMap { $0["id"] as? String }
    }
}

// MARK: - Two of the same

extension LongPrograms.ScenarioTests {
    @Test("Where functions have one worker each, a second one is refused them and stays")
    func duplicates() throws {
        let engine = try EngineProcess.started(["--set", "engine.duplicate_functions=reject"])
        let client = try RawWorker.ready(engine)
        let first = try AnySDKWorker(sdk: "0.25.0", name: "first", engine: engine)
        try first.awaitReady(client)
        let second = try AnySDKWorker(sdk: "0.25.0", name: "second", engine: engine)
        try eventually("the second one is refused") { () -> Void? in
            try second.process.check()
            return second.process.errors.contains("FUNCTION_NAMESPACE_CONFLICT") ? () : nil
        }
        for _ in 1...10 {
            #expect(try first.ask(client, "slow")["result"] as? String == "first")
        }
        // Still connected, and of use: what is free it may take when it comes again.
        let rows = try client.ask("engine::workers::list", ["search": "second"])
        let workers = (rows["result"] as? Envelope)?["workers"] as? [Envelope]
        #expect(workers?.count == 1, "\(JSON.text(rows))")
        try second.process.check()
    }
}
