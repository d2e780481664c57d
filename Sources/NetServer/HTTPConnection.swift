import NIOCore

/// The requests of one HTTP connection, one after the other.
///
///     waiting -- head --> receiving -- end --> answering -- reply --> waiting ...
///        |      \_____________|________________/  |     |                |
///        |        body on request                 |     reply before the end of the body
///        |                    |                   |     v                |
///        |                    |                   |  discarding -- end --+
///        +----- refused ------+---- last reply ---+--> closing
///
/// A body that the service wants whole is received before the exchange opens, if it comes along
/// with its head, or the service does not take heads first. Any other stays in the client's socket
/// until somebody asks the exchange for it; what is left of it after the reply is dropped.
///
/// What a client pipelines stays in the parser while an exchange is open, and nothing is read from
/// the socket behind it meanwhile.
/// A stream of HTTP/2 is the same with one request, whose parts another handler makes and takes. A
/// little is read of its body that nobody has asked for: what its client grants comes behind that.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase { case waiting, receiving, answering, discarding, closing }

    let settings: HTTPSettings
    let service: LoopService
    /// The connection of HTTP/2 that this is a stream of; nil: it is a connection itself.
    let carrier: HTTP2Connection?
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
    var head: RequestHead?
    var body = GatheredBody()
    /// What this one has of the event loop's bodies, in bytes.
    var heldBytes = 0
    /// Behind the last reply of a stream.
    var droppedBytes = 0
    /// Whether something was dropped a moment ago.
    var isPaced = false
    /// How long the client's side is waited for, once ours is shut.
    var lingersUntil: NIODeadline?
    /// Whether the end of the last request was seen.
    private(set) var isComplete = false
    /// When the body was waited for at first; nil: it was not.
    var bodyBegin: NIODeadline?
    /// Whether anything has come of the request since the rest was waited for.
    var hasGrown = false
    var exchange: HTTPExchange?
    /// The reply in progress, of which the head was sent, and what that said of the connection.
    var reply: (reply: HTTPReply, keepsAlive: Bool)?
    var hasReplied = false
    /// Of a stream: whether the reply has left before the end of the request came.
    var hasLeft = false
    /// Whether the end of a body is the end of the connection, as HTTP/1.0 has it.
    var endsWithConnection = false
    private(set) var isDraining = false
    /// What is still to come of the body of the request that is being answered; nil: nothing.
    var rest: Rest?
    /// Whether the client waits for a word before it sends the body.
    var owesContinue = false
    /// Of a stream: what its client had granted when the deadline was set, by the carrier's count.
    var seenGrants = 0

    /// Of all but a stream.
    private var parser: RequestParser
    /// Of a stream: parts of a body that nobody has read.
    private var queue = CircularBuffer<RequestParser.Part>(initialCapacity: 0)
    private var queuedBytes = 0
    /// How much of a body that nobody reads a stream takes before it reads no more, in bytes: as
    /// much as one read of a connection brings.
    private static let unreadBytes = 64 << 10
    private(set) var isPumping = false
    private(set) var isReading = false
    var needsFlush = false
    /// The socket; nil where everything goes through the channel.
    var direct: DirectSocket?
    /// All that is to be flushed, where that is one piece and can go to the socket.
    var sole: ByteBuffer?
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
        carrier: HTTP2Connection? = nil
    ) {
        self.carrier = carrier
        self.settings = settings
        self.service = service
        parser = RequestParser(settings)
        deadline = MovingDeadline(eventLoop: eventLoop)
    }

    /// Whether this is a stream of HTTP/2.
    var isStream: Bool { carrier != nil }

    /// Adds the handlers of a new connection. On its event loop.
    static func configure(
        _ channel: any Channel,
        settings: HTTPSettings,
        service: LoopService
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
            HTTPConnection(settings: settings, service: service, eventLoop: channel.eventLoop)
        )
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if !isStream { direct = DirectSocket(under: context.channel) }
        deadline.onDue = { [unowned self] in isDue() }
        deadline.set(in: settings.headerDeadline)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
        direct = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    private func finish() {
        phase = .closing
        deadline.cancel()
        dropRest()
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
        let bytes = unwrapInboundIn(data)
        guard phase != .closing else { return drop(bytes.readableBytes) }
        parser.feed(bytes)
        pump()
    }

    /// Of a stream.
    func receive(_ part: RequestParser.Part) {
        isReading = true
        if case .end = part { isComplete = true } else { isComplete = false }
        guard phase != .closing else {
            guard case .body(let bytes) = part else { return awaitTaking() }
            return drop(bytes.readableBytes)
        }
        if case .body(let bytes) = part { queuedBytes += bytes.readableBytes }
        queue.append(part)
        pump()
    }

    /// Whether something waits for its turn.
    var hasMore: Bool { isStream ? !queue.isEmpty : parser.hasBytes }

    /// What was read of a head that is not whole; nil: nothing that could be told.
    var unfinishedHead: RequestHead? { parser.unfinishedHead }

    /// What came behind the last request, for who takes the connection over.
    func takeRest() -> ByteBuffer { parser.takeRest() }

    func dropRest() {
        queue.removeAll()
        queuedBytes = 0
        _ = parser.takeRest()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        openFirst()
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
        if phase == .closing { return isPaced }
        guard phase == .answering else { return false }
        guard !isStream else {
            // Behind a whole request comes nothing but what the client grants.
            return rest?.isWanted == false && !isComplete && queuedBytes >= Self.unreadBytes
        }
        return rest.map { !$0.isWanted } ?? hasMore
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
        watchReply()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if phase != .closing { context.close(promise: nil) }
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
        do throws(Refusal) {
            while takesParts, let part = try nextPart() { take(part) }
            if !isReading { openFirst() }
            if phase == .receiving || isCollecting, hasGrown { expectMore() }
        } catch {
            switch phase {
            case .answering: breakOff(error)
            case .discarding: closeGently()
            case .waiting, .receiving, .closing: refuse(error)
            }
        }
        isPumping = false
    }

    private func nextPart() throws(Refusal) -> RequestParser.Part? {
        guard isStream else { return try parser.next() }
        let part = queue.popFirst()
        if case .body(let bytes)? = part { queuedBytes -= bytes.readableBytes }
        return part
    }

    private var takesParts: Bool {
        switch phase {
        case .waiting, .receiving, .discarding: true
        case .answering: rest?.isWanted == true
        case .closing: false
        }
    }

    private func take(_ part: RequestParser.Part) {
        switch (part, phase) {
        case (.head(let head), _): begin(head)
        case (.body(let bytes), .receiving): append(bytes)
        case (.body(let bytes), .answering) where isCollecting: append(bytes)
        case (.body(let bytes), .answering): pass(bytes)
        case (.body(let bytes), _): discard(bytes.readableBytes)
        case (.end, .receiving): open(rest: nil)
        case (.end, _): endRest()
        }
    }

    private func begin(_ head: RequestHead) {
        phase = .receiving
        self.head = head
        bodyBegin = nil
        hasGrown = true
        if let defect = head.defect { return refuse(defect) }
        // Of a connection the parser has counted the bytes.
        if head.headers.count > settings.headerCount
            || isStream && head.byteCount > settings.headerBytes
        {
            return refuse(Refusal(431, "the headers are too many or too large"))
        }
        let length: Int? = if case .length(let length) = head.body { length } else { nil }
        let isWhole = length == 0 || service.wantsWholeBody { head.header($0) }
        guard !isWhole || length ?? 0 <= settings.bodyBytes else { return refuseBody() }
        if head.expectation == .unknown {
            return refuse(Refusal(417, "the only expectation met is 100-continue"))
        }
        owesContinue = head.expectation == .goOn
        if isWhole {
            if !service.takesHeadsFirst { goOn() }
            body.reserve(length ?? 0)
        } else {
            open(rest: Rest(length: length))
        }
    }

    /// Hands the request whose body has not come with it to a service that takes heads first.
    private func openFirst() {
        guard phase == .receiving, service.takesHeadsFirst, let head else { return }
        var rest = Rest()
        if case .length(let length) = head.body { rest.length = length - body.count }
        open(rest: rest, awaitsBody: true)
    }

    var isCollecting: Bool { phase == .answering && exchange?.isCollecting == true }

    /// Hands the request to the service.
    private func open(rest: Rest?, awaitsBody: Bool = false) {
        guard phase == .receiving, let head, let context else { return }
        phase = .answering
        self.rest = rest
        if rest == nil { owesContinue = false }
        deadline.clear()
        let request = HTTPRequest(
            method: head.method,
            path: head.target.path,
            query: head.target.query,
            headers: head.headers,
            body: awaitsBody ? [] : body.take(),
            remoteAddress: remoteAddress
        )
        let exchange = HTTPExchange(
            eventLoop: context.eventLoop,
            connection: self,
            hasBody: rest != nil,
            awaitsBody: awaitsBody
        )
        self.exchange = exchange
        service.receive(request, exchange)
    }

    // MARK: Ending

    private func isDue() {
        switch phase {
        // It is not idle while the client is still busy with the last reply.
        case .waiting where hasReplied && holdsBytes: waitForRequest()
        case .waiting where hasReplied: closeGently()
        case .waiting: refuse(Refusal(408, "the request's head did not come in time"))
        case .receiving: refuse(Refusal(408, "the request's body did not come in time"))
        case .answering where rest?.isWanted != true && isTaking: awaitTaking()
        case .answering: breakOff(Refusal(408, "the request's body did not come in time"))
        case .discarding: closeGently()
        case .closing where !hasLeft && isTaking: awaitTaking()
        case .closing: leave()
        }
    }
}
