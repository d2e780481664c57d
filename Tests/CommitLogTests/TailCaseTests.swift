import CommitLog
import Testing

@Suite("Recovery: the decision table")
struct TailCaseTests {
    /// Every case there is, so that a row added without a decision shows.
    static let table: [(TailCase, TailCase.Decision)] = [
        (.intact, .accept),
        (.blank(rest: .nothing, isBelowMark: false), .end),
        (.blank(rest: .nothing, isBelowMark: true), .damage(.missingBatches)),
        (.blank(rest: .fragment, isBelowMark: false), .cut),
        (.blank(rest: .fragment, isBelowMark: true), .damage(.missingSectors)),
        (.blank(rest: .more, isBelowMark: false), .damage(.missingBatches)),
        (.blank(rest: .more, isBelowMark: true), .damage(.missingBatches)),
        (.garbage, .damage(.batchHeader)),
        (.misplaced, .damage(.misplacedBatch)),
        (.incomplete(isFollowed: false, isBelowMark: false), .cut),
        (.incomplete(isFollowed: false, isBelowMark: true), .damage(.missingSectors)),
        (.incomplete(isFollowed: true, isBelowMark: false), .damage(.missingSectors)),
        (.incomplete(isFollowed: true, isBelowMark: true), .damage(.missingSectors)),
        (.changed, .damage(.changedBits)),
    ]

    @Test("each case has the decision of the table")
    func decisions() {
        for (tailCase, decision) in Self.table { #expect(tailCase.decision == decision) }
        #expect(Set(Self.table.map(\.0)).count == 14)
    }
}
