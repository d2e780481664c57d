import Glibc
import NIOCore

/// One WebSocket on the byte stream of its channel, from the 101 on.
///
///     open -- our Close frame --> closing -- peer's Close frame --> shut --> ended
///       |                            |                               ^
///       +-- peer's Close frame, protocol error ----------------------+
///       +-- end of TCP, silence, slowness, abort --> ended <-- end of TCP, deadline, from anywhere
///
/// *Shut*: everything is written and our side of the TCP connection ends. After a protocol error
/// the peer's side is read on and dropped for a while: closing over unread bytes would make the
/// kernel reset the connection, and the peer lose the Close frame that tells it why.
final class WebSocketConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private enum Phase { case open, closing, shut, ended }

    private let eventLoop: any EventLoop
    private let settings: WebSocketSettings
    private let session: any WebSocketSession
    private var socket: WebSocketSocket?
    private var context: ChannelHandlerContext?
    private var phase = Phase.open
    private var parser: FrameParser
    private var ticking: Scheduled<Void>?
    private var deadline: Scheduled<Void>?
    private var hasReported = false
    private let opened: NIODeadline

    private var isPaused = false
    /// Read while paused, in order.
    private var held = CircularBuffer<ByteBuffer>(initialCapacity: 0)
    /// NIO wants to read, but was held back.
    private var wantsRead = false
    /// The TCP connection ended for this reason while messages were held.
    private var endAfterHeld: CloseReason?

    /// A byte came since the last tick.
    private var hasHeard = false
    private var silentTicks = 0
    /// Whether the session waits for a pong.
    private var isProbed = false

    init(
        eventLoop: any EventLoop,
        settings: WebSocketSettings,
        session: any WebSocketSession
    ) {
        self.eventLoop = eventLoop
        self.settings = settings
        self.session = session
        opened = eventLoop.now
        parser = FrameParser(messageBytesMax: settings.messageBytes)
    }

    // MARK: Life in the pipeline

    func handlerAdded(context: ChannelHandlerContext) {
        precondition(self.context == nil, "A connection belongs to one channel.")
        self.context = context
        let socket = WebSocketSocket(connection: self, context: context, settings: settings)
        self.socket = socket
        session.opened(socket)
        scheduleTick()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if endAfterHeld == nil { finish(.disconnected) }
        socket?.leaveChannel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        if phase == .open, !held.isEmpty {
            endAfterHeld = .disconnected
            phase = .ended
            socket?.isOpen = false
            // What the peer has not taken is gone: nobody need wait until it has.
            session.writable(true)
        } else {
            finish(.disconnected)
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isStalled = (error as? IOError)?.errnoCode == ETIMEDOUT
        end(isStalled ? .stalled : .reset(String(describing: error)))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let shutdown = event as? ListenerDrain { drain(shutdown) }
        context.fireUserInboundEventTriggered(event)
    }

    private func drain(_ shutdown: ListenerDrain) {
        let end = opened + settings.settlingTime
        guard phase == .open, session.isSettling, eventLoop.now < end else {
            return close(code: shutdown.code, text: "", because: .shutdown)
        }
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { self.drain(shutdown) }
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasHeard = true
        guard phase == .open || phase == .closing else { return }
        let buffer = unwrapInboundIn(data)
        if isPaused || !held.isEmpty {
            held.append(buffer)
        } else {
            deliver(buffer)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        completeRead()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { wantsRead = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if phase == .open { session.writable(context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    private func completeRead() {
        if isDelivering { session.readCompleted() }
        socket?.flush()
    }

    /// Delivers the messages in `buffer`; what a pause leaves over is held.
    private func deliver(_ buffer: ByteBuffer) {
        let rest = buffer.withUnsafeReadableBytes { bytes in
            var input = bytes
            while !isPaused, let event = parser.next(&input) { handle(event) }
            return input.count
        }
        guard rest > 0, let slice = buffer.getSlice(at: buffer.writerIndex - rest, length: rest)
        else { return }
        held.prepend(slice)
    }

    private func handle(_ event: FrameParser.Event) {
        switch event {
        case .text:
            if isDelivering { session.text(parser.message) }
        case .binary:
            if isDelivering { session.binary(parser.message) }
        case .ping:
            socket?.sendControl(.pong, parser.control)
        case .pong:
            guard isProbed, phase == .open else { return }
            isProbed = false
            session.answeredProbe()
        case .close(let code):
            if phase == .open, code == nil {
                socket?.sendControl(.close, EmptyCollection())
            } else if phase == .open {
                socket?.sendControl(.close, parser.control.prefix(2))
            }
            shut(.peer(code: code), lingers: false)
        case .failed(let error):
            if phase == .open { sendClose(code: error.closeCode, text: error.message) }
            shut(.protocolError(code: error.closeCode, error.message), lingers: true)
        }
    }

    /// Whether messages still reach the session: also those held at the end of the connection.
    private var isDelivering: Bool { phase == .open || endAfterHeld != nil }

    func pauseReading() {
        guard isDelivering else { return }
        isPaused = true
    }

    func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        eventLoop.assumeIsolated().execute { self.deliverHeld() }
    }

    private func deliverHeld() {
        while !isPaused, let buffer = held.popFirst() { deliver(buffer) }
        completeRead()
        guard !isPaused else { return }
        if let reason = endAfterHeld {
            endAfterHeld = nil
            finish(reason)
        } else if wantsRead {
            wantsRead = false
            context?.read()
        }
    }

    // MARK: Liveness

    private func scheduleTick() {
        ticking = eventLoop.assumeIsolated().scheduleTask(in: settings.pingInterval) {
            self.tick()
        }
    }

    /// Sends a ping, after it judged the peer by whether anything came since the last one.
    private func tick() {
        guard phase == .open else { return }
        let mayBeSilent = isPaused || socket?.mayBeSilent == true
        silentTicks = hasHeard || mayBeSilent ? 0 : silentTicks + 1
        if !hasHeard {
            parser.trim()
            socket?.trim()
        }
        hasHeard = false
        guard silentTicks < settings.silentPings else { return end(.silent) }
        socket?.sendControl(.ping, EmptyCollection())
        socket?.flush()
        scheduleTick()
    }

    /// Asks the peer, out of turn, whether it is there.
    func probe() {
        guard phase == .open else { return }
        // Whoever sends faster than it is read is there, and its pong would be read late.
        guard !isPaused else { return session.answeredProbe() }
        isProbed = true
        socket?.sendControl(.ping, EmptyCollection())
        socket?.flush()
    }

    // MARK: Ending

    /// Begins the closing handshake, if the connection is open.
    func close(
        code: UInt16,
        text: String,
        because reason: CloseReason,
        within deadline: TimeAmount? = nil
    ) {
        guard phase == .open else { return dropHeld() }
        sendClose(code: code, text: text)
        socket?.flush()
        phase = .closing
        report(reason)
        // Reading goes on, for the peer's Close frame.
        held.removeAll()
        resumeReading()
        scheduleDeadline(in: deadline ?? settings.closeDeadline)
    }

    private func sendClose(code: UInt16, text: String) {
        var payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
        var room = 123
        for scalar in text.unicodeScalars {
            room -= UTF8.width(scalar)
            guard room >= 0 else { break }
            payload.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        socket?.sendControl(.close, payload)
    }

    /// Writes what is queued and shuts our side; then shuts the peer's too, which has nothing more
    /// to say after its Close frame, or `lingers` until the peer has done so.
    private func shut(_ reason: CloseReason, lingers: Bool) {
        // TCP ended while it was held: what the peer said last is why, not that it went.
        guard endAfterHeld == nil else { return endAfterHeld = reason }
        guard phase == .open || phase == .closing, let context else { return }
        socket?.flush()
        phase = .shut
        report(reason)
        held.removeAll()
        resumeReading()
        scheduleDeadline(in: settings.closeDeadline)
        let written = context.eventLoop.makePromise(of: Void.self)
        context.close(mode: .output, promise: written)
        guard !lingers else { return }
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func scheduleDeadline(in time: TimeAmount) {
        guard deadline == nil else { return }
        deadline = eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.context?.close(promise: nil)
        }
    }

    /// The peer is gone already, and what it sent before that is wanted no more.
    private func dropHeld() {
        guard let reason = endAfterHeld else { return }
        endAfterHeld = nil
        isPaused = false
        finish(reason)
    }

    /// Ends the TCP connection now.
    func end(_ reason: CloseReason) {
        endAfterHeld = nil
        finish(reason)
        context?.close(promise: nil)
    }

    private func finish(_ reason: CloseReason) {
        phase = .ended
        report(reason)
        held.removeAll()
        ticking?.cancel()
        deadline?.cancel()
        ticking = nil
        deadline = nil
        socket?.leaveConnection()
        socket = nil
    }

    /// Tells the session, once; in a turn of its own, as the session may be calling at this moment.
    private func report(_ reason: CloseReason) {
        socket?.isOpen = false
        guard !hasReported, endAfterHeld == nil else { return }
        hasReported = true
        let session = session
        eventLoop.assumeIsolated().execute { session.closed(reason) }
    }
}
