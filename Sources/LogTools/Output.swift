import Glibc

/// Where results go: a file descriptor, through a buffer, or memory.
package final class Output {
    private let descriptor: Int32?
    private var buffer: [UInt8] = []
    private static let capacity = 64 << 10

    /// - Parameter descriptor: nil collects everything in ``collected``.
    package init(descriptor: Int32? = nil) { self.descriptor = descriptor }

    /// What was written and not flushed.
    package var collected: String { String(decoding: buffer, as: UTF8.self) }

    package func line(_ text: String) {
        buffer.append(contentsOf: text.utf8)
        buffer.append(0x0A)
        if buffer.count >= Self.capacity { flush() }
    }

    package func write(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { flush() }
    }

    /// Hands over what was written. What nobody reads any more is dropped.
    package func flush() {
        guard let descriptor else { return }
        buffer.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.write(descriptor, part.baseAddress, part.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if !Self.retries(descriptor) {
                    return
                }
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Whether to try again after the error in `errno`, having waited for the reader if need be.
    private static func retries(_ descriptor: Int32) -> Bool {
        if errno == EINTR { return true }
        guard errno == EAGAIN else { return false }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, -1) >= 0 || errno == EINTR
    }
}
