import Events
import JSON
import Primitives
import Testing

@testable import Queue

extension Bench {
    /// What the log tells of a message.
    private func logged(_ offset: Offset) throws -> LoggedMessages {
        let number = Int(offset.rawValue)
        guard case .enqueued(let event) = events[number].event else {
            throw ErrorBody(code: "test", message: "no message")
        }
        var message = LoggedMessage(
            offset: offset,
            time: events[number].time,
            trace: TraceID(high: 1, low: 2),
            event: event
        )
        var delivery: Offset?
        for (number, entry) in events.enumerated() where Self.isAbout(offset, entry.event) {
            let place = Offset(UInt64(number))
            message.steps.append(
                LoggedMessage.Step(
                    offset: place,
                    time: entry.time,
                    trace: nil,
                    cause: entry.event.endsDelivery ? delivery : nil,
                    event: entry.event
                )
            )
            if case .delivered = entry.event { delivery = place }
        }
        let names = [UUID128(high: 0, low: 1): "mailer"]
        return LoggedMessages(messages: [message], more: 0, workers: names)
    }

    private static func isAbout(_ message: Offset, _ event: QueueEvent) -> Bool {
        switch event {
        case .delivered(let event): event.message == message
        case .acked(let event): event.message == message
        case .retried(let event): event.message == message
        case .deadLettered(let event): event.message == message
        case .redriven(let event): event.message == message
        case .discarded(let event): event.message == message
        case .purged(let event): event.messages.contains(message)
        case .defined, .subscribed, .unsubscribed, .enqueued: false
        }
    }

    /// The entries of the answer about a message.
    func explain(
        _ offset: Offset,
        in queue: String? = nil,
        served: Bool = true,
        without absent: String? = nil,
        obstacle: ExplanationContext.Obstacle? = nil,
        awaitsTrigger: Bool = false
    ) throws -> [JSONText] {
        let context = ExplanationContext(
            now: now,
            obstacle: obstacle,
            isServed: { served && $0.id != absent },
            awaitsTrigger: { _ in awaitsTrigger },
            worker: { _ in nil }
        )
        let answer = view.explain(try logged(offset), in: queue, context)
        return try JSONText(validating: answer.bytes).member("jobs")?.elements ?? []
    }

    func explained(
        _ offset: Offset,
        served: Bool = true,
        without absent: String? = nil,
        obstacle: ExplanationContext.Obstacle? = nil,
        awaitsTrigger: Bool = false
    ) throws -> Told {
        let jobs = try explain(
            offset,
            served: served,
            without: absent,
            obstacle: obstacle,
            awaitsTrigger: awaitsTrigger
        )
        #expect(jobs.count == 1)
        return Told(job: jobs.first ?? .null)
    }
}

struct Told {
    let job: JSONText

    func text(_ name: String) -> String? { job.member(name)?.stringValue }
    func number(_ name: String) -> Int64? { job.member(name)?.numberValue?.int64Value }

    var state: String? { text("state") }
    var reason: String? { text("reason") }
    var why: String { text("why") ?? "" }
    var wayOut: String { text("way_out") ?? "" }
    var story: [String] {
        (job.member("story")?.elements ?? []).compactMap { $0.member("text")?.stringValue }
    }
}

@Suite("Why a message runs, or does not")
struct ExplanationTests {
    @Test("what waits for a worker, for a place, or is next")
    func waiting() throws {
        var bench = Bench()
        bench.define(concurrency: 2)
        let offsets = try (0..<4).map { _ in try bench.enqueue() }
        let lone = try bench.explained(offsets[0], served: false)
        #expect(lone.state == "waiting" && lone.reason == "unserved")
        #expect(lone.why == "no worker serves f")
        #expect(lone.wayOut.contains("start a worker"))
        #expect(lone.text("id") == "00000000-0000-0009-0000-000000000001")
        #expect(lone.story == ["f was enqueued in queue q"])
        let next = try bench.explained(offsets[0])
        #expect(next.reason == "next" && next.job.member("way_out")?.isNull == true)
        #expect(bench.deliver() == Array(offsets[..<2]))
        let last = try bench.explained(offsets[3])
        #expect(last.reason == "no_place" && last.number("ahead") == 1)
        #expect(last.why.contains("all 2 places of queue q are taken, and 1 wait"))
        #expect(last.wayOut.contains("`[queue.queues.q]`"))
        bench.define(concurrency: 0)
        #expect(try bench.explained(offsets[3]).reason == "stopped")
    }

