import Foundation
import Testing

extension Programs {
    /// A worker that comes back on a new connection, the old one still open (protocol 1.8).
    @Suite("Reattaching")
    struct ReattachTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started(["--set", "engine.duplicate_functions=reject"])
        }
    }
}

extension Programs.ReattachTests {
    @Test("The old connection ends at once, and with it what it was running")
    func retires() throws {
        let caller = try RawWorker.ready(engine)
        let old = try RawWorker.ready(engine, functions: ["back::fn"])
        let call = try caller.call("back::fn", [:])
        _ = try old.dispatch("back::fn")

        let new = try RawWorker(engine)
        try new.send(reattach(old.greeting))
        try new.register("back::fn")
        try new.announce()
        #expect(code(of: try caller.reply(to: call)) == "invocation_stopped")
        #expect(try old.closeCode() == 1012)
        #expect(new.greeting["worker_id"] as? String != old.greeting["worker_id"] as? String)

        let again = try caller.call("back::fn", ["n": 2])
        try new.answer(new.dispatch("back::fn"), "new")
        #expect(try caller.reply(to: again)["result"] as? String == "new")
        #expect(new.inbox.isEmpty, "\(JSON.text(new.inbox))")
    }

    @Test(
        "Nobody else can end a connection, and no answer tells why",
        arguments: ["token", "no token", "stranger", "no id", "itself"]
    )
    func refused(what: String) throws {
        let old = try RawWorker.ready(engine, functions: ["mine::fn"])
        let thief = try RawWorker(engine)
        var forged = reattach(old.greeting)
        switch what {
        case "token": forged["reattach_token"] = UUID().uuidString.lowercased()
        case "no token": forged["reattach_token"] = nil
        case "stranger": forged["previous_worker_id"] = UUID().uuidString.lowercased()
        case "no id": forged["previous_worker_id"] = "old"
        default: forged = reattach(thief.greeting)
        }
        try thief.send(forged)
        try thief.register("mine::fn")
        try thief.announce()
        let rejection = try thief.next("a rejection") {
            $0["type"] as? String == "registrationrejected"
        }
        #expect(rejection["code"] as? String == "FUNCTION_NAMESPACE_CONFLICT")
        #expect(rejection["function_id"] as? String == "mine::fn")
        #expect(rejection["namespace"] as? String == "default")
        #expect(rejection["owner_worker_id"] as? String == old.greeting["worker_id"] as? String)

        let call = try thief.call("mine::fn", [:])
        try old.answer(old.dispatch("mine::fn"), "old")
        #expect(try thief.reply(to: call)["result"] as? String == "old")
        #expect(thief.inbox.isEmpty, "\(JSON.text(thief.inbox))")
    }

    @Test("A shutdown waits for a worker that is registering, and not long for a mute one")
    func settling() throws {
        let mute = try RawWorker(engine)
        let late = try RawWorker(engine)
        engine.terminate()
        // A close frame within half a second would be thrown.
        #expect(try late.take(within: 0.5) == nil)
        try late.register("late::fn")
        try late.send([
            "type": "invokefunction", "function_id": "engine::workers::register",
            "data": ["runtime": "python", "version": "0.23.0"], "action": ["type": "void"],
        ])
        #expect(try late.closeCode(within: 5) == 1012)
        #expect(try mute.closeCode(within: 5) == 1012)
        #expect(try engine.wait() == .exit(0), "\(engine.errors)")
    }

    private func reattach(_ greeting: Envelope) -> Envelope {
        [
            "type": "reattach",
            "previous_worker_id": greeting["worker_id"] ?? NSNull(),
            "reattach_token": greeting["reattach_token"] ?? NSNull(),
        ]
    }
}
