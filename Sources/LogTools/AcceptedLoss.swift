import CommitLog
package import Primitives

/// A loss that somebody accepts, as `SEGMENT:POSITION:FIRST-END`: the offsets from FIRST on and
/// below END.
package struct AcceptedLoss: Equatable, Sendable, CustomStringConvertible {
    package let segment: UInt64
    /// In bytes.
    package let position: Int
    package let lost: Range<Offset>

    init(_ damage: Damage) {
        segment = damage.segment
        position = damage.position
        lost = damage.lost
    }

    /// - Throws: ``ToolError/Code/malformedLoss``.
    package init(_ text: String) throws(ToolError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let ends = parts.last?.split(separator: "-", omittingEmptySubsequences: false) ?? []
        guard parts.count == 3, ends.count == 2, let segment = UInt64(parts[0]),
            let position = Int(parts[1]), let first = UInt64(ends[0]), let end = UInt64(ends[1]),
            first <= end
        else {
            throw ToolError(
                .malformedLoss,
                "'\(text)' is no loss: write SEGMENT:POSITION:FIRST-END as --dry-run prints it"
            )
        }
        self.segment = segment
        self.position = position
        lost = Offset(first)..<Offset(end)
    }

    package var description: String {
        "\(segment):\(position):\(lost.lowerBound)-\(lost.upperBound)"
    }
}
