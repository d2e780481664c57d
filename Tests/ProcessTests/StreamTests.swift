import Foundation
import Testing

extension Programs {
    /// Bodies and responses over HTTP that functions stream (services 1, A.4 to A.7).
    @Suite("Streams over HTTP")
    struct StreamTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started()
        }
    }
}

extension Programs.StreamTests {
    private func start(_ sdk: String) throws -> (PythonWorker, RawWorker) {
        let python = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/channels.py"],
            engine: engine
        )
        let caller = try RawWorker.ready(engine)
        try caller.waitFor("channel::heard", of: python)
        // The triggers come behind the functions.
        _ = try eventually("the last route is there") {
            try HTTPClient.get(engine.httpPort, "/stream/status_only").status == 418 ? () : nil
        }
        return (python, caller)
    }

    @Test(
        "Python streams what it answers, and reads what it is sent",
        arguments: ["0.25.0", "0.11.6"]
    )
    func python(sdk: String) throws {
        let (python, _) = try start(sdk)
        let download = try HTTPStream("GET", "/stream/download?mib=3", port: engine.httpPort)
        let head = try download.readHead()
        #expect(head.status == 201)
        #expect(head.headers["content-type"] == "text/plain")
        #expect(head.headers["x-a"] == "2")
        #expect(head.headers["x-iii-trace-id"] != nil)
        #expect(try download.readBody() == [UInt8](repeating: 0x78, count: 3 << 20))
        try digest(
            [UInt8](repeating: 9, count: 5 << 20),
            type: "text/plain",
            sha256: "7dce4356c7e6dcacfa509b458c00fb3afb71f1911c946120c01cd4360c28d942"
        )
        try digest(
            Array("{ \"a\" : [1, 2] }".utf8),
            type: "application/json",
            sha256: "98e57a6ae3c70cf73ab26fc8f7a1154ee34e330d850ce62c69331e86667e630c"
        )
        try echo()
        try python.stop()
    }

    /// The function reads it from its channel, and has it as a value if it is JSON.
    private func digest(_ body: [UInt8], type: String, sha256: String) throws {
        let stream = try HTTPStream(
            "POST",
            "/stream/digest",
            port: engine.httpPort,
            length: body.count,
            type: type
        )
        try stream.send(body)
        #expect(try stream.readHead().status == 200)
        let answer = JSON.object(String(decoding: try stream.readBody(), as: UTF8.self))
        #expect(answer["bytes"] as? Int == body.count)
        #expect((answer["body"] is NSNull) == (type != "application/json"))
        #expect(answer["sha256"] as? String == sha256)
    }

    /// The response begins before the request has ended.
    private func echo() throws {
        let piece = (0..<(128 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let rounds = 40
        let stream = try HTTPStream(
            "POST",
            "/stream/echo",
            port: engine.httpPort,
            length: rounds * piece.count
        )
        try stream.send(piece)
        #expect(try stream.readHead().headers["content-type"] == "application/x-echo")
        var echoed: [UInt8] = []
        while echoed.count < piece.count, let chunk = try stream.readChunk() { echoed += chunk }
        for _ in 1..<rounds {
            try stream.send(piece)
            while echoed.count < 2 * piece.count, let chunk = try stream.readChunk() {
                echoed += chunk
            }
            #expect(Array(echoed[..<piece.count]) == piece)
            echoed.removeFirst(piece.count)
        }
        #expect(echoed == piece)
        #expect(try stream.readChunk() == nil)
    }

    @Test("Server-sent events arrive one by one", arguments: ["0.25.0", "0.16.1"])
    func events(sdk: String) throws {
        let (python, caller) = try start(sdk)
        let stream = try HTTPStream("GET", "/stream/events", port: engine.httpPort)
        #expect(try stream.readHead().headers["content-type"] == "text/event-stream")
        for number in 0..<3 {
            #expect(try stream.readChunk() == Array("data: \(number)\n\n".utf8))
            _ = try caller.ask("channel::heard", ["number": number])
        }
        #expect(try stream.readChunk() == nil)
        try python.stop()
    }
}

// MARK: - With a worker made by hand

extension Programs.StreamTests {
    /// A worker with one route to a function of its own.
    private func route(_ method: String) throws -> RawWorker {
        let worker = try RawWorker.ready(engine, functions: ["by::hand"])
        try worker.send([
            "type": "registertrigger", "id": UUID().uuidString.lowercased(),
            "trigger_type": "http", "function_id": "by::hand",
            "config": ["api_path": "hand", "http_method": method],
        ])
        // Answered behind the registration.
        _ = try worker.ask("engine::workers::list", [:])
        return worker
    }

    private func end(_ name: String, of dispatch: Envelope) throws -> WebSocket {
        let data = dispatch["data"] as? Envelope ?? [:]
        guard let reference = data[name] as? Envelope else {
            throw Failure("no \(name) in \(JSON.text(dispatch))")
        }
        return try WebSocket(port: engine.workerPort, path: ChannelEnds.path(reference))
    }

    @Test("A body that its function does not read is felt by the client, not by memory")
    func upload() throws {
        let worker = try route("POST")
        let size = 256 << 20
        let stream = try HTTPStream("POST", "/hand", port: engine.httpPort, length: size)
        let dispatch = try worker.dispatch("by::hand")
        let reader = try end("request_body", of: dispatch)
        let before = try engine.residentBytes()
        let accepted = try stream.send([UInt8](repeating: 1, count: size), within: 3)
        #expect(accepted < 64 << 20, "\(accepted) bytes went where nobody reads")
        let grown = try engine.residentBytes() - before
        #expect(grown < 24 << 20, "the engine grew by \(grown) bytes")
        // What was taken is still delivered.
        guard case .binary(let piece)? = try reader.receive(within: 30) else {
            Issue.record("no piece of the body came")
            return
        }
        #expect(piece.count <= 64 << 10)
        try worker.answer(dispatch, ["status_code": 202])
        #expect(try stream.readHead().status == 202)
    }

    @Test("A response that its client does not read is felt by the writer, not by memory")
    func download() throws {
        let worker = try route("GET")
        let stream = try HTTPStream("GET", "/hand", port: engine.httpPort)
        let writer = try end("response", of: worker.dispatch("by::hand"))
        try writer.send(binary: [1])
        try stream.readHead()
        let before = try engine.residentBytes()
        let accepted = try writer.sendUntilStuck(
            [UInt8](repeating: 7, count: 64 << 10),
            limit: 256 << 20
        )
        #expect(accepted < 64 << 20, "\(accepted) bytes went into a response that nobody reads")
        let grown = try engine.residentBytes() - before
        #expect(grown < 24 << 20, "the engine grew by \(grown) bytes")
        stream.disconnect()
        #expect(try writer.ending(within: 30))
    }

    @Test("A writer without a Close, and a value that comes first")
    func precedence() throws {
        let worker = try route("GET")
        let cut = try HTTPStream("GET", "/hand", port: engine.httpPort)
        let first = try worker.dispatch("by::hand")
        let writer = try end("response", of: first)
        try writer.send(binary: Array("half".utf8))
        try cut.readHead()
        try worker.answer(first, ["status_code": 500, "body": "ignored"])
        #expect(try cut.readChunk() == Array("half".utf8))
        writer.disconnect()
        #expect(throws: Failure("the connection ended too early")) { _ = try cut.readChunk() }

        let plain = try HTTPStream("GET", "/hand", port: engine.httpPort)
        let second = try worker.dispatch("by::hand")
        let late = try end("response", of: second)
        try late.send(text: #"{"type":"set_status","status_code":404}"#)
        try worker.answer(second, ["status_code": 203, "body": ["a": 1]])
        #expect(try plain.readHead().status == 203)
        #expect(try plain.readBody() == Array(#"{"a":1}"#.utf8))
        #expect(try late.ending(within: 30))
        #expect(throws: Failure.self) { _ = try end("request_body", of: second) }
    }

    @Test("The log has neither the channels nor their keys")
    func log() throws {
        let worker = try route("GET")
        let stream = try HTTPStream("GET", "/hand", port: engine.httpPort)
        let dispatch = try worker.dispatch("by::hand")
        let data = try #require(dispatch["data"] as? Envelope)
        let reference = try #require(data["response"] as? Envelope)
        let key = try #require(reference["access_key"] as? String)
        try worker.answer(dispatch, ["status_code": 200])
        #expect(try stream.readHead().status == 200)
        let log = try engine.log("show", "-n", "100", "-o", "json").output
        #expect(log.contains("query_params"))
        #expect(!log.contains(key))
        #expect(!log.contains("access_key"))
    }
}

// MARK: - Much

extension Programs.StreamTests {
    @Test(
        "1 GiB up and down in constant memory",
        .enabled(if: Project.environment("III_TEST_LARGE") != nil)
    )
    func large() throws {
        let (python, caller) = try start("0.25.0")
        let before = try engine.residentBytes()
        var watch = Stopwatch()
        let download = try HTTPStream("GET", "/stream/download?mib=1024", port: engine.httpPort)
        try download.readHead()
        #expect(try download.countBody() == 1 << 30)
        watch.lap("download", engine: try engine.residentBytes() - before)
        let upload = try HTTPStream(
            "POST",
            "/stream/digest",
            port: engine.httpPort,
            length: 1 << 30
        )
        let piece = [UInt8](repeating: 3, count: 1 << 20)
        for _ in 0..<1024 { try upload.send(piece) }
        #expect(try upload.readHead().status == 200)
        watch.lap("upload", engine: try engine.residentBytes() - before)
        let ends = try ChannelEnds(caller)
        let reading = try caller.call("channel::read", ["reader": ends.reader])
        let writing = try caller.call(
            "channel::write",
            ["writer": ends.writer, "parts": 1024, "bytes": 1 << 20, "idle": 0]
        )
        let written = try caller.reply(to: writing, within: 300)["result"] as? Envelope ?? [:]
        let read = try caller.reply(to: reading, within: 300)["result"] as? Envelope ?? [:]
        #expect(read["bytes"] as? Int == 1 << 30)
        #expect(read["sha256"] as? String == written["sha256"] as? String)
        watch.lap("channel", engine: try engine.residentBytes() - before)
        let grown = try engine.residentBytes() - before
        #expect(grown < 40 << 20, "the engine grew by \(grown) bytes")
        try python.stop()
    }

    /// Prints what a part took, for whoever runs the large test.
    private struct Stopwatch {
        private var last = Deadline.now

        mutating func lap(_ what: String, engine grown: Int) {
            let seconds = Double(Deadline.now - last) / 1e9
            last = Deadline.now
            print("1 GiB \(what): \(seconds) s, the engine's memory grew by \(grown >> 10) KiB")
        }
    }
}

extension WebSocket {
    /// Whether the connection ends in time, however.
    fileprivate func ending(within seconds: Double) throws -> Bool {
        let deadline = Deadline(in: seconds)
        while !deadline.passed {
            switch try receive(within: Double(deadline.milliseconds) / 1000) {
            case .close, .end: return true
            default: continue
            }
        }
        return false
    }
}
