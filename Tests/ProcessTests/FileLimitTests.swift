import Testing

extension Programs {
    @Suite("Limit of files")
    struct FileLimitTests {}
}

extension Programs.FileLimitTests {
    @Test("More workers connect than a shell allows files at first")
    func connections() throws {
        // 64 is what the engine starts with, 2048 what it may ask for.
        let limited = ["/usr/bin/prlimit", "--nofile=64:2048"]
        let engine = EngineProcess(in: try Scratch(), launcher: limited)
        try engine.start()
        let workers = try (0..<150).map { _ in try RawWorker(engine) }
        let ids = Set(workers.compactMap { $0.greeting["worker_id"] as? String })
        #expect(ids.count == workers.count)
    }
}
