import Glibc

/// Where results go: a file descriptor, through a buffer, or memory.
package final class Output {
    private let descriptor: Int32?
    private var buffer: [UInt8] = []
    /// How many calls of ``line(_:)`` there were.
    package private(set) var lineCount = 0
    /// Why something is missing in what was written: the first error, as `errno` says it.
    private var failure: Int32?
    private static let capacity = 64 << 10

    /// - Parameter descriptor: nil collects everything in ``collected``.
    package init(descriptor: Int32? = nil) { self.descriptor = descriptor }

    /// What was written and not flushed.
    package var collected: String { String(decoding: buffer, as: UTF8.self) }

    package func line(_ text: String) {
        lineCount += 1
        buffer.append(contentsOf: text.utf8)
        buffer.append(0x0A)
        if buffer.count >= Self.capacity { flush() }
    }

    package func write(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { flush() }
    }

    /// Hands over what was written. What nobody reads any more is dropped, and so is what would
    /// come behind something that could not be written.
    package func flush() {
        guard let descriptor else { return }
        buffer.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty, failure == nil {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.write(descriptor, part.baseAddress, part.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if !Self.retries(descriptor) {
                    if errno != EPIPE { failure = errno }
                    return
                }
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Hands over the rest.
    ///
    /// - Throws: ``ToolError/Code/notWritten`` where not all of it could be written.
    package func finish() throws(ToolError) {
        flush()
        guard let failure else { return }
        let reason = String(cString: strerror(failure))
        throw ToolError(.notWritten, "the output could not be written: \(reason) (\(failure))")
    }

    /// Whether to try again after the error in `errno`, having waited for the reader if need be.
    private static func retries(_ descriptor: Int32) -> Bool {
        if errno == EINTR { return true }
        guard errno == EAGAIN else { return false }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, -1) >= 0 || errno == EINTR
    }
}
