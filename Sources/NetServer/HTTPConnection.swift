import NIOCore
import NIOHTTP1

/// The requests of one HTTP connection, one after the other.
///
///     waiting -- head --> receiving -- end --> answering -- reply --> waiting ...
///        |      \_____________|________________/  |     |                |
///        |        body on request                 |     reply before the end of the body
///        |                    |                   |     v                |
///        |                    |                   |  discarding -- end --+
///        +----- refused ------+---- last reply ---+--> closing
///
/// A body that the service wants whole is received before the exchange opens. Any other stays in
/// the client's socket until somebody reads it from the exchange; what is left of it after the
/// reply is dropped.
///
/// What a client pipelines is queued here while an exchange is open, and nothing is read behind it
/// meanwhile. (NIO's own handler for this delivers the next request from within the write of a
/// reply: a service that replies at once would recurse as deep as a client pipelines.)
/// A stream of HTTP/2 is the same with one request, whose parts another handler makes and takes.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase { case waiting, receiving, answering, discarding, closing }

    let settings: HTTPSettings
    let service: LoopService
    /// Whether this is a stream of HTTP/2.
    let isStream: Bool
    /// Asked for with the first request, and kept: the channel forgets it when it closes.
    private lazy var remoteAddress = {
        // A stream has none of its own, and may not be asked.
        let peer = isStream ? context?.channel.parent?.remoteAddress : context?.remoteAddress
        return peer?.ipAddress ?? ""
    }()
    private(set) var context: ChannelHandlerContext?
    let deadline: MovingDeadline

    var phase = Phase.waiting
    /// Of the request being received or answered.
    var head: HTTPRequestHead?
    var body: [UInt8] = []
    /// What this one has of the event loop's bodies, in bytes.
    private var heldBytes = 0
    private var droppedBytes = 0
    /// Whether the end of the last request was seen.
    private(set) var isComplete = false
    private var bodyBegin = NIODeadline.now()
    var exchange: HTTPExchange?
    /// The reply in progress, of which the head was sent, and what that said of the connection.
    var reply: (reply: HTTPReply, keepsAlive: Bool)?
    var hasReplied = false
    private(set) var isDraining = false
    /// What is still to come of the body of the request that is being answered; nil: nothing.
    var rest: Rest?

    /// Parts of later requests, or of a body that nobody reads.
    var queue = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// What ended the parsing, to be told after the requests before it are answered.
    private var parserError: HTTPParserError?
    private(set) var isPumping = false
    private(set) var isReading = false
    var needsFlush = false
    private var wantsRead = false

    /// A body whose end has not been seen.
    struct Rest {
        /// In bytes; nil: the client says it chunk by chunk.
        var length: Int?
        /// Whether the exchange wants the next piece.
        var isWanted = false
        /// Dropped so far, in bytes.
        var dropped = 0
    }

    init(
        settings: HTTPSettings,
        service: LoopService,
        eventLoop: any EventLoop,
        isStream: Bool = false
    ) {
        self.isStream = isStream
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
        try pipeline.addHandler(RequestLineCheck())
        try pipeline.addHandler(
            ByteToMessageHandler(
                HTTPRequestDecoder(
                    leftOverBytesStrategy: settings.allowsUpgrade ? .forwardBytes : .dropBytes,
                    limitConfiguration: limits
                )
            )
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
        reply = nil
        rest = nil
        releaseBody()
        let exchange = exchange
        self.exchange = nil
        exchange?.abandon()
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let part = unwrapInboundIn(data)
        if case .end = part { isComplete = true } else { isComplete = false }
        guard phase != .closing else { return drop(part) }
        queue.append(part)
        pump()
    }

    /// What comes behind the last reply is dropped, or the peer would lose that; but not for ever.
    private func drop(_ part: HTTPServerRequestPart) {
        guard case .body(let bytes) = part else { return deadline.clear() }
        droppedBytes += bytes.readableBytes
        if droppedBytes > settings.bodyBytes { context?.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads { wantsRead = true } else { context.read() }
    }

    /// While an exchange is open, nothing is read but the body that it wants. Once that has ended
    /// the socket is watched again, until something is queued: to stop watching it for the time of
    /// an answer takes two system calls a request.
    private var holdsReads: Bool {
        guard phase == .answering else { return false }
        return rest.map { !$0.isWanted } ?? !queue.isEmpty
    }

    func resumeReads() {
        guard wantsRead, !holdsReads else { return }
        wantsRead = false
        context?.read()
    }

    /// Whether a read was held back, which nobody makes up for from now on.
    func takeWantedRead() -> Bool {
        defer { wantsRead = false }
        return wantsRead
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.becameWritable() }
        context.fireChannelWritabilityChanged()
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

    /// Takes parts in order for as long as somebody wants them.
    func pump() {
        guard !isPumping else { return }
        isPumping = true
        while takesParts, let part = queue.popFirst() { take(part) }
        if takesParts, let error = parserError {
            switch phase {
            case .answering: breakOff()
            case .discarding: closeGently()
            case .waiting, .receiving, .closing: refuse(error.refusal)
            }
        }
        isPumping = false
    }

    private var takesParts: Bool {
        switch phase {
        case .waiting, .receiving, .discarding: true
        case .answering: rest?.isWanted == true
        case .closing: false
        }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch (part, phase) {
        case (.head(let head), _): begin(head)
        case (.body(let bytes), .receiving): append(bytes)
        case (.body(let bytes), .answering): pass(bytes)
        case (.body(let bytes), _): discard(bytes.readableBytes)
        case (.end, .receiving): open(rest: nil)
        case (.end, _): endRest()
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        phase = .receiving
        self.head = head
        bodyBegin = context?.eventLoop.now ?? .now()
        deadline.set(in: settings.bodyIdle)
        if let defect = head.defect { return refuse(defect) }
        if head.headers.count > settings.headerCount {
            return refuse(Refusal(431, "the headers are too many"))
        }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let isChunked = head.headers.contains(name: "transfer-encoding")
        let isWhole =
            length == 0 && !isChunked
            || service.wantsWholeBody { head.headers.first(name: $0) }
        guard length <= settings.bodyBytes || !isWhole else { return refuseBody() }
        if head.version == .http1_1, let expected = head.headers.first(name: "expect") {
            guard expected.lowercased() == "100-continue" else {
                return refuse(Refusal(417, "the only expectation met is 100-continue"))
            }
            write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
        }
        if isWhole {
            body.reserveCapacity(min(length, 1 << 16))
        } else {
            open(rest: Rest(length: isChunked ? nil : length))
        }
    }

    private func append(_ bytes: ByteBuffer) {
        guard phase == .receiving else { return }
        let count = bytes.readableBytes
        guard count <= settings.bodyBytes - body.count else { return refuseBody() }
        guard count <= settings.loopBodyBytes - service.bodyBytes else {
            return refuse(Refusal(503, "too many large requests at the moment; try again later"))
        }
        service.bodyBytes += count
        heldBytes += count
        bytes.withUnsafeReadableBytes { body.append(contentsOf: $0) }
        expectMore()
    }

    /// The next piece is due in time, and all of them must not come too slowly.
    private func expectMore() {
        guard settings.bodyRate > 0, let now = context?.eventLoop.now else {
            return deadline.set(in: settings.bodyIdle)
        }
        let earned = Int64(body.count) * 1_000_000_000 / Int64(settings.bodyRate)
        let whole = bodyBegin + settings.bodyIdle + .nanoseconds(earned)
        deadline.set(in: min(settings.bodyIdle, whole - now))
    }

    /// The request is answered, or nobody will be: its body makes room for others.
    func releaseBody() {
        service.bodyBytes -= heldBytes
        heldBytes = 0
    }

    private func refuseBody() {
        refuse(Refusal(413, "a body may have at most \(settings.bodyBytes) bytes"))
    }

    /// Hands the request to the service.
    private func open(rest: Rest?) {
        guard phase == .receiving, let head, let context else { return }
        phase = .answering
        self.rest = rest
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
        let exchange = HTTPExchange(
            eventLoop: context.eventLoop,
            connection: self,
            hasBody: rest != nil
        )
        self.exchange = exchange
        service.receive(request, exchange)
    }

    // MARK: A body on request

    func pauseBody() {
        rest?.isWanted = false
        deadline.clear()
    }

    func resumeBody() {
        guard phase == .answering, rest?.isWanted == false else { return }
        rest?.isWanted = true
        deadline.set(in: settings.bodyIdle)
        pump()
        resumeReads()
    }

    private func pass(_ bytes: ByteBuffer) {
        rest?.length? -= bytes.readableBytes
        deadline.set(in: settings.bodyIdle)
        exchange?.receive(.bytes(bytes))
    }

    private func discard(_ count: Int) {
        guard phase == .discarding else { return }
        rest?.dropped += count
        deadline.set(in: settings.bodyIdle)
        if let rest, rest.dropped > settings.bodyBytes { closeGently() }
    }

    private func endRest() {
        switch phase {
        case .answering:
            rest = nil
            deadline.clear()
            exchange?.receive(.end)
        case .discarding:
            rest = nil
            if isDraining { closeGently() } else { waitForRequest() }
        case .waiting, .receiving, .closing: break
        }
    }

    // MARK: Ending

    private func isDue() {
        switch phase {
        case .waiting where hasReplied: closeGently()
        case .waiting: refuse(Refusal(408, "the request's head did not come in time"))
        case .receiving: refuse(Refusal(408, "the request's body did not come in time"))
        case .answering: breakOff()
        case .discarding: closeGently()
        case .closing: context?.close(promise: nil)
        }
    }
}
