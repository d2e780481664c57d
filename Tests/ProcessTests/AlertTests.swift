import Foundation
import Testing

extension LongPrograms {
    /// Rules over metrics, and what happens when one is broken.
    @Suite("Alerts over the wire")
    struct AlertTests {}
}

extension LongPrograms.AlertTests {
    private func started(_ alerts: String, _ more: [String] = []) throws -> EngineProcess {
        let scratch = try Scratch()
        let file = try scratch.write("iii.toml", "[observability]\nalerts = [\(alerts)]\n")
        let engine = EngineProcess(in: scratch, ["--config", file] + more)
        try engine.start()
        return engine
    }

    private func alerts(_ client: RawWorker) throws -> [Envelope] {
        let reply = try client.ask("engine::alerts::list", [:])
        let result = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        return result["alerts"] as? [Envelope] ?? []
    }

    @Test("A queue that fills up calls a function, once; the log knows, and so does the next life")
    func function() throws {
        let engine = try started(
            """
            { name = "backlog", metric = "iii.queue.depth.default", threshold = 2, operator = ">=", \
            cooldown_seconds = 3600, action = { type = "function", path = "ops::page" } }
            """
        )
        var client = try RawWorker.ready(engine, functions: ["ops::page"])
        let enqueue: Envelope = ["type": "enqueue", "queue": "default"]
        for _ in 0..<2 { _ = try client.ask("nobody::serves", [:], action: enqueue) }
        let evaluation = try client.ask("engine::alerts::evaluate", [:])
        let result = try #require(evaluation["result"] as? Envelope, "\(JSON.text(evaluation))")
        #expect((result["triggered_alerts"] as? [Envelope])?.count == 1)
        let page = try client.dispatch("ops::page")
        let payload = try #require(page["data"] as? Envelope)
        #expect(payload["alert"] as? String == "backlog")
        #expect(payload["value"] as? Double == 2)
        #expect(payload["operator"] as? String == "GreaterThanOrEqual")
        #expect(payload["firing"] as? Bool == true)
        try client.answer(page, [:])
        #expect(try alerts(client).first?["firing"] as? Bool == true)
        _ = try eventually("the operator reads of it") {
            engine.errors.contains("alert backlog fires") ? () : nil
        }
        let shown = try engine.log("show", "--kind", "alert_changed", "-o", "json")
        #expect(shown.ending == .exit(0), "\(shown.all)")
        #expect(shown.output.contains(#""alert":"backlog""#), "\(shown.all)")

        engine.kill9()
        try engine.start()
        client = try RawWorker.ready(engine, functions: ["ops::page"])
        let again = try client.ask("engine::alerts::evaluate", [:])
        let found = try #require(again["result"] as? Envelope)
        #expect((found["triggered_alerts"] as? [Envelope])?.isEmpty == true, "it rests")
        #expect(try alerts(client).first?["firing"] as? Bool == true)
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("A webhook is told by itself within seconds, and one that leads inwards is refused")
    func webhook() throws {
        let scratch = try Scratch()
        let ports = scratch("server-port")
        let server = try ChildProcess(
            ["/usr/bin/env", "python3", "\(Project.fixtures)/function_server.py", ports],
            label: "server",
            in: scratch
        )
        let port = try eventually("the server listens") {
            text(of: ports).isEmpty ? nil : text(of: ports)
        }
        let rule = """
            { name = "worker", metric = "iii.workers.active", threshold = 0, operator = ">", \
            action = { type = "webhook", url = "http://127.0.0.1:\(port)/echo" } }
            """
        let inward = try started(rule, ["--set", "http_functions.require_https=false"])
        let client = try RawWorker.ready(inward)
        _ = try client.ask("engine::alerts::evaluate", [:])
        _ = try eventually("the operator is told why not") {
            inward.errors.contains("could not be told") ? () : nil
        }
        #expect(server.output == "")

        let engine = try started(
            rule,
            [
                "http_functions.require_https=false", "http_functions.allowed_ranges=127.0.0.0/8",
                "http_functions.ports=1-65535",
            ].flatMap { ["--set", $0] }
        )
        let worker = try RawWorker.ready(engine)
        let line = try eventually("the webhook is told", within: 30) {
            server.output.split(separator: "\n").first
        }
        let seen = JSON.object(String(line))
        let body = JSON.object(seen["body"] as? String ?? "")
        #expect(seen["method"] as? String == "POST")
        #expect(body["alert"] as? String == "worker")
        #expect(body["operator"] as? String == "GreaterThan")
        #expect(body["firing"] == nil)
        #expect(try alerts(worker).first?["firing"] as? Bool == true)
    }

    @Test("A rule that is written into the file while the engine runs counts from then on")
    func edited() throws {
        let engine = try started("")
        let client = try RawWorker.ready(engine)
        #expect(try alerts(client).isEmpty)
        let rule = #"{ name = "w", metric = "iii.workers.active", threshold = 0 }"#
        _ = try engine.scratch.write("iii.toml", "[observability]\nalerts = [\(rule)]\n")
        _ = try eventually("the edit is taken") {
            engine.errors.contains("is in force: observability.alerts") ? () : nil
        }
        let reply = try client.ask("engine::alerts::evaluate", [:])
        let result = try #require(reply["result"] as? Envelope)
        #expect((result["triggered_alerts"] as? [Envelope])?.count == 1)
    }
}
