import Foundation
import Testing

extension Programs {
    /// What one worker can make the engine keep: nobody else notices that it tries.
    @Suite("Bounds of one worker")
    struct BoundTests {}
}

extension Programs.BoundTests {
    private func engine() throws -> EngineProcess {
        try EngineProcess.started(["--set", "engine.registration_namespace_grace=10m"])
    }

    @Test("A worker that registers more than can wait for its namespace is cut off, alone")
    func registrations() throws {
        let engine = try engine()
        let neighbour = try RawWorker.ready(engine, functions: ["steady::fn"])
        let flooder = try RawWorker(engine)
        let description = String(repeating: "x", count: 1 << 20)
        // The last ones may find the connection closed.
        for _ in 0..<40 {
            let message: Envelope = [
                "type": "registerfunction", "id": "flood::fn", "description": description,
            ]
            guard (try? flooder.send(message)) != nil else { break }
        }
        #expect(try flooder.closeCode() == 1008)
        let id = try neighbour.call("steady::fn", 1)
        try neighbour.answer(neighbour.dispatch("steady::fn"), 2)
        #expect(try neighbour.reply(to: id)["result"] as? Int == 2)
        let again = try RawWorker.ready(engine, functions: ["flood::fn"])
        #expect(again.inbox.isEmpty, "\(JSON.text(again.inbox))")
    }

    @Test("A connection has 4096 channels, and another one when one of them is over")
    func channels() throws {
        let engine = try engine()
        let worker = try RawWorker.ready(engine)
        func code(_ reply: Envelope) -> String? {
            (reply["error"] as? Envelope)?["code"] as? String
        }
        let ids = try (0..<4096).map { _ in try worker.call("engine::channels::create", [:]) }
        let made = try ids.map { try worker.reply(to: $0) }
        #expect(made.allSatisfy { code($0) == nil })
        let refused = try worker.ask("engine::channels::create", [:])
        #expect(code(refused) == "TOO_MANY_CHANNELS")
        let neighbour = try RawWorker.ready(engine)
        #expect(code(try neighbour.ask("engine::channels::create", [:])) == nil)

        let references = try #require(made[0]["result"] as? Envelope)
        let end = try #require(references["reader"] as? Envelope)
        let channel = try #require(end["channel_id"] as? String)
        let key = try #require(end["access_key"] as? String)
        let path = "/ws/channels/\(channel)?key=\(key)&dir=read"
        let reader = try WebSocket(port: engine.workerPort, path: path, headers: [])
        try reader.close(code: 1000)
        try eventually("there is room for another channel") {
            code(try worker.ask("engine::channels::create", [:])) == nil ? () : nil
        }
    }
}
