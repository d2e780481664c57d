/// What recovery can find where the next batch is expected, and what it does about it.
///
/// A batch header lies in one sector, which the device writes whole or not at all; at most one
/// batch is unsynced at any time, and it is physically the last; what was never written reads as
/// zero; a batch says how many of its sectors are zero by right, and which records were synced
/// before it. So a crash can only leave a *last* batch that lacks sectors, and whatever else is
/// found is damage. (Alagappan et al., *Protocol-Aware Recovery*, FAST 2018: tell a crash from
/// corruption, or lose acknowledged data.)
package enum TailCase: Hashable {
    /// Header and body hold.
    case intact
    /// The header's sector is all zero.
    case blank(rest: Rest, isBelowMark: Bool)
    /// The header's sector is neither zero nor a header.
    case garbage
    /// A whole header with the wrong salt, segment, position or offset.
    case misplaced
    /// The header holds, the body lacks sectors.
    case incomplete(isFollowed: Bool, isBelowMark: Bool)
    /// The header holds, the body lacks nothing and is not what was written.
    case changed

    /// What follows a blank header sector.
    package enum Rest: Hashable, CaseIterable {
        /// Zeros to the end of the segment, and no later segment.
        case nothing
        /// Bytes within the reach of one batch that are no batch.
        case fragment
        /// A batch, a later segment, or bytes that no single batch can have left.
        case more
    }

    package enum Decision: Equatable {
        /// Read its records and go on behind it.
        case accept
        /// The log ends here, in order.
        case end
        /// The log ends here; zero what an interrupted write left. No acknowledged record is in it.
        case cut
        /// Refuse, and say what was found.
        case damage(Damage.Reason)
    }

    package var decision: Decision {
        switch self {
        case .intact: .accept
        case .blank(.nothing, isBelowMark: false): .end
        case .blank(.nothing, isBelowMark: true): .damage(.missingBatches)
        case .blank(.fragment, isBelowMark: false): .cut
        case .blank(.fragment, isBelowMark: true): .damage(.missingSectors)
        case .blank(.more, _): .damage(.missingBatches)
        case .garbage: .damage(.batchHeader)
        case .misplaced: .damage(.misplacedBatch)
        case .incomplete(isFollowed: false, isBelowMark: false): .cut
        case .incomplete(isFollowed: true, _): .damage(.missingSectors)
        case .incomplete(isFollowed: false, isBelowMark: true): .damage(.missingSectors)
        case .changed: .damage(.changedBits)
        }
    }
}
