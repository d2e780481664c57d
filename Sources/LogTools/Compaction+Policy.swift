package import Folding
package import Primitives
package import RecordFormat

extension Compaction {
    /// What may go.
    package struct Policy: Equatable, Sendable {
        /// Segments whose last record is older; nil: age is no reason.
        package var age: Timestamp.Span?
        /// The oldest segments, until all are not larger, in bytes; nil: size is no reason.
        package var bytes: Int?
        /// How segments are stored. ``Compression/none`` is no reason to write one anew.
        package var compression: Compression
        /// What a run of records has to take, in bytes as stored, to be left out from between
        /// others: the gap in its place and the batch that ends before it cost as much.
        package var leastHole: Int
        /// How much there may be to remember of what is not left out.
        package var limits: KeptRecords.Limits

        package init(
            age: Timestamp.Span?,
            bytes: Int?,
            compression: Compression = .none,
            leastHole: Int = 2 * Layout.page,
            limits: KeptRecords.Limits = KeptRecords.Limits()
        ) {
            self.age = age
            self.bytes = bytes
            self.compression = compression
            self.leastHole = leastHole
            self.limits = limits
        }

        package var keepsAll: Bool { age == nil && bytes == nil && compression == .none }
    }

    /// What was done.
    package struct Outcome: Equatable, Sendable {
        /// How often a segment was written anew.
        package var segments = 0
        /// The records that were left out.
        package var records = 0
        /// The records that nobody needs, between others that somebody does, for which a hole would
        /// cost more.
        package var left = 0
        /// How much smaller the log became.
        package var bytes = 0
        /// The segments whose lost first page was made anew; no record was lost.
        package var restored: [UInt64] = []
        /// Why not all segments were written anew that should have been; nil: they were.
        package var failure: ToolError?

        package init() {}
    }
}
