import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The first and only HTTP request of a connection to a WebSocket listener: asks the route, and
/// either becomes a ``WebSocketConnection`` or answers with a refusal.
///
/// NIO's upgrade handler drives it as an upgrader (so that nothing the client sends right behind
/// its request is lost) and passes on to it, as the handler behind, what is not upgraded. NIO's own
/// frame handlers are never added: the connection does the framing itself.
final class Handshake: ChannelInboundHandler, RemovableChannelHandler, HTTPServerProtocolUpgrader {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    let supportedProtocol = "websocket"
    let requiredUpgradeHeaders: [String] = []

    private static let notWebSocket = Refusal(426, "this address speaks WebSocket")

    private let settings: WebSocketSettings
    private let route: @Sendable (UpgradeRequest) -> UpgradeDecision
    private let remoteAddress: SocketAddress?
    private var makeSession: (() -> any WebSocketSession)?
    private var events: EventStreamStart?
    /// What a preflight is answered.
    private var permission: HTTPHeaders?
    private var refusal: Refusal?
    private var isDropped = false
    private var deadline: Scheduled<Void>?
    private var isAnswered = false

    init(
        settings: WebSocketSettings,
        remoteAddress: SocketAddress?,
        route: @escaping @Sendable (UpgradeRequest) -> UpgradeDecision
    ) {
        self.settings = settings
        self.remoteAddress = remoteAddress
        self.route = route
    }

