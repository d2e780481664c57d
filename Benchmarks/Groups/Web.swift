import Glibc

/// The same request over HTTP, answered with the same 256 bytes: by a worker behind this engine,
/// which has recorded request and response before the answer leaves, and by servers that record
/// nothing.
enum Web {
    static let bench = "HTTP, JSON in and out"
    static let swift = "iii, Swift worker"
    static let python = "iii, Python iii-sdk"
    static let fastAPI = "FastAPI, one process"
    static let node = "Node http"

    static let loads = [Load(connections: 64, depth: 1), Load(connections: 512, depth: 1)]

    /// What every request is answered with.
    static let body = "{\"ok\":true,\"text\":\"\(String(repeating: "x", count: 256 - 21))\"}"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        guard loads.contains(where: { settings.wants($0.name) }) else { return }
        try Crowd.raiseLimit(connections: 1000)
        // The engine must answer; a peer that is missing is a row that says so.
        try measure(swift, WebServer.swift(settings), settings, row)
        for (system, start) in peers {
            do throws(Failure) {
                try measure(system, start(settings), settings, row)
            } catch {
                row(Peer.missing(bench, system, settings.clients ?? "all", error))
            }
        }
    }

    private typealias Start = @Sendable (Settings) throws(Failure) -> WebServer

    private static let peers: [(String, Start)] = [
        (python, { (settings) throws(Failure) in try .python(settings, telemetry: true) }),
        (
            "\(python), no telemetry",
            { (settings) throws(Failure) in try .python(settings, telemetry: false) }
        ),
        (fastAPI, { (settings) throws(Failure) in try .fastAPI(settings, processes: 1) }),
        (
            "FastAPI, two processes",
            { (settings) throws(Failure) in try .fastAPI(settings, processes: 2) }
        ),
        (node, { (settings) throws(Failure) in try .node(settings) }),
        ("nginx, a fixed body", { (settings) throws(Failure) in try .nginx(settings) }),
    ]

    private static func measure(
        _ system: String,
        _ server: WebServer,
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        try server.awaitAnswer()
        for load in loads where settings.wants(load.name) {
            let pipe = try Pipeline(load, port: server.port, on: Reactor(), settings.plan) {
                (_, _) in WebServer.request(to: server.port)
            }
            let served = try Child.serve(server.children, pipe.run)
            row(Measurement(bench, system, clients: load.name, served, notes: server.note))
        }
    }
}

/// A server that answers `POST /bench`.
final class WebServer {
    let port: UInt16
    /// Whose processor time counts.
    let children: [Child]
    let note: String
    private let scratch: Scratch?
    private let engine: EngineProcess?

    private init(port: UInt16, _ child: Child, _ scratch: Scratch, note: String) {
        self.port = port
        children = [child]
        self.note = note
        self.scratch = scratch
        engine = nil
    }

    /// An engine, and a worker of another process.
    private init(
        _ settings: Settings,
        note: String,
        worker command: (Settings) throws(Failure) -> [String]
    ) throws(Failure) {
        let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
        let worker = try Child(
            ["env", "III_URL=ws://127.0.0.1:\(engine.worker)"] + command(settings),
            log: "\(settings.scratch)/worker.log"
        )
        port = engine.http
        children = [engine.child, worker]
        self.note = note
        self.engine = engine
        scratch = nil
    }

    static func swift(_ settings: Settings) throws(Failure) -> WebServer {
        try WebServer(settings, note: "recorded durably; with the worker's processor time") { _ in
            [Child.neighbour("bench-worker"), Web.body]
        }
    }

    static func python(_ settings: Settings, telemetry: Bool) throws(Failure) -> WebServer {
        try WebServer(settings, note: "recorded durably; with the worker's processor time") {
            (_) throws(Failure) in
            let switches = telemetry ? [] : ["OTEL_ENABLED=false"]
            let python = try Child.python("III_BENCH_PYTHON")
            return switches + [python, "Benchmarks/Peers/web_worker.py", Web.body]
        }
    }

    static func fastAPI(_ settings: Settings, processes: Int) throws(Failure) -> WebServer {
        let scratch = try Scratch(in: settings.scratch)
        let port = try Link.freePort()
        let python = try Child.python("III_BENCH_PEERS_PYTHON")
        let child = try Child(
            [
                "env", "III_BENCH_BODY=\(Web.body)", python, "-m", "uvicorn", "--app-dir",
                "Benchmarks/Peers", "web_app:app", "--host", "127.0.0.1", "--port", "\(port)",
                "--loop", "uvloop", "--http", "httptools", "--workers", "\(processes)",
                "--no-access-log", "--backlog", "4096",
            ],
            log: "\(scratch.path)/uvicorn.log",
            stopSignal: SIGTERM
        )
        return WebServer(port: port, child, scratch, note: "uvicorn, uvloop, httptools")
    }

