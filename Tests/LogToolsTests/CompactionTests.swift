import CommitLog
import Disk
import Events
import Folding
import LogTools
import Primitives
import Queue
import RecordFormat
import State
import Stream
import Testing

/// Retention takes what no view needs, and nothing else.
@Suite struct CompactionTests {
    private func story(seed: UInt64) -> Story { RandomWork(seed: seed).story }

    private func versions(_ views: Views) -> [String] {
        views.state.entries(ofScope: "s").map { "\($0.key) \($0.entry.version)" }.sorted()
    }

    private func compact(
        _ log: StoredLog,
        _ views: Views,
        leastHole: Int = 0,
        limits: KeptRecords.Limits = KeptRecords.Limits()
    ) throws -> Compaction.Outcome {
        var reader = LogReader(directory: log.path)
        let last = try #require(try reader.headers().last).header.base
        let compaction = try Compaction(DirectoryFiles(path: log.path), views: views, limit: last)
        let policy = Compaction.Policy(
            age: nil,
            bytes: 0,
            leastHole: leastHole,
            limits: limits
        )
        return try compaction.run(policy, now: Story.start)
    }

    private func open(_ log: StoredLog) throws -> CommitLog<PlainStorage> {
        var random = SeededEntropy(seed: 8)
        return try CommitLog(
            opening: LogClaim(PlainStorage(path: log.path, waker: try Waker())),
            entropy: &random,
            now: Story.start
        ) { _ in }
    }

    @Test("what is left folds to the same queues and values, and is much less", arguments: 1...6)
    func folds(seed: UInt64) throws {
        let log = try StoredLog(story(seed: seed), records: 4)
        let before = try fold(log)
        let outcome = try compact(log, before)
        #expect(outcome.segments > 3, "seed \(seed)")
        #expect(outcome.records > 200, "seed \(seed)")
        let after = try fold(log)
        #expect(after.work.queue.digest() == before.work.queue.digest(), "seed \(seed)")
        #expect(after.streams.digest() == before.streams.digest(), "seed \(seed)")
        #expect(versions(after) == versions(before), "seed \(seed)")
        let verification = try Verification(log.pass, depth: .full)
        #expect(verification.verdict == .sound, "seed \(seed)")
        #expect(verification.gaps.isEmpty, "what retention removed is no loss")
        #expect(verification.removed == outcome.records, "seed \(seed)")
        let meaning = try Verification(log.pass, depth: .semantic)
        #expect(meaning.contradictions == [], "seed \(seed)")
        // What was removed is no loss in a log that is brought into another directory, either.
        let target = "\(log.scratch.path)/new"
        let salvage = try Salvage(log.pass, to: target)
        #expect(salvage.lost == 0, "seed \(seed)")
        #expect(try records(of: LogPass(.directory(target))) == log.records(), "seed \(seed)")
        let copy = try LogCopy(log.pass, to: "\(log.scratch.path)/copy", isEmpty: true)
        #expect(copy.records == salvage.records, "seed \(seed)")
        let again = try compact(log, before)
        #expect(again == Compaction.Outcome(), "nothing is left to be removed")
        // Nor is it where a segment is repaired.
        try log.change(segment: 0) { bytes in
            let pages = stride(from: 4096, to: bytes.count, by: 4096)
            // A batch with records: its mark, its kind and their number.
            let batch = pages.first {
                bytes[$0] == 0x69 && bytes[$0 + 58] == 0 && bytes[$0 + 44] > 0
            }
            if let batch { bytes[batch + 100] ^= 1 }
        }
        let pass = try log.pass
        try Repair(pass, RepairPlan(pass), DirectoryFiles(path: log.path)).run()
        let repaired = try Verification(log.pass, depth: .full)
        #expect(repaired.verdict == .sound, "seed \(seed)")
        #expect(repaired.removed == outcome.records, "seed \(seed)")
    }

