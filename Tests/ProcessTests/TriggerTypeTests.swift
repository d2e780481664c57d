import Testing

extension Programs {
    /// Trigger types that a worker in Python provides, with unmodified SDKs.
    @Suite("Trigger types of workers")
    struct TriggerTypeTests {}
}

extension Programs.TriggerTypeTests {
    private func worker(
        _ role: String,
        _ sdk: String,
        _ engine: EngineProcess
    ) throws -> PythonWorker {
        try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/trigger_type.py", role],
            engine: engine
        )
    }

    /// What the provider says once it says what is expected; it may be away, or not know it yet.
    private func becomes(
        _ client: RawWorker,
        _ function: String,
        _ expected: String,
        _ workers: PythonWorker...
    ) throws {
        var last = ""
        do {
            try eventually("\(function) gives \(expected)") { () -> Void? in
                for worker in workers { try worker.check() }
                let reply = try client.ask(function, [:])
                last = JSON.text(reply["result"] ?? reply["error"])
                return last == expected ? () : nil
            }
        } catch let error as Failure {
            throw Failure("\(error); last: \(last); \(workers.map(\.errors).joined())")
        }
    }

    @Test(
        "A trigger that comes before its provider is served by it, over restarts of either side",
        arguments: ["0.25.0", "0.11.6"]
    )
    func provided(sdk: String) throws {
        let engine = try EngineProcess.started()
        let binder = try worker("binder", sdk, engine)
        var client = try RawWorker.ready(engine)
        _ = try eventually("the trigger is parked") {
            try client.ask("beat::on", ["n": 1])["result"]
        }
        var provider = try worker("provider", sdk, engine)
        try becomes(client, "beat::fire", "[70]", binder, provider)
        if sdk == "0.25.0" {
            _ = try eventually("the binder's SDK logs why the other one was refused") {
                binder.errors.contains("no such beat") ? true : nil
            }
        }

        try provider.stop()
        provider = try worker("provider", sdk, engine)
        try becomes(client, "beat::fire", "[70]", binder, provider)

        let durable: Envelope = [
            "trigger_type": "beat", "function_id": "beat::on", "config": ["n": 8],
        ]
        let made = try client.ask("engine::register_trigger", durable)
        let id = try #require((made["result"] as? Envelope)?["id"] as? String, "\(made)")
        try becomes(client, "beat::fire", "[70,80]", binder, provider)
        let refused = try client.ask(
            "engine::register_trigger",
            durable.merging(["config": ["n": -1]]) { $1 }
        )
        let error = try #require(refused["error"] as? Envelope, "\(JSON.text(refused))")
        #expect(error["code"] as? String == "trigger_registration_failed")
        #expect((error["message"] as? String)?.contains("no such beat") == true)

        engine.kill9()
        try engine.start()
        client = try RawWorker.ready(engine)
        try becomes(client, "beat::fire", "[70,80]", binder, provider)

        try binder.stop()
        guard sdk == "0.25.0" else { return }
        try becomes(client, "beat::beats", "[8]", provider)
        let removed = try client.ask("engine::unregister_trigger", ["id": id])
        #expect(JSON.text(removed["result"]) == #"{"removed":true}"#)
        try becomes(client, "beat::beats", "[]", provider)
    }
}
