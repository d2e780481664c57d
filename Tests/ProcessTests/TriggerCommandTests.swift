import Foundation
import Testing

extension LongPrograms {
    /// `iii trigger`: what it prints, and how it exits.
    @Suite("Trigger command")
    struct TriggerCommandTests {
        let scratch: Scratch

        init() throws {
            scratch = try Scratch()
        }
    }
}

extension LongPrograms.TriggerCommandTests {
    private func trigger(_ url: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            [Project.engine, "trigger"] + arguments,
            label: "trigger-\(Deadline.now)",
            in: scratch,
            environment: ["III_URL": url]
        )
    }

    @Test("iii trigger prints the result and exits with 0")
    func triggerSucceeds() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["add::fn"])
        let command = try trigger(engine.url, "add::fn", "name=Ada", "n=3")
        let dispatch = try worker.dispatch("add::fn")
        let data = try #require(dispatch["data"] as? Envelope)
        #expect(data["name"] as? String == "Ada")
        #expect(data["n"] as? Int == 3)
        try worker.answer(dispatch, ["sum": 7])
        #expect(try command.wait() == .exit(0), "\(command.errors)")
        let result = JSON.value(command.output) as? Envelope
        #expect(result?["sum"] as? Int == 7, "\(command.output)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("iii trigger prints null where nothing is returned")
    func triggerNothing() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let command = try trigger(engine.url, "state::get", "scope=s", "key=none")
        #expect(try command.wait() == .exit(0), "\(command.errors)")
        #expect(command.output == "null\n")
        #expect(command.errors.isEmpty, "\(command.errors)")
    }

    @Test("iii trigger --trace tells the trace before there is an answer, and the log knows it")
    func triggerTraced() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["traced::fn"])
        let command = try trigger(engine.url, "traced::fn", "--trace")
        let dispatch = try worker.dispatch("traced::fn")
        let parent = try #require(dispatch["traceparent"] as? String)
        let id = String(parent.split(separator: "-")[1])
        let told = "trace: \(id)\niii-log replay \(id)\n"
        #expect(command.errors == told)
        try worker.answer(dispatch, 1)
        #expect(try command.wait() == .exit(0), "\(command.errors)")
        #expect(command.output == "1\n" && command.errors == told)
        let replayed = try engine.log("replay", id)
        #expect(replayed.output.contains("traced::fn"), "\(replayed.all)")

        let enqueued = try trigger(engine.url, "traced::fn", "--enqueue", "default", "--trace")
        #expect(try enqueued.wait() == .exit(0), "\(enqueued.errors)")
        let trace = try #require(JSON.object(enqueued.output)["traceId"] as? String)
        #expect(enqueued.errors.hasPrefix("trace: \(trace)\n"), "\(enqueued.errors)")
        let delivery = try worker.dispatch("traced::fn")
        #expect((delivery["traceparent"] as? String)?.contains(trace) == true)
    }

    @Test("iii trigger exits with 1 when the function fails, and says why")
    func triggerFails() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["bad::fn"])
        let command = try trigger(engine.url, "bad::fn")
        try worker.fail(worker.dispatch("bad::fn"), "smtp down")
        #expect(try command.wait() == .exit(1), "\(command.errors)")
        #expect(command.errors.contains("smtp down"), "\(command.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("iii trigger --enqueue exits with 4 when there is no such queue, and says what helps")
    func triggerWithoutQueue() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let command = try trigger(engine.url, "any::fn", "--enqueue", "nosuch")
        #expect(try command.wait() == .exit(4), "\(command.errors)")
        #expect(command.errors.contains("no queue 'nosuch'"), "\(command.errors)")
        #expect(command.errors.contains("`iii queue define` makes one"), "\(command.errors)")
        #expect(command.output.isEmpty)
    }

    @Test("iii trigger exits with 3 when no engine is there, and names the address")
    func triggerWithoutEngine() throws {
        let port = try HeldPort().port
        let command = try trigger("ws://127.0.0.1:\(port)", "any::fn", "--wait", "1s")
        #expect(try command.wait() == .exit(3), "\(command.errors)")
        #expect(command.errors.contains("127.0.0.1:\(port)"), "\(command.errors)")
    }

    @Test("iii trigger exits with 4 for an unknown function, and names it")
    func triggerUnknown() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let command = try trigger(engine.url, "no::such", "--wait", "1s")
        #expect(try command.wait() == .exit(4), "\(command.errors)")
        #expect(command.errors.contains("no::such"), "\(command.errors)")
        // Nothing of the engine's own is in a namespace that is named.
        let elsewhere = try trigger(engine.url, "state::get", "scope=s", "key=k", "-n", "zz")
        #expect(try elsewhere.wait() == .exit(4), "\(elsewhere.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("What somebody has put into an error does not get hold of a terminal")
    func terminal() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let name = "no\u{1B}[2Jsuch"
        let piped = try run([Project.engine, "trigger", name, "--engine", engine.url], in: scratch)
        #expect(piped.ending == .exit(4), "\(piped.all)")
        #expect(piped.errors.contains(name), "\(piped.all)")
        let quoted = "\"$(printf 'no\\033[2Jsuch')\""
        let line = "\(Project.engine) trigger \(quoted) --engine \(engine.url)"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: scratch)
        #expect(shown.ending == .exit(4), "\(shown.all)")
        #expect(shown.output.contains("no\\u001b[2Jsuch"), "\(shown.all)")
        #expect(!shown.output.contains("\u{1B}[2J"), "\(shown.all)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("iii trigger takes the engine as a host and a port, and the time in milliseconds")
    func triggerElsewhere() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["slow::fn"])
        let nobody = "ws://127.0.0.1:1"
        let port = try #require(engine.url.split(separator: ":").last.map(String.init))
        let known = ["state::get", "scope=s", "key=none", "--port", port]
        for address in [[], ["--address", "127.0.0.1"], ["--address", "localhost"]] {
            let arguments = [Project.engine, "trigger"] + known + address
            let done = try run(arguments, in: scratch, environment: ["III_URL": nobody])
            #expect(done.ending == .exit(0), "\(done.all)")
        }
        let command = try trigger(engine.url, "slow::fn", "--timeout-ms", "300")
        _ = try worker.dispatch("slow::fn")
        #expect(try command.wait() == .exit(5), "\(command.errors)")
        let twice = try trigger(nobody, "a::b", "--engine", engine.url, "--port", port)
        #expect(try twice.wait() == .exit(2), "\(twice.errors)")
    }

    @Test("iii trigger exits with 5 when the answer does not come in time")
    func triggerTimesOut() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["slow::fn"])
        let command = try trigger(engine.url, "slow::fn", "--timeout", "300ms")
        _ = try worker.dispatch("slow::fn")
        #expect(try command.wait() == .exit(5), "\(command.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }
}
