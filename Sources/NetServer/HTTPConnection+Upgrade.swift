import NIOCore
import NIOHTTP1
import NIOWebSocket

// A request that becomes a WebSocket, on a listener that mostly serves others.

extension HTTPConnection: RemovableChannelHandler {
    /// What keeps the request that is being answered from becoming a WebSocket; nil: nothing does.
    var upgradeDefect: Refusal? {
        guard phase == .answering, let head, !isStream, settings.allowsUpgrade else {
            return Refusal(501, "no WebSocket begins here")
        }
        guard rest == nil, head.body == .length(0) else {
            return Refusal(400, "a WebSocket begins with a request without a body")
        }
        let handshake = head.forNIO
        return Handshake.defect(
            ofHandshake: handshake,
            isUpgrade: handshake.names("websocket", in: "upgrade")
        )
    }

    /// Answers with 101, and leaves the connection to the WebSocket. There is no
    /// ``upgradeDefect``.
    func becomeWebSocket(_ settings: WebSocketSettings, _ session: any WebSocketSession) {
        guard let context, let head = head?.forNIO else { return }
        exchange = nil
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeSucceededFuture(Handshake.subprotocol(for: head))
            },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() }
        )
        upgrader.buildUpgradeResponse(
            channel: context.channel,
            upgradeRequest: head,
            initialResponseHeaders: ["Upgrade": "websocket", "Connection": "upgrade"]
        )
        .assumeIsolated().whenComplete { result in
            switch result {
            case .success(let headers): self.handOver(context, headers, settings, session)
            case .failure: context.close(promise: nil)
            }
        }
    }

    private func handOver(
        _ context: ChannelHandlerContext,
        _ headers: HTTPHeaders,
        _ settings: WebSocketSettings,
        _ session: any WebSocketSession
    ) {
        guard context.channel.isActive, phase == .answering else { return }
        phase = .closing
        deadline.cancel()
        var head = ByteBuffer(staticString: "HTTP/1.1 101 Switching Protocols\r\n")
        for (name, value) in headers { head.writeString("\(name): \(value)\r\n") }
        head.writeStaticString("\r\n")
        write(head)
        flush()
        let pipeline = context.pipeline.syncOperations
        do {
            let connection = WebSocketConnection(
                eventLoop: context.eventLoop,
                settings: settings,
                session: session
            )
            try pipeline.addHandler(connection, position: .after(self))
            let reads = takeWantedRead()
            let early = takeRest()
            if early.readableBytes > 0 {
                context.fireChannelRead(wrapInboundOut(early))
                context.fireChannelReadComplete()
            }
            pipeline.removeHandler(self).whenFailure { _ in }
            if reads { context.channel.read() }
        } catch {
            context.close(promise: nil)
        }
    }
}
