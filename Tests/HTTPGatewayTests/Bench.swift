import Disk
import HTTP
import NIOCore
import NIOEmbedded

@testable import Engine
@testable import HTTPGateway
@testable import NetServer

/// One connection of a gateway, without a socket before it and a core behind it.
final class Bench {
    let channel = EmbeddedChannel()
    let inbox: Inbox
    let gateway: HTTPGateway
    private var backlog = Backlog()

    init(_ settings: HTTPSettings = HTTPSettings(), cors: CORS = CORS()) throws {
        inbox = Inbox(waker: try Waker())
        gateway = HTTPGateway(inbox: inbox, loop: channel.eventLoop, loopNumber: 2, cors: cors)
        let shared = LoopService(eventLoop: channel.eventLoop, service: gateway)
        try HTTPConnection.configure(channel, settings: settings, service: shared)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.7", port: 1), promise: nil)
    }

    func receive(_ string: String) throws {
        try channel.writeInbound(ByteBuffer(string: string))
        channel.embeddedEventLoop.run()
    }

    func sent() throws -> String {
        channel.embeddedEventLoop.run()
        var string = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            string += String(buffer: buffer)
        }
        return string
    }

    /// What the core was told since the last call.
    func commands() -> [Command] {
        inbox.drain(into: &backlog)
        var all: [Command] = []
        while let command = backlog.next() { all.append(command) }
        return all
    }

    /// Sends a request and takes what the core would get of it.
    func request(_ string: String) throws -> (id: ExchangeID, HTTP.HTTPRequest, HTTPChannels) {
        try receive(string)
        guard case .request(let id, let request, _)? = commands().first,
            let channels = request.channels
        else { throw NoRequest() }
        return (id, request, channels)
    }

    struct NoRequest: Error {}
}
