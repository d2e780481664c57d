import CommitLog
import LogTools
import Primitives
import RecordFormat
import Testing

/// What the log tells of the state beside an engine that appends to it.
@Suite struct StateLogTests {
    /// The record that wrote what a key was at an offset; nil: it was not there.
    private func revision(
        _ log: StoredLog,
        _ key: String,
        in scope: String = "s",
        at offset: UInt64
    ) throws -> UInt64? {
        let state = try StateLog(try log.pass)
        return try state.value(scope: scope, key: key, at: Offset(offset))?.offset.rawValue
    }

    private func isTrimmed(
        _ log: StoredLog,
        _ key: String,
        in scope: String = "s",
        at offset: UInt64
    ) -> Bool {
        let code = codeOf { () throws(ToolError) in
            let state = try StateLog(try log.opened())
            _ = try state.value(scope: scope, key: key, at: Offset(offset))
        }
        return code == .historyTrimmed
    }

    @Test("behind retention a value is told as far as what was kept tells it")
    func kept() throws {
        let (log, _) = try StoredLog.trimmed()
        // Written once, and never again.
        for offset: UInt64 in [3, 5, 12, 13, 59] {
            #expect(try revision(log, "u", in: "t", at: offset) == 3, "\(offset)")
        }
        #expect(isTrimmed(log, "u", in: "t", at: 2))
        // Between the two writes of it that are left there was another one.
        #expect(isTrimmed(log, "k", at: 5) && isTrimmed(log, "k", at: 20))
        #expect(try revision(log, "k", at: 30) == 30)
        // Its write is gone, and then it was deleted.
        #expect(isTrimmed(log, "d", at: 5) && isTrimmed(log, "d", at: 20))
        #expect(try revision(log, "d", at: 31) == nil)
        // Nobody knows what was, but what was not since then.
        #expect(isTrimmed(log, "none", at: 5))
        #expect(try revision(log, "none", at: 20) == nil)
    }

    @Test("behind retention a value is told where the next write says that it was the last before")
    func followed() throws {
        var story = Story()
        let first = story.set("a", 1, over: nil)
        story.fill(30)
        let second = story.set("a", 2, over: first)
        story.fill(28)
        let log = try StoredLog(story)
        try log.retain(below: Offset(13))
        let complete = try StateLog(try log.pass).complete
        #expect(complete > .zero && complete < second)
        for offset: UInt64 in [0, 5, 20, 30] {
            #expect(try revision(log, "a", at: offset) == 0, "\(offset)")
        }
        #expect(try revision(log, "a", at: 31) == 31)
    }

    @Test("changes at the end of a large segment cost what lies near, and none cost less")
    func end() throws {
        var story = Story()
        story.fill(300)
        let last = story.set("k", 1, over: nil)
        let end = last.advanced(by: 1)
        let log = try StoredLog(story, segmentBytes: 4 << 20)
        var reader = LogReader(directory: log.path)
        let index = try reader.verify().index
        let headers = try reader.headers()
        let header = try #require(headers.last).header
        let place = try #require(index.places(in: header.number).last)
        let entrance = ScanStart(
            segment: header.number,
            salt: header.salt,
            base: place.base,
            position: place.position
        )
        let source = ChangingSource(log.path)
        var bytes = 0
        source.willRead = { _, count in bytes += count }
        func keys(after offset: Offset, through entrance: ScanStart?) throws -> [String] {
            bytes = 0
            var keys: [String] = []
            let state = try StateLog(LogPass(source), below: end, through: entrance)
            let seen = try state.changes(after: offset) { write in
                keys.append(write.event.key)
                return true
            }
            #expect(seen == last)
            return keys
        }
        let before = Offset(last.rawValue - 1)
        #expect(try keys(after: before, through: nil) == ["k"])
        #expect(bytes > 1 << 20)
        #expect(try keys(after: before, through: entrance) == ["k"])
        #expect(bytes < 384 << 10)
        #expect(try keys(after: last, through: nil) == [])
        #expect(bytes < 128 << 10)
    }
}
