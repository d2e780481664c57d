import LogTools
import Primitives
import Testing

/// Whoever waits for a pass is told where in the log it is.
@Suite struct ReadProgressTests {
    private func log() throws -> StoredLog {
        var story = Story.hello()
        for index in 0..<100 { story.log("line", "s", at: 10 + Double(index)) }
        return try StoredLog(story)
    }

    @Test("a pass tells how far it is by where it reads, each of several passes anew")
    func passes() throws {
        let log = try log()
        var told: [ReadProgress] = []
        var pass = try log.pass
        try pass.report { told.append($0) }
        let total = try pass.segments().reduce(0) { $0 + $1.byteCount }
        // First pages alone are no part of a pass.
        #expect(told.isEmpty)
        for _ in 0..<2 {
            told = []
            _ = try pass.verify { _ in }
            let last = try #require(told.last)
            #expect(told.allSatisfy { $0.total == total && $0.bytes <= total })
            // A segment that was made ahead may be looked at first.
            #expect(told.contains { $0.bytes < last.bytes })
            #expect(last.bytes > total / 2)
            #expect(last.text.hasPrefix("reading: 0 of "))
            #expect(last.text.hasSuffix(" %"))
        }
    }

    @Test("a copy tells of what it copies, and of the check of what it has copied")
    func copies() throws {
        let log = try log()
        var totals: Set<Int> = []
        var pass = try log.pass
        try pass.report { totals.insert($0.total) }
        _ = try LogCopy(pass, to: "\(log.scratch.path)/copy", isEmpty: true)
        #expect(totals.count == 2)
    }
}
