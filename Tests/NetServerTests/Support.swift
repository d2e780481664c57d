import Glibc
import NIOCore
import NIOPosix
import Primitives
import Synchronization
import Testing

@testable import NetServer

// MARK: Frames

/// A client's frame, or with changed arguments one that no client may send.
func frame(
    _ opcode: UInt8,
    _ payload: some Collection<UInt8>,
    isFinal: Bool = true,
    reserved: UInt8 = 0,
    key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D],
    declaring length: UInt64? = nil,
    lengthForm: Int? = nil
) -> [UInt8] {
    let length = length ?? UInt64(payload.count)
    let mask: UInt8 = key == nil ? 0 : 0x80
    var bytes = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
    switch lengthForm ?? (length < 126 ? 1 : length < 65_536 ? 2 : 8) {
    case 1: bytes.append(mask | UInt8(length))
    case 2:
        bytes.append(mask | 126)
        bytes += (0..<2).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    default:
        bytes.append(mask | 127)
        bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    }
    guard let key else { return bytes + payload }
    bytes += key
    for (index, byte) in payload.enumerated() { bytes.append(byte ^ key[index & 3]) }
    return bytes
}

func text(_ string: String, isFinal: Bool = true) -> [UInt8] {
    frame(1, Array(string.utf8), isFinal: isFinal)
}

/// A frame as a server sends it.
struct ServerFrame: Equatable {
    var isFinal = true
    var opcode: UInt8
    var payload: [UInt8]

    static func text(_ string: String) -> Self { Self(opcode: 1, payload: Array(string.utf8)) }
    static func close(_ code: UInt16) -> Self {
        Self(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)])
    }

    /// The close code of a Close frame that has one.
    var closeCode: UInt16? {
        opcode == 8 && payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil
    }

    /// Takes one whole frame from the front of `bytes`.
    static func take(from bytes: inout ArraySlice<UInt8>) -> ServerFrame? {
        let start = bytes.startIndex
        guard bytes.count >= 2 else { return nil }
        var header = 2
        var length = Int(bytes[start + 1])
        if length >= 126 {
            let width = length == 126 ? 2 : 8
            guard bytes.count >= 2 + width else { return nil }
            header += width
            length = bytes[(start + 2)..<(start + 2 + width)].reduce(0) { $0 << 8 | Int($1) }
        }
        guard bytes.count >= header + length else { return nil }
        let frame = ServerFrame(
            isFinal: bytes[start] & 0x80 != 0,
            opcode: bytes[start] & 0x0F,
            payload: Array(bytes[(start + header)..<(start + header + length)])
        )
        bytes = bytes.dropFirst(header + length)
        return frame
    }

    static func all(_ bytes: [UInt8]) -> [ServerFrame] {
        var rest = bytes[...]
        var frames: [ServerFrame] = []
        while let frame = take(from: &rest) { frames.append(frame) }
        return frames
    }
}

// MARK: Sessions

/// Notes what it is told, and echoes texts if asked to. Its notes may be read from any thread.
final class RecordingSession: WebSocketSession {
    enum Note: Equatable, Sendable {
        case opened
        case text(String)
        case binary([UInt8])
        case readCompleted
        case writable(Bool)
        case answeredProbe
        case closed(CloseReason)
    }

    final class Notes: Sendable {
        private let notes = Mutex<[Note]>([])
        var all: [Note] { notes.withLock { $0 } }
        func add(_ note: Note) { notes.withLock { $0.append(note) } }
        var closings: [CloseReason] {
            all.compactMap { if case .closed(let reason) = $0 { reason } else { nil } }
        }
        var texts: [String] {
            all.compactMap { if case .text(let text) = $0 { text } else { nil } }
        }
    }

    let notes: Notes
    var socket: WebSocketSocket?
    var onText: ((WebSocketSocket, String) -> Void)?
    var onWritable: ((WebSocketSocket, Bool) -> Void)?
    var isSettling = false

    init(notes: Notes = Notes()) { self.notes = notes }

    func opened(_ socket: WebSocketSocket) {
        self.socket = socket
        notes.add(.opened)
    }

    func text(_ message: UnsafeBufferPointer<UInt8>) {
        let string = String(decoding: message, as: UTF8.self)
        notes.add(.text(string))
        if let socket { onText?(socket, string) }
    }

