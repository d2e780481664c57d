import Foundation
import Testing

extension Programs {
    /// `iii-log replay` in its other forms, and against live workers.
    @Suite("Replays from the command line")
    struct ReplayCommandTests {}
}

extension LongPrograms {
    @Suite("Replays on workers of the public SDK")
    struct LiveReplayTests {}
}

/// A function that writes the state, by hand, as an SDK that knows of observers serves it.
private struct Till {
    let engine: EngineProcess
    let worker: RawWorker
    let client: RawWorker

    init() throws {
        engine = try EngineProcess.started()
        worker = try RawWorker(engine)
        try worker.register("sale::order")
        let words: Envelope = [
            "runtime": "python", "version": "0.25.0", "features": ["observe.v1"],
        ]
        _ = try worker.ask("engine::workers::register", words)
        client = try RawWorker.ready(engine)
    }

    /// What the state was answered that the function writes in the course of `dispatch`.
    func write(_ value: Int, in dispatch: Envelope) throws -> Envelope {
        let id = UUID().uuidString.lowercased()
        let data: Envelope = ["scope": "s", "key": "k", "value": value]
        let call: Envelope = [
            "type": "invokefunction", "invocation_id": id, "function_id": "state::set",
            "data": data, "traceparent": dispatch["traceparent"] ?? NSNull(),
        ]
        try worker.send(call)
        return try worker.reply(to: id)
    }

    /// Has the function run once, and returns the trace of that.
    func sell() throws -> String {
        let id = try client.call("sale::order", ["n": 1])
        let dispatch = try worker.dispatch("sale::order")
        _ = try write(1, in: dispatch)
        try worker.answer(dispatch, ["ok": true])
        _ = try client.reply(to: id)
        let parent = try #require(dispatch["traceparent"] as? String)
        return try #require(parent.split(separator: "-").dropFirst().first.map(String.init))
    }

    /// Changes a bit of the only record that holds `marker`.
    func flip(_ marker: String) throws {
        let path = "\(engine.data)/log/00000000000000000000.seg"
        let bytes = try #require(FileManager.default.contents(atPath: path))
        let place = try #require(bytes.range(of: Data(marker.utf8))).lowerBound
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: UInt64(place))
        try file.write(contentsOf: Data([bytes[place] ^ 1]))
        try file.close()
    }

    /// Starts a replay of that trace.
    func replay(_ trace: String, _ more: String..., label: String) throws -> ChildProcess {
        try ChildProcess(
            [Project.log, "-D", engine.data, "replay", trace, "--against", engine.url] + more,
            label: label,
            in: engine.scratch
        )
    }
}

extension Programs.ReplayCommandTests {
    @Test("A request is spans for a collector and for trace viewers, and goes by step by step")
    func forms() throws {
        let till = try Till()
        let trace = try till.sell()
        let otlp = try till.engine.log("replay", trace, "--otlp")
        #expect(otlp.ending == .exit(0), "\(otlp.all)")
        let resources = JSON.object(otlp.output)["resourceSpans"] as? [Envelope] ?? []
        let scopes = resources.first?["scopeSpans"] as? [Envelope]
        let span = try #require((scopes?.first?["spans"] as? [Envelope])?.first, "\(otlp.all)")
        #expect(span["name"] as? String == "call sale::order")
        #expect(span["traceId"] as? String == trace)
        let event = (span["events"] as? [Envelope])?.first
        #expect(event?["name"] as? String == "state::set")

        let chrome = try till.engine.log("replay", trace, "--chrome", "--full")
        let events = JSON.object(chrome.output)["traceEvents"] as? [Envelope] ?? []
        let bars = events.filter { $0["ph"] as? String == "X" }
        #expect(bars.compactMap { $0["name"] as? String } == ["call sale::order"], "\(chrome.all)")
        let arguments = bars.first?["args"] as? Envelope
        #expect(JSON.text(arguments?["result"]) == #"{"ok":true}"#)

        // At the end of the input nobody wants to see more.
        let first = try till.engine.log("replay", trace, "--step")
        #expect(first.ending == .exit(0), "\(first.all)")
        #expect(first.output.contains("sale::order on"))
        #expect(!first.output.contains("state::set"))
        let script = "printf '\\nq\\n\\n' | \"$0\" -D \"$1\" replay \"$2\" --step"
        let second = try run(
            ["/bin/sh", "-c", script, Project.log, till.engine.data, trace],
            in: till.engine.scratch
        )
        #expect(second.ending == .exit(0), "\(second.all)")
        #expect(second.output.contains("state::set s/k = 1"))
        #expect(!second.output.contains("completed"))

        let both = try till.engine.log("replay", trace, "--otlp", "--chrome")
        #expect(both.ending == .exit(2), "\(both.all)")
        #expect(both.errors.contains("error[usage]"), "\(both.all)")
    }

