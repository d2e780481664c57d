import Foundation
import Testing

extension Programs {
    /// Functions that run when the state is written.
    @Suite("State triggers over the wire")
    struct StateTriggerTests {}
}

extension Programs.StateTriggerTests {
    private static let scope = "orders"

    /// Writes until the worker's trigger has been seen to fire, on a key that no test looks at.
    private func awaitReactor(_ worker: PythonWorker, _ client: RawWorker) throws {
        try eventually("the trigger fires", within: 90) { () -> Void? in
            try worker.check()
            let ready = try client.ask("reactor::ready", [:])
            guard ready["result"] as? Bool == true else { return nil }
            _ = try client.ask("state::set", ["scope": Self.scope, "key": "probe", "value": 1])
            return try client.ask("state::get", ["scope": "seen", "key": "probe"])["result"]
                .map { _ in }
        }
    }

    private func events(_ key: String, _ client: RawWorker) throws -> [Envelope] {
        let seen = try client.ask("state::get", ["scope": "seen", "key": key])["result"]
        return (seen as? Envelope)?["events"] as? [Envelope] ?? []
    }

    @Test(
        "A write runs the function of its trigger, after its condition, and waits for neither",
        arguments: ["0.25.0", "0.11.6"]
    )
    func reacts(sdk: String) throws {
        let engine = try EngineProcess.started()
        let worker = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/state_worker.py"],
            engine: engine
        )
        let client = try RawWorker.ready(engine)
        try awaitReactor(worker, client)

        let place: Envelope = ["scope": Self.scope, "key": "a"]
        for value in ["skip", "fail", "paid"] {
            _ = try client.ask("state::set", place.merging(["value": value]) { $1 })
        }
        _ = try client.ask("state::set", ["scope": "other", "key": "a", "value": 1])
        let deleted = try client.ask("state::delete", place)
        #expect(deleted["result"] as? String == "paid")
        let told = try eventually("both events are seen") {
            let events = try events("a", client)
            return events.count >= 2 ? events : nil
        }
        // Different writes may overtake each other.
        let kinds = told.compactMap { $0["event_type"] as? String }.sorted()
        #expect(kinds == ["state:deleted", "state:updated"])
        let update = try #require(told.first { $0["event_type"] as? String == "state:updated" })
        #expect(
            JSON.text(update)
                == #"{"event_type":"state:updated","key":"a","new_value":"paid","#
                + #""old_value":"fail","scope":"orders","type":"state"}"#
        )
        if sdk == "0.25.0" {
            try eventually("the SDK logs why the other trigger was refused") { () -> Void? in
                worker.errors.contains("the configuration of state trigger") ? () : nil
            }
        }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let shown = try engine.log("show", "--kind", "triggered")
        #expect(shown.output.contains("state state:updated orders/a -> reactor::seen"))
        #expect(try engine.log("verify", "--semantic").ending == .exit(0))
    }

    @Test("A handler that a kill of the engine cut off runs again, and is told of the same write")
    func survivesKill() throws {
        let engine = try EngineProcess.started()
        let worker = try reactor(engine)
        let place: Envelope = ["scope": "s", "key": "k"]
        _ = try worker.ask("state::set", place.merging(["value": 1]) { $1 })
        let cut = try worker.dispatch("raw::on")
        engine.kill9()
        try engine.start()

        let next = try reactor(engine)
        let again = try next.dispatch("raw::on")
        #expect(JSON.text(again["data"]) == JSON.text(cut["data"]))
        try next.answer(again, NSNull())
        // The end is on disk with the answer to any later write.
        _ = try next.ask("state::set", ["scope": "other", "key": "k", "value": 1])
        engine.kill9()
        try engine.start()
        let last = try reactor(engine)
        _ = try last.ask("state::set", place.merging(["value": 2]) { $1 })
        let only = try last.dispatch("raw::on")
        #expect((only["data"] as? Envelope)?["new_value"] as? Int == 2)
        #expect(last.takeWaiting().filter { $0["type"] as? String == "invokefunction" }.isEmpty)
    }

    private func reactor(_ engine: EngineProcess) throws -> RawWorker {
        let worker = try RawWorker(engine)
        try worker.register("raw::on")
        try worker.send([
            "type": "registertrigger", "id": "t", "trigger_type": "state",
            "function_id": "raw::on", "config": ["scope": "s"],
        ])
        try worker.announce()
        return worker
    }

    @Test("Switched off by the configuration, no trigger fires")
    func off() throws {
        let engine = try EngineProcess.started(["--set", "state.triggers_enabled=false"])
        let worker = try reactor(engine)
        _ = try worker.ask("state::set", ["scope": "s", "key": "k", "value": 1])
        _ = try worker.ask("state::get", ["scope": "s", "key": "k"])
        #expect(worker.takeWaiting().filter { $0["type"] as? String == "invokefunction" }.isEmpty)
    }
}
