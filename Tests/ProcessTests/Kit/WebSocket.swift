import Glibc

/// A WebSocket client down to the frames, so that a test can send what no library would.
final class WebSocket {
    enum Message: Equatable {
        case text(String)
        case binary([UInt8])
        case pong([UInt8])
        /// The code is nil when the close frame carried none.
        case close(code: Int?)
        /// The stream ended, with or without a close frame before.
        case end
    }

    /// The headers of the server's 101.
    let headers: [String: String]
    private let socket: TCPSocket
    private var buffer: [UInt8] = []
    private var fragments: (opcode: UInt8, bytes: [UInt8])?

    /// - Throws: `Failure` that names the status when the answer is not a 101.
    init(port: Int, path: String = "/", headers extra: [String] = []) throws {
        socket = try TCPSocket(port: port)
        // The key and its answer are the example of RFC 6455, section 1.3.
        let request =
            [
                "GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Upgrade: websocket",
                "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ] + extra
        try socket.send(Array((request.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        let deadline = Deadline(in: 60)
        while true {
            if let head = HTTPHead(buffer) {
                guard head.status == 101 else {
                    throw Failure("upgrade of \(path) answered with \(head.status)")
                }
                guard head.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
                    throw Failure("wrong Sec-WebSocket-Accept: \(head.headers)")
                }
                headers = head.headers
                buffer.removeFirst(head.length)
                return
            }
            guard let part = socket.receive(until: deadline), !part.isEmpty else {
                throw Failure("no answer to the upgrade of \(path)")
            }
            buffer += part
        }
    }

    /// Ends the TCP connection without a close frame, as a dying process does.
    func disconnect() {
        socket.disconnect()
    }

    // MARK: Sending

    func send(text: String) throws {
        try sendFrame(0x1, Array(text.utf8))
    }

    func send(binary: [UInt8]) throws {
        try sendFrame(0x2, binary)
    }

    func ping(_ payload: [UInt8]) throws {
        try sendFrame(0x9, payload)
    }

    func close(code: UInt16) throws {
        try sendFrame(0x8, [UInt8(code >> 8), UInt8(code & 0xFF)])
    }

    /// Bytes as they are, whether they are frames or not.
    func send(raw bytes: [UInt8]) throws {
        try socket.send(bytes)
    }

    /// One masked frame. The opcode is 0 for the later frames of a fragmented message.
    func sendFrame(_ opcode: UInt8, _ payload: [UInt8], final: Bool = true) throws {
        try socket.send(WebSocket.frame(opcode, payload, final: final))
    }

    /// One binary message; false when the peer did not take all of it within `seconds`, after which
    /// the connection is of no more use.
    func send(binary: [UInt8], within seconds: Double) throws -> Bool {
        let frame = WebSocket.frame(0x2, binary)
        return try socket.send(frame, until: Deadline(in: seconds)) == frame.count
    }

    /// The bytes of a masked frame.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], final: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var frame: [UInt8] = [(final ? 0x80 : 0) | opcode]
        frame.reserveCapacity(payload.count + 14)
        switch payload.count {
        case ..<126: frame.append(0x80 | UInt8(payload.count))
        case ..<65_536:
            frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            frame.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                frame.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        frame += mask
        for (index, byte) in payload.enumerated() { frame.append(byte ^ mask[index & 3]) }
        return frame
    }

    // MARK: Receiving

    /// The next message; pings are answered on the way. Nil when none came within `seconds`.
    ///
    /// - Throws: `Failure` for a frame that no server may send.
    func receive(within seconds: Double) throws -> Message? {
        let deadline = Deadline(in: seconds)
        while true {
            if let message = try takeMessage() { return message }
            guard let part = socket.receive(until: deadline) else { return nil }
            if part.isEmpty { return .end }
            buffer += part
        }
    }

    /// Waits until one of the sockets has input or `milliseconds` have passed.
    static func wait(for sockets: [WebSocket], milliseconds: Int32) {
        if sockets.contains(where: { !$0.buffer.isEmpty && $0.frame() != nil }) { return }
        var items = sockets.map {
            pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0)
        }
        poll(&items, nfds_t(items.count), milliseconds)
    }

    private func takeMessage() throws -> Message? {
        while let frame = frame() {
            guard frame.first & 0x70 == 0 else { throw Failure("a frame with RSV bits set") }
            guard !frame.masked else { throw Failure("a masked frame from the server") }
            let payload = Array(buffer[frame.payload])
            buffer.removeFirst(frame.payload.upperBound)
            if let message = try accept(frame.first, payload) { return message }
        }
        return nil
    }

    /// The frame at the head of the buffer, once all of it is there.
    private func frame() -> (first: UInt8, masked: Bool, payload: Range<Int>)? {
        guard buffer.count >= 2 else { return nil }
        let short = Int(buffer[1] & 0x7F)
        let extended = short == 126 ? 2 : short == 127 ? 8 : 0
        guard buffer.count >= 2 + extended else { return nil }
        let length =
            extended == 0 ? short : buffer[2..<2 + extended].reduce(0) { $0 << 8 | Int($1) }
        let start = 2 + extended
        guard buffer.count - start >= length else { return nil }
        return (buffer[0], buffer[1] & 0x80 != 0, start..<start + length)
    }

    private func accept(_ first: UInt8, _ payload: [UInt8]) throws -> Message? {
        let opcode = first & 0x0F
        switch opcode {
        case 0x8:
            return .close(code: payload.count < 2 ? nil : Int(payload[0]) << 8 | Int(payload[1]))
        case 0x9:
            // Whoever has hung up needs no answer, and what it said last is still to be read.
            try? sendFrame(0xA, payload)
            return nil
        case 0xA:
            return .pong(payload)
        case 0x0, 0x1, 0x2:
            let whole = (fragments?.bytes ?? []) + payload
            let kind = fragments?.opcode ?? opcode
            guard (opcode == 0) == (fragments != nil) else {
                throw Failure("fragments out of order")
            }
            guard first & 0x80 != 0 else {
                fragments = (kind, whole)
                return nil
            }
            fragments = nil
            guard kind == 0x1 else { return .binary(whole) }
            guard let text = String(validating: whole, as: UTF8.self) else {
                throw Failure("a text message that is not UTF-8")
            }
            return .text(text)
        default:
            throw Failure("a frame with opcode \(opcode)")
        }
    }
}