    /// Adds the handlers of a new connection. On its event loop.
    static func configure(
        _ channel: any Channel,
        settings: WebSocketSettings,
        route: @escaping @Sendable (UpgradeRequest) -> UpgradeDecision
    ) throws {
        let handshake = Handshake(
            settings: settings,
            remoteAddress: channel.remoteAddress,
            route: route
        )
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = settings.headerBytes
        limits.maxHeaderListSize = settings.headerBytes
        limits.maxHeaderFieldCount = settings.headerCount
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        )
        let upgrade = HTTPServerUpgradeHandler(
            upgraders: [handshake],
            httpEncoder: encoder,
            extraHTTPHandlers: [decoder],
            upgradeCompletionHandler: { _ in }
        )
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(upgrade)
        try pipeline.addHandler(handshake)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let eventLoop = context.eventLoop.assumeIsolated()
        deadline = eventLoop.scheduleTask(in: settings.handshakeDeadline) {
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    // MARK: Upgrading

    func buildUpgradeResponse(
        channel: any Channel,
        upgradeRequest: HTTPRequestHead,
        initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        let decided = channel.eventLoop.makePromise(of: Void.self)
        var isDecided = false
        decide(upgradeRequest) {
            isDecided = true
            decided.succeed()
        }
        // What a peer sends before it is let in stays in its socket, not in our memory.
        if !isDecided { pauseReading(channel, until: decided.futureResult) }
        return decided.futureResult.assumeIsolated().flatMap {
            self.answer(channel, upgradeRequest, initialResponseHeaders)
        }.nonisolated()
    }

    private func pauseReading(_ channel: any Channel, until decided: EventLoopFuture<Void>) {
        // Every channel that is read from knows this option.
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        decided.assumeIsolated().whenComplete { _ in
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    private func answer(
        _ channel: any Channel,
        _ upgradeRequest: HTTPRequestHead,
        _ initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        guard makeSession != nil else {
            return channel.eventLoop.makeFailedFuture(
                NIOWebSocketUpgradeError.unsupportedWebSocketTarget
            )
        }
        let headers = Self.subprotocol(for: upgradeRequest)
        return NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(headers) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() }
        )
        .buildUpgradeResponse(
            channel: channel,
            upgradeRequest: upgradeRequest,
            initialResponseHeaders: initialResponseHeaders
        )
    }

    /// None is ever selected but the one that carries a token: a browser that has offered one takes
    /// the connection for failed when none is selected.
    static func subprotocol(for request: HTTPRequestHead) -> HTTPHeaders {
        let offered = request.headers[canonicalForm: "sec-websocket-protocol"]
        guard let bearer = offered.first(where: { $0.hasPrefix(AccessPolicy.bearerProtocol) })
        else { return [:] }
        return ["Sec-WebSocket-Protocol": String(bearer)]
    }

    func upgrade(
        context: ChannelHandlerContext,
        upgradeRequest: HTTPRequestHead
    ) -> EventLoopFuture<Void> {
        guard let makeSession else {
            preconditionFailure("Only an accepted request is upgraded.")
        }
        return context.eventLoop.makeCompletedFuture {
            let pipeline = context.channel.pipeline.syncOperations
            // Off the pipeline at once: what follows are no HTTP parts any more.
            pipeline.removeHandler(self).whenFailure { _ in }
            try pipeline.addHandler(
                WebSocketConnection(
                    eventLoop: context.eventLoop,
                    settings: settings,
                    session: makeSession()
                )
            )
        }
    }

    /// Asks the route and checks the handshake; leaves behind what becomes of it, and then
    /// calls `done`.
    private func decide(_ head: HTTPRequestHead, done: @escaping () -> Void = {}) {
        // Of a request that names the protocol twice the second time is settled already.
        guard refusal == nil, !isDropped else { return done() }
        if let defect = head.defect {
            refusal = defect
            return done()
        }
        let target = HTTPTarget(head.uri)
        let isUpgrade = head.names("websocket", in: "upgrade")
        let request = UpgradeRequest(
            path: target.path,
            query: target.query,
            headers: plainHeaders(head.headers),
            remoteAddress: remoteAddress?.ipAddress ?? "",
            remotePort: remoteAddress?.port ?? 0,
            isUpgrade: isUpgrade,
            isPreflight: head.method == .OPTIONS && head.headers.contains(name: "origin")
                && head.headers.contains(name: "access-control-request-method")
        )
        switch route(request) {
        case .later(let ask):
            if let defect = Self.defect(ofHandshake: head, isUpgrade: isUpgrade) {
                refusal = defect
                return done()
            }
            ask { decision in
                self.accept(decision, of: head, isUpgrade: true)
                done()
            }
        case .serveLater(let ask):
            ask { decision in
                self.accept(decision, of: head, isUpgrade: isUpgrade)
                done()
            }
        case let decision:
            accept(decision, of: head, isUpgrade: isUpgrade)
            done()
        }
    }

    private func accept(
        _ decision: UpgradeDecision,
        of head: HTTPRequestHead,
        isUpgrade: Bool
    ) {
        switch decision {
        case .refuse(let status, let body): refusal = Refusal(status, body)
        case .drop: isDropped = true
        case .accept(let makeSession):
            refusal = Self.defect(ofHandshake: head, isUpgrade: isUpgrade)
            if refusal == nil { self.makeSession = makeSession }
        case .serveEvents(let headers, let makeSession):
            if isUpgrade || head.method != .GET {
                refusal = Refusal(400, "events are asked for with GET")
            } else {
                events = EventStreamStart(
                    isHTTP10: head.version == .http1_0,
                    headers: headers,
                    makeSession: makeSession
                )
            }
        case .permit(let headers):
            permission = HTTPHeaders(headers.map { ($0.name, $0.value) })
            permission?.add(name: "Connection", value: "close")
        case .later, .serveLater: preconditionFailure("What was put off once is decided then.")
        }
    }

    /// What is wrong with the client's opening handshake (RFC 6455, 4.2.1).
    static func defect(
        ofHandshake head: HTTPRequestHead,
        isUpgrade: Bool
    ) -> Refusal? {
        guard isUpgrade else { return notWebSocket }
        guard head.method == .GET, head.version == .http1_1 else {
            return Refusal(400, "a WebSocket begins with a GET request of HTTP/1.1")
        }
        guard head.names("upgrade", in: "connection") else {
            return Refusal(400, "the Connection header must name Upgrade")
        }
        guard head.headers["sec-websocket-version"] == ["13"] else {
            return Refusal(426, "version 13 of the WebSocket protocol is required")
        }
        let keys = head.headers["sec-websocket-key"]
        guard keys.count == 1, keys[0].utf8.count == 24, keys[0].hasSuffix("==") else {
            return Refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64")
        }
        return nil
    }

    // MARK: Refusing

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), !isAnswered else { return }
        isAnswered = true
        decide(head) { self.answer(context) }
    }

    /// Answers what became no WebSocket.
    private func answer(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        if isDropped { return context.close(promise: nil) }
        if let permission, refusal == nil {
            return respond(204, permission, ByteBuffer(), context)
        }
        guard let events, refusal == nil else {
            return refuse(refusal ?? Self.notWebSocket, context)
        }
        deadline?.cancel()
        // In front of the handlers of HTTP: none of what follows is for them.
        let connection = EventStreamConnection(events)
        do {
            try context.pipeline.syncOperations.addHandler(connection, position: .first)
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is NIOWebSocketUpgradeError:
            // Its request follows, and is answered there.
            break
        case let error as HTTPParserError:
            if !isAnswered { refuse(error.refusal, context) }
        default:
            // Once answered, the connection is closing already: what still comes is dropped.
            if !isAnswered { context.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ListenerDrain { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        let body = ByteBuffer(string: refusal.reason + "\n")
        var headers: HTTPHeaders = [
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": String(body.readableBytes),
            "Connection": "close",
        ]
        if refusal.status == 426 {
            headers.replaceOrAdd(name: "Connection", value: "upgrade, close")
            headers.add(name: "Upgrade", value: "websocket")
            headers.add(name: "Sec-WebSocket-Version", value: "13")
        }
        respond(refusal.status, headers, body, context)
    }

    /// The last answer of this connection.
    private func respond(
        _ status: Int,
        _ headers: HTTPHeaders,
        _ body: ByteBuffer,
        _ context: ChannelHandlerContext
    ) {
        isAnswered = true
        deadline?.cancel()
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: status),
            headers: headers
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.closeGently()
    }
}
