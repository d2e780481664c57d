import Disk
package import Primitives
package import RecordFormat

/// Where in a segment a pass may begin, as an index says: what stands there is checked like any
/// other batch.
package struct ScanStart: Equatable, Sendable {
    package let segment: UInt64
    /// Of the segment that was indexed.
    package let salt: UInt64
    /// The offset of the first record of the batch that starts there.
    package let base: Offset
    /// In bytes.
    package let position: Int

    package init(segment: UInt64, salt: UInt64, base: Offset, position: Int) {
        self.segment = segment
        self.salt = salt
        self.base = base
        self.position = position
    }

    /// Whether it is one into this segment, which may have been written anew since.
    func leads(into header: SegmentHeader) -> Bool {
        header.number == segment && header.salt == salt && Self.isPlace(position, in: header)
    }

    /// Whether a batch may start at `position`.
    static func isPlace(_ position: Int, in header: SegmentHeader) -> Bool {
        position % Layout.page == 0 && position >= Layout.segmentHeader
            && position <= Int(clamping: header.size) - Layout.segmentFooter - Layout.page
    }
}

extension LogReader where Source: ~Copyable {
    /// Hands over the records of single batches of a segment, and reads no others.
    ///
    /// - Parameters:
    ///   - header: the segment's, as it was read just before.
    ///   - next: where the next batch starts, in bytes, not before the last one; nil: there is no
    ///     other.
    ///   - visit: gets views that are valid during the call.
    /// - Throws: ``LogError/damaged(_:)`` when no whole batch of this segment starts there;
    ///   ``LogError/undecodable(_:_:)`` when `visit` throws.
    package mutating func read(
        _ header: SegmentHeader,
        batches next: () -> Int?,
        _ visit: (RecordView) throws(DecodeError) -> Void
    ) throws(LogError) {
        var scanner = LogScanner<Source>(manifest: nil, salvages: false, isQuick: true)
        try scanner.read(header, batches: next, &source) { record throws(LogError) in
            do throws(DecodeError) {
                try visit(record)
            } catch {
                throw LogError.undecodable(record.offset, error)
            }
        }
    }
}

extension LogScanner where Source: ~Copyable {
    fileprivate mutating func read(
        _ header: SegmentHeader,
        batches next: () -> Int?,
        _ source: inout Source,
        _ visit: Visit
    ) throws(LogError) {
        // As the last segment's, its batches are read, and not only their headers.
        var place = Place(header: header, isLast: true, fileSize: Int(header.size))
        while let position = next() {
            place.move(to: position)
            guard ScanStart.isPlace(position, in: header),
                case .header(let batch) = BatchHeader.read(
                    try bytes(place, at: position, count: Layout.page, &source)
                )
            else { throw misplaced(header, position) }
            expected = batch.base
            guard try advance(&place, &source, visit), place.position > position,
                found.damages.isEmpty
            else { throw misplaced(header, position) }
        }
    }

    private mutating func misplaced(_ header: SegmentHeader, _ position: Int) -> LogError {
        if !found.damages.isEmpty { return .damaged(damages()) }
        let damage = Damage(
            .misplacedBatch,
            segment: header.number,
            position: position,
            lost: expected..<expected,
            isOpenEnded: true
        )
        return .damaged([damage])
    }
}