    @Test("A run is repeated on its worker, what it calls is answered, and nothing is done")
    func against() throws {
        let till = try Till()
        let trace = try till.sell()
        let same = try till.replay(trace, "--diff", label: "same")
        let again = try till.worker.dispatch("sale::order")
        #expect((again["data"] as? Envelope)?["n"] as? Int == 1)
        let written = try till.write(1, in: again)
        #expect(JSON.text(written["result"]) == #"{"new_value":1,"old_value":null}"#)
        try till.worker.answer(again, ["ok": true])
        #expect(try same.wait() == .exit(0), "\(same.output)\(same.errors)")
        #expect(same.errors.contains("nothing differs"), "\(same.errors)")

        let other = try till.replay(trace, "--diff", label: "other")
        let third = try till.worker.dispatch("sale::order")
        _ = try till.write(2, in: third)
        try till.worker.answer(third, ["ok": false])
        #expect(try other.wait() == .exit(1), "\(other.output)\(other.errors)")
        #expect(other.output == "state s/k $: 1 -> 2\nresult $.ok: true -> false\n")
        let state = try till.client.ask("state::get", ["scope": "s", "key": "k"])
        #expect(state["result"] as? Int == 1)

        // What comes when it is over is not done either.
        let late = try till.write(3, in: third)
        #expect((late["error"] as? Envelope)?["code"] as? String == "REPLAY_OVER")

        let plain = try till.replay(trace, label: "plain")
        try till.worker.fail(till.worker.dispatch("sale::order"), "it broke")
        #expect(try plain.wait() == .exit(1))
        #expect(plain.errors.contains("error[invocation_failed]: it broke"), "\(plain.errors)")
        let verified = try till.engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("Damage is told before a run is repeated over it, and counts for more than its end")
    func damaged() throws {
        let till = try Till()
        let marker = "find me in the log"
        _ = try till.client.ask("state::set", ["scope": "s", "key": "marked", "value": marker])
        let trace = try till.sell()
        try till.flip(marker)
        let other = try till.replay(trace, "--diff", label: "other")
        let again = try till.worker.dispatch("sale::order")
        // Nothing has ended yet, and it is told.
        try eventually("the damage is told") {
            other.errors.contains("note: the log is damaged") ? () : nil
        }
        try till.worker.answer(again, ["ok": false])
        #expect(try other.wait() == .exit(65), "\(other.output)\(other.errors)")
        #expect(other.output.contains("result $.ok: true -> false"), "\(other.output)")
        #expect(other.errors.contains("error[log.damaged]"), "\(other.errors)")

        let plain = try till.replay(trace, label: "plain")
        try till.worker.fail(till.worker.dispatch("sale::order"), "it broke")
        #expect(try plain.wait() == .exit(65), "\(plain.errors)")
        #expect(plain.errors.contains("error[invocation_failed]: it broke"), "\(plain.errors)")
    }

    @Test("What cannot be repeated is told with its code")
    func refused() throws {
        let till = try Till()
        let trace = try till.sell()
        func outcome(_ arguments: String...) throws -> Outcome {
            try run(
                [Project.log, "-D", till.engine.data, "replay"] + arguments,
                in: till.engine.scratch
            )
        }
        let alone = try outcome(trace, "--against", "ws://127.0.0.1:1")
        #expect(alone.ending == .exit(3), "\(alone.all)")
        #expect(alone.errors.contains("error[cannot_connect]"), "\(alone.all)")
        #expect(try outcome(trace, "--against", till.engine.url, "--chrome").ending == .exit(2))
        let slow = try outcome(trace, "--against", till.engine.url, "--timeout", "1")
        #expect(slow.ending == .exit(5), "\(slow.all)")
        let old = try RawWorker.ready(till.engine, functions: ["old::f"])
        let id = try till.client.call("old::f", [:])
        let dispatch = try old.dispatch("old::f")
        try old.answer(dispatch, 1)
        _ = try till.client.reply(to: id)
        let parent = try #require(dispatch["traceparent"] as? String)
        let told = try outcome(parent, "--against", till.engine.url)
        #expect(told.ending == .exit(1), "\(told.all)")
        #expect(told.errors.contains("error[REPLAY_UNSUPPORTED]"), "\(told.all)")
    }
}

extension LongPrograms.LiveReplayTests {
    @Test("A handler of iii-sdk 0.25 runs again: its calls and messages come out of the log")
    func python() throws {
        let engine = try EngineProcess.started()
        let worker = try PythonWorker(
            sdk: "0.25.0",
            ["\(Project.fixtures)/traced_worker.py"],
            engine: engine
        )
        let answer = try eventually("GET /orders/7 is answered with 201", within: 90) {
            try worker.check()
            let answer = try HTTPClient.get(engine.httpPort, "/orders/7")
            return answer.status == 201 ? answer : nil
        }
        let trace = try #require(answer.headers["x-iii-trace-id"])
        func records(_ kind: String) throws -> Int {
            let shown = try engine.log("show", "--kind", kind, "-n", "1000", "-o", "json")
            return shown.output.split(separator: "\n").count
        }
        try eventually("the mail was sent") { try records("acked") > 0 ? () : nil }
        let sent = try records("enqueued")
        let replayed = try engine.log("replay", trace, "--against", engine.url, "--diff")
        #expect(replayed.ending == .exit(0), "\(replayed.all)")
        #expect(replayed.output == "")
        #expect(replayed.errors.contains("nothing differs"), "\(replayed.all)")
        #expect(try records("enqueued") == sent)
        let shown = try engine.log("show", "--kind", "triggered", "-n", "1000")
        #expect(shown.output.contains("replay by "), "\(shown.all)")
        try worker.stop()
    }
}
