import NIOCore
import NIOWebSocket
import Primitives
import WorkerProtocol

/// One WebSocket connection: messages in, messages out, pings answered.
///
/// What is sent during one turn of the event loop leaves in one write. Lives on the event loop.
final class Socket: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private let link: Link
    private var channel: (any Channel)?
    /// Frames leave from here, below NIO's own encoder: they are complete already.
    private var exit: ChannelHandlerContext?
    private var out: FrameBuffer?
    /// The beginning of a message that comes in pieces.
    private var partial: ByteBuffer?
    private var flushIsScheduled = false
    private var depth = 0
    private var isClosing = false
    /// When anything was last heard.
    private(set) var lastHeard = NIODeadline.now()

    init(link: Link) { self.link = link }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        channel = context.channel
        exit = try? context.pipeline.syncOperations.context(handlerType: WebSocketFrameEncoder.self)
        var entropy = SystemEntropy()
        out = FrameBuffer(allocator: context.channel.allocator, seed: entropy.next())
    }

    /// The upgrade is done, and nothing has been read yet.
    func open() { batch { link.opened(self) } }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func ended() {
        guard channel != nil else { return }
        (channel, exit, out) = (nil, nil, nil)
        link.lost(self)
    }

    /// Says goodbye and waits, though not for ever, for the engine to end the connection, so that
    /// nothing that was sent is cut off; ``Link/lost(_:)`` follows.
    func close() {
        guard !isClosing, let channel else { return }
        isClosing = true
        out?.append(.close, Self.normalClosure)
        flush()
        let timer = channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in timer.cancel() }
    }

    /// Close code 1000.
    private static let normalClosure: [UInt8] = [0x03, 0xE8]

    /// Ends the connection at once.
    func abort() { channel?.close(promise: nil) }

    // MARK: Sending

    /// Runs `body`; what it sends leaves together when the outermost batch ends.
    func batch(_ body: () -> Void) {
        depth += 1
        body()
        depth -= 1
        if depth == 0 { flush() }
    }

    /// Sends a message of `count` bytes, which the caller has measured.
    func send(_ frame: WorkerFrame, count: Int) {
        guard !isClosing else { return }
        out?.append(frame, count: count)
        scheduleFlush()
    }

    func send(_ frame: WorkerFrame) { send(frame, count: frame.byteCount) }

    /// Asks for a sign of life.
    func ping() {
        out?.append(.ping, [])
        scheduleFlush()
    }

    private func scheduleFlush() {
        guard depth == 0, !flushIsScheduled, let channel else { return }
        flushIsScheduled = true
        channel.eventLoop.assumeIsolated().execute { [self] in
            flushIsScheduled = false
            flush()
        }
    }

    private func flush() {
        guard let exit, let bytes = out?.bytes, bytes.readableBytes > 0 else { return }
        exit.writeAndFlush(NIOAny(bytes), promise: nil)
        out?.clear()
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Between here and the end of the read, answers are collected.
        if depth == 0 { depth = 1 }
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary, .continuation: receive(frame)
        case .ping: out?.append(.pong, Array(frame.unmaskedData.readableBytesView))
        case .connectionClose:
            if !isClosing { out?.append(.close, []) }
            isClosing = true
            flush()
            abort()
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        depth = 0
        lastHeard = .now()
        flush()
        context.fireChannelReadComplete()
    }

    private func receive(_ frame: WebSocketFrame) {
        var data = frame.unmaskedData
        if partial == nil, frame.fin {
            link.receive(data)
            return
        }
        partial.setOrWriteBuffer(&data)
        guard let size = partial?.readableBytes, size <= Limits.messageBytes else {
            link.warn("the engine sent a message of more than 64 MiB; reconnecting")
            abort()
            return
        }
        guard frame.fin, let message = partial else { return }
        partial = nil
        link.receive(message)
    }
}
