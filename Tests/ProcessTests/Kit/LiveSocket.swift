/// A page's socket: what the dashboard tells live, message by message.
final class LiveSocket {
    private let socket: WebSocket

    init(_ engine: EngineProcess) throws {
        let own = "Origin: http://127.0.0.1:\(engine.dashboardPort)"
        socket = try WebSocket(port: engine.dashboardPort, path: "/api/live", headers: [own])
    }

    /// Watches a stream, or one group of it; nil: none any more. It is watched when this returns.
    func watch(_ stream: String?, group: String? = nil) throws {
        var wish: Envelope = [:]
        if let stream { wish["stream"] = stream }
        if let group { wish["group"] = group }
        try socket.send(text: JSON.text(["watch": wish]))
        // Whatever the socket said before its ping was heard before the pong.
        try socket.ping([1])
        let deadline = Deadline(in: 30)
        while !deadline.passed {
            if case .pong? = try socket.receive(within: 1) { return }
        }
        throw Failure("no pong came")
    }

    /// The messages from here on until `done` says that they are enough.
    @discardableResult
    func messages(
        within seconds: Double = 30,
        until done: ([Envelope]) throws -> Bool
    ) throws -> [Envelope] {
        var seen: [Envelope] = []
        let deadline = Deadline(in: seconds)
        while try !done(seen) {
            guard !deadline.passed else {
                throw Failure("not told in time; told: \(seen.map { $0["type"] ?? "?" })")
            }
            switch try socket.receive(within: 1) {
            case .text(let text): seen.append(JSON.object(text))
            case .end, .close: throw Failure("the live socket was closed")
            default: continue
            }
        }
        return seen
    }

    /// The messages of so many ticks.
    @discardableResult
    func ticks(_ count: Int) throws -> [Envelope] {
        try messages { $0.count { $0["type"] as? String == "now" } >= count }
    }
}

extension [Envelope] {
    /// The list of the last message of a type.
    func list(_ type: String) -> [Envelope] {
        last { $0["type"] as? String == type }?[type] as? [Envelope] ?? []
    }

    /// The elements of all messages of a type, in order.
    func all(_ type: String, in field: String) -> [Envelope] {
        filter { $0["type"] as? String == type }
            .flatMap { $0[field] as? [Envelope] ?? [] }
    }

    /// How many more elements messages of a type say that there were.
    func skipped(_ type: String) -> Int {
        filter { $0["type"] as? String == type }.reduce(0) { $0 + ($1["skipped"] as? Int ?? 0) }
    }
}
