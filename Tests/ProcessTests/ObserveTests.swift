import Glibc
import Testing

extension Programs {
    /// Workers with the public SDK of 0.25, unmodified, observe each other's functions.
    @Suite("Observing, with the public SDK")
    struct ObserveTests {}
}

extension Programs.ObserveTests {
    private func start(_ scenario: String, _ engine: EngineProcess) throws -> ChildProcess {
        let python = try Project.python(with: "0.25.0", in: engine.scratch)
        return try ChildProcess(
            [python, "\(Project.fixtures)/observe.py", scenario],
            label: "observe",
            in: engine.scratch,
            environment: [
                "III_URL": engine.url, "HOME": engine.scratch.path, "OTEL_ENABLED": "false",
                "NO_PROXY": "127.0.0.1,localhost", "PYTHONDONTWRITEBYTECODE": "1",
            ]
        )
    }

    private func expectDone(_ child: ChildProcess, _ engine: EngineProcess) throws {
        let ending = try child.wait(within: 120)
        let isDone = ending == .exit(0) && child.output.contains("OK")
        #expect(isDone, "\(ending)\n\(child.output)\n\(child.errors)\n\(engine.errors)")
    }

    @Test(
        "What an observer asks for is what it gets",
        arguments: ["auto", "ends", "refusals", "owner", "context"]
    )
    func scenario(name: String) throws {
        let engine = try EngineProcess.started()
        let child = try start(name, engine)
        try expectDone(child, engine)
        #expect(try engine.stop() == .exit(0))
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("Observers are back by themselves after a kill -9")
    func replay() throws {
        let engine = try EngineProcess.started()
        let child = try start("replay", engine)
        try eventually("the first event") { () -> Void? in
            guard child.isRunning else { throw Failure(child.errors) }
            return child.output.contains("READY") ? () : nil
        }
        engine.kill9()
        try engine.start()
        try expectDone(child, engine)
    }

    @Test("An engine that is told not to announces nothing, and is used as one of before")
    func unsupported() throws {
        let engine = try EngineProcess.started(["--set", "engine.observe=false"])
        let child = try start("unsupported", engine)
        try expectDone(child, engine)
    }

    @Test("The history of a call shows the activation below its end")
    func history() throws {
        let engine = try EngineProcess.started()
        let shop = try RawWorker.ready(engine, functions: ["pay", "paid"], version: "0.24.0")
        try shop.send([
            "type": "observe", "id": "o-1", "source": ["function_id": "pay"],
            "target": ["function_id": "paid"],
        ])
        let id = try shop.call("pay", ["n": 1])
        try shop.answer(try shop.dispatch("pay"), ["ok": true])
        _ = try shop.reply(to: id)
        let activation = try shop.dispatch("paid")
        try shop.answer(activation, 2)
        let invocation = try #require(activation["invocation_id"] as? String)
        #expect(try engine.stop() == .exit(0))
        let told = try engine.log("replay", invocation)
        #expect(told.ending == .exit(0), "\(told.all)")
        var rest = told.output[...]
        for words in [
            "pay on", "completed {\"ok\":true}", "observe pay success -> paid", "paid on",
            "completed 2",
        ] {
            let range = try #require(rest.firstRange(of: words), "\(words) in\n\(told.output)")
            rest = rest[range.upperBound...]
        }
    }
}
