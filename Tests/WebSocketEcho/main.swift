import Glibc
import NIOCore
import NIOPosix
import NetServer

// web-socket-echo
//
// Listens on a free port of loopback, prints it, and sends every message back, until it is killed:
// the other side of scripts/autobahn.

final class EchoSession: WebSocketSession {
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

signal(SIGPIPE, SIG_IGN)
let listener = try await Listener.webSocket(
    on: ListenAddress(host: "127.0.0.1", port: 0),
    group: MultiThreadedEventLoopGroup.singleton
) { _ in .accept { EchoSession() } }
print(listener.port)
fflush(nil)
while true { try await Task.sleep(for: .seconds(3600)) }
