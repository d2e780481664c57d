import Glibc
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
        var isFinal: Bool { asksForToken || status == 403 }

        /// 421: of who comes by a name that is not this machine's, too.
        private var asksForToken: Bool { status == 401 || status == 421 }

        fileprivate var text: String {
            let answer = "it answered \(status) \(reason)"
            guard asksForToken else { return answer }
            return answer + "; give the token that it asks for as III_TOKEN, or in its address: "
                + "ws://HOST:PORT/?token=TOKEN"
        }
    }

    /// Why a connection did not come about, for whoever wanted it: `what` could not be done.
    static func failure(_ error: any Error, _ what: String) -> SDKError {
        let refusal = error as? Refusal
        return SDKError(
            code: refusal?.isFinal == true ? .unauthorized : .cannotConnect,
            message: "\(what): \(refusal?.text ?? words(for: error))"
        )
    }

    /// What an error of the network says, for people.
    static func words(for error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first else { return "\(error)" }
            return words(for: first.error)
        case let error as IOError:
            // What it says of itself has a bracket too many.
            return "\(String(cString: strerror(error.errnoCode))) (\(error.errnoCode))"
        case is ChannelError: return "it closed the connection during the handshake"
        default: return "\(error)"
        }
    }

    private enum Upgrade<Done: Sendable>: Sendable {
        case done(Done)
        case refused(EventLoopFuture<Done>)
    }

    /// Connects and hands the socket to the mailbox's link. The future fails when it does not come
    /// to that; when it succeeds the socket has been opened.
    static func dial(
        _ address: EngineAddress,
        headers: [(name: String, value: String)],
        for mailbox: Mailbox
    ) -> EventLoopFuture<Void> {
        open(address.target, at: address, headers: headers, on: mailbox.eventLoop) { channel in
            guard let link = mailbox.current else { throw ChannelError.alreadyClosed }
            let socket = Socket(link: link)
            try channel.pipeline.syncOperations.addHandler(socket)
            return NIOLoopBound(socket, eventLoop: channel.eventLoop)
        }.map { socket in
            // Not before: during the upgrade nothing can be written.
            socket.value.open()
        }
    }

    /// Opens a WebSocket at a path with its query. `configure` adds what the frames go to; it runs
    /// on the event loop, before any is read.
    static func open<Done: Sendable>(
        _ target: String,
        at address: EngineAddress,
        headers: [(name: String, value: String)],
        on eventLoop: any EventLoop,
        _ configure: @escaping @Sendable (any Channel) throws -> Done
    ) -> EventLoopFuture<Done> {
        var fields = HTTPHeaders([("Host", address.authority), ("Content-Length", "0")])
        for header in headers { fields.add(name: header.name, value: header.value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: fields)
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(patience)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: address.host, port: address.port)
            .flatMap { channel in upgrade(channel, head, configure) }
    }

    private static func upgrade<Done: Sendable>(
        _ channel: any Channel,
        _ head: HTTPRequestHead,
        _ configure: @escaping @Sendable (any Channel) throws -> Done
    ) -> EventLoopFuture<Done> {
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade<Done>>(
            maxFrameSize: Limits.messageBytes
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture { .done(try configure(channel)) }
        }
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
            upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                upgradeRequestHead: head,
                upgraders: [upgrader],
                notUpgradingCompletionHandler: { reportRefusal(on: $0) }
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
            case .done(let done): return channel.eventLoop.makeSucceededFuture(done)
            case .refused(let refusal): return refusal
            }
        }.always { result in
            timeout.cancel()
            if case .failure = result { channel.close(promise: nil) }
        }
    }

    private static func reportRefusal<Done: Sendable>(
        on channel: any Channel
    ) -> EventLoopFuture<Upgrade<Done>> {
        channel.eventLoop.makeCompletedFuture {
            let refusal = channel.eventLoop.makePromise(of: Done.self)
            try channel.pipeline.syncOperations.addHandler(RefusalReader(refusal))
            return .refused(refusal.futureResult)
        }
    }

    /// Fails its promise with the status that the engine sent.
    private final class RefusalReader<Done>: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let promise: EventLoopPromise<Done>

        init(_ promise: EventLoopPromise<Done>) { self.promise = promise }

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
