import Foundation
import Testing

extension Programs {
    /// What the engine says on standard error, and to whom.
    @Suite("The engine's output")
    struct OutputTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension Programs.OutputTests {
    @Test("Whoever does not read it holds up neither requests nor the end")
    func unread() throws {
        let pipe = scratch("errors")
        try #require(mkfifo(pipe, 0o600) == 0)
        // Somebody has it open, and reads nothing.
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        try #require(reader >= 0)
        defer { close(reader) }
        let launcher = ["/bin/sh", "-c", "exec \"$@\" 2> \"$0\"", pipe]
        let engine = EngineProcess(in: scratch, launcher: launcher)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["f"])
        try worker.route("GET", "fail", to: "f")
        let peer = try HTTPPeer(port: engine.httpPort)
        // Each is told of in full: several times what a pipe holds.
        let reason = String(repeating: "x", count: 8 << 10)
        for _ in 0..<40 {
            try peer.request("GET", "/fail")
            try worker.fail(try worker.dispatch("f"), reason)
            #expect(try peer.response().status == 500)
        }
        #expect(try engine.stop() == .exit(0))
    }

    @Test("Calls that a stop cuts off are told of")
    func cutOff() throws {
        let engine = EngineProcess(in: scratch, ["--set", "engine.drain_timeout=100ms"])
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["f"])
        _ = try worker.call("f", [:])
        _ = try worker.dispatch("f")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(engine.errors.contains("did not end within 100ms"), "\(engine.errors)")
    }

    @Test("A start in a directory that is gone is refused where a path needs that: 78")
    func goneDirectory() throws {
        let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" serve"
        let outcome = try run(["/bin/sh", "-c", script, Project.engine], in: scratch)
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        #expect(outcome.errors.contains("error[config.value]"), "\(outcome.all)")
        #expect(outcome.errors.contains("is gone"), "\(outcome.all)")
    }
}
