import NIOCore
import NIOHTTP1

/// The requests of one HTTP connection, one after the other.
///
///     waiting -- head --> receiving -- end --> answering -- reply --> waiting ...
///        |                    |                    | the last reply
///        +----- refused ------+--------------------+--> closing
///
/// What a client pipelines is queued here while an exchange is open, and the socket is not read
/// meanwhile. (NIO's own handler for this delivers the next request from within the write of a
/// reply: a service that replies at once would recurse as deep as a client pipelines.)
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase { case waiting, receiving, answering, closing }

    private let settings: HTTPSettings
    private let service: LoopService
    /// Asked for with the first request, and kept: the channel forgets it when it closes.
    private lazy var remoteAddress = context?.remoteAddress?.ipAddress ?? ""
    private var context: ChannelHandlerContext?
    private let deadline: MovingDeadline

    private var phase = Phase.waiting
    /// Of the request being received or answered.
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var exchange: HTTPExchange?
    private var hasReplied = false
    private var isDraining = false

    /// Parts of later requests.
    private var queue = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// What ended the parsing, to be told after the requests before it are answered.
    private var parserError: HTTPParserError?
    private var isPumping = false
    private var isReading = false
    private var needsFlush = false
    private var wantsRead = false

    init(settings: HTTPSettings, service: LoopService, eventLoop: any EventLoop) {
        self.settings = settings
        self.service = service
        deadline = MovingDeadline(eventLoop: eventLoop)
    }

    /// Adds the handlers of a new connection. On its event loop.
    static func configure(
        _ channel: any Channel,
        settings: HTTPSettings,
        service: LoopService
    ) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = settings.headerBytes
        limits.maxHeaderListSize = settings.headerBytes
        limits.maxHeaderFieldCount = settings.headerCount
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits))
        )
        try pipeline.addHandler(
            HTTPConnection(settings: settings, service: service, eventLoop: channel.eventLoop)
        )
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline.onDue = { [unowned self] in isDue() }
        deadline.set(in: settings.headerDeadline)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    private func finish() {
        phase = .closing
        deadline.cancel()
        queue.removeAll()
        let exchange = exchange
        self.exchange = nil
        exchange?.abandon()
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        guard phase != .closing else { return }
        queue.append(unwrapInboundIn(data))
        pump()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if phase == .answering { wantsRead = true } else { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase != .closing else { return }
        guard let error = error as? HTTPParserError else {
            // Bytes behind those that could not be parsed say nothing new.
            if parserError == nil { context.close(promise: nil) }
            return
        }
        parserError = error
        pump()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ListenerDrain {
            isDraining = true
            if phase == .waiting { closeGently() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Takes parts in order for as long as no exchange is open.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        while phase == .waiting || phase == .receiving, let part = queue.popFirst() { take(part) }
        if phase == .waiting || phase == .receiving, let error = parserError {
            refuse(error.refusal)
        }
        isPumping = false
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes): append(bytes)
        case .end: end()
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        phase = .receiving
        self.head = head
        deadline.set(in: settings.bodyIdle)
        if let defect = head.defect { return refuse(defect) }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard length <= settings.bodyBytes else { return refuseBody() }
        body.reserveCapacity(min(length, 1 << 16))
        guard head.version == .http1_1, let expected = head.headers.first(name: "expect")
        else { return }
        guard expected.lowercased() == "100-continue" else {
            return refuse(Refusal(417, "the only expectation met is 100-continue"))
        }
        write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
    }

    private func append(_ bytes: ByteBuffer) {
        guard phase == .receiving else { return }
        deadline.set(in: settings.bodyIdle)
        guard bytes.readableBytes <= settings.bodyBytes - body.count else { return refuseBody() }
        bytes.withUnsafeReadableBytes { body.append(contentsOf: $0) }
    }

    private func refuseBody() {
        refuse(Refusal(413, "a body may have at most \(settings.bodyBytes) bytes"))
    }

    private func end() {
        guard phase == .receiving, let head, let context else { return }
        phase = .answering
        deadline.clear()
        let target = HTTPTarget(head.uri)
        let request = HTTPRequest(
            method: head.method.rawValue,
            path: target.path,
            query: target.query,
            headers: plainHeaders(head.headers),
            body: body,
            remoteAddress: remoteAddress
        )
        body = []
        let exchange = HTTPExchange(eventLoop: context.eventLoop, connection: self)
        self.exchange = exchange
        service.receive(request, exchange)
    }

    // MARK: Replying

    func respond(_ reply: HTTPReply) {
        guard phase == .answering, let head else { return }
        exchange = nil
        self.head = nil
        hasReplied = true
        // NIO stops parsing behind a request that offers another protocol, which none gets here.
        let keepsAlive = head.isKeepAlive && !isDraining && !head.headers.contains(name: "upgrade")
        send(reply, to: head, keepsAlive: keepsAlive)
        guard keepsAlive else { return closeGently() }
        phase = .waiting
        deadline.set(in: settings.idleTimeout)
        pump()
        if !isReading, !isPumping { flush() }
        if wantsRead, phase == .waiting || phase == .receiving {
            wantsRead = false
            context?.read()
        }
    }

    private func send(_ reply: HTTPReply, to head: HTTPRequestHead?, keepsAlive: Bool) {
        let circumstances = HTTPReply.Circumstances(
            isHead: head?.method == .HEAD,
            isHTTP10: head?.version == .http1_0,
            keepsAlive: keepsAlive,
            date: service.dateText()
        )
        write(reply.bytes(circumstances))
    }

    /// Answers a request that reaches no service, and closes.
    private func refuse(_ refusal: Refusal) {
        let reply = HTTPReply(
            status: refusal.status,
            headers: [("content-type", "text/plain; charset=utf-8")],
            body: Array("\(refusal.reason)\n".utf8)
        )
        send(reply, to: head, keepsAlive: false)
        closeGently()
    }

    private func write(_ buffer: ByteBuffer) {
        needsFlush = true
        context?.write(wrapOutboundOut(buffer), promise: nil)
    }

    private func flush() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
    }

    // MARK: Ending

    private func closeGently() {
        phase = .closing
        body = []
        queue.removeAll()
        deadline.clear()
        flush()
        context?.closeGently()
        if wantsRead {
            wantsRead = false
            context?.read()
        }
    }

    private func isDue() {
        switch phase {
        case .waiting where hasReplied: closeGently()
        case .waiting: refuse(Refusal(408, "the request's head did not come in time"))
        case .receiving: refuse(Refusal(408, "the request's body did not come in time"))
        case .answering, .closing: break
        }
    }
}
