import Events
import Folding
import JSON
import LogTools
import Primitives
import Queue
import RecordFormat
import Testing

/// The queues as they were, told from the log alone.
@Suite struct PastQueuesTests {
    /// In queue `mails` are four messages from record 2 on: one is given up by record 7, one waits
    /// for its second attempt since record 9, one runs since record 10, and one waits.
    private func story() -> Story {
        var story = Story()
        story.add(.started(Started(version: "1", process: 1)), at: 0, trace: nil)
        let settings = QueueSettings(
            fifo: false,
            concurrency: 2,
            attempts: 2,
            backoff: .seconds(1),
            groupField: nil
        )
        story.add(.queue(.defined(QueueDefined(queue: "mails", settings: settings))), trace: nil)
        let messages = (1...4).map { number in
            let payload = #"{"n":\#(number)}"#
            let time = Double(number)
            return story.enqueue("mails", "mail::send", at: time, cause: nil, payload: payload)
        }
        let error = ErrorBody(code: "full", message: "no room")
        let last = story.deliver(messages[0], of: "mails", attempt: 2, at: 10)
        let dead = DeadLettered(queue: "mails", message: messages[0], failures: 2, error: error)
        story.add(.queue(.deadLettered(dead)), at: 20, cause: last)
        let first = story.deliver(messages[1], of: "mails", at: 30)
        let retried = Retried(
            queue: "mails",
            message: messages[1],
            failures: 1,
            notBefore: Self.due,
            error: error
        )
        story.add(.queue(.retried(retried)), at: 30, cause: first)
        _ = story.deliver(messages[2], of: "mails", at: 40)
        return story
    }

    /// When the message that failed comes again.
    private static let due = Story.start.advanced(by: .milliseconds(1030))
    private static let receipt = Story.receipt.description
    private static let trace = Story.trace?.description ?? "?"

    private func queues(_ log: StoredLog, _ moment: LogMoment = .end) throws -> PastQueues {
        try PastQueues(log.pass, at: moment)
    }

    private func offset(_ offset: Int) -> LogMoment { .offset(Offset(UInt64(offset))) }

    private func json(_ row: AnswerRows.Row) throws -> JSONText {
        try JSONText(validating: Array(row.json.utf8))
    }