    @Test("an engine that has the log open reads back what it needs, before and after")
    func reads() throws {
        // Segments of many places that the index knows.
        let log = try StoredLog(story(seed: 9), records: 1, segmentBytes: 1 << 20)
        let views = try fold(log)
        var needed: [Offset: [UInt8]] = [:]
        var reader = LogReader(directory: log.path)
        _ = try reader.read { record throws(DecodeError) in
            if let event = try Event(record), views.needs(event, at: record.offset) {
                needed[record.offset] = [UInt8](record.payload)
            }
        }
        var opened = try open(log)
        let sorted = needed.keys.sorted()
        var entropy = SeededEntropy(seed: 10)
        for round in 0..<4 {
            // In order, as a backlog is worked off, and in none, as keys are asked for.
            let offsets = round % 2 == 0 ? sorted : sorted.shuffled(using: &entropy)
            for offset in offsets {
                let payload = try opened.record(at: offset) { [UInt8]($0.payload) }
                #expect(payload == needed[offset], "round \(round), record \(offset)")
            }
            if round == 1 { _ = try compact(log, views) }
        }
    }

    @Test("retention does not wait for compression that fails, and the failure is told")
    func compressionFails() throws {
        let log = try StoredLog(story(seed: 4), records: 4)
        let views = try fold(log)
        let source = try LogSource(.directory(log.path))
        let files = FailingFiles(log.path)
        // The first file that is to be compressed.
        files.fails = { $0 == 0 }
        let policy = Compaction.Policy(age: nil, bytes: 0, compression: .zstd, leastHole: 0)
        var reader = LogReader(directory: log.path)
        let last = try #require(try reader.headers().last).header.base
        let compaction = Compaction(files, reading: source, views: views, limit: last)
        let outcome = try compaction.run(policy, now: Story.start)
        #expect(outcome.failure?.code == .notWritten)
        #expect(outcome.records > 200)
        #expect(try Verification(log.pass, depth: .full).removed > 200)
        #expect(try versions(fold(log)) == versions(views))
    }

    @Test("young segments, and those that a snapshot may still need, stay as they are")
    func stays() throws {
        let log = try StoredLog(story(seed: 3), records: 4)
        let views = try fold(log)
        let files = DirectoryFiles(path: log.path)
        let hour = Timestamp.Span.seconds(3600)
        let young = Compaction.Policy(age: hour, bytes: nil)
        let now = Story.start.advanced(by: .seconds(60))
        let none = Compaction.Outcome()
        #expect(try Compaction(files, views: views, limit: .max).run(young, now: now) == none)
        let all = Compaction.Policy(age: nil, bytes: 0, leastHole: 0)
        #expect(try Compaction(files, views: views, limit: .zero).run(all, now: now) == none)
        let large = Compaction.Policy(age: nil, bytes: 1 << 40)
        #expect(try Compaction(files, views: views, limit: .max).run(large, now: now) == none)
    }

    @Test(
        "dead letters that one subscription has discarded, and another waits for, stay discarded",
        arguments: [false, true]
    )
    func discarded(fifo: Bool) throws {
        var story = Story()
        let settings = QueueSettings(
            fifo: fifo,
            concurrency: 1,
            attempts: 1,
            backoff: .seconds(1),
            groupField: nil
        )
        for function in ["a", "b"] {
            let subscribed = Subscribed(
                topic: "t",
                function: FunctionName(id: function),
                condition: nil,
                settings: settings
            )
            story.add(.queue(.subscribed(subscribed)), trace: nil)
        }
        let queue = "t::a@default"
        let first = story.enqueue("t", nil, at: 0, cause: nil)
        let second = story.enqueue("t", nil, at: 0, cause: nil)
        let third = story.enqueue("t", nil, at: 0, cause: nil)
        for message in [first, second] {
            let delivery = story.deliver(message, of: queue, at: 0)
            let error = ErrorBody(code: "e", message: "m")
            let letter = DeadLettered(queue: queue, message: message, failures: 1, error: error)
            story.add(.queue(.deadLettered(letter)), cause: delivery)
        }
        _ = story.deliver(third, of: queue, at: 0)
        let purged = Purged(queue: queue, by: nil, messages: [first], areDead: true)
        story.add(.queue(.purged(purged)))
        story.add(.queue(.discarded(Discarded(queue: queue, message: second))))
        story.fill(100)
        let log = try StoredLog(story)
        let before = try fold(log)
        #expect(try compact(log, before).records > 50)
        let after = try fold(log)
        #expect(after.work.queue.digest() == before.work.queue.digest())
        #expect(after.work.queue.queues[queue]?.depth == 1)
        #expect(try Verification(log.pass, depth: .semantic).contradictions == [])
    }

