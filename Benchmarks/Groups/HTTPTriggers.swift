/// Requests over HTTP that a worker's function answers.
enum HTTPTriggers {
    static let bench = "HTTP trigger"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let load = Load(connections: 64, depth: 1)
        let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
        let reactor = Reactor()
        let answerer = try answerer(engine, on: reactor)
        let dialogue = request(to: engine.http)
        let pipe = try Pipeline(load, port: engine.http, on: reactor, settings.plan) { (_, _) in
            dialogue
        }
        let served = try engine.child.serve(pipe.run)
        row(Measurement(bench, "iii", clients: load.name, served))
        withExtendedLifetime(answerer) {}
    }

    /// A worker of this program that answers `POST /bench` at once.
    static func answerer(
        _ engine: EngineProcess,
        on reactor: Reactor
    ) throws(Failure) -> Answerer {
        try Answerer(
            "bench::http",
            result: "{\"status_code\":200,\"body\":{\"ok\":true}}",
            [
                """
                {"type":"registertrigger","id":"00000000-0000-4000-8000-000000000001",\
                "trigger_type":"http","function_id":"bench::http",\
                "config":{"api_path":"bench","http_method":"POST"}}
                """
            ],
            port: engine.worker,
            on: reactor
        )
    }

    static func request(to port: UInt16) -> Dialogue {
        let body = InvocationLoad.data
        let request = """
            POST /bench HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\
            Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)
            """
        return Dialogue(request: Array(request.utf8)) { (bytes) throws(Failure) in
            try responseExtent(bytes).map { Answer(extent: $0) }
        }
    }

    /// Bytes of the whole response at the beginning; nil while it is not whole.
    static func responseExtent(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
        guard let head = WorkerLink.headEnd(bytes) else { return nil }
        let lines = String(decoding: bytes[..<head], as: UTF8.self).lowercased()
        guard lines.hasPrefix("http/1.1 200") else { throw Failure("the engine answered \(lines)") }
        for line in lines.split(separator: "\r\n") where line.hasPrefix("content-length:") {
            let value = line.dropFirst("content-length:".count).drop { $0 == " " }
            guard let length = Int(value) else { break }
            return bytes.count >= head + length ? head + length : nil
        }
        throw Failure("a response without content-length: \(lines)")
    }
}
