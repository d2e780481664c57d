import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL
import Primitives

extension HTTPConnection {
    // MARK: In one piece

    func respond(_ reply: HTTPReply) {
        guard phase == .answering, let head else { return }
        let keepsAlive = keepsAlive(head)
        send(reply, to: head, keepsAlive: keepsAlive)
        close(exchangeOf: head, keepsAlive: keepsAlive)
    }

    // MARK: As it is made

    func begin(_ reply: HTTPReply) {
        guard phase == .answering, let head else { return }
        let keepsAlive = keepsAlive(head, isStreamed: true)
        self.reply = (reply, keepsAlive)
        endsWithConnection = head.version == .http1_0
        send(reply, to: head, keepsAlive: keepsAlive, isStreamed: true)
        flushOutsideReads()
    }

    func write(body: ByteBuffer) {
        guard phase == .answering, let head, sendsBody, reply?.reply.mayHaveContent == true,
            body.readableBytes > 0
        else { return }
        if isStream {
            write(part: .body(.byteBuffer(body)))
        } else if head.version == .http1_0 {
            write(body)
        } else {
            let length = String(body.readableBytes, radix: 16)
            write(ByteBuffer(string: "\(length)\r\n"))
            write(body)
            write(ByteBuffer(staticString: "\r\n"))
        }
        flushOutsideReads()
        watchReply()
    }

    func end() {
        guard phase == .answering, let head, let reply else { return }
        if isStream {
            writeLastPart()
        } else if sendsBody, head.version != .http1_0 {
            write(ByteBuffer(staticString: "0\r\n\r\n"))
        }
        close(exchangeOf: head, keepsAlive: reply.keepsAlive && !isDraining)
    }

    private var sendsBody: Bool { reply?.reply.mayHaveBody == true && head?.isHead != true }

    /// Without the last chunk, so that the client knows.
    func abort() {
        exchange = nil
        phase = .closing
        flush()
        guard let context else { return }
        if endsWithConnection { reset(context) } else { context.close(promise: nil) }
    }

    /// Others close the connection as well, as a listener does whose time is up.
    func close(
        context: ChannelHandlerContext,
        mode: CloseMode,
        promise: EventLoopPromise<Void>?
    ) {
        // In this order: a stream may not be asked what it holds.
        guard mode == .all, endsWithConnection,
            phase == .answering || context.channel.bufferedBytes > 0
        else {
            return context.close(mode: mode, promise: promise)
        }
        reset(context, promise)
    }

