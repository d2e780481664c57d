import NIOCore
import NetServer

/// The socket of a channel's reader. It is read too: for pings, and to see it go.
final class ReaderSession: WebSocketSession {
    private let channel: Remote<DataChannel>
    private var socket: WebSocketSocket?
    private var isAttached = false
    private var isClosed = false
    /// The last batch is written, but the socket has not taken enough of it.
    private var isSlow = false

    /// Bytes that are written together.
    private static let flushBytes = 256 << 10
    /// How long a reader may take for what was written before its Close frame.
    private static let farewell = TimeAmount.minutes(10)

    init(_ channel: Remote<DataChannel>) { self.channel = channel }

    // MARK: From the socket

    func opened(_ socket: WebSocketSocket) {
        self.socket = socket
        socket.waitForSlowPeers()
        let sink = RemoteReader(session: Remote(self, on: socket.eventLoop))
        channel.tell { $0.attach(sink) }
    }

    func text(_ message: UnsafeBufferPointer<UInt8>) {}

    func binary(_ message: UnsafeBufferPointer<UInt8>) {}

    func readCompleted() {}

    func writable(_ isWritable: Bool) {
        guard isWritable, isSlow else { return }
        isSlow = false
        channel.tell { $0.ready() }
    }

    func closed(_ reason: CloseReason) {
        isClosed = true
        socket = nil
        if isAttached { channel.tell { $0.leave() } }
    }

    // MARK: From the channel

    func attached() {
        isAttached = true
        if isClosed { channel.tell { $0.leave() } }
    }

    func refused() {
        socket?.close(code: CloseCode.policy, reason: "this channel has a reader already")
    }

    func deliver(_ batch: [ChannelMessage]) {
        guard let socket else { return }
        var written = 0
        for message in batch {
            let count = message.bytes.readableBytes
            switch message.kind {
            case .text: socket.sendText(reserving: count) { $0.writeImmutableBuffer(message.bytes) }
            case .binary:
                socket.sendBinary(reserving: count) { $0.writeImmutableBuffer(message.bytes) }
            }
            written += count
            guard written >= Self.flushBytes else { continue }
            socket.flush()
            written = 0
        }
        socket.flush()
        isSlow = !socket.isWritable
        if !isSlow { channel.tell { $0.ready() } }
    }

    func ended(_ ending: ChannelEnding) {
        isAttached = false
        switch ending {
        case .whole:
            socket?.close(code: CloseCode.normal, within: Self.farewell)
        case .cut:
            let reason = "the writer is gone, and had not closed the channel"
            socket?.close(code: CloseCode.failed, reason: reason, within: Self.farewell)
        }
    }
}

/// A reader's socket, as the channel sees it.
private struct RemoteReader: ChannelSink {
    let session: Remote<ReaderSession>

    func attached() { session.tell { $0.attached() } }
    func refused() { session.tell { $0.refused() } }
    func deliver(_ batch: [ChannelMessage]) { session.tell { $0.deliver(batch) } }
    func ended(_ ending: ChannelEnding) { session.tell { $0.ended(ending) } }
}