    @Test("what waits for its condition says so, unless its function is not served either")
    func condition() throws {
        var bench = Bench()
        let function = FunctionName(namespace: "n", id: "f")
        let settings = QueueSettings.standard
        let event = Subscribed(topic: "t", function: function, condition: "c", settings: settings)
        bench.apply(.subscribed(event))
        let offset = try bench.publish()
        let told = try bench.explained(offset, without: "c")
        #expect(told.state == "waiting" && told.reason == "condition_unserved")
        #expect(told.why == "no worker serves c (n), which is asked before f (n) runs")
        #expect(told.wayOut.contains("start a worker"))
        #expect(try bench.explained(offset, without: "f").reason == "unserved")
        #expect(try bench.explained(offset).reason == "next")
    }

    @Test("what keeps everything from going is told where nothing else does")
    func obstacles() throws {
        var bench = Bench()
        bench.define()
        let offset = try bench.enqueue()
        let full = try bench.explained(offset, obstacle: .diskFull("no room"))
        #expect(full.reason == "disk_full" && full.why.contains("no room"))
        let lone = try bench.explained(offset, served: false, obstacle: .diskFull("no room"))
        #expect(lone.reason == "unserved")
        let stopped = try bench.explained(offset, served: false, obstacle: .stopping)
        #expect(stopped.reason == "stopping")
        #expect(try bench.explained(offset, awaitsTrigger: true).reason == "awaits_trigger")
        _ = bench.view.pause("q", until: bench.now.advanced(by: .seconds(1)))
        #expect(try bench.explained(offset).reason == "unreadable")
    }

