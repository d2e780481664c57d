import CommitLog
import Disk
import Events
import Folding
import HTTP
import JSON
import Primitives
import Queue
import State
import Testing

@testable import Engine

extension Lab {
    /// The device gives everything but the page of the log that holds `text`.
    fileprivate func refuse(_ text: String) throws {
        let needle = Array(text.utf8)
        for (segment, bytes) in disk.segments.sorted(by: { $0.key < $1.key }) {
            let place = (0..<bytes.count - needle.count).first { start in
                bytes[start] == needle[0]
                    && bytes[start..<start + needle.count].elementsEqual(needle)
            }
            guard let place else { continue }
            let page = place / 4096 * 4096
            disk.refused = (segment, page..<page + 4096)
            return
        }
        Issue.record("nothing has \(text)")
    }

    fileprivate var errors: [String] {
        engine.takeNotices().filter { $0.severity == .error }.map(\.text)
    }
}

/// A disk that refuses a read for a moment costs nobody anything but that moment.
@Suite("Reads that the disk refuses")
struct ReadRefusalTests {
    private static let refusal = StorageError.system("read", path: "simulated", code: 5)
    private static let key = #"{"scope":"s","key":"k"}"#

    private static func set(_ value: String, key: String = "k") -> String {
        #"{"scope":"s","key":"\#(key)","value":\#(value)}"#
    }

    private func depths(_ lab: Lab, of queue: String = "default") throws -> [Int] {
        let state = try #require(lab.engine.views.work.queue.queues[queue])
        return [state.depth, state.deadCount]
    }

    // MARK: Messages

    @Test(
        "a message keeps its place and its attempts, and goes by itself",
        arguments: [5, 61] as [Int32]
    )
    func message(code: Int32) throws {
        let lab = try Lab(cacheBytes: 0)
        let producer = try lab.join("p")
        try lab.settle(.enqueue(producer, "f", "1"))
        try lab.settle(.enqueue(producer, "f", "2"))
        lab.disk.readFailure = .system("read", path: "simulated", code: code)
        let worker = try lab.join("w", serving: "f")
        #expect(lab.left.dispatches.isEmpty)
        #expect(try depths(lab) == [2, 0])
        lab.disk.readFailure = nil
        lab.pass(seconds: 2)
        let left = try lab.settle()
        #expect(left.lines == ["invoke f 1", "invoke f 2"])
        for run in left.dispatches { try lab.settle(.answer(worker, run.invocation)) }
        let attempts = try lab.recordedEvents().compactMap { event -> UInt32? in
            if case .queue(.delivered(let delivered)) = event { delivered.attempt } else { nil }
        }
        #expect(attempts == [1, 1])
        #expect(try depths(lab) == [0, 0])
    }

    @Test("that it waits is told once, and why; it is tried less and less often")
    func backoff() throws {
        let lab = try Lab(cacheBytes: 0)
        let producer = try lab.join("p")
        try lab.settle(.enqueue(producer, "f", "1"))
        lab.disk.readFailure = Self.refusal
        _ = try lab.join("w", serving: "f")
        for seconds in [2, 4, 8, 16, 32, 64, 64] as [Double] {
            lab.pass(seconds: seconds - 0.5)
            let before = lab.disk.failedReads
            try lab.settle()
            #expect(lab.disk.failedReads == before, "\(seconds) s")
            lab.pass(seconds: 1)
            try lab.settle()
            #expect(lab.disk.failedReads > before, "\(seconds) s")
        }
        let told = lab.errors
        #expect(told.count == 1)
        #expect(told.first?.contains("It keeps its place and has lost no attempt") == true)
        let input = #"{"topic":"default"}"#
        let listed = try lab.value(of: "engine::queue::messages", input, by: producer)
        let why = listed.elements?.first?.member("why")?.stringValue
        #expect(why == "the disk does not give it for the moment")

        lab.disk.readFailure = nil
        lab.pass(seconds: 64)
        #expect(try lab.settle().lines == ["invoke f 1"])
        let news = lab.engine.takeNotices().filter { $0.severity == .info }
        #expect(news.contains { $0.text.contains("the disk gives message") })
    }

