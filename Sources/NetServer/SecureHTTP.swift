import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS

/// The beginning of a connection over TLS: the handshake chooses between HTTP/2 and HTTP/1.1 (RFC
/// 7301), and this makes way for what was chosen.
final class ProtocolChoice: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let settings: HTTPSettings
    private let service: LoopService
    private let deadline: MovingDeadline

    private init(_ channel: any Channel, _ settings: HTTPSettings, _ service: LoopService) {
        self.settings = settings
        self.service = service
        deadline = MovingDeadline(eventLoop: channel.eventLoop)
    }

    /// Adds the handlers of a new connection. On its event loop.
    static func configure(
        _ channel: any Channel,
        identity: TLSIdentity,
        settings: HTTPSettings,
        service: LoopService
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(NIOSSLServerHandler(context: identity.context()))
        try pipeline.addHandler(ProtocolChoice(channel, settings, service))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline.onDue = { channel.close(promise: nil) }
        deadline.set(in: settings.headerDeadline)
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let chosen): choose(chosen, context)
        case is ListenerDrain: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// No handshake, no answer.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func choose(_ chosen: String?, _ context: ChannelHandlerContext) {
        do {
            if chosen == "h2" {
                try HTTP2Connection.configure(
                    context.channel,
                    settings: settings,
                    service: service
                )
            } else {
                try HTTPConnection.configure(
                    context.channel,
                    settings: settings,
                    service: service
                )
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }
}

/// The end of a connection that speaks HTTP/2 (RFC 9113): each of its streams is one request, and a
/// pipeline of its own with an ``HTTPConnection``.
final class HTTP2Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = HTTP2Frame

    /// How often the peer has let more come, of whatever stream.
    var grants = 0
    private let settings: HTTPSettings
    private let deadline: MovingDeadline
    private var isDraining = false

    /// How large a frame of the peer may be, in bytes: NIO's own setting, and HTTP/2's.
    private static let frameBytes = 16 << 10

    private init(eventLoop: any EventLoop, settings: HTTPSettings) {
        self.settings = settings
        deadline = MovingDeadline(eventLoop: eventLoop)
    }

    static func configure(
        _ channel: any Channel,
        settings: HTTPSettings,
        service: LoopService
    ) throws {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        // What NIO does not decode ends the connection, with all of its streams. So it decodes more
        // than is taken, and who sends that is answered 431. HPACK counts 32 bytes a field besides.
        // Until the client has acknowledged this, NIO has a limit of its own, of 16 KiB.
        let headBytes = 4 * settings.headerBytes + 32 * settings.headerCount
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: settings.streams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: headBytes),
        ]
        configuration.maximumSequentialContinuationFrames = max(
            configuration.maximumSequentialContinuationFrames,
            headBytes / frameBytes
        )
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.outboundBufferSizeHighWatermark = 256 << 10
        stream.outboundBufferSizeLowWatermark = 64 << 10
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: NIOHTTP2ServerConnectionManagementHandler.Configuration(
                maxIdleTime: settings.idleTimeout,
                maxAge: nil,
                maxGraceTime: nil,
                keepalive: nil
            )
        )
        let connection = HTTP2Connection(eventLoop: channel.eventLoop, settings: settings)
        let shared = NIOLoopBound((service, connection), eventLoop: channel.eventLoop)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
            NIOHTTP2Handler(
                mode: .server,
                eventLoop: channel.eventLoop,
                connectionConfiguration: configuration,
                streamConfiguration: stream,
                streamDelegate: management.http2StreamDelegate
            ) { stream in
                stream.eventLoop.makeCompletedFuture {
                    let (service, carrier) = shared.value
                    try StreamFrames.configure(
                        stream,
                        settings: settings,
                        service: service,
                        carrier: carrier
                    )
                }
            }
        )
        // Between the two: it sees how the one takes leave of the peer.
        try pipeline.addHandler(connection)
        try pipeline.addHandler(management)
        // The connection was there before: from now on it may be idle for so long.
        management.channelActive(context: try pipeline.context(handler: management))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline.onDue = { [unowned self] in isDue(channel) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline.cancel()
        context.fireChannelInactive()
    }

    /// Of the connection alone: each stream has its own.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .windowUpdate, .settings: grants += 1
        default: break
        }
        context.fireChannelRead(data)
    }

    /// NIO says goodbye to a peer that is idle, and closes when that has answered the PING behind
    /// the first GOAWAY, which the second one shows. Who never answers is not waited for; the end
    /// of a listener that drains has a deadline of its own.
    func write(
        context: ChannelHandlerContext,
        data: NIOAny,
        promise: EventLoopPromise<Void>?
    ) {
        if case .goAway(let last, _, _) = unwrapOutboundIn(data).payload {
            if last != .maxID {
                deadline.clear()
            } else if !isDraining {
                deadline.set(in: settings.replyIdle)
            }
        }
        context.write(data, promise: promise)
    }

    /// The PING was not answered, which a peer cannot do that has not read so far.
    private func isDue(_ channel: any Channel) {
        guard channel.holdsUntaken else { return channel.close(promise: nil) }
        deadline.set(in: settings.replyIdle)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Streams that are open may end; no new ones are taken.
        if event is ListenerDrain {
            isDraining = true
            return context.channel.pipeline.fireUserInboundEventTriggered(
                ChannelShouldQuiesceEvent()
            )
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The handler of HTTP/2 has told the peer what it did wrong.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !(error is NIOHTTP2Errors.StreamError) { context.close(promise: nil) }
    }
}
