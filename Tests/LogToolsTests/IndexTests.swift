import CommitLog
import Disk
import Events
import Folding
import Foundation
import LogTools
import Primitives
import RecordFormat
import Testing

/// With indexes, a question to the log has the same answer, and reads little.
@Suite struct IndexTests {
    /// Ids of every form for what a story has.
    private func ids(of story: Story, seed: UInt64) -> [String] {
        var dice = SeededEntropy(seed: seed)
        var ids = ["ffffffffffffffffffffffffffffffff", "abcdef", "@99999999", "123456"]
        ids.append(UUID128(from: &dice).description)
        for (offset, entry) in story.entries.enumerated() where dice.next() % 40 == 0 {
            ids.append("@\(offset)")
            if let trace = entry.trace {
                ids += [trace.description, String(trace.description.prefix(9))]
            }
            let bytes = entry.payload
            let event = bytes.withUnsafeBytes { try? Event(kind: entry.kind, payload: $0) }
            switch event {
            case .invoked(let event): ids.append(event.invocation.description)
            case .queue(.delivered(let event)): ids.append(event.invocation.description)
            case .queue(.enqueued(let event)): ids.append(event.receipt.description)
            default: break
            }
        }
        return ids
    }

    @Test("a replay by way of indexes is that of a pass over everything", arguments: 1...4)
    func same(seed: UInt64) throws {
        let story = Story.random(seed: seed, records: 600)
        let log = try StoredLog(story, records: 1 + Int(seed % 5))
        try log.index()
        // Where some are missing, those segments are read.
        if seed % 2 == 0 {
            for number in try log.folder.numbers() where number % 3 == 1 {
                let name = DataDirectory.segmentName(number).dropLast(4)
                try FileManager.default.removeItem(atPath: "\(log.path)/idx/\(name).idx")
            }
        }
        for id in ids(of: story, seed: seed) {
            let full = try log.replay(id, indexed: false)
            let indexed = try log.replay(id, indexed: true)
            #expect(indexed.isIndexed, "\(id)")
            #expect(!full.isIndexed, "\(id)")
            // Long texts: told as they differ, not as they are.
            let isSame = indexed.text == full.text
            #expect(isSame, "seed \(seed), \(id)")
        }
    }

    @Test("what retention has written anew is indexed anew", arguments: [1])
    func compacted(seed: UInt64) throws {
        let story = Story.random(seed: seed, records: 600)
        let log = try StoredLog(story, records: 3)
        try log.index()
        var views = Views(cacheBytes: 0)
        var reader = LogReader(directory: log.path)
        _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
        let last = try #require(try reader.headers().last).header.base
        let compaction = try Compaction(DirectoryFiles(path: log.path), views: views, limit: last)
        let policy = Compaction.Policy(age: nil, bytes: 0, leastHole: 0)
        let done = try compaction.run(policy, now: Story.start)
        #expect(done.segments > 5)
        let stale = try log.care.duties(since: Story.start, now: StoredLog.now)
        #expect(stale.count == done.segments)
        for isFresh in [false, true] {
            if isFresh { try log.index() }
            for id in ids(of: story, seed: seed).prefix(40) {
                let full = try log.replay(id, indexed: false)
                let indexed = try log.replay(id, indexed: true)
                let isSame = indexed.text == full.text
                #expect(isSame, "seed \(seed), \(id)")
                #expect(indexed.isIndexed)
            }
        }
    }

    @Test("records of a time or from an offset on are the same", arguments: 1...3)
    func shown(seed: UInt64) throws {
        let story = Story.random(seed: seed, records: 600)
        let log = try StoredLog(story, records: 2)
        var answers: [[[Int]]] = []
        for isIndexed in [false, true] {
            if isIndexed { try log.index() }
            answers.append(
                try stride(from: 0, to: 600, by: 61).map { offset in
                    try log.offsets { options in
                        options.filter.since = story.entries[offset].time
                        options.filter.until = story.entries[min(599, offset + 90)].time
                    } + log.offsets { $0.filter.from = Offset(UInt64(offset)) }
                }
            )
        }
        #expect(answers[0] == answers[1])
    }

