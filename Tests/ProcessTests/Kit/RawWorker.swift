import Foundation

/// A message of the worker protocol.
typealias Envelope = [String: Any]

/// A worker made by hand: it calls and is called, message by message, in the test's own order.
final class RawWorker {
    let socket: WebSocket
    /// The first message of the connection.
    let greeting: Envelope
    private(set) var inbox: [Envelope] = []
    /// Held, since an engine that nobody holds any more is killed.
    private let engine: EngineProcess

    /// Connects and reads the first message; announces nothing.
    init(
        _ engine: EngineProcess,
        port: Int? = nil,
        path: String = "/",
        headers: [String] = []
    ) throws {
        self.engine = engine
        socket = try WebSocket(port: port ?? engine.workerPort, path: path, headers: headers)
        guard case .text(let text)? = try socket.receive(within: 30) else {
            throw Failure("the connection did not begin with a text message")
        }
        greeting = JSON.object(text)
    }

    /// Connects, registers the functions and announces itself: they can be called from here on.
    static func ready(
        _ engine: EngineProcess,
        functions: [String] = [],
        runtime: String = "python",
        version: String = "0.25.0"
    ) throws -> RawWorker {
        let worker = try RawWorker(engine)
        for function in functions { try worker.register(function) }
        try worker.announce(runtime: runtime, version: version)
        return worker
    }

    // MARK: Sending

    func send(_ message: Envelope) throws {
        try socket.send(text: JSON.text(message))
    }

    func register(_ function: String) throws {
        try send(["type": "registerfunction", "id": function])
    }

    /// `engine::workers::register`, as a call that is waited for.
    func announce(runtime: String = "python", version: String = "0.25.0") throws {
        let metadata: Envelope = ["runtime": runtime, "version": version, "os": "test"]
        let reply = try ask("engine::workers::register", metadata)
        guard reply["error"] == nil else {
            throw Failure("engine::workers::register failed: \(JSON.text(reply))")
        }
    }

    /// Sends a call and returns its id.
    func call(
        _ function: String,
        _ data: Any,
        action: Envelope? = nil
    ) throws -> String {
        let id = UUID().uuidString.lowercased()
        var message: Envelope = [
            "type": "invokefunction", "invocation_id": id, "function_id": function, "data": data,
        ]
        if let action { message["action"] = action }
        try send(message)
        return id
    }

    /// Calls and waits for the reply.
    func ask(_ function: String, _ data: Any, action: Envelope? = nil) throws -> Envelope {
        try reply(to: call(function, data, action: action))
    }

    func answer(_ dispatch: Envelope, _ result: Any) throws {
        try send(ending(dispatch, "result", result))
    }

    func fail(_ dispatch: Envelope, _ message: String) throws {
        let error = ["code": "invocation_failed", "message": message]
        try send(ending(dispatch, "error", error))
    }

    private func ending(_ dispatch: Envelope, _ key: String, _ value: Any) -> Envelope {
        [
            "type": "invocationresult", key: value,
            "invocation_id": dispatch["invocation_id"] ?? NSNull(),
            "function_id": dispatch["function_id"] ?? NSNull(),
        ]
    }

    // MARK: Receiving

    /// The reply to the call with that id, whatever else arrives before it.
    func reply(to id: String, within seconds: Double = 60) throws -> Envelope {
        try next("a reply to \(id)", within: seconds) {
            $0["type"] as? String == "invocationresult" && $0["invocation_id"] as? String == id
        }
    }

    /// The next call of one of this worker's functions.
    func dispatch(_ function: String, within seconds: Double = 60) throws -> Envelope {
        try next("a call of \(function)", within: seconds) {
            $0["type"] as? String == "invokefunction" && $0["function_id"] as? String == function
        }
    }

    /// The first message that matches; others wait in the inbox.
    func next(
        _ what: String,
        within seconds: Double = 60,
        where matches: (Envelope) -> Bool
    ) throws -> Envelope {
        if let index = inbox.firstIndex(where: matches) { return inbox.remove(at: index) }
        let deadline = Deadline(in: seconds)
        while !deadline.passed {
            let left = Double(deadline.milliseconds) / 1000
            guard let message = try take(within: left) else { continue }
            if matches(message) { return message }
            inbox.append(message)
        }
        throw Failure("\(what) did not come within \(seconds) s; inbox: \(JSON.text(inbox))")
    }

    /// Empties the inbox: what came while something else was waited for.
    func takeWaiting() -> [Envelope] {
        defer { inbox = [] }
        return inbox
    }

    /// One protocol message, or nil when none came in time.
    ///
    /// - Throws: `Failure` when the connection ended or carried anything but JSON objects.
    func take(within seconds: Double) throws -> Envelope? {
        switch try socket.receive(within: seconds) {
        case .text(let text):
            let message = JSON.object(text)
            guard message["type"] is String else {
                throw Failure("not a protocol message: \(text.prefix(200))")
            }
            return message
        case .pong, nil: return nil
        case .binary(let bytes): throw Failure("a binary message of \(bytes.count) bytes")
        case .close(let code): throw Failure("closed with \(code.map(String.init) ?? "no code")")
        case .end: throw Failure("the connection ended")
        }
    }

    /// Waits for the close frame and returns its code; nil when the stream ended without one.
    func closeCode(within seconds: Double = 60) throws -> Int? {
        let deadline = Deadline(in: seconds)
        while !deadline.passed {
            switch try socket.receive(within: Double(deadline.milliseconds) / 1000) {
            case .close(let code): return code
            case .end: return nil
            default: continue
            }
        }
        throw Failure("the connection was not closed within \(seconds) s")
    }
}
