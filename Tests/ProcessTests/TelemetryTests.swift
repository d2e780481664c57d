import Foundation
import Testing

extension Programs {
    /// What workers and the engine tell of their work, as it is looked at over the wire.
    @Suite("Telemetry over the wire")
    struct TelemetryTests {}
}

extension Programs.TelemetryTests {
    /// A span as a line, with those that it contains behind it, two spaces further in.
    private func lines(_ span: Envelope, _ indent: String = "") -> [String] {
        let children = span["children"] as? [Envelope] ?? []
        let name = "\(indent)\(span["name"] ?? "?") of \(span["service_name"] ?? "?")"
        let sorted = children.flatMap { lines($0, indent + "  ") }
        return [name] + sorted
    }

    private func tree(_ client: RawWorker, _ trace: String) throws -> [String] {
        let reply = try client.ask("engine::traces::tree", ["trace_id": trace])
        let result = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        return (result["roots"] as? [Envelope] ?? []).flatMap { lines($0) }
    }

    @Test("The spans of the SDK stand below the engine's, and its lines carry the trace")
    func spans() throws {
        let engine = try EngineProcess.started()
        let worker = try PythonWorker(
            sdk: "0.25.0",
            ["\(Project.fixtures)/traced_worker.py"],
            engine: engine
        )
        var client = try RawWorker.ready(engine)
        let answer = try eventually("GET /orders/7 is answered with 201", within: 90) {
            try worker.check()
            let answer = try HTTPClient.get(engine.httpPort, "/orders/7")
            return answer.status == 201 ? answer : nil
        }
        let trace = try #require(answer.headers["x-iii-trace-id"])
        let expected = [
            "GET /orders/:id of iii", "  execute traced::order",
            "    execute traced::price", "    enqueue traced::mail → default of iii",
            "      fn_queue default of iii", "        execute traced::mail",
        ]
        let seen = try eventually("all spans are there and have ended") { () -> [String]? in
            let seen = try tree(client, trace)
            let isComplete = expected.allSatisfy { line in
                seen.contains { $0.trimmed.hasPrefix(line.trimmed) }
            }
            return isComplete ? seen : nil
        }
        // What the handler enqueues stands below the handler's own span.
        #expect(seen.first == "GET /orders/:id of iii", "\(seen.joined(separator: "\n"))")
        #expect(seen.filter { !$0.hasPrefix(" ") }.count == 1, "one root: \(seen)")
        for line in expected {
            #expect(seen.contains { $0.hasPrefix(line) }, "\(seen.joined(separator: "\n"))")
        }

        func told() throws -> [String] {
            let reply = try client.ask("engine::logs::list", ["trace_id": trace])
            let result = try #require(reply["result"] as? Envelope)
            return (result["logs"] as? [Envelope] ?? []).compactMap { $0["body"] as? String }
        }
        _ = try eventually("both lines are listed by the trace") {
            try told().sorted() == ["mail sent", "order accepted"] ? () : nil
        }

        // What is listed comes from the log: it is still there after a kill.
        engine.kill9()
        try engine.start()
        client = try RawWorker.ready(engine)
        #expect(try told().sorted() == ["mail sent", "order accepted"])
        #expect(try tree(client, trace).sorted() == seen.sorted())
    }

    @Test("A line is listed as soon as the call that wrote it was answered")
    func readsItsWrites() throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine)
        for number in 1...50 {
            _ = try client.ask("engine::log::info", ["message": "line \(number)"])
            let reply = try client.ask("engine::logs::list", ["limit": 1])
            let result = try #require(reply["result"] as? Envelope)
            let newest = (result["logs"] as? [Envelope])?.first
            #expect(newest?["body"] as? String == "line \(number)")
            #expect(result["total"] as? Int == number)
        }
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
