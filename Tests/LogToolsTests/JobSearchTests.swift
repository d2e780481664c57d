import Events
import LogTools
import Primitives
import Queue
import Testing

/// Messages are found by every id that they have, with indexes and without.
@Suite struct JobSearchTests {
    private func search(
        _ id: String,
        in log: StoredLog,
        indexed: Bool = false,
        below end: Offset = .max
    ) -> Result<LoggedMessages, ErrorBody> {
        MessageSearch(MessageQuery(id: id), below: end) {
            LogPass(CountingSource(log.path), indexes: indexed ? log.folder : nil)
        }
        .result
    }

    /// An error's code.
    private func code(_ result: Result<LoggedMessages, ErrorBody>) -> String? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test("by way of indexes the same is found as by a pass over everything", arguments: 1...4)
    func same(seed: UInt64) throws {
        let story = Story.random(seed: seed, records: 600)
        let log = try StoredLog(story, records: 1 + Int(seed % 5))
        try log.index()
        var ids = ["ffffffffffffffffffffffffffffffff", "abcdef", "@99999999", "123456"]
        for (offset, entry) in story.entries.enumerated() where offset % 7 == 0 {
            ids.append("@\(offset)")
            if let trace = entry.trace {
                ids += [trace.description, String(trace.description.prefix(9))]
            }
            let bytes = entry.payload
            switch bytes.withUnsafeBytes({ try? Event(kind: entry.kind, payload: $0) }) {
            case .queue(.delivered(let event)): ids.append(event.invocation.description)
            case .queue(.enqueued(let event)): ids.append(event.receipt.description)
            default: break
            }
        }
        var found = 0
        for id in ids {
            let full = search(id, in: log)
            let indexed = search(id, in: log, indexed: true)
            switch (full, indexed) {
            case (.success(let left), .success(let right)):
                found += 1
                let isSame = left.messages == right.messages && left.more == right.more
                #expect(isSame, "seed \(seed), \(id)")
            default: #expect(code(full) == code(indexed), "seed \(seed), \(id)")
            }
        }
        #expect(found > 10)
    }

    @Test("a message is found by its receipt, trace, offset and deliveries, with what became of it")
    func ids() throws {
        var story = Story.hello()
        let message = Offset(8)
        let other = story.enqueue("other", "f", at: 9, cause: nil, payload: "1")
        let purged = Purged(queue: "other", by: "iii-cli", messages: [message, other])
        story.add(.queue(.purged(purged)), at: 10, trace: nil)
        let log = try StoredLog(story)
        let trace = try #require(Story.trace).description
        let delivery = UUID128(high: 0xdddd, low: 9).description
        for id in ["@8", "offset-8", "@9", delivery] {
            let found = try search(id, in: log).get()
            #expect(found.messages.map(\.offset) == [message], "\(id)")
            #expect(found.workers[Story.greeter] == "greeter")
            let steps = try #require(found.messages.first).steps
            #expect(steps.map(\.offset) == [Offset(9), Offset(12), Offset(14)], "\(id)")
        }
        let both = try search(trace, in: log).get()
        #expect(both.messages.map(\.offset) == [message, other] && both.more == 0)
        let step = try #require(both.messages.last?.steps.last)
        // Of a purge, what concerns this message.
        let own = Purged(queue: "other", by: "iii-cli", messages: [other])
        #expect(step.event == .purged(own) && step.by == "worker iii-cli")
        #expect(try search(Story.receipt.description, in: log).get() == both)
        #expect(try search(String(trace.prefix(8)), in: log).get() == both)
        let earlier = try search(trace, in: log, below: Offset(10)).get()
        #expect(earlier.messages.map(\.steps.count) == [1])
    }

    @Test("what is not there, or no id, is told")
    func nothing() throws {
        var story = Story()
        story.begin()
        let call = story.request()
        let log = try StoredLog(story)
        let receipt = UUID128(high: 4, low: 4).description
        for id in [receipt, "@\(call)", "@9999", "abcdef12"] {
            #expect(code(search(id, in: log)) == "NOT_FOUND", "\(id)")
        }
        let trace = try #require(Story.trace).description
        guard case .failure(let error) = search(trace, in: log) else {
            Issue.record("a request that enqueued nothing is no job")
            return
        }
        #expect(error.code == "NOT_FOUND" && error.message.contains("nothing was enqueued"))
        #expect(code(search("no id", in: log)) == "MALFORMED_ID")
    }

    @Test("who had a message dropped is told by the cause of that")
    func callers() throws {
        var story = Story()
        let first = story.enqueue("q", "f", at: 1, cause: nil)
        let second = story.enqueue("q", "f", at: 2, cause: nil)
        let asked = Triggered(
            type: "dashboard",
            trigger: "",
            summary: "iii::queue::discard_message",
            function: FunctionName(id: "iii::queue::discard_message"),
            event: []
        )
        let cause = story.add(.triggered(asked), at: 3)
        story.add(.queue(.discarded(Discarded(queue: "q", message: first))), at: 3, cause: cause)
        let run = story.invoke("mend", by: Story.worker, at: 4, cause: nil)
        story.add(.queue(.redriven(Redriven(queue: "q", message: second))), at: 4, cause: run)
        let log = try StoredLog(story)
        func by(_ message: Offset) throws -> String? {
            try search("@\(message)", in: log).get().messages.first?.steps.last?.by
        }
        #expect(try by(first) == "the dashboard")
        #expect(try by(second) == "function mend")
    }
}