    @Test("queues are listed with what waits, is delayed, runs and is dead at a place")
    func list() throws {
        let log = try StoredLog(story())
        let now = try queues(log).list()
        #expect(
            now.rows.map(\.json) == [
                #"{"name":"mails","depth":3,"dlq_depth":1,"consumer_count":2,"config":{"#
                    + #""type":"standard","concurrency":2,"attempts":2,"backoff_ms":1000,"#
                    + #""message_group_field":null},"waiting":1,"delayed":1,"in_flight":1,"#
                    + #""oldest_offset":3,"oldest_at_ms":1788264000002}"#
            ]
        )
        #expect(
            now.rows.map(\.cells) == [
                ["mails", "1", "1", "1", "1", "2", "standard", "2026-09-01T12:00:00.002Z"]
            ]
        )
        #expect(now.notes == [])
        func counts(_ moment: LogMoment) throws -> [String] {
            let row = try #require(try queues(log, moment).list().rows.first)
            return Array(row.cells[1...4])
        }
        // Waiting, delayed, running, dead.
        #expect(try counts(offset(1)) == ["0", "0", "0", "0"])
        #expect(try counts(offset(5)) == ["4", "0", "0", "0"])
        #expect(try counts(offset(6)) == ["3", "0", "1", "0"])
        #expect(try counts(offset(7)) == ["3", "0", "0", "1"])
        #expect(try counts(offset(9)) == ["2", "1", "0", "1"])
        #expect(try counts(.time(Story.start.advanced(by: .milliseconds(5)))) == counts(offset(5)))
        let past = Story.start.advanced(by: .seconds(-1))
        #expect(try queues(log, .time(past)).list().rows == [])
    }

    @Test("a message whose delay is over waits, though no record says so")
    func delayIsOver() throws {
        let log = try StoredLog(story())
        let early = try queues(log, .time(Self.due.advanced(by: .milliseconds(-1)))).list()
        #expect(early.rows.first.map { Array($0.cells[1...3]) } == ["1", "1", "1"])
        let late = try queues(log, .time(Self.due)).list()
        #expect(late.rows.first.map { Array($0.cells[1...3]) } == ["2", "0", "1"])
    }

    @Test("the messages that wait or run are shown with what the log has of them, the oldest first")
    func messages() throws {
        let log = try StoredLog(story())
        let answer = try queues(log).messages(of: "mails", limit: 50)
        let first =
            #"{"id":"\#(Self.receipt)","queue":"mails","offset":3,"function_id":"mail::send","#
            + #""state":"delayed","attempt":2,"next_at_ms":1788264001030,"#
            + #""why":"waits for attempt 2 of 2","payload":{"n":2},"size_bytes":7,"#
            + #""enqueued_at_ms":1788264000002,"trace_id":"\#(Self.trace)"}"#
        #expect(answer.rows.first?.json == first)
        let states = try answer.rows.map { try json($0).member("state")?.stringValue }
        #expect(states == ["delayed", "in_flight", "waiting"])
        #expect(
            answer.rows.last?.cells == [
                Self.receipt, "5", "waiting", "2026-09-01T12:00:00.004Z", "mail::send", #"{"n":4}"#,
            ]
        )
        let oldest = try queues(log, offset(5)).messages(of: "mails", limit: 1)
        #expect(oldest.rows.map { $0.cells[1] } == ["2"])
    }

    @Test("dead letters are shown with their error, their attempts and when they died")
    func deadLetters() throws {
        let log = try StoredLog(story())
        let answer = try queues(log).deadLetters(of: "mails", limit: 50)
        #expect(
            answer.rows.map(\.json) == [
                #"{"id":"\#(Self.receipt)","payload":{"n":1},"error":"full: no room","#
                    + #""failed_at":1788264000,"retries":2,"size_bytes":7,"queue":"mails","#
                    + #""function_id":"mail::send","offset":2,"failed_at_ms":1788264000020,"#
                    + #""enqueued_at_ms":1788264000001,"trace_id":"\#(Self.trace)"}"#
            ]
        )
        #expect(
            answer.rows.map(\.cells) == [
                [
                    Self.receipt, "2", "2", "2026-09-01T12:00:00.020Z", "full: no room",
                    #"{"n":1}"#,
                ]
            ]
        )
        #expect(try queues(log, offset(6)).deadLetters(of: "mails", limit: 50).rows == [])
    }

    @Test("a topic has the messages of all its subscriptions")
    func topic() throws {
        var story = Story()
        for function in ["f", "g"] {
            let subscribed = Subscribed(
                topic: "t",
                function: FunctionName(id: function),
                condition: nil,
                settings: .standard
            )
            story.add(.queue(.subscribed(subscribed)), at: 0, trace: nil)
        }
        let message = story.enqueue("t", nil, at: 1, cause: nil, payload: "7")
        let log = try StoredLog(story)
        let list = try queues(log).list().rows
        #expect(list.map { Array($0.cells[0...5]) } == [["t", "2", "0", "0", "0", "2"]])
        let rows = try queues(log).messages(of: "t", limit: 50).rows
        #expect(rows.map { $0.cells[1] } == ["\(message)", "\(message)"])
        #expect(Set(rows.map { $0.cells[4] }) == ["f", "g"])
        #expect(rows.map { $0.cells[5] } == ["7", "7"])
        let one = try queues(log).messages(of: "t::g@default", limit: 50).rows
        #expect(one.map { $0.cells[4] } == ["g"])
    }

    @Test("what there was not is told: a queue, a place")
    func unknown() throws {
        let log = try StoredLog(story())
        func code(_ queue: String, _ moment: LogMoment) -> ToolError.Code? {
            codeOf { () throws(ToolError) in
                _ = try PastQueues(try log.opened(), at: moment).messages(of: queue, limit: 1)
            }
        }
        #expect(code("mails", offset(10)) == nil)
        #expect(code("mails", offset(11)) == .unknownOffset)
        #expect(code("mails", offset(0)) == .unknownQueue)
        #expect(code("other", .end) == .unknownQueue)
        #expect(code("", .end) == .unknownQueue)
    }

    @Test("retention leaves what is to be told of today, and what it has removed is not made up")
    func trimmed() throws {
        var story = Story()
        let kept = story.enqueue("q", "f", at: 0, cause: nil)
        let gone = story.enqueue("q", "f", at: 0, cause: nil)
        let delivery = story.deliver(gone, of: "q", at: 0)
        story.ack(delivery, gone, of: "q", at: 0)
        story.fill(56)
        let log = try StoredLog(story)
        try log.retain(below: Offset(13))
        let rows = try queues(log).messages(of: "q", limit: 50).rows
        #expect(rows.map { $0.cells[1] } == ["\(kept)"])
        #expect(rows.map { $0.cells[5] } == [#"{"id":"abc123"}"#])
        func code(_ read: (PastQueues) throws(ToolError) -> AnswerRows) -> ToolError.Code? {
            codeOf { () throws(ToolError) in
                _ = try read(try PastQueues(try log.opened(), at: offset(5)))
            }
        }
        #expect(code { (past) throws(ToolError) in try past.list() } == .historyTrimmed)
        let peek = code { (past) throws(ToolError) in try past.messages(of: "q", limit: 1) }
        #expect(peek == .historyTrimmed)
    }

    @Test("without the log's first segments it is said that something is missing")
    func headless() throws {
        var story = Story()
        story.fill(14)
        _ = story.enqueue("q", "f", at: 0, cause: nil)
        let log = try StoredLog(story)
        let paths = try Array(log.segmentPaths.dropFirst())
        let answer = try PastQueues(LogPass(.files(paths)), at: .end).list()
        #expect(answer.rows.map { Array($0.cells[0...1]) } == [["q", "1"]])
        #expect(answer.notes.count == 1)
    }

    @Test("at any offset it is what the engine's view makes of the records up to there")
    func same() throws {
        var seen = 0
        for seed in UInt64(1)...3 {
            let story = Story.random(seed: seed, records: 240)
            let log = try StoredLog(story, records: 3)
            for end in stride(from: 40, through: 240, by: 40) {
                let view = try view(of: story, below: end)
                let past = try queues(log, offset(end - 1))
                let cells = try past.list().rows.map { Array($0.cells[0...4]) }
                let expected = view.queues.sorted { $0.key < $1.key }.map { name, queue in
                    let waiting = queue.depth - queue.delayedCount - queue.inFlight
                    return [
                        name, "\(waiting)", "\(queue.delayedCount)", "\(queue.inFlight)",
                        "\(queue.deadCount)",
                    ]
                }
                #expect(cells == expected, "seed \(seed), below \(end)")
                guard let queue = view.queues["q"] else { continue }
                let listed = try past.messages(of: "q", limit: 1000).rows
                #expect(listed.count == queue.depth, "seed \(seed), below \(end)")
                #expect(listed.allSatisfy { $0.cells[5] == "{}" }, "seed \(seed), below \(end)")
                seen += queue.depth
            }
        }
        #expect(seen > 0)
    }

    /// What an engine has of the records of a story below an offset.
    private func view(of story: Story, below end: Int) throws -> QueueView {
        var views = Views()
        var failure: DecodeError?
        story.forEach { record in
            guard record.offset < Offset(UInt64(end)) else { return }
            do throws(DecodeError) { try views.apply(record) } catch { failure = error }
        }
        if let failure { throw failure }
        return views.work.queue
    }
}
