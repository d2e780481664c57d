import CommitLog
import Events
import Folding
import LogTools
import Primitives
import Queue
import RecordFormat
import Testing

/// What retention leaves between records that are needed is little, and makes little else stay.
@Suite struct KeptRecordsTests {
    /// Retention of all but the last segment, with holes of two pages and more.
    private func compact(
        _ log: StoredLog,
        limits: KeptRecords.Limits = KeptRecords.Limits()
    ) throws -> Compaction.Outcome {
        var reader = LogReader(directory: log.path)
        let last = try #require(try reader.headers().last).header.base
        let views = try fold(log)
        let compaction = try Compaction(DirectoryFiles(path: log.path), views: views, limit: last)
        let policy = Compaction.Policy(age: nil, bytes: 0, limits: limits)
        return try compaction.run(policy, now: Story.start)
    }

    @Test("a request that writes a key is left beside what it wrote")
    func requests() throws {
        var story = Story()
        for index in 0..<600 {
            let run = story.request(at: Double(index))
            story.set("k\(index)", index, over: nil)
            story.complete(run, at: Double(index) + 0.5, .none, took: 0.4)
        }
        let log = try StoredLog(story, records: 60)
        let outcome = try compact(log)
        #expect(outcome.segments == 0)
        #expect(outcome.left > 1000)
    }

    @Test("a state trigger that has run is never left, any other may be")
    func reactions() {
        var kept = KeptRecords(Views())
        func triggered(_ type: String) -> Event {
            .triggered(
                Triggered(
                    type: type,
                    trigger: "t",
                    summary: "s",
                    function: FunctionName(id: "f"),
                    event: Story.json("{}")
                )
            )
        }
        let reaction = kept.judge(triggered("state"), at: .zero, cause: nil)
        #expect(reaction == .over)
        let request = kept.judge(triggered("http"), at: .zero, cause: nil)
        #expect(request == .spare(begins: nil))
    }

    @Test("any number of keys may be left, and the deletion of each is kept")
    func keys() {
        let numbers = 0..<2000
        var kept = KeptRecords(Views(), limits: KeptRecords.Limits(bits: 1 << 15))
        func deleted(_ key: String) -> Event {
            .state(.deleted(StateDeleted(scope: "s", key: key)))
        }
        for number in numbers {
            let set = StateSet(
                scope: "s",
                key: "k\(number)",
                value: Story.json("1"),
                function: "state::set"
            )
            let verdict = kept.judge(.state(.set(set)), at: .zero, cause: nil)
            guard case .spare(let subject?) = verdict else {
                Issue.record("\(verdict) of key \(number)")
                return
            }
            kept.leave(subject)
        }
        for number in numbers {
            let verdict = kept.judge(deleted("k\(number)"), at: .zero, cause: nil)
            #expect(verdict == .needed, "key \(number)")
        }
        // Of others some are: with sixteen bits for each key, one of four hundred.
        let mistaken = numbers.count { number in
            kept.judge(deleted("other\(number)"), at: .zero, cause: nil) == .needed
        }
        #expect(mistaken < 60)
    }

    @Test("one message after the other does not keep all of a queue that is never empty")
    func chain() throws {
        var story = Story()
        story.set("a", 1, over: nil)
        var message = story.enqueue("q", "f", at: 0, cause: nil)
        story.set("b", 1, over: nil)
        for _ in 0..<300 {
            let next = story.enqueue("q", "f", at: 0, cause: nil)
            let delivery = story.deliver(message, of: "q", at: 0)
            story.ack(delivery, message, of: "q", at: 0)
            message = next
        }
        let log = try StoredLog(story, records: 10)
        let before = try fold(log)
        let outcome = try compact(log, limits: KeptRecords.Limits(chained: 5))
        // Those beside a and b, and five that are left for the sake of the one before.
        #expect(outcome.left == 7)
        #expect(outcome.records > 500)
        #expect(try fold(log).work.queue.digest() == before.work.queue.digest())
        #expect(try Verification(log.pass, depth: .semantic).contradictions == [])
    }

    @Test("a segment that is padding for the most part is written anew, once, if all of it stays")
    func sparse() throws {
        var story = Story()
        for index in 0..<100 { story.set("k\(index)", index, over: nil) }
        let log = try StoredLog(story)
        let whole = try log.records()
        let outcome = try compact(log)
        #expect(outcome.segments > 3)
        #expect(outcome.records == 0)
        #expect(outcome.bytes > outcome.segments * 32 << 10)
        #expect(try log.records() == whole)
        #expect(try compact(log) == Compaction.Outcome())
    }
}
