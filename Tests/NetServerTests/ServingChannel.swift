import NIOCore
import NIOEmbedded

@testable import NetServer

extension EmbeddedChannel {
    /// Serves HTTP on it, as on a connection from 192.0.2.7.
    func serve(_ service: some HTTPService, _ settings: HTTPSettings) throws {
        let shared = LoopService(eventLoop: eventLoop, service: service)
        try HTTPConnection.configure(self, settings: settings, service: shared)
        connect(to: try SocketAddress(ipAddress: "192.0.2.7", port: 1), promise: nil)
    }

    func receive(_ string: String) throws {
        try writeInbound(ByteBuffer(string: string))
        embeddedEventLoop.run()
    }

    /// What was written and flushed since the last call.
    func sent() throws -> String {
        var string = ""
        while let buffer = try readOutbound(as: ByteBuffer.self) {
            string += String(buffer: buffer)
        }
        return string
    }
}
