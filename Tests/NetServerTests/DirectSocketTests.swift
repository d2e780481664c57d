import Dispatch
import NIOCore
import TestKit
import Testing

@testable import NetServer

/// What is written past the pipeline, and what through it because the kernel is full: one stream.
@Suite("Direct socket", .ownThread)
struct DirectSocketTests {
    /// More than a socket's buffers take.
    private static let burst = 1_500
    /// Read by the peer before the loop goes on: room in the kernel of which the channel knows
    /// nothing.
    private static let read = 500
    /// Sent into that room.
    private static let late = 20

    /// Says that the socket is full, and waits until it is not.
    private struct Rendezvous: Sendable {
        let full = DispatchSemaphore(value: 0)
        let room = DispatchSemaphore(value: 0)
    }

    /// Its number, filled up to its size.
    private static func message(_ number: Int) -> String {
        let text = "\(number) "
        let size = number % 3 == 0 ? 16 : 9_000
        return text + String(repeating: "x", count: max(0, size - text.count))
    }

    /// Flushed one by one, some gathered, some shared with others.
    private static func send(_ numbers: Range<Int>, on socket: WebSocketSocket) {
        for number in numbers {
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
        socket.flush()
    }

    private static func talker(_ rendezvous: Rendezvous) -> RecordingSession {
        let session = RecordingSession()
        session.onText = { socket, _ in
            send(0..<burst, on: socket)
            #expect(socket.outboundBytes > 0, "the kernel took it all: nothing is tested")
            rendezvous.full.signal()
            rendezvous.room.wait()
            send(burst..<burst + late, on: socket)
        }
        return session
    }

    /// In several rounds: the way past the pipeline is taken again once the channel holds nothing.
    @Test("what finds room in the kernel does not overtake what the channel holds")
    func order() async throws {
        let rendezvous = Rendezvous()
        try await withWebSockets(route: { _ in .accept { Self.talker(rendezvous) } }) { listener in
            let peer = try Peer(port: listener.port)
            _ = try peer.upgrade()
            // However this ends, the loop goes on.
            defer { rendezvous.room.signal() }
            for round in 1...2 {
                peer.send(text("go"))
                rendezvous.full.wait()
                for number in 0..<Self.burst + Self.late {
                    if number == Self.read { rendezvous.room.signal() }
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
