import Foundation
import Testing

extension Programs {
    /// Workers that do not read for a while what they are sent.
    @Suite("Late readers")
    struct LateReaderTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started()
        }
    }
}

extension Programs.LateReaderTests {
    @Test("A worker gets 80 MiB of answers, however late it reads them")
    func answers() throws {
        let worker = try RawWorker.ready(engine)
        let item: Envelope = ["scope": "s", "key": "k"]
        let value = String(repeating: "x", count: 1 << 20)
        _ = try worker.ask("state::set", item.merging(["value": value]) { $1 })
        let calls = try (0..<80).map { _ in try worker.call("state::get", item) }
        for call in calls {
            let reply = try worker.reply(to: call)
            #expect((reply["result"] as? String)?.utf8.count == 1 << 20)
        }
        #expect(try worker.ask("state::get", item)["error"] == nil, "it is read again")
    }

    @Test("Who calls a worker that has not read 128 MiB hears BUSY, and the worker stays")
    func calls() throws {
        let worker = try RawWorker.ready(engine, functions: ["large", "small"])
        let caller = try RawWorker.ready(engine)
        // One message for all of them: what is slow here is to write one, not to hand it on.
        for number in 0..<12 {
            try worker.send([
                "type": "registertrigger", "id": "\(number)", "trigger_type": "subscribe",
                "function_id": "large", "config": ["topic": "t"],
            ])
        }
        _ = try worker.ask("engine::cron::list", [:])
        let large = String(repeating: "x", count: 15_000_000)
        let published = try caller.ask("publish", ["topic": "t", "data": large] as Envelope)
        #expect(published["error"] == nil)
        #expect(code(of: try caller.ask("small", 1)) == "BUSY")
        for _ in 0..<8 { try worker.answer(worker.dispatch("large"), 1) }
        let call = try caller.call("small", 2)
        try worker.answer(worker.dispatch("small"), "done")
        #expect(try caller.reply(to: call)["result"] as? String == "done")
    }
}
