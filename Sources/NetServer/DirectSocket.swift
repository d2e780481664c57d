import Glibc
import NIOCore
import NIOSSL

/// The socket under a channel, for its one writer: what the kernel takes at once needs no way
/// through the pipeline and the queue of pending writes, which costs more than the message itself.
/// What it does not take goes through the channel as ever, with errors and writability.
///
/// Invariants:
/// * Nothing is written here while the channel holds bytes: the order is that of the writer.
/// * The descriptor is used only while the channel is active: it may be another's afterwards.
struct DirectSocket {
    private let channel: any Channel
    private let descriptor: CInt
    /// Whether the channel was given something that it may still hold.
    private var mayHold = false

    /// Nil where there is no socket to write to: a channel without one, a stream of HTTP/2, TLS.
    init?(under channel: any Channel) {
        let pipeline = channel.pipeline.syncOperations
        if (try? pipeline.handler(type: NIOSSLServerHandler.self)) != nil { return nil }
        guard let descriptor = channel.descriptor else { return nil }
        self.channel = channel
        self.descriptor = descriptor
    }

    /// Call when something was written to the channel.
    mutating func passedToChannel() { mayHold = true }

    /// Writes what the kernel takes of `buffer`, and moves its reader index over it.
    mutating func write(_ buffer: inout ByteBuffer) {
        guard channel.isActive, !holdsAnything() else { return }
        let taken = buffer.withUnsafeReadableBytes { bytes in
            send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        // An error is left for the channel to find, and to end by.
        if taken > 0 { buffer.moveReaderIndex(forwardBy: taken) }
    }

    private mutating func holdsAnything() -> Bool {
        guard mayHold else { return false }
        mayHold = channel.bufferedBytes > 0
        return mayHold
    }
}

extension Channel {
    /// Bytes that were written to the channel and that the kernel has not taken yet.
    var bufferedBytes: Int {
        guard isActive, let options = syncOptions else { return 0 }
        // Every channel that can be written to knows this option; one that did not would count as
        // empty here and still be bounded by what its writer queues itself.
        return (try? options.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Whether something that was written is still on its way to the peer, be it in the channel or
    /// in the kernel, which takes megabytes ahead of a slow one. How long it may be is for TCP to
    /// tell (``Listener/unacknowledgedTimeout``).
    var holdsUntaken: Bool { bufferedBytes > 0 || unacknowledgedBytes > 0 }

    /// Bytes that the kernel has taken and the peer's has not acknowledged.
    private var unacknowledgedBytes: Int {
        var count: CInt = 0
        guard isActive, let descriptor, ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 else {
            return 0
        }
        return Int(count)
    }

    /// Of its socket; nil: it has none.
    fileprivate var descriptor: CInt? {
        let pipeline = pipeline.syncOperations
        let handle = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            $0
        }
        return handle ?? nil
    }
}
