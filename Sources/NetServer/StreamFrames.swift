import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// That a stream ends although its client has not said all of the request: the reply has left whole
/// (RFC 9113, 8.1).
struct RequestUnneeded {}

/// What a stream does by frames: makes a request of those that come, and frames of its reply.
///
/// Tells the connection when the client lets more come. And lets the last frame that has something
/// in it say that it is the last, instead of an empty one behind it: a client that knows the length
/// (curl) is done before that comes, and answers it with a reset; after 200 of those in half a
/// minute the connection would be closed as an attack.
final class StreamFrames: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let connection: HTTPConnection
    private var hasHead = false
    /// Written, and not flushed yet.
    private var held: HTTP2Frame.FramePayload?

    private init(of connection: HTTPConnection) { self.connection = connection }

    /// Adds the handlers of a new stream of HTTP/2. On its event loop.
    static func configure(
        _ stream: any Channel,
        settings: HTTPSettings,
        service: LoopService,
        carrier: HTTP2Connection
    ) throws {
        let connection = HTTPConnection(
            settings: settings,
            service: service,
            eventLoop: stream.eventLoop,
            carrier: carrier
        )
        let pipeline = stream.pipeline.syncOperations
        try pipeline.addHandler(StreamFrames(of: connection))
        try pipeline.addHandler(connection)
    }

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let block): receive(block)
        case .data(let piece):
            // One that is empty says no more than that it is the last, if it is.
            if case .byteBuffer(let bytes) = piece.data, bytes.readableBytes > 0 {
                connection.receive(.body(bytes))
            }
            if piece.endStream { connection.receive(.end) }
        case .windowUpdate: connection.carrier?.grants += 1
        default: break
        }
    }

    private func receive(_ block: HTTP2Frame.FramePayload.Headers) {
        if !hasHead {
            hasHead = true
            let fields = block.headers.map { (name: $0.name, value: $0.value) }
            connection.receive(.head(RequestHead(fields: fields, isWhole: block.endStream)))
        }
        // Trailers mean nothing here.
        if block.endStream { connection.receive(.end) }
    }

    // MARK: The reply

    func write(
        context: ChannelHandlerContext,
        data: NIOAny,
        promise: EventLoopPromise<Void>?
    ) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            var fields = HPACKHeaders([(":status", String(head.status.code))])
            for (name, value) in head.headers { fields.add(name: name, value: value) }
            hold(.headers(HTTP2Frame.FramePayload.Headers(headers: fields)), context, promise)
        case .body(let piece):
            hold(.data(HTTP2Frame.FramePayload.Data(data: piece)), context, promise)
        case .end:
            let last = held?.ending ?? Self.emptyEnd
            held = nil
            context.write(wrapOutboundOut(last), promise: promise)
        }
    }

    /// Nothing may follow.
    private func hold(
        _ payload: HTTP2Frame.FramePayload,
        _ context: ChannelHandlerContext,
        _ promise: EventLoopPromise<Void>?
    ) {
        release(context)
        guard promise == nil else {
            return context.write(wrapOutboundOut(payload), promise: promise)
        }
        held = payload
    }

    func flush(context: ChannelHandlerContext) {
        release(context)
        context.flush()
    }

    func close(
        context: ChannelHandlerContext,
        mode: CloseMode,
        promise: EventLoopPromise<Void>?
    ) {
        release(context)
        context.close(mode: mode, promise: promise)
    }

    /// To close a stream whose request is not whole is to cancel it, and then a browser shows
    /// nothing of the reply that it has.
    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard event is RequestUnneeded else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        release(context)
        context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: promise)
    }

    private func release(_ context: ChannelHandlerContext) {
        guard let payload = held else { return }
        held = nil
        context.write(wrapOutboundOut(payload), promise: nil)
    }

    private static var emptyEnd: HTTP2Frame.FramePayload {
        let nothing = IOData.byteBuffer(ByteBuffer())
        return .data(HTTP2Frame.FramePayload.Data(data: nothing, endStream: true))
    }
}

extension HTTP2Frame.FramePayload {
    /// The same as the last of its stream; nil: it cannot be.
    fileprivate var ending: HTTP2Frame.FramePayload? {
        switch self {
        case .data(var data):
            data.endStream = true
            return .data(data)
        case .headers(var headers):
            headers.endStream = true
            return .headers(headers)
        default: return nil
        }
    }
}
