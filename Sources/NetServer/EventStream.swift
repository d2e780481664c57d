package import NIOCore
import Primitives

/// What a client is told by whom it asked for events. Confined to the event loop of its connection,
/// on which every method is called.
package protocol EventStreamSession: AnyObject {
    /// The head was written; events may be sent from now on.
    func opened(_ socket: EventStreamSocket)
    /// The unwritten bytes went over the upper water mark, or back under the lower one.
    func writable(_ isWritable: Bool)
    /// The client is gone. Comes exactly once, and never from within a call to its socket.
    func closed()
}

/// The sending side of one response of events (HTML, 9.2 Server-sent events). Confined to its event
/// loop.
package final class EventStreamSocket {
    private var context: ChannelHandlerContext?
    private var needsFlush = false

    init(_ context: ChannelHandlerContext) { self.context = context }

    package var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Queues bytes that are events already, shared with whoever else is sent them.
    package func write(_ bytes: ByteBuffer) {
        needsFlush = true
        context?.write(NIOAny(bytes), promise: nil)
    }

    package func flush() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
    }

    /// Ends the response: the client comes back by itself, unless it has gone.
    package func close() { context?.close(promise: nil) }

    func leave() { context = nil }

    /// Appends one event: `id` is what the client names when it comes back; nil: it names the one
    /// before. `data` has no line breaks.
    package static func append(
        _ data: UnsafeBufferPointer<UInt8>,
        id: UInt64?,
        retry: Int? = nil,
        to buffer: inout ByteBuffer
    ) {
        if let id { buffer.writeString("id: \(id)\n") }
        if let retry { buffer.writeString("retry: \(retry)\n") }
        buffer.writeStaticString("data: ")
        buffer.writeBytes(data)
        buffer.writeStaticString("\n\n")
    }
}

/// What a response of events begins with.
struct EventStreamStart {
    let isHTTP10: Bool
    let headers: [(name: String, value: String)]
    let makeSession: () -> any EventStreamSession
}

/// A connection whose response goes on until the client goes. It is ended by the end of the
/// connection; what the client still sends is dropped.
final class EventStreamConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let start: EventStreamStart
    private let session: any EventStreamSession
    private var socket: EventStreamSocket?
    private var beat: Scheduled<Void>?
    private var received = 0

    /// How often a quiet response shows that it is there: proxies end what is silent.
    private static let heartbeat = TimeAmount.seconds(15)
    /// What a client may send behind its request, in bytes.
    private static let receivedBytes = 64 << 10

    init(_ start: EventStreamStart) {
        self.start = start
        session = start.makeSession()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        var head = ByteBuffer(
            string: start.isHTTP10 ? "HTTP/1.0 200 OK\r\n" : "HTTP/1.1 200 OK\r\n"
        )
        head.writeStaticString("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n")
        for (name, value) in start.headers where value.isFieldValue {
            head.writeString("\(name): \(value)\r\n")
        }
        head.writeStaticString("Connection: close\r\n\r\nretry: 1000\n\n")
        context.writeAndFlush(NIOAny(head), promise: nil)
        let socket = EventStreamSocket(context)
        self.socket = socket
        session.opened(socket)
        scheduleBeat(context)
    }

    private func scheduleBeat(_ context: ChannelHandlerContext) {
        let loop = context.eventLoop.assumeIsolated()
        beat = loop.scheduleTask(in: Self.heartbeat) {
            if context.channel.isWritable {
                context.writeAndFlush(NIOAny(ByteBuffer(staticString: ":\n\n")), promise: nil)
            }
            self.scheduleBeat(context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        if received > Self.receivedBytes { context.close(promise: nil) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        session.writable(context.channel.isWritable)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ListenerDrain { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        guard let socket else { return }
        self.socket = nil
        socket.leave()
        beat?.cancel()
        session.closed()
    }
}
