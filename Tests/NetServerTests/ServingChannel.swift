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

/// Keeps exchanges open until told to answer.
final class HoldingService: HTTPService {
    var requests: [HTTPRequest] = []
    var exchanges: [HTTPExchange] = []
    var turns = 0
    /// Whether a request comes when its body is whole, or with its head.
    var wantsWholeBodies = true

    func wantsWholeBody(header: (String) -> String?) -> Bool { wantsWholeBodies }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        requests.append(request)
        exchanges.append(exchange)
    }

    func readCompleted() { turns += 1 }
}

/// Stands where the socket is. Shut, it is one whose client takes nothing.
final class Dam: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    var isShut = false
    private var context: ChannelHandlerContext?
    private var shutting: EventLoopPromise<Void>?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func flush(context: ChannelHandlerContext) {
        if !isShut { context.flush() }
    }

    /// Our side ends once everything is written, and with it nothing but our side.
    func close(
        context: ChannelHandlerContext,
        mode: CloseMode,
        promise: EventLoopPromise<Void>?
    ) {
        guard mode == .output else {
            shutting?.fail(ChannelError.alreadyClosed)
            shutting = nil
            return context.close(mode: mode, promise: promise)
        }
        if isShut { shutting = promise } else { promise?.succeed(()) }
    }

    func open() {
        isShut = false
        context?.flush()
        shutting?.succeed(())
        shutting = nil
    }
}
