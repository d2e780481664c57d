import Foundation

/// One HTTP request whose body is sent, and whose response is read, piece by piece.
final class HTTPStream {
    private let socket: TCPSocket
    private var buffer: [UInt8] = []
    private var isOver = false
    private(set) var head: HTTPHead?

    /// Sends the head of a request. `length` is that of the body that follows; nil: there is none.
    init(
        _ method: String,
        _ path: String,
        port: Int,
        length: Int? = nil,
        type: String = "application/octet-stream"
    ) throws {
        socket = try TCPSocket(port: port)
        var lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)"]
        if let length { lines += ["Content-Type: \(type)", "Content-Length: \(length)"] }
        try socket.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    }

    func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

    /// Sends what the engine takes within `seconds`, and returns how many bytes that was.
    func send(_ bytes: [UInt8], within seconds: Double) throws -> Int {
        try socket.send(bytes, until: Deadline(in: seconds))
    }

    func disconnect() { socket.disconnect() }

    /// The status line and the headers, once they have come.
    @discardableResult
    func readHead(within seconds: Double = 60) throws -> HTTPHead {
        let deadline = Deadline(in: seconds)
        while true {
            if let head = HTTPHead(buffer) {
                buffer.removeFirst(head.length)
                self.head = head
                return head
            }
            try receive(deadline)
        }
    }

    /// The next chunk; nil at the end of the body.
    ///
    /// - Throws: `Failure` when the connection breaks off before the last chunk.
    func readChunk(within seconds: Double = 60) throws -> [UInt8]? {
        let deadline = Deadline(in: seconds)
        while !isOver {
            if let chunk = try takeChunk() { return chunk.isEmpty ? nil : chunk }
            try receive(deadline)
        }
        return nil
    }

    /// What follows the head, up to its end.
    func readBody() throws -> [UInt8] {
        var body: [UInt8] = []
        if let length = head?.headers["content-length"].flatMap({ Int($0) }) {
            let deadline = Deadline(in: 60)
            while buffer.count < length { try receive(deadline) }
            return Array(buffer[..<length])
        }
        while let chunk = try readChunk() { body += chunk }
        return body
    }

    /// Reads and forgets the body, and returns how many bytes it had.
    func countBody() throws -> Int {
        var count = 0
        while let chunk = try readChunk() { count += chunk.count }
        return count
    }

    private func takeChunk() throws -> [UInt8]? {
        guard let end = buffer.prefix(16).firstIndex(of: 10), end > 0 else { return nil }
        let size = String(decoding: buffer[..<(end - 1)], as: UTF8.self)
        guard let count = Int(size, radix: 16) else { throw Failure("no chunk size: \(size)") }
        guard buffer.count >= end + 1 + count + 2 else { return nil }
        defer { buffer.removeFirst(end + 1 + count + 2) }
        isOver = count == 0
        return Array(buffer[(end + 1)..<(end + 1 + count)])
    }

    private func receive(_ deadline: Deadline) throws {
        guard let part = socket.receive(until: deadline) else {
            throw Failure("nothing came in time; before it: \(buffer.count) bytes")
        }
        guard !part.isEmpty else { throw Failure("the connection ended too early") }
        buffer += part
    }
}