    @Test("a bad page holds up the messages in it, and those of their group, and no others")
    func page() throws {
        let lab = try Lab(cacheBytes: 0) { $0.queues["line"] = .fifo(by: "g") }
        let producer = try lab.join("p")
        for payload in [#"{"g":"a","n":1}"#, #"{"g":"a","n":2}"#, #"{"g":"b","n":3}"#] {
            try lab.settle(.enqueue(producer, "f", payload, to: "line"))
        }
        try lab.refuse(#""n":1"#)
        let worker = try lab.join("w", serving: "f")
        #expect(lab.left.dispatches.count == 1)
        #expect(lab.left.lines.last == #"invoke f {"g":"b","n":3}"#)
        #expect(try depths(lab, of: "line") == [3, 0])
        lab.disk.refused = nil
        lab.pass(seconds: 2)
        let head = try lab.settle()
        #expect(head.lines == [#"invoke f {"g":"a","n":1}"#])
        let answered = try lab.settle(.answer(worker, head.dispatches[0].invocation))
        #expect(answered.lines == [#"invoke f {"g":"a","n":2}"#])
    }

    @Test("a dead letter that cannot be read now is not taken for one that is not there")
    func deadLetter() throws {
        let lab = try Lab(cacheBytes: 0) { $0.queues["default"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f")
        let enqueued = try lab.settle(.enqueue(worker, "f", "1"))
        let receipt = try #require(enqueued.compactMap(\.receipt).first)
        let run = try #require(enqueued.dispatches.first)
        try lab.settle(.fail(worker, run.invocation))
        _ = try lab.value(of: "state::set", Self.set("1"), by: worker)
        #expect(try depths(lab) == [0, 1])

        lab.disk.readFailure = Self.refusal
        let input = #"{"queue":"default","message_id":"\#(receipt)"}"#
        let refused = try lab.failure(of: "iii::queue::redrive_message", input, by: worker)
        #expect(refused.code == "read_refused")
        let letters = try lab.value(
            of: "engine::queue::dlq_messages",
            #"{"topic":"default"}"#,
            by: worker
        )
        let id = try #require(letters.elements?.first?.member("id")?.stringValue)
        #expect(id.hasPrefix("offset-"))

        lab.disk.readFailure = nil
        let named = #"{"queue":"default","message_id":"\#(id)"}"#
        let redriven = try lab.settle(.call(worker, "iii::queue::redrive_message", named))
        #expect(redriven.dispatches.map(\.function) == ["f"])
    }

    // MARK: The state, and its triggers

    @Test("a value is asked for again")
    func value() throws {
        let lab = try Lab(cacheBytes: 0)
        let worker = try lab.join("w")
        _ = try lab.value(of: "state::set", Self.set("1"), by: worker)
        _ = try lab.value(of: "state::set", Self.set("2", key: "l"), by: worker)
        lab.disk.readFailure = Self.refusal
        let update = #"{"scope":"s","key":"k","ops":[{"type":"increment","path":"","by":1}]}"#
        for (function, input) in [("get", Self.key), ("update", update)] {
            let refused = try lab.failure(of: "state::\(function)", input, by: worker)
            #expect(refused.code == "read_refused", "\(function)")
        }
        lab.disk.readFailure = nil
        #expect(try lab.value(of: "state::get", Self.key, by: worker).description == "1")
    }

    @Test("a write whose triggers would be told that nothing was there before is not made")
    func oldValue() throws {
        let lab = try Lab(cacheBytes: 0)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "state", "{}", to: "f"))
        let first = try lab.settle(.call(worker, "state::set", Self.set("1")))
        try lab.settle(.answer(worker, first.dispatches[0].invocation))

        lab.disk.readFailure = Self.refusal
        for (function, input) in [("set", Self.set("2")), ("delete", Self.key)] {
            let effects = try lab.settle(.call(worker, "state::\(function)", input))
            #expect(effects.dispatches.isEmpty)
            #expect(effects.lines.first?.hasPrefix("state::\(function) = read_refused") == true)
        }
        lab.disk.readFailure = nil
        let written = try lab.settle(.call(worker, "state::set", Self.set("2")))
        let told = try #require(written.dispatches.first)
        let event = JSONText(trusted: told.payload)
        #expect(event.member("event_type")?.stringValue == "state:updated")
        #expect(event.member("old_value")?.description == "1")
    }

    @Test("a value goes at its time, whether or not what it was can be told")
    func expiry() throws {
        let lab = try Lab(cacheBytes: 0)
        let worker = try lab.join("w", serving: "f")
        let input = #"{"scope":"s","key":"k","value":1,"ttl_ms":1000}"#
        _ = try lab.value(of: "state::set", input, by: worker)
        _ = try lab.value(of: "state::set", Self.set("1", key: "l"), by: worker)
        try lab.settle(.trigger(worker, "state", "{}", to: "f"))
        lab.disk.readFailure = Self.refusal
        lab.pass(seconds: 2)
        let told = try #require(try lab.settle().dispatches.first)
        let event = JSONText(trusted: told.payload)
        #expect(event.member("event_type")?.stringValue == "state:deleted")
        #expect(lab.engine.views.state.keyCount == 1)
        #expect(lab.errors.contains { $0.hasPrefix("state triggers miss an old value") })
    }

    @Test("what a trigger fired before a crash runs as soon as its record can be read")
    func reaction() throws {
        let first = try Lab()
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "state", "{}", to: "f"))
        let running = try first.settle(.call(worker, "state::set", Self.set("1"))).dispatches
        #expect(running.count == 1)
        first.disk.crash(keepingWrite: false)

