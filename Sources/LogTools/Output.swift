/// Where results go: through a buffer to whoever takes them, or into memory.
package final class Output {
    private let sink: ((UnsafeRawBufferPointer) -> Void)?
    private var buffer: [UInt8] = []
    /// How many calls of ``line(_:)`` there were.
    package private(set) var lineCount = 0
    private static let capacity = 64 << 10

    /// - Parameter sink: gets what was written, piece by piece; nil collects everything in
    ///   ``collected``.
    package init(to sink: ((UnsafeRawBufferPointer) -> Void)? = nil) { self.sink = sink }

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

    /// Hands over what was written.
    package func flush() {
        guard let sink else { return }
        buffer.withUnsafeBytes { sink($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}
