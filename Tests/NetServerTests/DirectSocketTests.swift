import NIOCore
import TestKit
import Testing

@testable import NetServer

/// What is written past the pipeline, and what through it because the kernel is full: one stream.
@Suite("Direct socket", .ownThread)
struct DirectSocketTests {
    /// More than a socket's buffers take, in several rounds, so that the way past the pipeline is
    /// taken up again once the channel holds nothing.
    private static let messages = 3_000

    private static func size(_ number: Int) -> Int { number % 3 == 0 ? 16 : 9_000 }

    /// Its number, filled up to its size.
    private static func message(_ number: Int) -> String {
        let text = "\(number) "
        return text + String(repeating: "x", count: max(0, size(number) - text.count))
    }

    /// Sends half of them at once, more than the kernel takes, and then one in each turn of the
    /// loop, while the peer makes room: flushed one by one, some gathered, some shared.
    private static func talker() -> RecordingSession {
        let session = RecordingSession()
        session.onText = { socket, _ in talk(on: socket, from: 0) }
        return session
    }

    private static func talk(on socket: WebSocketSocket, from first: Int) {
        let next = first == 0 ? messages / 2 : first + 1
        for number in first..<next {
            let message = message(number)
            if number % 7 == 0 {
                var frames = ByteBuffer()
                Array(message.utf8).withUnsafeBufferPointer {
                    SharedFrames.append(text: $0, to: &frames)
                }
                socket.send(frames)
            } else {
                socket.sendText(reserving: message.utf8.count) { $0.writeString(message) }
            }
            if number % 5 != 0 { socket.flush() }
        }
        guard next < messages else { return socket.flush() }
        socket.eventLoop.assumeIsolated().execute { talk(on: socket, from: next) }
    }

    @Test("a peer that reads slower than it is sent gets everything in order, again and again")
    func order() async throws {
        try await withWebSockets(route: { _ in .accept { Self.talker() } }) { listener in
            let peer = try Peer(port: listener.port)
            _ = try peer.upgrade()
            for round in 1...4 {
                peer.send(text("go"))
                for number in 0..<Self.messages {
                    let frame = try peer.readFrame()
                    guard frame == .text(Self.message(number)) else {
                        let found = String(decoding: frame.payload.prefix(12), as: UTF8.self)
                        Issue.record("round \(round), message \(number): found \(found)")
                        return
                    }
                }
            }
        }
    }
}
