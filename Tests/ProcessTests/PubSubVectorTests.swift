import Foundation
import Testing

extension Programs {
    /// The rules of services 2, B, by bare clients.
    @Suite("The rules of publishing over the wire")
    struct PubSubVectorTests {
        let engine: EngineProcess
        let worker: RawWorker
        let client: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["a", "b", "never"])
            client = try RawWorker.ready(engine)
        }
    }
}

extension Programs.PubSubVectorTests {
    private func subscribe(
        _ id: String,
        _ function: String,
        _ config: Any,
        type: String = "subscribe"
    ) throws {
        try worker.send([
            "type": "registertrigger", "id": id, "trigger_type": type, "function_id": function,
            "config": config, "metadata": ["secret": 1],
        ])
    }

    private func settle() throws { _ = try worker.ask("engine::cron::list", [:]) }

    private var calls: [Envelope] {
        worker.takeWaiting().filter { $0["type"] as? String == "invokefunction" }
    }

    @Test("What it takes, and what it answers")
    func inputs() throws {
        for step in [
            WireStep("publish", #"{"topic":"t","data":1}"#, WireStep.none),
            WireStep("publish", #"{"topic":"t","data":null,"more":1}"#, WireStep.none),
            WireStep("publish", #"{"topic":"","data":1}"#, "topic_not_set"),
            WireStep("publish", #"{"topic":"t"}"#, "deserialization_error"),
            WireStep("publish", #"{"data":1}"#, "deserialization_error"),
            WireStep("publish", #"{"topic":1,"data":1}"#, "deserialization_error"),
            WireStep("publish", "null", "deserialization_error"),
        ] { try step.check(client) }
        let empty = try client.ask("publish", ["topic": "", "data": 1])
        #expect(message(of: empty) == "Topic is not set")
    }

    @Test("Each trigger once, the data as it is, and nobody waits for anybody")
    func delivery() throws {
        try subscribe("1", "a", ["topic": "t", "condition_function_id": "never"])
        try subscribe("2", "a", ["topic": "t"])
        try subscribe("3", "b", ["topic": "t"])
        try subscribe("4", "b", ["topic": "other"])
        try subscribe("5", "never", [:] as Envelope)
        try subscribe("6", "never", ["topic": ""])
        try settle()
        let data: Envelope = ["n": [1, NSNull(), "x"]]
        _ = try client.ask("publish", ["topic": "t", "data": data])
        // It was answered, and none of them has.
        for function in ["a", "a", "b"] {
            let run = try worker.dispatch(function)
            #expect(JSON.text(run["data"]) == JSON.text(data))
            try worker.fail(run, "no")
        }
        try settle()
        #expect(calls.isEmpty, "a failure is not tried again, a condition not asked")
        // One of several that is taken back takes only itself.
        try worker.send(["type": "unregistertrigger", "id": "2", "trigger_type": "subscribe"])
        try settle()
        _ = try client.ask("publish", ["topic": "t", "data": 2])
        try worker.answer(try worker.dispatch("a"), 1)
        try worker.answer(try worker.dispatch("b"), 1)
        try settle()
        #expect(calls.isEmpty)
    }

    @Test("Nobody who comes later hears of it, nor a queue, nor a subscription of queues' messages")
    func isolation() throws {
        _ = try client.ask("publish", ["topic": "t", "data": 1])
        try subscribe("1", "a", ["topic": "t"])
        try subscribe("2", "b", ["topic": "t"], type: "durable:subscriber")
        try settle()
        _ = try client.ask("iii::durable::publish", ["topic": "t", "data": 2])
        let message = try worker.dispatch("b")
        #expect(message["data"] as? Int == 2)
        try worker.answer(message, NSNull())
        try settle()
        #expect(calls.isEmpty)
        _ = try client.ask("publish", ["topic": "t", "data": 3])
        let run = try worker.dispatch("a")
        #expect(run["data"] as? Int == 3)
        try worker.answer(run, NSNull())
        try settle()
        #expect(calls.isEmpty)
        // And not in the next life either.
        engine.kill9()
        try engine.start()
        let again = try RawWorker.ready(engine, functions: ["a"])
        try again.send([
            "type": "registertrigger", "id": "1", "trigger_type": "subscribe", "function_id": "a",
            "config": ["topic": "t"],
        ])
        _ = try again.ask("engine::cron::list", [:])
        #expect(again.takeWaiting().allSatisfy { $0["type"] as? String != "invokefunction" })
    }
}
