import Primitives
import RecordFormat

/// How a log is laid out. Changing it concerns segments to come only.
package struct LogOptions: Equatable, Sendable {
    /// Bytes of a segment, a multiple of 4096.
    package var segmentBytes: Int
    /// Bytes of the very first segment, which is made while the engine starts: a smaller one is
    /// zero-filled sooner.
    package var firstSegmentBytes: Int
    /// The most bytes of a record's payload.
    package var recordBytes: Int
    /// The bytes from which on ``CommitLog/hasRoom`` is false.
    package var batchBytes: Int

    package init(
        segmentBytes: Int = 64 << 20,
        firstSegmentBytes: Int = 16 << 20,
        recordBytes: Int = Limits.recordBytes,
        batchBytes: Int = Limits.batchBytes
    ) {
        precondition(segmentBytes % Layout.page == 0)
        precondition(firstSegmentBytes % Layout.page == 0)
        precondition(min(segmentBytes, firstSegmentBytes) >= Self.segmentBytesMin)
        self.segmentBytes = segmentBytes
        self.firstSegmentBytes = min(firstSegmentBytes, segmentBytes)
        // A record has to fit a batch, and a batch a segment.
        let capacity = Self.capacity(of: segmentBytes)
        let overhead = Layout.batchHeader + Layout.bodyPrefix + Layout.recordOverhead
        self.recordBytes = min(recordBytes, Limits.recordBytes, capacity - overhead)
        self.batchBytes = min(batchBytes, capacity)
    }

    /// Header, one batch, seal and footer, with a page to spare.
    static let segmentBytesMin = 5 * Layout.page

    /// Bytes that the largest batch of a segment may have: header, footer and seal take the rest.
    static func capacity(of segmentBytes: Int) -> Int {
        segmentBytes - Layout.segmentHeader - Layout.segmentFooter - Layout.page
    }

    /// Bytes of a segment that are kept for acknowledgements and deletes while the disk is full: a
    /// quarter, at most 16 MiB.
    func reserveBytes(of segment: SegmentHeader) -> Int { Self.reserve(of: Int(segment.size)) }

    /// Bytes that are kept of every segment to come.
    package var reserveBytes: Int { Self.reserve(of: segmentBytes) }

    private static func reserve(of segmentBytes: Int) -> Int { min(segmentBytes / 4, 16 << 20) }

    /// Bytes of the largest batch that can be written.
    var batchExtentMax: Int { min(Self.capacity(of: segmentBytes), CommitLogLimits.batchExtent) }
}
