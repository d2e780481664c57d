import Testing

extension Programs {
    /// The line that tells somebody who waits at a terminal what for.
    @Suite("Progress on a terminal")
    struct ProgressTests {
        let engine: EngineProcess

        init() throws { engine = try EngineProcess.started() }
    }
}

extension Programs.ProgressTests {
    @Test("Who waits longer than a second is told, on a terminal, and the line goes away again")
    func waiting() throws {
        let worker = try RawWorker.ready(engine, functions: ["slow::fn"])
        let line = "\(Project.engine) trigger slow::fn --timeout 3s --engine \(engine.url)"
        let shown = try run(
            ["/usr/bin/script", "-qec", line, "/dev/null"],
            in: engine.scratch,
            environment: ["TERM": "xterm"]
        )
        #expect(shown.ending == .exit(5), "\(shown.all)")
        #expect(shown.output.contains("\rwaiting for slow::fn: 1 s\u{1B}[K"), "\(shown.all)")
        #expect(shown.output.contains("\r\u{1B}[K"), "\(shown.all)")
        // What is said in the end stands behind it.
        let parts = shown.output.split(separator: "\r\u{1B}[K", omittingEmptySubsequences: false)
        #expect(parts.last?.contains("TIMEOUT") == true, "\(shown.all)")
        #expect(parts.last?.contains("waiting for") == false, "\(shown.all)")
        let piped = try run(
            [Project.engine, "trigger", "slow::fn", "--timeout", "2s", "--engine", engine.url],
            in: engine.scratch
        )
        #expect(!piped.errors.contains("waiting for"), "\(piped.all)")
        // It was called, and answers nobody.
        _ = try worker.dispatch("slow::fn")
    }

    @Test("What is quick says nothing beside its answer, on a terminal neither")
    func quick() throws {
        let line = "\(Project.log) -D \(engine.data) verify"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: engine.scratch)
        #expect(shown.ending == .exit(0), "\(shown.all)")
        #expect(!shown.output.contains("reading:"), "\(shown.all)")
    }
}
