/// Gives the parts of a snapshot, one after the other, from blocks that it reads as it goes: memory
/// is bounded by the largest part.
package struct SnapshotReader: ~Copyable {
    /// Fills memory with the bytes that begin at a position; false: it cannot.
    package typealias Source = (_ position: Int, UnsafeMutableRawBufferPointer) -> Bool

    private var memory = AlignedMemory(capacity: 1 << 20)
    /// What is in memory and not read yet.
    private var unread = 0..<0
    /// Where in the source the next block begins.
    private var position: Int
    private let end: Int
    private let source: Source

    /// Reads the bytes of `source` that lie in `range`.
    package init(_ range: Range<Int>, of source: @escaping Source) {
        position = range.lowerBound
        end = range.upperBound
        self.source = source
    }

    package var isAtEnd: Bool { unread.isEmpty && position == end }

    /// Returns what `decode` makes of the next bytes. It is called again, with more of them, where
    /// they were too few.
    ///
    /// - Throws: what `decode` threw at the end of the source, or where the source fails.
    package mutating func read<Value>(
        _ decode: (inout ByteReader) throws(DecodeError) -> Value
    ) throws(DecodeError) -> Value {
        while true {
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: memory.bytes[unread]))
            do throws(DecodeError) {
                let value = try decode(&reader)
                unread = unread.lowerBound + reader.position..<unread.upperBound
                return value
            } catch {
                guard position < end, fill() else { throw error }
            }
        }
    }

    /// Reads another block behind what is not read yet.
    private mutating func fill() -> Bool {
        if unread.count > memory.capacity / 2 {
            memory.grow(to: 2 * memory.capacity, keeping: unread.upperBound)
        }
        memory.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory.bytes[unread]))
        unread = 0..<unread.count
        let count = min(memory.capacity - unread.count, end - position)
        let block = unread.count..<unread.count + count
        guard source(position, UnsafeMutableRawBufferPointer(rebasing: memory.bytes[block])) else {
            return false
        }
        unread = 0..<block.upperBound
        position += count
        return true
    }
}
