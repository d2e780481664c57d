import CommitLog
import Events
import Folding
import JSON
import LogTools
import Primitives
import RecordFormat
import Testing

/// What keeps a segment is told by reason.
@Suite struct WhyKeptTests {
    /// Thirteen small records go into a segment.
    private func story() -> Story {
        var story = Story()
        story.add(.started(Started(version: "1", process: 1)), trace: nil)
        for key in ["a", "b", "a"] {
            let set = StateSet(
                scope: "s",
                key: key,
                value: Story.json("1"),
                function: "state::set"
            )
            story.add(.state(.set(set)))
        }
        let first = story.enqueue("q", "f", at: 0, cause: nil)
        let second = story.enqueue("q", "f", at: 0, cause: nil)
        let dead = story.enqueue("r", "f", at: 0, cause: nil)
        let delivery = story.deliver(first, of: "q", at: 0)
        story.ack(delivery, first, of: "q", at: 0)
        _ = story.deliver(second, of: "q", at: 0)
        let last = story.deliver(dead, of: "r", at: 0)
        let error = ErrorBody(code: "e", message: "m")
        let letter = DeadLettered(queue: "r", message: dead, failures: 1, error: error)
        story.add(.queue(.deadLettered(letter)), cause: last)
        for _ in 0..<40 { story.log("line", "s", at: 0) }
        return story
    }

    @Test("records are counted by what needs them, and the rest is history")
    func reasons() throws {
        let log = try StoredLog(story())
        let kept = try WhyKept(log.pass, segment: 0)
        #expect(
            kept.needs == [
                .engineStart: 1, .value(scope: "s"): 3, .waitingMessage(queue: "q"): 2,
                .deadLetter(queue: "r"): 3,
            ]
        )
        #expect(kept.needed == 9)
        #expect(kept.records == 13)
        #expect(kept.history == 4)
        #expect(!kept.isActive)
        #expect(!kept.isFolded)
        let output = Output()
        kept.write(to: output, palette: .plain)
        #expect(
            output.collected == """
                segment 0  sealed  offsets 0..<13  13 records  65536 bytes
                needed now, whatever its age: 9 records
                  3  records of dead letters of queue 'r'
                  3  records of keys of scope 's'
                  2  records of messages that wait in queue 'q'
                  1  start of the engine
                history: 4 records
                  kept: there are not yet two snapshots to start from without it; where there \
                is retention, an engine makes them as segments are sealed

                """
        )
        let json = try JSONText(validating: Array(kept.json.utf8))
        #expect(json.member("needed")?.description == "9")
        #expect(json.member("reasons")?.description.contains(#""of":"q","records":2"#) == true)

        let later = try WhyKept(log.pass, segment: 1)
        #expect(later.needs == [:])
        #expect(later.history == later.records)
        #expect(
            codeOf { () throws(ToolError) in
                _ = try WhyKept(LogPass(.directory(log.path)), segment: 99)
            } == .unknownSegment
        )
    }

    @Test("what retention removes is what is called history", arguments: 1...3)
    func agrees(seed: UInt64) throws {
        let log = try StoredLog(Story.random(seed: seed, records: 300), records: 3)
        var views = Views(cacheBytes: 0)
        var reader = LogReader(directory: log.path)
        _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
        let headers = try reader.headers().map(\.header)
        var history = 0
        for header in headers.dropLast() {
            history += try WhyKept(log.pass, segment: header.number).history
        }
        let last = try #require(headers.last).base
        let compaction = try Compaction(DirectoryFiles(path: log.path), views: views, limit: last)
        let policy = Compaction.Policy(age: nil, bytes: 0, leastHole: 0)
        let done = try compaction.run(policy, now: Story.start)
        #expect(done.records == history, "seed \(seed)")
        for header in headers.dropLast() {
            #expect(try WhyKept(log.pass, segment: header.number).history == 0, "seed \(seed)")
        }
    }
}
