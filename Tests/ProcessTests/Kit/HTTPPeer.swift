import Foundation

/// A response, to the letter.
struct RawResponse {
    let status: Int
    /// In their order, the names as they were sent.
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// All values of a header, by its lower-case name.
    func values(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    subscript(name: String) -> String? { values(name).last }
}

/// One HTTP/1.1 connection: the test sends any bytes, and reads the responses one by one.
final class HTTPPeer {
    let socket: TCPSocket
    private let port: Int
    private var buffer: [UInt8] = []

    init(port: Int) throws {
        self.port = port
        socket = try TCPSocket(port: port)
    }

    func send(_ text: String) throws { try socket.send(Array(text.utf8)) }

    /// Sends a request; a body comes with its length.
    func request(
        _ method: String,
        _ path: String,
        _ headers: [String] = [],
        body: String? = nil,
        type: String = "application/json"
    ) throws {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)"] + headers
        if let body { lines += ["Content-Type: \(type)", "Content-Length: \(body.utf8.count)"] }
        try send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
    }

    /// Sends a request and reads its response.
    func ask(
        _ method: String,
        _ path: String,
        _ headers: [String] = [],
        body: String? = nil,
        type: String = "application/json"
    ) throws -> RawResponse {
        try request(method, path, headers, body: body, type: type)
        return try response(toHead: method == "HEAD")
    }

    /// The next response that is no 100 Continue.
    func response(toHead: Bool = false, within seconds: Double = 60) throws -> RawResponse {
        let deadline = Deadline(in: seconds)
        while true {
            if let (status, headers, length) = head() {
                buffer.removeFirst(length)
                if status == 100 { continue }
                let empty = RawResponse(status: status, headers: headers, body: [])
                if toHead || status == 204 || status == 304 { return empty }
                let body = try self.body(empty, deadline)
                return RawResponse(status: status, headers: headers, body: body)
            }
            guard try receive(deadline) else {
                throw Failure("the connection ended; before it: \(shown)")
            }
        }
    }

    /// Whether the engine ends the connection in time; what came before is `remains`.
    func ends(within seconds: Double = 30) throws -> Bool {
        let deadline = Deadline(in: seconds)
        while !deadline.passed {
            guard let part = socket.receive(until: deadline) else { return false }
            if part.isEmpty { return true }
            buffer += part
        }
        return false
    }

    /// What was received and not read as a response.
    var remains: String { String(decoding: buffer, as: UTF8.self) }

    private var shown: String { String(remains.prefix(300)) }

    private func head() -> (Int, [(name: String, value: String)], Int)? {
        guard let head = HTTPHead(buffer) else { return nil }
        let lines = String(decoding: buffer[..<head.length], as: UTF8.self)
            .split(separator: "\r\n").dropFirst()
        let headers = lines.compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (String(line[..<colon]), String(value))
        }
        return (head.status, headers, head.length)
    }

    private func body(_ head: RawResponse, _ deadline: Deadline) throws -> [UInt8] {
        if head["transfer-encoding"] == "chunked" { return try chunks(deadline) }
        guard let length = head["content-length"].flatMap({ Int($0) }) else {
            throw Failure("a response of no length: \(head.headers)")
        }
        while buffer.count < length {
            guard try receive(deadline) else { throw Failure("the body ended too early") }
        }
        defer { buffer.removeFirst(length) }
        return Array(buffer[..<length])
    }

    private func chunks(_ deadline: Deadline) throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            guard let end = buffer.firstIndex(of: 10) else {
                guard try receive(deadline) else { throw Failure("a chunk ended too early") }
                continue
            }
            let size = String(decoding: buffer[..<(end - 1)], as: UTF8.self)
            guard let count = Int(size, radix: 16) else { throw Failure("no size: \(size)") }
            guard buffer.count >= end + 1 + count + 2 else {
                guard try receive(deadline) else { throw Failure("a chunk ended too early") }
                continue
            }
            body += buffer[(end + 1)..<(end + 1 + count)]
            buffer.removeFirst(end + 1 + count + 2)
            if count == 0 { return body }
        }
    }

    /// False at the end of the stream.
    private func receive(_ deadline: Deadline) throws -> Bool {
        guard let part = socket.receive(until: deadline) else {
            throw Failure("nothing came in time; before it: \(shown)")
        }
        buffer += part
        return !part.isEmpty
    }
}

extension RawWorker {
    /// Registers a trigger of type `http`, and waits until it is there. Returns its id.
    @discardableResult
    func route(
        _ method: String,
        _ path: String,
        to function: String,
        _ more: Envelope = [:]
    ) throws -> String {
        let id = UUID().uuidString.lowercased()
        let config: Envelope = ["api_path": path, "http_method": method]
        try send([
            "type": "registertrigger", "id": id, "trigger_type": "http", "function_id": function,
            "config": config.merging(more) { $1 },
        ])
        // Answered behind the registration.
        _ = try ask("engine::workers::list", [:])
        return id
    }
}
