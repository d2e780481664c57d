import Foundation
import Testing

extension LongPrograms {
    /// What runs when the engine is stopped, and has no end when its time is over.
    @Suite("Stops")
    struct StopTests {}
}

extension LongPrograms.StopTests {
    private static let functions = ["stop::job", "stop::slot"]

    private func slot(_ run: Envelope) -> String? {
        (run["data"] as? Envelope)?["scheduled_time"] as? String
    }

    @Test(
        "A job and a cron run that were cut off begin again, and the job has lost no attempt",
        arguments: ["kill -9", "SIGTERM"]
    )
    func cutOff(how: String) throws {
        let engine = try EngineProcess.started(["--set", "engine.drain_timeout=300ms"])
        let worker = try RawWorker.ready(engine, functions: Self.functions)
        let defined = try worker.ask(
            "queue::define",
            ["queue": "stops", "config": ["max_retries": 1]]
        )
        #expect(defined["error"] == nil, "\(JSON.text(defined))")
        try worker.send([
            "type": "registertrigger", "id": "tick", "trigger_type": "cron",
            "function_id": "stop::slot",
            "config": ["expression": "* * * * * *", "catch_up": "all"],
        ])
        let enqueue: Envelope = ["type": "enqueue", "queue": "stops"]
        _ = try worker.ask("stop::job", ["n": 1], action: enqueue)
        _ = try worker.dispatch("stop::job")
        let run = try worker.dispatch("stop::slot")
        if how == "kill -9" {
            engine.kill9()
            try engine.wait()
        } else {
            // Neither is answered: their time ends with the drain.
            engine.terminate()
            #expect(try worker.closeCode() == 1012)
            #expect(try engine.wait() == .exit(0), "\(engine.errors)")
        }
        try engine.start()

        let next = try RawWorker.ready(engine, functions: Self.functions)
        let job = try next.dispatch("stop::job")
        #expect((job["data"] as? Envelope)?["n"] as? Int == 1)
        try next.answer(job, NSNull())
        let again = try next.dispatch("stop::slot")
        #expect(slot(again) == slot(run))
        try next.answer(again, NSNull())
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let failures = try engine.log("show", "--kind", "retried,dead_lettered", "-o", "json")
        #expect(failures.ending == .exit(0), "\(failures.all)")
        #expect(failures.output.isEmpty, "\(failures.all)")
        let deliveries = try engine.log("show", "--kind", "delivered", "-o", "json").output
        #expect(deliveries.contains(#""attempt":1"#), "\(deliveries)")
        #expect(!deliveries.contains(#""attempt":2"#), "\(deliveries)")
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("Who waits for a call is told that it was cut off, before the connection ends")
    func calls() throws {
        let engine = try EngineProcess.started(["--set", "engine.drain_timeout=300ms"])
        let worker = try RawWorker.ready(engine, functions: Self.functions)
        let caller = try RawWorker.ready(engine)
        let call = try caller.call("stop::job", ["n": 1])
        _ = try worker.dispatch("stop::job")
        engine.terminate()
        let reply = try caller.reply(to: call)
        let error = reply["error"] as? Envelope
        #expect(error?["code"] as? String == "invocation_stopped", "\(JSON.text(reply))")
        #expect(try caller.closeCode() == 1012)
        #expect(try engine.wait() == .exit(0), "\(engine.errors)")
        withExtendedLifetime(worker) {}
    }
}
