import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Primitives

/// Opens connections: TCP, then the WebSocket handshake.
enum Dialer {
    /// How long each of the two may take.
    private static let patience = TimeAmount.seconds(10)

    /// The engine answered the handshake with something else than 101.
    struct Refusal: Error {
        let status: UInt
        let reason: String
        /// Whether trying again with the same credentials is pointless.
        var isFinal: Bool { status == 401 || status == 403 }
    }

    private enum Upgrade: Sendable {
        case done(NIOLoopBound<Socket>)
        case refused(EventLoopFuture<Void>)
    }

    /// Connects and hands the socket to the mailbox's link. The future fails when it does not come
    /// to that; when it succeeds the socket has been opened.
    static func dial(
        _ address: EngineAddress,
        headers: [(name: String, value: String)],
        for mailbox: Mailbox
    ) -> EventLoopFuture<Void> {
        var fields = HTTPHeaders([("Host", address.authority), ("Content-Length", "0")])
        for header in headers { fields.add(name: header.name, value: header.value) }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: .GET,
            uri: address.target,
            headers: fields
        )
        return ClientBootstrap(group: mailbox.eventLoop)
            .connectTimeout(patience)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: address.host, port: address.port)
            .flatMap { channel in upgrade(channel, head, for: mailbox) }
    }

    private static func upgrade(
        _ channel: any Channel,
        _ head: HTTPRequestHead,
        for mailbox: Mailbox
    ) -> EventLoopFuture<Void> {
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(
            maxFrameSize: Limits.messageBytes
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                guard let link = mailbox.current else { throw ChannelError.alreadyClosed }
                let socket = Socket(link: link)
                try channel.pipeline.syncOperations.addHandler(socket)
                return .done(NIOLoopBound(socket, eventLoop: channel.eventLoop))
            }
        }
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
            upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                upgradeRequestHead: head,
                upgraders: [upgrader],
                notUpgradingCompletionHandler: reportRefusal
            )
        )
        // The engine's first message may come in the same segment as its 101.
        configuration.leftOverBytesStrategy = .forwardBytes
        let timeout = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        let upgraded = channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                configuration: configuration
            )
        }
        return upgraded.flatMap { $0 }.flatMap { upgrade in
            switch upgrade {
            case .done(let socket):
                // Not before: during the upgrade nothing can be written.
                socket.value.open()
                return channel.eventLoop.makeSucceededVoidFuture()
            case .refused(let refusal): return refusal
            }
        }.always { result in
            timeout.cancel()
            if case .failure = result { channel.close(promise: nil) }
        }
    }

    @Sendable
    private static func reportRefusal(on channel: any Channel) -> EventLoopFuture<Upgrade> {
        channel.eventLoop.makeCompletedFuture {
            let refusal = channel.eventLoop.makePromise(of: Void.self)
            try channel.pipeline.syncOperations.addHandler(RefusalReader(refusal))
            return .refused(refusal.futureResult)
        }
    }

    /// Fails its promise with the status that the engine sent.
    private final class RefusalReader: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let promise: EventLoopPromise<Void>

        init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .head(let head) = unwrapInboundIn(data) {
                let status = head.status
                promise.fail(Refusal(status: status.code, reason: status.reasonPhrase))
            }
        }

        func handlerRemoved(context: ChannelHandlerContext) {
            promise.fail(ChannelError.eof)
        }
    }
}