    /// Ends the connection so that the client sees it break: the body of HTTP/1.0 ends with the
    /// connection, and would pass for whole if that ended in order, by a FIN or by TLS's own word.
    private func reset(
        _ context: ChannelHandlerContext,
        _ promise: EventLoopPromise<Void>? = nil
    ) {
        let socket = context.channel as? any SocketOptionProvider
        _ = socket?.setSoLinger(Glibc.linger(l_onoff: 1, l_linger: 0))
        let pipeline = context.pipeline.syncOperations
        let tls = try? pipeline.context(handlerType: NIOSSLServerHandler.self)
        (tls ?? context).close(promise: promise)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: Refusing

    /// Answers a request that reaches no service, or no more, and closes.
    func refuse(_ refusal: Refusal, trace: TraceID? = nil) {
        let head = head ?? unfinishedHead
        send(service.reply(to: refusal, of: head, trace: trace), to: head, keepsAlive: false)
        closeGently()
    }

    /// Gives up an exchange whose body does not come as it should.
    func breakOff(_ refusal: Refusal) {
        let hasBegun = reply != nil
        let exchange = exchange
        self.exchange = nil
        exchange?.abandon()
        if hasBegun { return abort() }
        refuse(refusal, trace: exchange?.trace)
    }

    // MARK: Sending

    private func keepsAlive(_ head: RequestHead, isStreamed: Bool = false) -> Bool {
        // A client that was not told to go on with its body may send it, or not.
        guard head.keepsAlive, !isDraining, !owesContinue else { return false }
        if isStreamed, head.version == .http1_0 { return false }
        // What nobody read has to be dropped before the next request.
        return (rest?.length ?? 0) <= settings.bodyBytes
    }

    private func send(
        _ reply: HTTPReply,
        to head: RequestHead?,
        keepsAlive: Bool,
        isStreamed: Bool = false
    ) {
        let circumstances = HTTPReply.Circumstances(
            isHead: head?.isHead == true,
            isHTTP10: head?.version == .http1_0,
            keepsAlive: keepsAlive,
            isStreamed: isStreamed,
            date: service.dateText()
        )
        guard isStream else { return write(reply.bytes(circumstances)) }
        write(part: .head(reply.head(circumstances)))
        guard !isStreamed else { return }
        let content = reply.content
        if !circumstances.isHead, !content.isEmpty {
            write(part: .body(.byteBuffer(ByteBuffer(bytes: content))))
        }
        writeLastPart()
    }

    /// Of a stream of HTTP/2.
    private func write(part: HTTPServerResponsePart, promise: EventLoopPromise<Void>? = nil) {
        needsFlush = true
        context?.write(NIOAny(part), promise: promise)
    }

    /// Of a stream. Where the client has not said all of its request, that is what is waited for
    /// once the reply has left; otherwise the stream ends with it.
    private func writeLastPart() {
        guard let context, !isComplete else { return write(part: .end(nil)) }
        let left = context.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenSuccess { [weak self] _ in self?.replyHasLeft() }
        write(part: .end(nil), promise: left)
    }

    private func replyHasLeft() {
        hasLeft = true
        if phase == .closing { awaitTaking() }
    }

    func write(_ buffer: ByteBuffer) {
        if !needsFlush, direct != nil {
            sole = buffer
        } else {
            if let earlier = sole.take() { passOn(earlier) }
            passOn(buffer)
        }
        needsFlush = true
    }

    func flush() {
        guard needsFlush else { return }
        needsFlush = false
        if var buffer = sole.take() {
            direct?.write(&buffer)
            guard buffer.readableBytes > 0 else { return }
            passOn(buffer)
        }
        context?.flush()
    }

    private func passOn(_ buffer: ByteBuffer) {
        context?.write(wrapOutboundOut(buffer), promise: nil)
        direct?.passedToChannel()
    }

    /// A read ends with a flush of its own.
    private func flushOutsideReads() {
        if !isReading, !isPumping { flush() }
    }

    // MARK: Ending

    /// The reply is complete: goes on to the next request, or ends.
    private func close(exchangeOf head: RequestHead, keepsAlive: Bool) {
        exchange = nil
        self.head = nil
        reply = nil
        body = GatheredBody()
        releaseBody()
        hasReplied = true
        guard keepsAlive else { return closeGently() }
        if rest == nil {
            waitForRequest()
        } else {
            phase = .discarding
            deadline.set(in: settings.bodyIdle)
        }
        pump()
        flushOutsideReads()
        resumeReads()
    }

    func waitForRequest() {
        phase = .waiting
        deadline.set(in: settings.idleTimeout)
    }

    func closeGently() {
        phase = .closing
        body = GatheredBody()
        releaseBody()
        rest = nil
        dropRest()
        if isStream {
            // It ends by itself once both sides have said all, maybe with this flush; closing it
            // would drop what the client has not taken yet.
            awaitTaking()
            flush()
        } else {
            deadline.clear()
            flush()
            context?.shut { [weak self] in self?.linger() }
        }
        resumeReads()
    }

    // MARK: Clients that take nothing

    /// Whether a reply is still on its way to the client of a connection.
    var holdsBytes: Bool { context?.channel.holdsUntaken == true }

    /// A stream whose client takes nothing more of a reply that is being made is not kept for ever,
    /// be its body read or not; while more of that is waited for, it has a deadline of its own. Of
    /// plain connections TCP tells (``Listener/unacknowledgedTimeout``).
    func watchReply() {
        guard isStream, phase == .answering, rest?.isWanted != true else { return }
        if reply == nil || isWritable { deadline.clear() } else { awaitTaking() }
    }

    /// Of a stream: the client is to take something in time, and then to say all of its request.
    func awaitTaking() {
        seenGrants = carrier?.grants ?? 0
        deadline.set(in: hasLeft ? settings.bodyIdle : settings.replyIdle)
    }

    /// Whether the client of a stream has let more come since the deadline was set, or still has to
    /// take what is on its way to it. That may be of other streams, which share the connection.
    var isTaking: Bool {
        guard let carrier, let connection = context?.channel.parent else { return false }
        return carrier.grants != seenGrants || connection.holdsUntaken
    }
}