        let second = try Lab(disk: first.disk, at: first.now.wall, life: 2)
        second.disk.readFailure = Self.refusal
        _ = try second.join("w", serving: "f")
        for seconds in [2, 4, 8] as [Double] {
            second.pass(seconds: seconds)
            #expect(try second.settle().dispatches.isEmpty, "\(seconds) s")
        }
        #expect(second.engine.views.work.reactions.count == 1)
        #expect(second.errors.count == 1)
        second.disk.readFailure = nil
        second.pass(seconds: 16)
        let again = try second.settle().dispatches
        #expect(again.map(\.payload) == running.map(\.payload))
    }

    // MARK: Requests and streams

    @Test("a response that the log has is asked for again")
    func response() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let config = #"{"api_path":"/f","http_method":"POST"}"#
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        func post(_ exchange: UInt64) -> Command {
            .get(
                "/f",
                exchange: exchange,
                method: "POST",
                headers: [("content-type", "application/json"), ("idempotency-key", "k")],
                body: "1"
            )
        }
        let run = try #require(try lab.settle(post(1)).dispatches.first)
        let answer = #"{"status_code":201,"body":{"id":1}}"#
        let once = try lab.settle(.answer(worker, run.invocation, answer))
        #expect(once.compactMap(\.reply).map(\.status) == [201])
        _ = try lab.value(of: "state::set", Self.set("1"), by: worker)

        lab.disk.readFailure = Self.refusal
        let refused = try lab.settle(post(2))
        #expect(refused.compactMap(\.reply).map(\.status) == [503])
        #expect(refused.lines.first?.contains("read_refused") == true)
        lab.disk.readFailure = nil
        let repeated = try lab.settle(post(3))
        #expect(repeated.compactMap(\.reply).map(\.status) == [201])
    }

    @Test("who joins a stream is told later what there is, unless it has left")
    func sync() throws {
        let lab = try Lab(cacheBytes: 0)
        let peer = try lab.join("w")
        let item = #"{"stream_name":"board","group_id":"g","item_id":"i","data":1}"#
        try lab.settle(.call(peer, "stream::set", item))
        _ = try lab.value(of: "state::set", Self.set("1"), by: peer)
        lab.disk.readFailure = Self.refusal
        let joined = try lab.settle(.join(1), .join(2), .join(3))
        #expect(joined.subscriberLines == ["subscribe 1 s", "subscribe 2 s", "subscribe 3 s"])
        lab.pass(seconds: 2)
        #expect(try lab.settle().subscriberLines.isEmpty)
        try lab.settle(.leave(2), .gone(3))
        lab.disk.readFailure = nil
        lab.pass(seconds: 4)
        #expect(
            try lab.settle().subscriberLines == [#"send 1 {"type":"sync","data":[1]}"#]
        )
        lab.pass(seconds: 64)
        #expect(try lab.settle().subscriberLines.isEmpty)
    }

    @Test("what a subscriber has missed is read again, some times, before it is told of a gap")
    func replay() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        for number in 0..<100 {
            let item = #"{"stream_name":"board","group_id":"g","item_id":"i","data":\#(number)}"#
            try lab.settle(.call(peer, "stream::set", item))
        }
        var replay = try #require(try lab.settle(.join(1, after: 0)).replays.first)
        // What was told meanwhile is not told again.
        for start in [3, 7, 7, 7, 7, 7] as [UInt64] {
            let outcome = StreamReplay.Outcome.refused(from: Offset(start), "no")
            #expect(try lab.settle(.stream(.caughtUp(replay, outcome))).subscriberLines.isEmpty)
            lab.pass(seconds: 2)
            replay = try #require(try lab.settle().replays.first)
            #expect(replay.records.lowerBound == Offset(start))
        }
        let outcome = StreamReplay.Outcome.refused(from: Offset(7), "no")
        let lost = try lab.settle(.stream(.caughtUp(replay, outcome))).subscriberLines
        #expect(
            lost == [
                "subscribe 1 s", #"send 1 {"type":"gap","after":0,"reason":"no"}"#,
                #"send 1 {"type":"sync","data":[99]}"#,
            ]
        )
    }
}
