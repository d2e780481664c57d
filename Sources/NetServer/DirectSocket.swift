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
        let handle = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            $0
        }
        guard let descriptor = handle ?? nil else { return nil }
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
}
