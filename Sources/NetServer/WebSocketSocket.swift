package import NIOCore

/// The sending side of one WebSocket. Confined to its event loop.
///
/// Messages are gathered in one buffer, payload written straight behind its header, and go to the
/// kernel with one write a ``flush()``.
package final class WebSocketSocket {
    package let eventLoop: any EventLoop
    /// False from the moment the connection begins to close; what is sent then is dropped.
    package internal(set) var isOpen = true

    private let settings: WebSocketSettings
    private var waitsForSlowPeers = false
    /// Nil once the channel is gone.
    private var context: ChannelHandlerContext?
    /// Nil once the connection has ended.
    private var connection: WebSocketConnection?
    private var outbound = ByteBuffer()
    /// Whether the buffer is one that many sockets send.
    private var isShared = false
    /// Nil where everything goes through the channel.
    private var direct: DirectSocket?
    /// Written to the channel but not flushed: the fragments of a large message.
    private var hasUnflushed = false
    /// At most the bytes that NIO holds: counted when that may be many, else taken as 0.
    private var heldByChannel = 0

    /// Memory that an open connection keeps for its next messages, in bytes.
    private static let keptBytes = 256 << 10

    init(
        connection: WebSocketConnection,
        context: ChannelHandlerContext,
        settings: WebSocketSettings
    ) {
        self.connection = connection
        self.context = context
        self.settings = settings
        eventLoop = context.eventLoop
        direct = DirectSocket(under: context.channel)
        // The answer to the handshake.
        direct?.passedToChannel()
    }

    // MARK: Sending

    /// Queues one text message: what `write` appends to the buffer, which must be UTF-8.
    ///
    /// - Parameters:
    ///   - bytes: the expected length. A wrong guess costs one move of the payload.
    ///   - write: appends to the buffer and does nothing else to it, nor to this socket.
    package func sendText(reserving bytes: Int, _ write: (inout ByteBuffer) -> Void) {
        send(.text, reserving: bytes, write)
    }

    /// Queues one binary message; otherwise as ``sendText(reserving:_:)``.
    package func sendBinary(reserving bytes: Int, _ write: (inout ByteBuffer) -> Void) {
        send(.binary, reserving: bytes, write)
    }

    /// Queues frames that were encoded for many, behind what is queued. Their memory stays shared.
    package func send(_ frames: ByteBuffer) {
        eventLoop.assertInEventLoop()
        guard isOpen, hasRoom() else { return }
        if direct != nil, !hasUnflushed, outbound.readableBytes == 0 {
            outbound = frames
            isShared = true
            return
        }
        passOutbound()
        context?.write(NIOAny(frames), promise: nil)
        hasUnflushed = true
        heldByChannel += frames.readableBytes
    }

    /// Writes what is gathered to the channel, unflushed.
    private func passOutbound() {
        guard outbound.readableBytes > 0 else { return }
        var earlier = ByteBuffer()
        swap(&earlier, &outbound)
        isShared = false
        heldByChannel += earlier.readableBytes
        context?.write(NIOAny(earlier), promise: nil)
        hasUnflushed = true
    }

    /// Hands everything queued to the kernel, with one write; what it does not take to the channel.
    package func flush() {
        eventLoop.assertInEventLoop()
        guard hasUnflushed || outbound.readableBytes > 0 else { return }
        if !hasUnflushed, Self.write(&outbound, to: &direct, isShared: isShared) {
            isShared = false
            heldByChannel = 0
            return
        }
        passOutbound()
        hasUnflushed = false
        direct?.passedToChannel()
        context?.flush()
        heldByChannel = isWritable ? 0 : countHeldByChannel()
    }

    /// Writes what the kernel takes. Usually that is all, and the memory serves the next messages.
    ///
    /// - Returns: whether nothing is left.
    private static func write(
        _ buffer: inout ByteBuffer,
        to socket: inout DirectSocket?,
        isShared: Bool
    ) -> Bool {
        socket?.write(&buffer)
        guard buffer.readableBytes == 0 else { return false }
        if isShared || buffer.capacity > keptBytes { buffer = ByteBuffer() } else { buffer.clear() }
        return true
    }

    /// Bytes queued here and in the channel that the kernel has not taken yet.
    package var outboundBytes: Int {
        eventLoop.assertInEventLoop()
        return outbound.readableBytes + countHeldByChannel()
    }

    package var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Whether silence says nothing about the peer: our pings wait behind what it has not read.
    var mayBeSilent: Bool { waitsForSlowPeers && !isWritable }

    // MARK: Control

    /// Sends a Close frame after what is queued, and waits for the peer's; the session hears
    /// ``CloseReason/closed(code:)``. After the deadline, nil for that of the settings, the
    /// connection is cut off with what the peer has not taken until then.
    package func close(code: UInt16, reason: String = "", within deadline: TimeAmount? = nil) {
        eventLoop.assertInEventLoop()
        precondition(FrameParser.maySend(closeCode: code), "\(code) must not be sent.")
        connection?.close(
            code: code,
            text: reason,
            because: .closed(code: code),
            within: deadline
        )
    }

    /// From now on a peer may leave what it is sent unread for as long as it likes. One whose
    /// machine is gone is still found: by pings, and by TCP where bytes are under way.
    package func waitForSlowPeers() {
        waitsForSlowPeers = true
        // A channel without a socket has no such option.
        try? context?.channel.syncOptions?.setOption(Listener.unacknowledgedTimeout, value: 0)
    }

    /// Sends a ping; the session hears ``WebSocketSession/answeredProbe()`` when its pong comes.
    package func probe() {
        eventLoop.assertInEventLoop()
        connection?.probe()
    }

    /// Ends the TCP connection, without a Close frame and without what is queued.
    package func abort() {
        eventLoop.assertInEventLoop()
        connection?.end(.aborted)
    }

    /// No message is delivered after this call, until ``resumeReading()``.
    package func pauseReading() {
        eventLoop.assertInEventLoop()
        connection?.pauseReading()
    }

    /// Messages that had been read already follow in a later turn of the event loop.
    package func resumeReading() {
        eventLoop.assertInEventLoop()
        connection?.resumeReading()
    }

    // MARK: Frames

    private func send(
        _ opcode: FrameHeader.Opcode,
        reserving bytes: Int,
        _ write: (inout ByteBuffer) -> Void
    ) {
        eventLoop.assertInEventLoop()
        guard isOpen, hasRoom() else { return }
        if isShared { passOutbound() }
        let frame = Self.append(opcode, reserving: bytes, to: &outbound, write)
        if frame.count > settings.sentFrameBytes {
            sendFragments(opcode, start: frame.start, header: frame.header, count: frame.count)
        }
    }

    /// Appends one frame, its header sized for its payload.
    private static func append(
        _ opcode: FrameHeader.Opcode,
        reserving bytes: Int,
        to buffer: inout ByteBuffer,
        _ write: (inout ByteBuffer) -> Void
    ) -> (start: Int, header: Int, count: Int) {
        let start = buffer.writerIndex
        let guess = headerSize(payload: bytes)
        buffer.reserveCapacity(minimumWritableBytes: guess + bytes)
        buffer.moveWriterIndex(forwardBy: guess)
        write(&buffer)
        let count = buffer.writerIndex - start - guess
        precondition(count >= 0, "A message is appended to the buffer, nothing else is done to it.")
        let size = headerSize(payload: count)
        if size != guess {
            movePayload(from: start + guess, to: start + size, count: count, in: &buffer)
        }
        setHeader(opcode, isFinal: true, payload: count, in: &buffer, at: start)
        return (start, size, count)
    }

    /// Queues a control frame; `payload` has at most 125 bytes.
    func sendControl(_ opcode: FrameHeader.Opcode, _ payload: some Collection<UInt8>) {
        precondition(opcode.isControl && payload.count <= 125)
        guard isOpen, hasRoom() else { return }
        if isShared { passOutbound() }
        outbound.writeInteger(0x8000 | UInt16(opcode.rawValue) << 8 | UInt16(payload.count))
        outbound.writeBytes(payload)
    }

    /// The bytes of a server's frame header, which has no mask key.
    static func headerSize(payload count: Int) -> Int {
        count < 126 ? 2 : count <= 65_535 ? 4 : 10
    }

    static func setHeader(
        _ opcode: FrameHeader.Opcode,
        isFinal: Bool,
        payload count: Int,
        in buffer: inout ByteBuffer,
        at index: Int
    ) {
        let first = (isFinal ? 0x8000 : 0) | UInt16(opcode.rawValue) << 8
        switch headerSize(payload: count) {
        case 2:
            buffer.setInteger(first | UInt16(count), at: index)
        case 4:
            buffer.setInteger(UInt32(first | 126) << 16 | UInt32(count), at: index)
        default:
            buffer.setInteger(first | 127, at: index)
            buffer.setInteger(UInt64(count), at: index + 2)
        }
    }

    /// Shifts the last payload when its header turned out smaller or larger than reserved.
    private static func movePayload(
        from old: Int,
        to new: Int,
        count: Int,
        in buffer: inout ByteBuffer
    ) {
        if new > old { buffer.writeRepeatingByte(0, count: new - old) }
        buffer.withVeryUnsafeMutableBytes { all in
            let payload = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(all)[old...])
            UnsafeMutableRawBufferPointer(rebasing: all[new...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: payload[..<count]))
        }
        buffer.moveWriterIndex(to: new + count)
    }

    /// Hands the message that is already in the buffer to the channel as slices between headers, so
    /// that no byte of it moves. Texts are cut between code points.
    private func sendFragments(_ opcode: FrameHeader.Opcode, start: Int, header: Int, count: Int) {
        var whole = ByteBuffer()
        swap(&whole, &outbound)
        var headers = ByteBuffer()
        headers.reserveCapacity(10 * (count / settings.sentFrameBytes + 2))
        var place = start + header
        write(whole, from: whole.readerIndex, to: start)
        while place < whole.writerIndex {
            let next = fragmentEnd(whole, from: place, isText: opcode == .text)
            let size = Self.headerSize(payload: next - place)
            let index = headers.writerIndex
            headers.writeRepeatingByte(0, count: size)
            Self.setHeader(
                place == start + header ? opcode : .continuation,
                isFinal: next == whole.writerIndex,
                payload: next - place,
                in: &headers,
                at: index
            )
            write(headers, from: index, to: index + size)
            write(whole, from: place, to: next)
            place = next
        }
        hasUnflushed = true
        heldByChannel += whole.readableBytes
    }

    private func fragmentEnd(_ whole: ByteBuffer, from place: Int, isText: Bool) -> Int {
        var end = min(place + settings.sentFrameBytes, whole.writerIndex)
        guard isText, end < whole.writerIndex else { return end }
        let earliest = end - 3
        while end > earliest, let byte = whole.getInteger(at: end, as: UInt8.self),
            byte & 0xC0 == 0x80
        {
            end -= 1
        }
        return end
    }

    private func write(_ buffer: ByteBuffer, from start: Int, to end: Int) {
        guard end > start, let slice = buffer.getSlice(at: start, length: end - start) else {
            return
        }
        context?.write(NIOAny(slice), promise: nil)
    }

    // MARK: Bounds

    /// Whether more than so many bytes are queued here and in the channel that the kernel has not
    /// taken yet. Costs next to nothing while they are few; a mebibyte may be overlooked.
    package func holds(moreThan bytes: Int) -> Bool {
        eventLoop.assertInEventLoop()
        guard outbound.readableBytes + heldByChannel > bytes else { return false }
        heldByChannel = countHeldByChannel()
        return outbound.readableBytes + heldByChannel > bytes
    }

    /// Whether another message may be queued; drops the connection when not.
    private func hasRoom() -> Bool {
        guard holds(moreThan: settings.outboundBytes) else { return true }
        connection?.end(.slow)
        return false
    }

    private func countHeldByChannel() -> Int {
        context?.channel.bufferedBytes ?? 0
    }

    func leaveConnection() {
        connection = nil
        isOpen = false
    }

    func leaveChannel() {
        context = nil
        direct = nil
        isOpen = false
    }

    /// Gives back the memory of an idle connection.
    func trim() {
        if outbound.readableBytes == 0 { outbound = ByteBuffer() }
    }
}