    static func node(_ settings: Settings) throws(Failure) -> WebServer {
        let scratch = try Scratch(in: settings.scratch)
        let port = try Link.freePort()
        let child = try Child(
            ["node", "Benchmarks/Peers/web_server.js", "\(port)", Web.body],
            log: "\(scratch.path)/node.log"
        )
        return WebServer(port: port, child, scratch, note: "")
    }

    static func nginx(_ settings: Settings) throws(Failure) -> WebServer {
        let scratch = try Scratch(in: settings.scratch)
        let port = try Link.freePort()
        let path = scratch.path
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(path)/\($0);"
        }
        try File.write(
            """
            daemon off;
            \(geteuid() == 0 ? "user root;" : "")
            worker_processes 1;
            pid \(path)/pid;
            error_log \(path)/error.log;
            events { worker_connections 4096; }
            http {
                access_log off;
                keepalive_requests 1000000000;
                default_type application/json;
                \(temporary.joined(separator: "\n    "))
                server {
                    listen 127.0.0.1:\(port) backlog=4096;
                    location /bench { return 200 '\(Web.body)'; }
                }
            }

            """,
            to: "\(path)/nginx.conf"
        )
        let child = try Child(
            // Debian's place, which is not on everybody's path.
            ["/usr/sbin/nginx", "-p", path, "-c", "\(path)/nginx.conf"],
            log: "\(path)/nginx.log",
            stopSignal: SIGTERM
        )
        return WebServer(port: port, child, scratch, note: "the floor: nothing runs")
    }

    // MARK: Asking

    static func request(to port: UInt16) -> Dialogue {
        let data = InvocationLoad.data
        let text = """
            POST /bench HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\
            Content-Type: application/json\r\nContent-Length: \(data.utf8.count)\r\n\r\n\(data)
            """
        var reader = ResponseReader(bodyBytes: Web.body.utf8.count)
        return Dialogue(request: Array(text.utf8)) { (bytes) throws(Failure) in
            try reader.extent(bytes).map { Answer(extent: $0) }
        }
    }

    func awaitAnswer() throws(Failure) {
        try Self.awaitAnswer(from: port) { () throws(Failure) in
            for child in children { try child.check() }
        }
    }

    /// Asks until there is an answer: a worker's route comes after the engine's port.
    static func awaitAnswer(
        from port: UInt16,
        _ check: () throws(Failure) -> Void = {}
    ) throws(Failure) {
        let deadline = Monotonic.now() + 20_000_000_000
        while true {
            try check()
            do throws(Failure) {
                let reactor = Reactor()
                let link = try Link(port: port)
                try reactor.add(link)
                let dialogue = request(to: port)
                try reactor.exchange(dialogue.request, on: link, what: "response") {
                    (bytes) throws(Failure) -> Reactor.Step<Void> in
                    try dialogue.take(bytes).map { .done((), $0.extent) } ?? .notWhole
                }
                return
            } catch {
                if Monotonic.now() > deadline { throw error }
            }
            usleep(20_000)
        }
    }
}

/// Finds the end of one response after the other; they look alike, so little of each is looked at.
struct ResponseReader {
    private var headEnd = FieldFinder("\r\n\r\n")
    /// As this server spells it; nil before the first response.
    private var length: FieldFinder?
    private let bodyBytes: Int

    private static let start = Array("HTTP/1.1 200".utf8)

    /// - Parameter bodyBytes: that every response has.
    init(bodyBytes: Int) { self.bodyBytes = bodyBytes }

    /// Bytes of the response at the beginning; nil while it is not whole.
    mutating func extent(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
        guard let head = headEnd.find(in: bytes) else { return nil }
        guard bytes.starts(with: Self.start) else {
            throw Failure("answered with \(bytes.text(0..<head))")
        }
        var finder = length ?? Self.length(in: bytes.text(0..<head))
        guard let place = finder?.find(in: bytes), place < head else {
            throw Failure("a response without content-length: \(bytes.text(0..<head))")
        }
        length = finder
        let digits = bytes[place..<head].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
        let count = digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
        guard count == bodyBytes else {
            throw Failure("a body of \(count) bytes, not \(bodyBytes)")
        }
        return bytes.count >= head + count ? head + count : nil
    }

    private static func length(in head: String) -> FieldFinder? {
        for line in head.split(separator: "\r\n")
        where line.lowercased().hasPrefix("content-length: ") {
            return FieldFinder(String(line.prefix("content-length: ".utf8.count)))
        }
        return nil
    }
}