    @Test("what is behind others of its group says how many, and which is the first")
    func group() throws {
        var bench = Bench()
        bench.define(fifo: true)
        let offsets = try (0..<3).map { _ in try bench.enqueue(#"{"g":"a"}"#) }
        _ = try bench.enqueue(#"{"g":"b"}"#)
        let first = try bench.explained(offsets[0])
        #expect(first.reason == "next")
        _ = bench.deliver()
        let last = try bench.explained(offsets[2])
        #expect(last.reason == "behind_group" && last.number("ahead") == 2)
        #expect(last.why.contains("2 of its group 'a' are before it"))
        #expect(last.wayOut.contains("`iii explain 00000000-0000-0009-0000-000000000001`"))
        bench.ack(offsets[0])
        _ = bench.deliver()
        #expect(try bench.explained(offsets[2]).why.contains("1 of its group 'a' is before it"))
    }

    @Test("what runs, fails, waits for its next attempt, and is given up")
    func attempts() throws {
        var bench = Bench()
        bench.define(attempts: 2, backoff: 5000)
        let offset = try bench.enqueue()
        _ = bench.deliver()
        bench.now = bench.now.advanced(by: .milliseconds(1500))
        let running = try bench.explained(offset)
        #expect(running.state == "running" && running.text("worker") == "mailer")
        #expect(running.why.hasPrefix("attempt 1 of 2 runs on mailer since 1970-01-01T00:16:40Z"))
        #expect(running.why.hasSuffix("for 1.5 s"))
        #expect(running.story.last == "attempt 1 on mailer goes on")

        bench.fail(offset)
        let delayed = try bench.explained(offset)
        #expect(delayed.state == "delayed" && delayed.number("attempt") == 2)
        #expect(delayed.why.hasPrefix("attempt 2 of 2 is due in 5.0 s"))
        #expect(delayed.why.hasSuffix("after c: m"))
        #expect(delayed.job.member("error")?.member("message")?.stringValue == "m")
        #expect(delayed.story.contains("attempt 1 on mailer failed after 1.5 s with c: m"))
        let lone = try bench.explained(offset, served: false)
        #expect(lone.why.contains("no worker serves f now"))

        bench.pass(milliseconds: 5000)
        _ = bench.deliver()
        bench.fail(offset)
        let dead = try bench.explained(offset)
        let id = "00000000-0000-0009-0000-000000000001"
        #expect(dead.state == "dead" && dead.why.contains("after 2 attempts failed: c: m"))
        #expect(dead.wayOut.contains("`iii queue redrive q \(id)`"))
        #expect(dead.wayOut.contains("A worker serves its function now"))
        #expect(dead.story.last == "the limit of 2 attempts was reached: a dead letter")
        let lost = try bench.explained(offset, served: false)
        #expect(lost.wayOut.contains("No worker serves its function now"))

        _ = try bench.call(.redrive, #"{"queue":"q"}"#)
        #expect(try bench.explained(offset).reason == "next")
        #expect(bench.deliver() == [offset])
        bench.ack(offset)
        let done = try bench.explained(offset)
        #expect(done.state == "done" && done.why.contains("by attempt 1 on mailer"))
        #expect(done.number("end_offset") == Int64(bench.events.count - 1))
        #expect(done.job.member("error")?.isNull == true)
    }

    @Test("a result that its record has no room for is no failure")
    func unrecorded() throws {
        var bench = Bench()
        bench.define()
        let offset = try bench.enqueue()
        #expect(bench.deliver() == [offset])
        let note = "a result of 20000000 bytes, too large to be recorded"
        let acked = Acked(
            queue: "q",
            message: offset,
            result: .failure(ErrorBody(code: "payload_too_large", message: note)),
            duration: .milliseconds(1)
        )
        bench.apply(.acked(acked))
        let done = try bench.explained(offset)
        #expect(done.state == "done" && done.why.hasSuffix("; it answered \(note)"))
        #expect(done.job.member("error")?.isNull == true)
        #expect(done.job.member("result")?.isNull == true)
    }

    @Test("what was dropped says by whom, or that nothing tells")
    func dropped() throws {
        var bench = Bench()
        bench.define(attempts: 1)
        let offsets = try (0..<3).map { _ in try bench.enqueue() }
        bench.apply(.purged(Purged(queue: "q", by: nil, messages: [offsets[1]])))
        let purged = try bench.explained(offsets[1])
        #expect(purged.state == "purged" && purged.why.contains("queue q was purged by somebody"))
        #expect(purged.story.last == "dropped with all that waited in the queue")
        #expect(bench.deliver() == [offsets[0], offsets[2]])
        bench.fail(offsets[0])
        bench.apply(.discarded(Discarded(queue: "q", message: offsets[0])))
        #expect(try bench.explained(offsets[0]).state == "discarded")
        // Both have the same queue: the record of the end is not among what the older one reads.
        let older = bench
        bench.ack(offsets[2])
        #expect(try older.explained(offsets[2]).state == "ended")
    }

    @Test("of what was published each subscription has its own")
    func topic() throws {
        var bench = Bench()
        bench.subscribe("a", "b")
        let offset = try bench.publish()
        #expect(offset == Offset(2))
        #expect(bench.deliver(from: "t::a@default") == [offset])
        bench.ack(offset, in: "t::a@default")
        let jobs = try bench.explain(offset).map { Told(job: $0) }
        #expect(jobs.map(\.state) == ["waiting", "done"])
        #expect(jobs.map { $0.text("function_id") } == ["b", "a"])
        #expect(jobs.allSatisfy { $0.text("topic") == "t" })
        #expect(jobs[0].story == ["published to topic t"])
        #expect(try bench.explain(offset, in: "t::b@default").count == 1)
        #expect(try bench.explain(offset, in: "other").isEmpty)
        bench.unsubscribe("b", keepsMessages: false)
        #expect(try bench.explain(offset).map { Told(job: $0).state } == ["done"])
    }

    @Test("what an ended subscription has left says so, and how to go on or to get rid of it")
    func ended() throws {
        var bench = Bench()
        bench.subscribe("a")
        let offset = try bench.publish()
        let unserved = try bench.explained(offset, served: false)
        #expect(unserved.reason == "unserved")
        #expect(unserved.wayOut.contains("If none will, `iii queue purge t::a@default`"))
        bench.unsubscribe("a")
        let left = try bench.explained(offset, served: false)
        #expect(left.state == "waiting" && left.reason == "subscription_ended")
        #expect(left.why == "the subscription of a to topic t has ended")
        #expect(left.wayOut.contains("subscribed again"))
        #expect(left.wayOut.contains("`iii queue purge t::a@default`"))
    }

    @Test("what nobody is subscribed to is nowhere")
    func unsubscribed() throws {
        var bench = Bench()
        let enqueued = Enqueued(
            queue: "t",
            target: nil,
            receipt: UUID128(high: 1, low: 1),
            group: nil,
            baggage: nil,
            payload: []
        )
        bench.apply(.enqueued(enqueued))
        let gone = try bench.explained(Offset(0))
        #expect(gone.state == "dropped" && gone.why.contains("no subscription of topic t"))
    }

    @Test("a question has an id")
    func question() throws {
        let text = JSONText(trusted: Array(#"{"id":"x","queue":"q"}"#.utf8))
        #expect(try MessageQuery(text) == MessageQuery(id: "x", queue: "q"))
        let error = #expect(throws: ErrorBody.self) { try MessageQuery(.emptyObject) }
        #expect(error?.code == "deserialization_error")
    }
}
