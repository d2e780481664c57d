package import NIOCore

/// The body of a request, as far as it has come. One that grows is not moved again and again: the
/// event loop would stand still for the milliseconds that moving megabytes takes, and most bodies
/// of that size are refused before they are whole.
package struct GatheredBody {
    private var blocks: [[UInt8]] = []
    private var last: [UInt8] = []
    package private(set) var count = 0

    /// The size of a block, in bytes.
    private static let blockBytes = 256 << 10

    package init() {}

    /// Makes room for a body that is said to have so many bytes, but not for a large one: its
    /// client may send none of them.
    package mutating func reserve(_ bytes: Int) {
        last.reserveCapacity(min(bytes, 1 << 16))
    }

    package mutating func append(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { source in
            var left = source[...]
            while !left.isEmpty {
                if last.count == Self.blockBytes { beginBlock() }
                let piece = left.prefix(Self.blockBytes - last.count)
                last.append(contentsOf: piece)
                left = left.dropFirst(piece.count)
            }
        }
        count += bytes.readableBytes
    }

    private mutating func beginBlock() {
        blocks.append(last)
        last = []
        last.reserveCapacity(Self.blockBytes)
    }

    /// The body in one piece, which leaves none.
    package mutating func take() -> [UInt8] {
        defer { self = GatheredBody() }
        guard !blocks.isEmpty else { return last }
        var whole: [UInt8] = []
        whole.reserveCapacity(count)
        for block in blocks { whole += block }
        whole += last
        return whole
    }
}