    // MARK: What is left beside others

    private func byteCount(_ log: StoredLog) throws -> Int {
        var reader = LogReader(directory: log.path)
        return try reader.frames().frames.reduce(0) { $0 + $1.fileBytes }
    }

    private static let twoPages = 2 * Layout.page

    @Test("a log of small values with others between them does not grow, and changes nothing")
    func interleaved() throws {
        var story = Story()
        for index in 0..<2000 {
            story.set("k\(index)", index, over: nil)
            story.set("hot", index, over: nil)
        }
        let log = try StoredLog(story, records: 50)
        let views = try fold(log)
        let before = try byteCount(log)
        let none = try compact(log, views, leastHole: Self.twoPages)
        #expect(none.segments == 0)
        #expect(none.left > 1000)
        #expect(try byteCount(log) == before)
        let outcome = try compact(log, views)
        #expect(outcome.records > 1000, "there was something to leave out")
        #expect(outcome.bytes < 0, "and to leave it out costs room")
        #expect(try byteCount(log) == before - outcome.bytes)
    }

    @Test("a key that is left beside others, and deleted far behind them, stays deleted")
    func deletedFarBehind() throws {
        var story = Story()
        story.set("a", 1, over: nil)
        let gone = story.set("gone", 1, over: nil)
        story.set("b", 1, over: nil)
        story.fill(800)
        story.delete("gone", over: gone)
        story.fill(1600)
        let log = try StoredLog(story, records: 10)
        let views = try fold(log)
        let outcome = try compact(log, views, leastHole: Self.twoPages)
        #expect(outcome.records > 800)
        let left = try log.records()
        #expect(left[gone] != nil)
        #expect(left[Offset(803)] != nil, "its deletion")
        #expect(try versions(fold(log)) == versions(views))
        #expect(try compact(log, views, leastHole: Self.twoPages).segments == 0)
        // Once it is to go, the deletion goes with it.
        _ = try compact(log, views)
        let rest = try log.records()
        #expect(rest[gone] == nil && rest[Offset(803)] == nil)
        #expect(try versions(fold(log)) == versions(views))
    }

    @Test(
        "whatever is left, the same is folded from it",
        arguments: UInt64(1)...6,
        [150, 600, 3000]
    )
    func leftBeside(seed: UInt64, leastHole: Int) throws {
        let log = try StoredLog(story(seed: seed), records: 4)
        let before = try fold(log)
        let whole = try log.records().count
        // Every other log finds that hardly any of what is left may be told from others.
        let limits =
            seed % 2 == 0
            ? KeptRecords.Limits(bits: 64, chained: 4) : KeptRecords.Limits()
        var outcome = try compact(log, before, leastHole: leastHole, limits: limits)
        for _ in 0..<2 {
            let after = try fold(log)
            let context = "seed \(seed), least \(leastHole)"
            #expect(after.work.queue.digest() == before.work.queue.digest(), "\(context)")
            #expect(after.streams.digest() == before.streams.digest(), "\(context)")
            #expect(versions(after) == versions(before), "\(context)")
            let meaning = try Verification(log.pass, depth: .semantic)
            #expect(meaning.contradictions == [], "\(context)")
            #expect(try log.records().count == whole - outcome.records, "\(context)")
            // Then what was left goes as well.
            outcome.records += try compact(log, before).records
        }
    }

    @Test("what is left of segments without records is no reason for the rest to go")
    func emptySegments() throws {
        var story = Story()
        story.fill(400)
        let log = try StoredLog(story)
        let views = try fold(log)
        var reader = LogReader(directory: log.path)
        let bases = try reader.headers().map(\.header.base)
        let half = bases.count / 2
        try log.retain(below: bases[half])
        reader = LogReader(directory: log.path)
        let frames = try reader.frames().frames
        #expect(frames[..<half].allSatisfy { $0.footer?.records == 0 })
        let full = frames[half...].reduce(0) { $0 + $1.fileBytes }
        let policy = Compaction.Policy(age: nil, bytes: full)
        let last = try #require(bases.last)
        let compaction = try Compaction(DirectoryFiles(path: log.path), views: views, limit: last)
        #expect(try compaction.run(policy, now: Story.start) == Compaction.Outcome())
    }
}
