/// Memory on a page boundary, as direct I/O wants it. It has one owner and is freed with it.
package struct AlignedMemory: ~Copyable {
    package private(set) var bytes: UnsafeMutableRawBufferPointer

    /// Uninitialised memory of `capacity` bytes, rounded up to whole pages.
    package init(capacity: Int) {
        precondition(capacity > 0)
        bytes = .allocate(byteCount: Layout.padded(capacity), alignment: Layout.page)
    }

    deinit { bytes.deallocate() }

    package var capacity: Int { bytes.count }

    /// The first `count` bytes, for reading.
    package func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        precondition(count <= bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[..<count])
    }

    /// Makes room for at least `capacity` bytes and keeps the first `kept`.
    package mutating func grow(to capacity: Int, keeping kept: Int) {
        precondition(kept <= bytes.count)
        guard capacity > bytes.count else { return }
        replace(capacity: max(capacity, 2 * bytes.count), keeping: kept)
    }

    /// Gives memory back until `capacity` bytes are left; the contents are lost.
    package mutating func shrink(to capacity: Int) {
        guard Layout.padded(capacity) < bytes.count else { return }
        replace(capacity: capacity, keeping: 0)
    }

    private mutating func replace(capacity: Int, keeping kept: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Layout.padded(capacity),
            alignment: Layout.page
        )
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<kept]))
        bytes.deallocate()
        bytes = larger
    }
}
