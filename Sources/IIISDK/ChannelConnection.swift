import NIOCore
import NIOWebSocket
import Primitives

/// The socket of one end of a channel.
struct ChannelConnection: Sendable {
    typealias Wrapped = NIOAsyncChannel<ChannelMessage, Never>
    typealias Incoming = NIOAsyncChannelInboundStream<ChannelMessage>

    private let wrapped: Wrapped

    static func open(
        _ reference: ChannelReference,
        for mailbox: Mailbox
    ) async throws(SDKError) -> ChannelConnection {
        let identity = mailbox.identity
        do {
            let wrapped = try await Dialer.open(
                identity.address.target(of: reference),
                at: identity.address,
                headers: identity.headers,
                on: mailbox.eventLoop
            ) { channel in
                try channel.pipeline.syncOperations.addHandler(ChannelFrames())
                return try Wrapped(wrappingChannelSynchronously: channel)
            }.get()
            return ChannelConnection(wrapped: wrapped)
        } catch {
            throw Dialer.failure(
                error,
                "cannot open channel \(reference.channelID) of the engine at \(identity.address)"
            )
        }
    }

    /// Runs `body` and ends the connection.
    func run<Value: Sendable>(
        _ body: (Incoming, Outgoing) async throws -> Value
    ) async throws -> Value {
        do {
            let outgoing = Outgoing(channel: wrapped.channel)
            return try await wrapped.executeThenClose { try await body($0, outgoing) }
        } catch let error as ChannelError {
            throw SDKError(code: .channelClosed, message: "the channel has ended: \(error)")
        }
    }
}

extension ChannelConnection {
    /// Takes one order after the other to the socket, and waits until the kernel has it: a writer
    /// that never waits keeps the event loop so busy that it hears nothing any more, not even that
    /// nobody reads.
    struct Outgoing: Sendable {
        let channel: any Channel

        func write(_ order: ChannelOrder) async throws {
            try await withTaskCancellationHandler {
                try Task.checkCancellation()
                try await channel.writeAndFlush(order).get()
            } onCancel: {
                channel.close(promise: nil)
            }
        }
    }
}

/// What is to be sent on a channel's socket.
enum ChannelOrder: Sendable {
    case message(ChannelMessage)
    case close(isWhole: Bool)
}

/// Messages to frames and back. Pings and the closing handshake stay below.
final class ChannelFrames: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ChannelMessage
    typealias OutboundIn = ChannelOrder
    typealias OutboundOut = WebSocketFrame

    /// How often a sign of life is sent, also while nothing is read.
    static let pingInterval = TimeAmount.seconds(20)

    /// A message that comes in pieces.
    private var partial: (isText: Bool, bytes: ByteBuffer)?
    private var isClosing = false
    private var pinging: RepeatedTask?
    private var entropy = SystemEntropy()

    func handlerAdded(context: ChannelHandlerContext) {
        // A frame is sent from here on: what comes from the channel's end is an order.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let interval = Self.pingInterval
        pinging = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) {
            _ in
            let (frames, context) = bound.value
            let ping = frames.frame(.ping, ByteBuffer())
            context.writeAndFlush(frames.wrapOutboundOut(ping), promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { pinging?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        pinging?.cancel()
        if !isClosing { fail("the connection broke", context) }
        context.fireChannelInactive()
    }

    // MARK: Sending

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let frame: WebSocketFrame
        switch unwrapOutboundIn(data) {
        case .message(.text(let text)): frame = self.frame(.text, ByteBuffer(string: text))
        case .message(.binary(let bytes)): frame = self.frame(.binary, ByteBuffer(bytes: bytes))
        case .close(let isWhole):
            isClosing = true
            var reason = ByteBuffer()
            reason.write(webSocketErrorCode: isWhole ? .normalClosure : .unexpectedServerError)
            frame = self.frame(.connectionClose, reason)
        }
        context.write(wrapOutboundOut(frame), promise: promise)
    }

    private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
        let key = UInt32(truncatingIfNeeded: entropy.next())
        let mask = withUnsafeBytes(of: key) { WebSocketMaskingKey($0) }
        return WebSocketFrame(fin: true, opcode: opcode, maskKey: mask, data: data)
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary, .continuation: receive(frame, context)
        case .ping:
            let pong = self.frame(.pong, frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose: close(frame, context)
        default: break
        }
    }

    private func receive(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        var message = partial ?? (frame.opcode == .text, ByteBuffer())
        var data = frame.unmaskedData
        message.bytes.writeBuffer(&data)
        guard message.bytes.readableBytes <= Limits.messageBytes else {
            return fail("a message of more than 64 MiB came", context)
        }
        partial = frame.fin ? nil : message
        guard frame.fin else { return }
        let whole: ChannelMessage =
            message.isText
            ? .text(String(buffer: message.bytes)) : .binary(Array(message.bytes.readableBytesView))
        context.fireChannelRead(wrapInboundOut(whole))
    }

    private func close(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        var data = frame.unmaskedData
        let code = data.readWebSocketErrorCode()
        if !isClosing {
            let echo = self.frame(.connectionClose, frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(echo), promise: nil)
        }
        if !isClosing, let code, code != .normalClosure {
            let reason = data.readString(length: data.readableBytes) ?? ""
            fail(reason.isEmpty ? "closed with \(code)" : reason, context)
        }
        isClosing = true
        context.close(promise: nil)
    }

    private func fail(_ reason: String, _ context: ChannelHandlerContext) {
        isClosing = true
        context.fireErrorCaught(SDKError(code: .channelClosed, message: reason))
    }
}
