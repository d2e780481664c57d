import Glibc

/// An `iii` engine of its own, with free ports.
final class EngineProcess {
    let worker: UInt16
    let http: UInt16
    let stream: UInt16
    let dashboard: UInt16?
    /// Nanoseconds from exec to the moment at which all ports listen.
    let startNanoseconds: UInt64
    let child: Child
    private let scratch: Scratch

    /// - Parameters:
    ///   - program: the path of `iii`.
    ///   - parent: where its directory goes.
    ///   - concurrency: how many messages of the queue `bench` may be worked on at once.
    ///   - watched: what is served and kept of what it does.
    /// - Throws: when it does not start.
    convenience init(
        program: String,
        in parent: String,
        concurrency: Int = 1024,
        watched: Watched = .byNobody
    ) throws(Failure) {
        try self.init(
            program: program,
            on: try Scratch(in: parent),
            concurrency: concurrency,
            watched: watched
        )
    }

    /// Whether the dashboard is served, and whether the engine's own spans are kept.
    enum Watched: String {
        case byNobody = "dashboard = false"
        case inTheDark = "dashboard = false\ntracing = false"
        case onDashboard = "dashboard_address = \"127.0.0.1:0\""
    }

    /// An engine on what is in a directory already, within `limit`. `log` are lines of the section
    /// of that name.
    init(
        program: String,
        on scratch: Scratch,
        concurrency: Int = 1024,
        log: String = "",
        watched: Watched = .byNobody,
        limit: MemoryLimit? = nil
    ) throws(Failure) {
        self.scratch = scratch
        let path = scratch.path
        unlink("\(path)/ports.json")
        try File.write(Self.configuration(concurrency, log, watched), to: "\(path)/iii.toml")
        let ports = "\(path)/ports.json"
        let start = Monotonic.now()
        let command = [
            program, "serve", "--config", "\(path)/iii.toml", "--data", "\(path)/data",
            "--ports-file", ports,
        ]
        child = try Child(limit?.limiting(command) ?? command, log: "\(path)/engine.log")
        let deadline = start + 120_000_000_000
        var text = ""
        while !text.hasSuffix("}\n") && !text.hasSuffix("}") {
            try child.check()
            if Monotonic.now() > deadline {
                throw Failure("\(program) does not listen after 120 s")
            }
            usleep(200)
            text = File.text(ports)
        }
        startNanoseconds = Monotonic.now() - start
        worker = try Self.port("worker", text)
        http = try Self.port("http", text)
        stream = try Self.port("stream", text)
        dashboard = watched == .onDashboard ? try Self.port("dashboard", text) : nil
    }

    private static func configuration(
        _ concurrency: Int,
        _ log: String,
        _ watched: Watched
    ) -> String {
        """
        [engine]
        address = "127.0.0.1:0"
        [http]
        address = "127.0.0.1:0"
        [stream]
        address = "127.0.0.1:0"
        [observability]
        \(watched.rawValue)
        [queue.queues.bench]
        concurrency = \(concurrency)
        [log]
        \(log)
        """
    }

    private static func port(_ name: String, _ text: String) throws(Failure) -> UInt16 {
        let parts = text.split { ", :{}\"\n".contains($0) }
        guard let index = parts.firstIndex(of: name[...]), index + 1 < parts.count,
            let port = UInt16(parts[index + 1])
        else { throw Failure("the ports file has no port for \(name): \(text)") }
        return port
    }
}
