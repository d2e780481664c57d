import Folding
import Events
import JSON
import LogTools
import Primitives
import Queue
import Testing

@testable import Engine

extension Lab {
    /// What `engine::queue::explain` answers, the log being read as the server does it.
    fileprivate func explain(_ id: String, by peer: Peer) throws -> FunctionResult {
        let input = #"{"id":"\#(id)"}"#
        return try answer(to: .call(peer, "engine::queue::explain", input))
    }

    fileprivate func answer(to command: Command) throws -> FunctionResult {
        var reading: Effect.LogQuery?
        for case .readLog(let one) in try settle(command) { reading = one }
        let asked = try #require(reading)
        guard case .job(let question) = asked.question else {
            throw ErrorBody(code: "test", message: "the log is asked for something else")
        }
        let source = SimulatedSource(disk: disk)
        let search = MessageSearch(question, below: asked.end) { LogPass(source) }
        let effects = try settle(.foundMessages(asked.id, search.result))
        return try #require(effects.compactMap(\.answer).last)
    }

    /// The one entry of its answer.
    fileprivate func job(_ id: String, by peer: Peer) throws -> JSONText {
        guard case .value(let bytes) = try explain(id, by: peer) else {
            throw ErrorBody(code: "test", message: "\(id) is not explained")
        }
        let jobs = try JSONText(validating: bytes).member("jobs")?.elements ?? []
        #expect(jobs.count == 1)
        return try #require(jobs.first)
    }

    fileprivate func receipt(_ command: Command) throws -> String {
        try #require(try settle(command).compactMap(\.receipt).first).description
    }
}

extension JSONText {
    fileprivate func text(_ name: String) -> String { member(name)?.stringValue ?? "" }
}

