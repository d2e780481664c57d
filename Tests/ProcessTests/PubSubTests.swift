import Foundation
import Testing

extension Programs {
    @Suite("Publishing")
    struct PubSubTests {}
}

extension Programs.PubSubTests {
    @Test(
        "A publication reaches the subscribers of its topic, once, with the data as it was",
        arguments: ["0.11.6", "0.25.0"]
    )
    func publish(sdk: String) throws {
        let engine = try EngineProcess.started()
        let log = engine.scratch("heard.txt")
        let worker = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/subscriber.py", log],
            engine: engine
        )
        let client = try RawWorker.ready(engine)
        try eventually("both subscriptions are there", within: 90) { () -> Void? in
            try worker.check()
            let list = try client.ask("engine::registered-triggers::list", [:])
            return JSON.text(list).components(separatedBy: "\"subscribe\"").count >= 3 ? () : nil
        }
        let data: Envelope = ["n": 1, "list": [true, NSNull()]]
        let reply = try client.ask("publish", ["topic": "news", "data": data])
        #expect(reply["error"] == nil && reply["result"] == nil, "\(JSON.text(reply))")
        _ = try client.ask("publish", ["topic": "weather", "data": "rain"])
        let heard = try eventually("both are heard") { () -> [String]? in
            let lines = text(of: log).split(separator: "\n").map(String.init)
            return lines.count >= 2 ? lines.sorted() : nil
        }
        #expect(
            heard == [#"["news", {"list": [true, null], "n": 1}]"#, #"["weather", "rain"]"#]
                || heard == [#"["news", {"n": 1, "list": [true, null]}]"#, #"["weather", "rain"]"#]
        )
        let empty = try client.ask("publish", ["topic": "", "data": 1])
        #expect((empty["error"] as? Envelope)?["code"] as? String == "topic_not_set")
        try engine.stop()
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }
}
