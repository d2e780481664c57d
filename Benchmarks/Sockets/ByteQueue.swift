import Glibc

/// Bytes that are written at one end and taken at the other.
final class ByteQueue {
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    /// The first byte that was not taken.
    private var start = 0
    /// The first byte that is free.
    private var end = 0

    deinit { memory.deallocate() }

    var isEmpty: Bool { start == end }

    /// What was not taken; valid until the next append.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[start..<end])
    }

    func take(_ count: Int) {
        precondition(count <= end - start)
        start += count
        if isEmpty {
            start = 0
            end = 0
        }
    }

    /// Makes room for `count` bytes, lets `fill` write them, and keeps as many as it says.
    func append(
        atMost count: Int,
        _ fill: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        reserve(count)
        let room = UnsafeMutableRawBufferPointer(rebasing: memory[end..<(end + count)])
        let written = fill(room)
        precondition(0...count ~= written)
        end += written
    }

    func append(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            append(atMost: utf8.count) { room in
                room.copyMemory(from: UnsafeRawBufferPointer(utf8))
                return utf8.count
            }
        }
    }

    func append(_ bytes: [UInt8]) {
        append(atMost: bytes.count) { room in
            room.copyBytes(from: bytes)
            return bytes.count
        }
    }

    private func reserve(_ count: Int) {
        guard memory.count - end < count else { return }
        let used = end - start
        var target = memory
        if memory.count - used < count || used > memory.count / 2 {
            target = .allocate(byteCount: max(2 * memory.count, used + count), alignment: 16)
        }
        if let source = memory.baseAddress, let room = target.baseAddress, used > 0 {
            memmove(room, source + start, used)
        }
        if target.baseAddress != memory.baseAddress {
            memory.deallocate()
            memory = target
        }
        start = 0
        end = used
    }
}
