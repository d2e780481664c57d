import Foundation

/// A subscriber of streams, frame by frame.
final class StreamClient {
    let socket: WebSocket
    private let engine: EngineProcess

    init(_ engine: EngineProcess, path: String = "/", headers: [String] = []) throws {
        self.engine = engine
        socket = try WebSocket(port: engine.streamPort, path: path, headers: headers)
    }

    func join(
        _ stream: String,
        _ group: String,
        _ id: String? = nil,
        as subscription: String = "s",
        _ extra: Envelope = [:]
    ) throws {
        var data: Envelope = [
            "subscriptionId": subscription, "streamName": stream, "groupId": group,
        ]
        if let id { data["id"] = id }
        try send("join", data.merging(extra) { $1 })
    }

    func leave(_ stream: String, _ group: String, as subscription: String = "s") throws {
        try send(
            "leave",
            ["subscriptionId": subscription, "streamName": stream, "groupId": group]
        )
    }

    func send(_ type: String, _ data: Envelope) throws {
        try socket.send(text: JSON.text(["type": type, "data": data]))
    }

    /// The next message.
    func next(within seconds: Double = 30) throws -> Envelope {
        guard case .text(let text)? = try socket.receive(within: seconds) else {
            throw Failure("no message of a stream within \(seconds) s")
        }
        return JSON.object(text)
    }

    /// The `event` of the next message, in short: its type, and its data as JSON.
    func event(within seconds: Double = 30) throws -> String {
        StreamClient.short(try next(within: seconds))
    }

    static func short(_ message: Envelope) -> String {
        let event = message["event"] as? Envelope ?? [:]
        let type = event["type"] as? String ?? "?"
        if type == "event", let inner = event["event"] as? Envelope {
            return "event \(inner["type"] as? String ?? "?") \(JSON.text(inner["data"] ?? "none"))"
        }
        return event["data"].map { "\(type) \(JSON.text($0))" } ?? type
    }

    /// That nothing comes is told by an answer behind it.
    func expectNothing(_ group: String = "nobody") throws -> Bool {
        try join("none", group, as: "probe-\(group)")
        return try event() == "sync []"
    }
}

/// A response of events, as a browser's `EventSource` reads it.
final class EventStreamClient {
    let head: HTTPHead
    private let socket: TCPSocket
    private let engine: EngineProcess
    private var buffer: [UInt8] = []

    init(_ engine: EngineProcess, _ path: String, headers: [String] = []) throws {
        self.engine = engine
        socket = try TCPSocket(port: engine.streamPort)
        let lines =
            [
                "GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(engine.streamPort)",
                "Accept: text/event-stream",
            ] + headers
        try socket.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        let deadline = Deadline(in: 60)
        while true {
            if let head = HTTPHead(buffer) {
                buffer.removeFirst(head.length)
                self.head = head
                return
            }
            guard let part = socket.receive(until: deadline), !part.isEmpty else {
                throw Failure("no answer to GET \(path)")
            }
            buffer += part
        }
    }

    /// The next event with data; comments and settings are passed over.
    func next(within seconds: Double = 30) throws -> (id: String?, data: Envelope) {
        let deadline = Deadline(in: seconds)
        while true {
            while let end = buffer.firstRange(of: [10, 10]) {
                let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
                    .split(separator: "\n")
                buffer.removeFirst(end.upperBound)
                func field(_ name: String) -> String? {
                    lines.first { $0.hasPrefix("\(name): ") }
                        .map { String($0.dropFirst(name.count + 2)) }
                }
                if let data = field("data") { return (field("id"), JSON.object(data)) }
            }
            guard let part = socket.receive(until: deadline), !part.isEmpty else {
                throw Failure("no event within \(seconds) s")
            }
            buffer += part
        }
    }

    /// Whether the response ends within `seconds`, whatever comes before.
    func ends(within seconds: Double = 30) -> Bool {
        let deadline = Deadline(in: seconds)
        while let part = socket.receive(until: deadline) {
            if part.isEmpty { return true }
        }
        return false
    }
}