    func binary(_ message: UnsafeBufferPointer<UInt8>) { notes.add(.binary(Array(message))) }
    func readCompleted() { notes.add(.readCompleted) }
    func writable(_ isWritable: Bool) {
        notes.add(.writable(isWritable))
        if let socket { onWritable?(socket, isWritable) }
    }
    func answeredProbe() { notes.add(.answeredProbe) }
    func closed(_ reason: CloseReason) { notes.add(.closed(reason)) }
}

/// Sends every text back.
func echoing(_ notes: RecordingSession.Notes = .init()) -> RecordingSession {
    let session = RecordingSession(notes: notes)
    session.onText = { socket, string in
        socket.sendText(reserving: string.utf8.count) { $0.writeString(string) }
    }
    return session
}

// MARK: Sockets

/// A client on a blocking socket, which gives up after five seconds.
final class Peer {
    struct Failure: Error { let what: String }

    private let descriptor: CInt
    private(set) var received: [UInt8] = []

    /// With so many bytes that its kernel takes ahead of it, if that says.
    init(port: Int, receiveBuffer: CInt? = nil) throws {
        // Processes that other tests spawn must not inherit it: they would keep it open.
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue
        descriptor = socket(AF_INET, CInt(kind), 0)
        if var bytes = receiveBuffer {
            let width = socklen_t(MemoryLayout<CInt>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, width)
        }
        let address = try SocketAddress(ipAddress: anyPort.host, port: port)
        let result = address.withSockAddr { Glibc.connect(descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw Failure(what: "connect: \(errno)") }
        // Long: the machine may be busy with other tests.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        let width = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, width)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, width)
    }

    deinit { close() }

    private var isClosed = false

    func close() {
        guard !isClosed else { return }
        isClosed = true
        Glibc.close(descriptor)
    }

    /// Sends what the server takes; it may have closed meanwhile.
    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ string: String) { send(Array(string.utf8)) }

    /// Waits for more bytes; false at the end of the stream.
    private func receive(untilReset: Bool = false) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == ECONNRESET, untilReset { return false }
        guard count >= 0 else {
            throw Failure(what: "recv: \(errno) after \(received.count) bytes")
        }
        received += buffer[..<count]
        return count > 0
    }

    /// Everything until the server closes, as text.
    func readToEnd() throws -> String {
        // The peer may end by a reset, where something of ours was on its way.
        while try receive(untilReset: true) {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// What comes up to and including `end`, as text.
    func read(through end: String) throws -> String {
        let pattern = Array(end.utf8)
        while true {
            if let range = received.firstRange(of: pattern) {
                defer { received.removeFirst(range.upperBound) }
                return String(decoding: received[..<range.upperBound], as: UTF8.self)
            }
            guard try receive() else { throw Failure(what: "the stream ended before \(end)") }
        }
    }

    func readFrame() throws -> ServerFrame { try read(ServerFrame.take) }

    /// The next frame of HTTP/2.
    func readWireFrame() throws -> WireFrame { try read(WireFrame.take) }

    private func read<Frame>(_ take: (inout ArraySlice<UInt8>) -> Frame?) throws -> Frame {
        while true {
            var rest = received[...]
            if let frame = take(&rest) {
                received = Array(rest)
                return frame
            }
            guard try receive() else { throw Failure(what: "the stream ended before a frame") }
        }
    }

    /// Asks for a WebSocket and returns the head of the answer.
    func upgrade(_ target: String = "/", headers: String = "") throws -> String {
        send(Self.upgradeRequest(target, headers: headers))
        return try read(through: "\r\n\r\n")
    }

    static func upgradeRequest(_ target: String = "/", headers: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            + "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(headers)\r\n"
    }
}

let anyPort = ListenAddress(host: "127.0.0.1", port: 0)

/// Runs `body` against a listener for WebSockets and closes it.
func withWebSockets(
    settings: WebSocketSettings = WebSocketSettings(),
    route: @escaping @Sendable (UpgradeRequest) -> UpgradeDecision,
    _ body: (Listener) async throws -> Void
) async throws {
    let listener = try await Listener.webSocket(
        on: anyPort,
        group: MultiThreadedEventLoopGroup.singleton,
        settings: settings,
        route: route
    )
    do { try await body(listener) } catch {
        await listener.close(grace: .milliseconds(100))
        throw error
    }
    await listener.close(grace: .milliseconds(100))
}
