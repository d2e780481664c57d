import Foundation
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

    @Test("Clients leave the log its descriptors, and other clients some")
    func reserve() throws {
        // Each event loop has some, and there is one for each processor but one.
        let loops = max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        let limit = 600 + 4 * loops
        let limited = ["/usr/bin/prlimit", "--nofile=64:\(limit)"]
        let engine = EngineProcess(in: try Scratch(), launcher: limited)
        try engine.start()
        let told = engine.errors
        #expect(told.contains("\(limit) file descriptors (RLIMIT_NOFILE)"), "\(told)")
        #expect(told.contains("http.max_connections: at most "), "\(told)")
        let crowd = try (0..<500).map { _ in try TCPSocket(port: engine.httpPort) }
        func open() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(engine.pid)/fd").count
        }
        try eventually("clients are let in") { try open() > 200 ? () : nil }
        var (last, looks) = (0, 0)
        try eventually("nobody is let in any more") {
            let count = try open()
            looks = count == last ? looks + 1 : 0
            last = count
            return looks == 20 ? () : nil
        }
        #expect(try open() < 450 + 4 * loops)
        // A listener has some that nobody else takes from it.
        let workers = try (0..<20).map { _ in try RawWorker(engine) }
        #expect(workers.allSatisfy { $0.greeting["worker_id"] is String })
        withExtendedLifetime(crowd) {}
    }

    @Test("With too few there is no start: exit 78, and how many it takes")
    func tooFew() throws {
        let limited = ["/usr/bin/prlimit", "--nofile=64:200"]
        let outcome = try EngineProcess(in: try Scratch(), launcher: limited).refused()
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        #expect(outcome.errors.contains("RLIMIT_NOFILE"), "\(outcome.all)")
        #expect(outcome.errors.contains("LimitNOFILE="), "\(outcome.all)")
    }

    @Test("Where the standard streams are closed, no file of the engine takes their place")
    func closedStreams() throws {
        let closed = ["/bin/sh", "-c", "exec \"$@\" 0<&- 1>&- 2>&-", "sh"]
        let engine = EngineProcess(in: try Scratch(), launcher: closed)
        try engine.start()
        for stream in 0...2 {
            let link = "/proc/\(engine.pid)/fd/\(stream)"
            let file = try FileManager.default.destinationOfSymbolicLink(atPath: link)
            #expect(file == "/dev/null", "stream \(stream)")
        }
    }
}
