import NIOCore
import TestKit
import Testing

@testable import NetServer

/// RFC 6455 against the real listener, over a real socket. One case at a time: each blocks a thread
/// of those that all tests share.
@Suite("WebSocket conformance", .serialized, .ownThread)
struct WebSocketConformanceTests {
    @Test("answers as the RFC demands", arguments: ConformanceCase.all)
    func conforms(_ it: ConformanceCase) async throws {
        try await withWebSockets(route: { _ in .accept { EchoSession() } }) { listener in
            try check(it, on: listener.port, pieces: it.pieces == 1 ? it.sent.count : it.pieces)
            // However it is cut: byte by byte, and where it is long, into pieces that fit nothing.
            if it.pieces == 1, it.sent.count > 1 {
                try check(it, on: listener.port, pieces: it.sent.count < 300 ? 1 : 1999)
            }
        }
    }

    private func check(_ it: ConformanceCase, on port: Int, pieces: Int) throws {
        let peer = try connected(to: port)
        // A server that waits for more than it needs would be found out: nothing else is sent.
        for start in stride(from: 0, to: it.sent.count, by: max(1, pieces)) {
            peer.send(Array(it.sent[start..<min(start + pieces, it.sent.count)]))
        }
        for answer in it.answers {
            #expect(try seen(peer) == answer, "in pieces of \(pieces)")
        }
        if !it.isEnded {
            peer.send(frame(8, [0x03, 0xE8]))
            #expect(try seen(peer) == .close(1000), "in pieces of \(pieces)")
        }
        #expect(try peer.readToEnd().isEmpty)
    }

    /// Among a thousand connections of a whole test run one may be lost before it is answered: that
    /// is not what is looked at here.
    private func connected(to port: Int) throws -> Peer {
        do {
            let peer = try Peer(port: port)
            _ = try peer.upgrade()
            return peer
        } catch {
            let peer = try Peer(port: port)
            _ = try peer.upgrade()
            return peer
        }
    }

    /// A whole message of the server, or a control frame.
    private func seen(_ peer: Peer) throws -> ConformanceCase.Answer {
        var first = try peer.readFrame()
        while !first.isFinal {
            let next = try peer.readFrame()
            try #require(next.opcode == 0, "a fragment is continued")
            first.payload += next.payload
            first.isFinal = next.isFinal
        }
        switch first.opcode {
        case 1: return .text(first.payload)
        case 2: return .binary(first.payload)
        case 8: return .close(first.closeCode)
        case 10: return .pong(first.payload)
        default: throw Peer.Failure(what: "opcode \(first.opcode)")
        }
    }
}

/// Sends every message back, of the kind that it was.
private final class EchoSession: WebSocketSession {
    private var socket: WebSocketSocket?

    func opened(_ socket: WebSocketSocket) { self.socket = socket }

    func text(_ message: UnsafeBufferPointer<UInt8>) {
        socket?.sendText(reserving: message.count) { $0.writeBytes(message) }
    }

    func binary(_ message: UnsafeBufferPointer<UInt8>) {
        socket?.sendBinary(reserving: message.count) { $0.writeBytes(message) }
    }

    func readCompleted() {}
    func writable(_ isWritable: Bool) {}
    func closed(_ reason: CloseReason) { socket = nil }
}
