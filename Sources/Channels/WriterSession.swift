import NIOCore
import NetServer

/// The socket of a channel's writer.
///
/// What a read brings is handed over in one piece. While the channel is full the socket is not
/// read, so that the writer feels it in its own socket.
final class WriterSession: WebSocketSession {
    private let channel: Remote<DataChannel>
    private let bounds: ChannelBounds
    private var socket: WebSocketSocket?
    private var batch: [ChannelMessage] = []
    /// Handed over or collected here, and not known to have reached the reader.
    private var underway = Load()
    private var isAttached = false
    /// How the socket ended; nil: it is open.
    private var ending: ChannelEnding?

    init(_ channel: Remote<DataChannel>, bounds: ChannelBounds) {
        self.channel = channel
        self.bounds = bounds
    }

    // MARK: From the socket

    func opened(_ socket: WebSocketSocket) {
        self.socket = socket
        socket.waitForSlowPeers()
        // Until the channel says whose end this is.
        socket.pauseReading()
        let source = RemoteWriter(session: Remote(self, on: socket.eventLoop))
        channel.tell { $0.attach(source) }
    }

    func text(_ message: UnsafeBufferPointer<UInt8>) { add(.text, message) }

    func binary(_ message: UnsafeBufferPointer<UInt8>) { add(.binary, message) }

    func readCompleted() { handOver() }

    func writable(_ isWritable: Bool) {}

    func closed(_ reason: CloseReason) {
        handOver()
        let ending = ChannelEnding(reason)
        self.ending = ending
        socket = nil
        if isAttached { channel.tell { $0.end(ending) } }
    }

    private func add(_ kind: ChannelMessage.Kind, _ bytes: UnsafeBufferPointer<UInt8>) {
        let message = ChannelMessage(kind, ByteBuffer(bytes: bytes))
        batch.append(message)
        underway.add(message)
        guard underway.fills(bounds) else { return }
        // On the same loop this may empty the channel at once.
        handOver()
        if underway.fills(bounds) { socket?.pauseReading() }
    }

    private func handOver() {
        guard !batch.isEmpty else { return }
        let full = batch
        batch = []
        channel.tell { $0.write(full) }
    }

    // MARK: From the channel

    func attached() {
        isAttached = true
        if let ending {
            channel.tell { $0.end(ending) }
        } else {
            socket?.resumeReading()
        }
    }

    func refused() {
        socket?.close(code: CloseCode.policy, reason: "this channel has a writer already")
    }

    func took(_ load: Load) {
        underway.subtract(load)
        if !underway.fills(bounds) { socket?.resumeReading() }
    }

    func readerLeft() {
        isAttached = false
        socket?.close(code: CloseCode.failed, reason: "nobody reads this channel any more")
    }
}

extension ChannelEnding {
    fileprivate init(_ reason: CloseReason) {
        switch reason {
        case .peer(code: nil), .peer(code: CloseCode.normal): self = .whole
        default: self = .cut
        }
    }
}

/// Close codes of channel sockets (RFC 6455, 7.4.1).
enum CloseCode {
    static let normal: UInt16 = 1000
    static let policy: UInt16 = 1008
    static let failed: UInt16 = 1011
}

/// A writer's socket, as the channel sees it.
private struct RemoteWriter: ChannelSource {
    let session: Remote<WriterSession>

    func attached() { session.tell { $0.attached() } }
    func refused() { session.tell { $0.refused() } }
    func took(_ load: Load) { session.tell { $0.took(load) } }
    func readerLeft() { session.tell { $0.readerLeft() } }
}