/// Why a message waits, runs or is over.
@Suite("Explaining messages")
struct ExplainTests {
    @Test("from its enqueue to its end, by its receipt")
    func life() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 2) }
        let peer = try lab.join("p")
        let id = try lab.receipt(.enqueue(peer, "f"))
        let alone = try lab.job(id, by: peer)
        #expect(alone.text("state") == "waiting" && alone.text("reason") == "unserved")
        #expect(alone.text("why") == "no worker serves f")

        let worker = try lab.join("mailer", serving: "f")
        let running = try lab.job(id, by: peer)
        #expect(running.text("state") == "running" && running.text("worker") == "mailer")
        try lab.settle(.fail(worker, try #require(lab.left.dispatches.last).invocation))
        let again = try lab.job(id, by: peer)
        #expect(again.text("state") == "running")
        #expect(again.member("attempt")?.description == "2")
        #expect(again.member("error")?.text("message") == "no")

        try lab.settle(.answer(worker, try #require(lab.left.dispatches.last).invocation, "7"))
        let done = try lab.job(id, by: peer)
        #expect(done.text("state") == "done" && done.member("result")?.description == "7")
        #expect(try lab.job(done.text("trace_id"), by: peer) == done)
        let offset = try #require(done.member("offset"))
        #expect(try lab.job("@\(offset)", by: peer) == done)
        #expect(lab.isQuiet)
    }

    @Test("what is not there is told, and what is no id")
    func nothing() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        func code(_ result: FunctionResult) -> String? {
            if case .failure(let error) = result { error.code } else { nil }
        }
        let unknown = UUID128(high: 7, low: 7).description
        #expect(code(try lab.explain(unknown, by: peer)) == "NOT_FOUND")
        #expect(code(try lab.explain("no id", by: peer)) == "MALFORMED_ID")
        let refused = try lab.failure(of: "engine::queue::explain", by: peer)
        #expect(refused.code == "deserialization_error")
        // A trigger's function has nobody to answer who would wait.
        try lab.settle(.enqueue(peer, "engine::queue::explain", #"{"id":"x"}"#))
        #expect(lab.engine.views.work.queue.queues["default"]?.delayedCount == 1)
    }

    @Test("of a message that ends while the log is looked through, just that is told")
    func meanwhile() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let id = try lab.receipt(.enqueue(worker, "f"))
        var reading: Effect.LogQuery?
        let ask = Command.call(worker, "engine::queue::explain", #"{"id":"\#(id)"}"#)
        for case .readLog(let one) in try lab.settle(ask) { reading = one }
        let asked = try #require(reading)
        #expect(!lab.isQuiet)
        try lab.settle(.answer(worker, try #require(lab.left.dispatches.last).invocation))
        let source = SimulatedSource(disk: lab.disk)
        let search = MessageSearch(MessageQuery(id: id), below: asked.end) { LogPass(source) }
        let effects = try lab.settle(.foundMessages(asked.id, search.result))
        #expect(effects.lines.first?.contains(#""state":"ended""#) == true)
        #expect(lab.isQuiet)
    }

    @Test("an engine that stops says so")
    func stopping() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let id = try lab.receipt(.enqueue(peer, "f"))
        try lab.settle(.drain)
        #expect(try lab.job(id, by: peer).text("reason") == "stopping")
    }
}

/// `iii::queue::purge`.
@Suite("Purging queues")
struct PurgeTests {
    private let purge = #"{"queue":"default"}"#

    @Test("what waits is dropped in one record, and is gone after a crash, too")
    func restart() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 3, concurrency: 1) }
        let worker = try lab.join("w", serving: "f")
        var receipts: [String] = []
        for number in 1...3 {
            receipts.append(try lab.receipt(.enqueue(worker, "f", "\(number)")))
        }
        let left = try lab.settle(.call(worker, "iii::queue::purge", purge))
        #expect(left.lines == [#"iii::queue::purge = {"queue":"default","purged":2}"#])
        let purged = try lab.recordedEvents().compactMap { event -> Purged? in
            if case .queue(.purged(let purged)) = event { purged } else { nil }
        }
        #expect(purged.count == 1 && purged.first?.by == "w")
        #expect(purged.first?.messages.count == 2)
        let told = try lab.job(receipts[2], by: worker)
        #expect(told.text("state") == "purged" && told.text("ended_by") == "worker w")

        lab.disk.crash(keepingWrite: false)
        let next = try Lab(disk: lab.disk, at: lab.now.wall, life: 2) {
            $0.queues["default"] = .once(attempts: 3, concurrency: 1)
        }
        let other = try next.join("w", serving: "f")
        #expect(next.left.dispatches.map { String(decoding: $0.payload, as: UTF8.self) } == ["1"])
        try next.settle(.answer(other, try #require(next.left.dispatches.last).invocation))
        #expect(next.left.dispatches.count == 1)
        #expect(next.engine.views.work.queue.queues["default"]?.depth == 0)
    }

    @Test("dead letters are dropped in one record, and are gone after a crash, too")
    func deadLetters() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f")
        var receipts: [String] = []
        for number in 1...3 {
            receipts.append(try lab.receipt(.enqueue(worker, "f", "\(number)")))
            try lab.settle(.fail(worker, try #require(lab.left.dispatches.last).invocation))
        }
        let left = try lab.settle(.call(worker, "iii::queue::discard", purge))
        #expect(left.lines == [#"iii::queue::discard = {"queue":"default","discarded":3}"#])
        let purged = try lab.recordedEvents().compactMap { event -> Purged? in
            if case .queue(.purged(let purged)) = event { purged } else { nil }
        }
        #expect(purged.map(\.messages.count) == [3] && purged.first?.areDead == true)
        let told = try lab.job(receipts[2], by: worker)
        #expect(told.text("state") == "discarded" && told.text("ended_by") == "worker w")
        lab.disk.crash(keepingWrite: false)
        let next = try Lab(disk: lab.disk, at: lab.now.wall, life: 2) {
            $0.queues["default"] = .once(attempts: 1)
        }
        #expect(next.engine.views.work.queue.queues["default"]?.deadCount == 0)
    }

    @Test("nobody hears of it before it is on disk")
    func gate() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        try lab.settle(.enqueue(peer, "f"))
        #expect(try lab.turn(.call(peer, "iii::queue::purge", purge)).lines == [])
        #expect(try lab.turn([]).lines == [])
        lab.disk.complete()
        #expect(try lab.turn([]).lines == [#"iii::queue::purge = {"queue":"default","purged":1}"#])
    }

    @Test("what is too much for one record goes into several")
    func large() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        for _ in 0..<200 { try lab.settle(.enqueue(peer, "f")) }
        lab.engine.options.payloadBytes = 64
        let left = try lab.settle(.call(peer, "iii::queue::purge", purge))
        #expect(left.lines == [#"iii::queue::purge = {"queue":"default","purged":200}"#])
        let purged = try lab.recordedEvents().compactMap { event -> Purged? in
            if case .queue(.purged(let purged)) = event { purged } else { nil }
        }
        #expect(purged.count > 1)
        #expect(purged.reduce(0) { $0 + $1.messages.count } == 200)
        #expect(lab.engine.views.work.queue.queues["default"]?.depth == 0)
    }

    @Test("an operator's is told to be the dashboard's; a wrong name is refused")
    func callers() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let id = try lab.receipt(.enqueue(peer, "f"))
        let call = Call(
            id: .uuid(UUID128(high: 0, low: 9)),
            function: "iii::queue::purge",
            payload: Array(purge.utf8)
        )
        try lab.settle(.call(ConnectionID.operators(ofLoop: 0), call))
        #expect(try lab.job(id, by: peer).text("ended_by") == "the dashboard")
        let refusal = try lab.failure(of: "iii::queue::purge", #"{"queue":"x"}"#, by: peer)
        #expect(refusal.code == "NOT_FOUND" && refusal.message.contains("'x'"))
    }
}
