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
        guard rest == nil, queue.isEmpty else {
            return Refusal(400, "a WebSocket begins with a request without a body")
        }
        return Handshake.defect(
            ofHandshake: head,
            isUpgrade: head.names("websocket", in: "upgrade")
        )
    }

    /// Answers with 101, and leaves the connection to the WebSocket. There is no
    /// ``upgradeDefect``.
    func becomeWebSocket(_ settings: WebSocketSettings, _ session: any WebSocketSession) {
        guard let context, let head else { return }
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
            let decoder = try pipeline.context(
                handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self
            )
            let connection = WebSocketConnection(
                eventLoop: context.eventLoop,
                settings: settings,
                session: session
            )
            try pipeline.addHandler(connection, position: .after(self))
            let reads = takeWantedRead()
            pipeline.removeHandler(self).whenFailure { _ in }
            // What came behind the request is passed on to the WebSocket.
            pipeline.removeHandler(context: decoder).whenFailure { _ in }
            if reads { context.channel.read() }
        } catch {
            context.close(promise: nil)
        }
    }
}
