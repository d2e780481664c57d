import CommitLog
import LogTools
import Primitives
import Testing

/// What is told to be damaged where records of a range are counted, listed or exported.
@Suite struct RecordRangeTests {
    private func check(_ log: StoredLog, _ filter: RecordFilter, _ expected: [String]) throws {
        let pass = try log.pass
        #expect(try RecordStatistics(pass, filter, by: .kind).damages == expected)
        #expect(try FieldCounts(pass, filter).damages == expected)
        #expect(try ValueCounts(pass, of: "kind", filter).damages == expected)
        let outcome = try Export(pass, filter, Redaction([])).run(to: Output())
        #expect(outcome.damages == expected)
    }

    @Test("a range with lost records is told to have them, and one without them is not")
    func damages() throws {
        let log = try Wound.log()
        try Wound.recordInBatch.strike(log)
        let damage = try #require(try log.pass.verify { _ in }.damages.first)
        let lost = damage.lost
        let before = Offset(lost.lowerBound.rawValue - 2)
        let behind = lost.upperBound.advanced(by: 2)
        func check(_ from: Offset, _ to: Offset?, _ expected: [String]) throws {
            var filter = RecordFilter()
            filter.from = from
            filter.to = to
            try self.check(log, filter, expected)
        }
        let told = [damage.description]
        try check(.zero, nil, told)
        try check(before, behind, told)
        try check(lost.lowerBound, lost.upperBound, told)
        try check(.zero, lost.lowerBound, [])
        try check(lost.upperBound, behind, [])
        try check(behind, nil, [])
        var filter = RecordFilter()
        filter.until = try #require(try log.records()[behind]).time
        try self.check(log, filter, told)
        filter.until = try #require(try log.records()[before]).time
        try self.check(log, filter, [])
    }
}
