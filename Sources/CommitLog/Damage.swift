package import Primitives
import Disk

/// One place where the log is not what was written, and what that costs.
package struct Damage: Equatable, Sendable {
    /// What was found.
    package enum Reason: Equatable, Sendable {
        /// The segment's first page does not hold its header.
        case segmentHeader
        /// MANIFEST belongs to another log, and no segment does: nothing that it says counts.
        case foreignManifest
        /// The segment belongs to another log, or bears another segment's name.
        case foreignSegment
        /// The file is another segment of this log, which is there under no other name.
        case misnamed(UInt64)
        /// The segment is not there.
        case missingSegment
        /// A batch header's bits changed: one sector cannot be half written.
        case batchHeader
        /// A whole batch header that belongs elsewhere: bytes misdirected, or out of date.
        case misplacedBatch
        /// Batches that were there are gone.
        case missingBatches
        /// The log ends where nothing looks wrong, and a snapshot was made of more.
        case snapshotAhead
        /// Sectors of a batch that was synced are gone.
        case missingSectors
        /// Bits of a batch's body changed.
        case changedBits
        /// A sealed segment's last page is not its footer, or contradicts what is before it.
        case footer
        /// Bits changed where zeros fill up the pages of a batch, or what is behind a seal.
        case padding
    }

    package let reason: Reason
    package let segment: UInt64
    /// Where in the segment, in bytes.
    package let position: Int
    /// The records that cannot be served, half-open; empty when none is lost.
    package let lost: Range<Offset>
    /// Whether more records may be lost behind `lost`: nothing intact follows to tell.
    package let isOpenEnded: Bool

    package init(
        _ reason: Reason,
        segment: UInt64,
        position: Int,
        lost: Range<Offset>,
        isOpenEnded: Bool = false
    ) {
        self.reason = reason
        self.segment = segment
        self.position = position
        self.lost = lost
        self.isOpenEnded = isOpenEnded
    }

    /// Whether it is where neither a record nor a start depends on: only whoever checks every byte
    /// sees it.
    package var isBesideRecords: Bool { reason == .footer || reason == .padding }
}

extension Damage: CustomStringConvertible {
    package var description: String {
        if reason == .foreignManifest { return sentence }
        let place = "\(DataDirectory.segmentName(segment)) at byte \(position)"
        let loss =
            lost.isEmpty
            ? (isOpenEnded ? "offsets from \(lost.lowerBound) on may be lost" : "no record is lost")
            : "offsets \(lost.lowerBound)..<\(lost.upperBound) cannot be served"
                + (isOpenEnded ? ", nor perhaps some behind them" : "")
        return "\(place): \(sentence); \(loss)"
    }

    private var sentence: String {
        switch reason {
        case .segmentHeader: "the segment's header is damaged"
        case .foreignManifest:
            "MANIFEST is that of another log, and no segment here is of that; move it away: it is "
                + "made anew from the segments"
        case .foreignSegment: "the segment belongs to another log or another place in this one"
        case .misnamed(let number):
            "the file is segment \(number) under a wrong name, and is to be renamed to "
                + DataDirectory.segmentName(number)
        case .missingSegment: "the segment is missing"
        case .batchHeader: "a batch header is damaged"
        case .misplacedBatch: "a batch is not where it was written"
        case .missingBatches: "batches are missing"
        case .snapshotAhead:
            "the log ends here, and snap/\(SnapshotFolder.name(lost.upperBound.rawValue)) was made "
                + "of more of it"
        case .missingSectors: "sectors of a synced batch are missing"
        case .changedBits: "bits of a batch changed"
        case .footer: "the segment's footer is damaged, or what it stands for"
        case .padding: "bits changed in the zeros behind a batch"
        }
    }
}
