import Primitives
import RecordFormat

/// The one segment that takes batches.
///
///     | header | batch | batch | ...        | seal | footer |
///                             ^ position             one page
///
/// Invariant: a seal fits behind `position` until it was written.
struct ActiveSegment {
    let header: SegmentHeader
    /// Where the next batch goes, in bytes.
    private(set) var position: Int

    init(_ header: SegmentHeader, position: Int = Layout.segmentHeader) {
        precondition(position % Layout.page == 0)
        self.header = header
        self.position = position
    }

    var number: UInt64 { header.number }

    /// Whether a batch of `extent` bytes leaves room for the seal.
    func hasRoom(for extent: Int) -> Bool {
        extent + Layout.page <= remaining
    }

    /// Bytes that batches may still take, the seal's included.
    var remaining: Int { Int(header.size) - Layout.segmentFooter - position }

    /// The header of the batch that would be written now.
    func batch(_ kind: BatchHeader.Kind, base: Offset, durable: Offset) -> BatchHeader {
        BatchHeader(
            kind: kind,
            segment: number,
            salt: header.salt,
            position: UInt64(position),
            base: base,
            durable: durable
        )
    }

    /// Takes room for a batch and says where.
    mutating func extend(by extent: Int) -> Int {
        let start = position
        position += extent
        precondition(position <= Int(header.size) - Layout.segmentFooter)
        return start
    }
}