    @Test("one request is found in a small part of the log")
    func bytes() throws {
        var story = Story()
        var dice = SeededEntropy(seed: 3)
        let payload = String(repeating: "x", count: 2000)
        for number in 0..<1500 {
            let trace = TraceID(from: &dice)
            let logged = Logged(
                severity: 9,
                severityText: "INFO",
                body: payload,
                service: "s",
                span: 0,
                attributes: []
            )
            story.add(.logged(logged), at: Double(number), trace: trace)
            if number == 700 { _ = story.request(at: Double(number)) }
        }
        let log = try StoredLog(story, records: 40, segmentBytes: 256 << 10)
        try log.index()
        let trace = try #require(Story.trace).description
        let full = try log.replay(trace, indexed: false)
        let indexed = try log.replay(trace, indexed: true)
        #expect(indexed.text == full.text)
        #expect(full.bytes > 3 << 20)
        // The last segment is read whole, of the others a page, and a batch of one.
        #expect(indexed.bytes < 800 << 10, "\(indexed.bytes) of \(full.bytes)")
        let files = try log.folder.numbers().map { try log.folder.read($0, at: 0, count: 1 << 20) }
        let share = Double(files.reduce(0) { $0 + $1.count }) / Double(full.bytes)
        #expect(share < 0.05)

        func shown(_ indexes: IndexFolder?, _ prepare: (inout Show.Options) -> Void) throws -> Int {
            let source = CountingSource(log.path)
            var options = Show.Options()
            options.limit = 3
            options.keepsFirst = true
            prepare(&options)
            _ = try Show(LogPass(source, indexes: indexes), options).run(to: Output())
            return source.byteCount
        }
        let time = story.entries[1200].time
        #expect(try shown(nil) { $0.filter.since = time } > 2 << 20)
        #expect(try shown(log.folder) { $0.filter.since = time } < 1 << 20)
    }

    @Test("without idx/, and with anything wrong in it, the answer is the same")
    func disposable() throws {
        let story = Story.random(seed: 9, records: 500)
        let log = try StoredLog(story, records: 3)
        try log.index()
        let trace = try #require(story.entries.compactMap(\.trace).first).description
        let full = try log.replay(trace, indexed: false)
        #expect(try log.folder.numbers().count > 5)
        var dice = SeededEntropy(seed: 1)
        for number in try log.folder.numbers() {
            let name = DataDirectory.segmentName(number).dropLast(4)
            let url = URL(fileURLWithPath: "\(log.path)/idx/\(name).idx")
            let bytes = [UInt8](try Data(contentsOf: url))
            for _ in 0..<10 {
                var wrong = bytes
                switch dice.next() % 4 {
                case 0: wrong.removeLast(Int(dice.next() % UInt64(bytes.count)))
                case 1:
                    wrong = (0..<bytes.count).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
                default: wrong[Int(dice.next() % UInt64(bytes.count))] ^= 1 << (dice.next() % 8)
                }
                try Data(wrong).write(to: url)
                #expect(try log.replay(trace, indexed: true).text == full.text)
            }
            try Data(bytes).write(to: url)
        }
        // One of another segment in its place.
        let numbers = try log.folder.numbers()
        try log.folder.write(
            numbers[1],
            log.folder.read(numbers[2], at: 0, count: 1 << 20),
            verified: Story.start
        )
        #expect(try log.replay(trace, indexed: true).text == full.text)
        try FileManager.default.removeItem(atPath: "\(log.path)/idx")
        #expect(try log.replay(trace, indexed: true).text == full.text)
        try log.index()
        #expect(try log.folder.numbers() == numbers)
    }

    @Test("where a first page is lost the indexes tell the same, its segment's as well")
    func lostPage() throws {
        let story = Story.random(seed: 9, records: 500)
        let log = try StoredLog(story, records: 3)
        try log.index()
        let trace = try #require(story.entries.compactMap(\.trace).first).description
        func told(by source: any SegmentSource) throws -> (text: String, isIndexed: Bool) {
            var finder = HistoryFinder(LogPass(source, indexes: log.folder))
            let tree = HistoryTree(try finder.history(of: HistoryID(trace)))
            return (tree.json, finder.isIndexed)
        }
        let whole = try told(by: CountingSource(log.path))
        let refused = try told(by: RefusingSource(log.path, segment: 2, page: 0))
        #expect(refused.isIndexed)
        #expect(refused.text == whole.text)
        for wound in [Wound.segmentHeader, .emptyHeader] {
            try wound.strike(log)
            let struck = try told(by: CountingSource(log.path))
            #expect(struck.isIndexed, "\(wound)")
            #expect(struck.text == whole.text, "\(wound)")
        }
    }

    @Test("an index of the segment that was there before is not used")
    func stale() throws {
        let log = try StoredLog(Story.random(seed: 4, records: 300), records: 3)
        try log.index()
        let before = try log.care.duties(since: Story.start, now: StoredLog.now)
        #expect(before == [])
        // Another salt in the header: the segment was written anew.
        try log.change(segment: 2) { bytes in
            let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
            defer { page.deallocate() }
            page.copyBytes(from: bytes[..<4096])
            guard case .valid(var header) = SegmentHeader.read(UnsafeRawBufferPointer(page)) else {
                return
            }
            header.salt ^= 1
            header.write(to: page)
            bytes.replaceSubrange(..<4096, with: page)
        }
        let duties = try log.care.duties(since: Story.start, now: StoredLog.now)
        #expect(duties.map(\.header.number) == [2])
        #expect(duties.allSatisfy { $0.needsIndex })
    }
}
