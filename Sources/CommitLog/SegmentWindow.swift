import Disk
import RecordFormat

/// The part of a segment that is in memory: one at a time, read ahead, large enough for the largest
/// batch met. What a short file lacks reads as zero.
struct SegmentWindow: ~Copyable {
    private var memory: AlignedMemory
    private var segment: UInt64 = 0
    private var start = 0
    private var end = 0

    /// How often the memory was filled anew: what was borrowed before is void.
    private(set) var generation: UInt64 = 0

    /// Bytes that are read at least, as far as there are so many: `leastAhead`, and twice as much
    /// each time that what is asked for lies behind what was read before, up to `mostAhead`.
    private var ahead: Int
    private let leastAhead: Int
    private let mostAhead: Int
    /// As many bytes may lie between: reading them along costs less than a read of its own.
    private let gap: Int

    init(ahead: Int = 1 << 20, most: Int? = nil, gap: Int = 0) {
        self.ahead = ahead
        leastAhead = ahead
        mostAhead = most ?? ahead
        self.gap = gap
        memory = AlignedMemory(capacity: ahead)
    }

    /// A window for headers of batches alone. Those of large batches lie far apart, and each is a
    /// read; small batches are read in one piece. A read of 16 KiB takes the processor as long as
    /// some 128 KiB more of a large one do.
    static var forHeaders: SegmentWindow {
        SegmentWindow(ahead: 16 << 10, most: 1 << 20, gap: 128 << 10)
    }

    /// `count` bytes of a segment from `position` on, valid until the next call. Nothing is read
    /// behind `size`, the bytes of the segment. All three are multiples of the page size.
    mutating func bytes<Source: SegmentSource & ~Copyable>(
        of segment: UInt64,
        at position: Int,
        count: Int,
        size: Int,
        from source: inout Source
    ) throws(LogError) -> UnsafeRawBufferPointer {
        precondition(position % Layout.page == 0)
        precondition(position + count <= size)
        if segment != self.segment || position < start || position + count > end {
            let isNext = segment == self.segment && start < position && position <= end + gap
            ahead = isNext ? min(2 * ahead, mostAhead) : leastAhead
            let wanted = Layout.padded(max(count, min(ahead, size - position)))
            memory.grow(to: wanted, keeping: 0)
            let target = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
            forget()
            generation += 1
            let got = try source.load(segment: segment, at: position, into: target)
            UnsafeMutableRawBufferPointer(rebasing: target[got...]).initializeMemory(
                as: UInt8.self,
                repeating: 0
            )
            self.segment = segment
            start = position
            end = position + wanted
        }
        return UnsafeRawBufferPointer(
            rebasing: memory.bytes[position - start..<position - start + count]
        )
    }

    /// Makes the next call read again: the file may have changed.
    mutating func forget() {
        start = 0
        end = 0
    }
}
