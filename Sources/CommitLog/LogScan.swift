import Disk
package import Primitives
package import RecordFormat

/// What reading a log from end to end found.
package struct LogScan: Equatable, Sendable {
    /// The offset behind the last record.
    package internal(set) var next = Offset.zero
    /// The first record that is kept, or is lost: nothing before it is missed.
    package internal(set) var first = Offset.zero
    package internal(set) var records = 0
    package internal(set) var batches = 0
    package internal(set) var segments = 0
    /// When the last record was written.
    package internal(set) var lastTime = Timestamp(nanoseconds: 0)
    /// Every record below was synced, as the log itself says, or a snapshot of it.
    package internal(set) var mark = Offset.zero
    /// In the order of the log; empty when it is sound.
    package internal(set) var damages: [Damage] = []
    /// The batch that an interrupted write left unfinished at the end: never acknowledged.
    package internal(set) var torn: TornTail?
    /// Losses that somebody accepted, in the order of the log.
    package internal(set) var gaps: [Gap] = []
    /// How many records retention has removed.
    package internal(set) var removed = 0
    /// Which those are, in the order of the log, where damage is no reason to stop.
    package internal(set) var removedRanges: [Range<Offset>] = []
    /// The segments that were read, in the order of the log.
    package internal(set) var spans: [Span] = []
    /// Batches whose headers were taken at their word, and the bytes of their bodies.
    package internal(set) var unreadBatches = 0
    package internal(set) var unreadBytes = 0
    /// What MANIFEST says; nil when it says nothing.
    package internal(set) var manifest: Manifest?

    /// Offsets that no record has any more.
    package struct Gap: Equatable, Sendable {
        package let segment: UInt64
        package let position: Int
        package let lost: Range<Offset>
    }

    /// What one segment holds.
    package struct Span: Equatable, Sendable {
        package let header: SegmentHeader
        /// The offset behind its last record.
        package let end: Offset
        /// Where its batches end, in bytes.
        package let position: Int
        /// Whether its last batch is a seal: it does not change any more.
        package let isSealed: Bool
        /// Bytes of the bodies of its batches as they are stored, and once they are decompressed.
        package let storedBytes: Int
        package let plainBytes: Int
    }

    /// An unfinished batch at the end of the log.
    package struct TornTail: Equatable, Sendable {
        package let segment: UInt64
        package let position: Int
        /// From `position` to behind the last byte that is not zero, in whole pages.
        package let byteCount: Int

        package init(segment: UInt64, position: Int, byteCount: Int) {
            self.segment = segment
            self.position = position
            self.byteCount = byteCount
        }
    }

    /// Where the batches are that were read.
    package internal(set) var index = OffsetIndex()
    /// The segment that was begun last.
    var tail: Tail?
    /// Segments made ahead that hold nothing yet.
    var unused: [SegmentFile] = []

    struct Tail: Equatable, Sendable {
        let header: SegmentHeader
        let fileSize: Int
        /// Where the next batch goes, in bytes.
        var position: Int
        /// Whether its last batch is a seal.
        var isSealed = false
    }
}
