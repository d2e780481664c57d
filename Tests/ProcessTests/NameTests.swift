import Testing

extension Programs {
    /// Whose a worker's name is, where workers do not share functions.
    @Suite("Names of workers")
    struct NameTests {
        private let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started(["--set", "engine.duplicate_functions=reject"])
        }
    }
}

extension Programs.NameTests {
    private static let register = "engine::workers::register"
    private static var mailer: Envelope {
        ["name": "mailer", "runtime": "python", "version": "0.25.0"]
    }

    @Test("A second worker of a name is told why, and then closed with 1008")
    func refused() throws {
        let first = try RawWorker(engine)
        _ = try first.ask(Self.register, Self.mailer)
        let second = try RawWorker(engine)
        let id = try second.call(Self.register, Self.mailer)
        var rejection: Envelope?
        let deadline = Deadline(in: 30)
        while rejection == nil, !deadline.passed {
            // The first one answers pings while it reads.
            _ = try first.take(within: 0.05)
            rejection = try second.take(within: 0.05)
        }
        let told = try #require(rejection)
        #expect(told["type"] as? String == "registrationrejected")
        #expect(told["code"] as? String == "WORKER_NAMESPACE_CONFLICT")
        #expect(told["worker_name"] as? String == "mailer")
        #expect(told["namespace"] as? String == "default")
        #expect(told["owner_worker_id"] as? String == first.greeting["worker_id"] as? String)
        #expect(JSON.text(try second.reply(to: id)["result"]) == #"{"success":false}"#)
        #expect(try second.closeCode() == 1008)
        let still = try first.ask(Self.register, Self.mailer)
        #expect(JSON.text(still["result"]) == #"{"success":true}"#)
    }

    @Test("A worker that answers no ping loses its name to the next one")
    func evicted() throws {
        let first = try RawWorker(engine)
        _ = try first.ask(Self.register, Self.mailer)
        let second = try RawWorker(engine)
        let reply = try second.ask(Self.register, Self.mailer)
        #expect(JSON.text(reply["result"]) == #"{"success":true}"#)
        #expect(try first.closeCode() == 1012)
    }
}
