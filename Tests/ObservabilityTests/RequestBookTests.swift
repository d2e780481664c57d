import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("The list of requests")
struct RequestBookTests {
    private let bench = FollowBench()

    @Test("a request runs, ends, and has its worker and its time")
    func request() throws {
        bench.describe()
        let root = bench.request()
        #expect(bench.row()?.status == .running)
        let run = bench.invoke("hello", cause: root)
        #expect(bench.row()?.duration == nil)
        bench.complete(run)
        let row = try #require(bench.row())
        #expect(row.status == .ok)
        #expect(row.duration == .milliseconds(2))
        #expect((row.kind, row.name, row.function) == ("http", "GET /hello", "hello"))
        #expect(row.worker == "greeter")
        #expect(row.records == 3)
        #expect(row.offset == root)
        var json = JSONBuilder()
        row.write(into: &json)
        #expect(
            json.finish().description == #"{"trace_id":"\#(row.trace)","offset":1,"kind":"http","#
                + #""name":"GET /hello","function_id":"hello","worker":"greeter","#
                + #""started_at_ms":1900000000001,"duration_ms":2.0,"status":"ok","error":null,"#
                + #""records":3,"attempts":1}"#
        )
    }

    @Test("only what a request was begun for fails it, and calls within do not")
    func failures() {
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        let inner = bench.invoke("inner", cause: run)
        bench.complete(inner, 1, bench.failure)
        #expect(bench.row()?.status == .running)
        bench.complete(run, 1, bench.failure)
        #expect(bench.row()?.status == .failed)
        #expect(bench.row()?.error == "it broke")
    }

    @Test("a function that nobody serves fails its request")
    func notFound() {
        let root = bench.request()
        bench.write(
            .completed(
                Completed(
                    invocation: UUID128(high: 0, low: 0),
                    result: bench.failure,
                    duration: Timestamp.Span(nanoseconds: 0)
                )
            ),
            cause: root
        )
        #expect(bench.row()?.status == .failed)
    }

    @Test("a condition's end is not its request's")
    func condition() {
        let root = bench.request()
        let asked = bench.invoke("may", cause: root, isCondition: true)
        bench.complete(asked)
        #expect(bench.row()?.status == .running)
        bench.complete(bench.invoke("hello", cause: root))
        #expect(bench.row()?.status == .ok)
    }

    @Test("a message waits, is tried again, dies, and comes back to life")
    func queue() {
        let message = bench.enqueue("send")
        #expect(bench.row()?.status == .waiting)
        #expect(bench.row()?.name == "mails → send")
        let first = bench.deliver(message)
        #expect(bench.row()?.status == .running)
        bench.retry(message, first)
        #expect(bench.row()?.status == .waiting)
        #expect(bench.row()?.error == "try again")
        bench.bury(message, bench.deliver(message, attempt: 2))
        #expect(bench.row()?.status == .dead)
        #expect(bench.row()?.attempts == 2)
        // Whoever has it redriven does so in a trace of his own.
        bench.write(.queue(.redriven(Redriven(queue: "mails", message: message))), 9)
        #expect(bench.row()?.status == .waiting)
        bench.ack(message, bench.deliver(message, attempt: 3))
        #expect(bench.row()?.status == .ok)
        #expect(bench.row()?.error == nil)
    }

    @Test("a message that is dropped while it waits fails its request; others go on")
    func purged() {
        let message = bench.enqueue("send")
        let running = bench.enqueue("send", 2)
        let delivery = bench.deliver(running, 2)
        bench.purge(message)
        #expect(bench.row()?.status == .failed)
        #expect(bench.row()?.error?.contains("queue mails was purged") == true)
        #expect(bench.row(2)?.status == .running)
        bench.ack(running, delivery, 2)
        #expect(bench.row(2)?.status == .ok)
        // A topic's message may wait for others still, and is not counted while it does.
        let published = bench.enqueue(nil, 3)
        bench.purge(published, queue: "topic::a@default")
        #expect(bench.row(3)?.status == .ok)
    }

    @Test("what functions say is kept up to its first 4096 bytes, cut between characters")
    func longErrors() {
        let text = "x" + String(repeating: "é", count: 50_000)
        let failure = FunctionResult.failure(ErrorBody(code: "E", message: text))
        bench.complete(bench.invoke("hello", cause: bench.request()), 1, failure)
        let error = bench.row()?.error ?? ""
        #expect(error.utf8.count == 4095)
        #expect(text.hasPrefix(error))
    }

    @Test("each subscription's delivery of a topic's message is one for itself")
    func topic() {
        bench.log.live(from: .zero)
        let message = bench.enqueue(nil)
        #expect(bench.row()?.kind == "publish")
        #expect(bench.row()?.status == .ok, "nobody need be subscribed")
        let first = bench.deliver(message, queue: "topic::a::b@default")
        let second = bench.deliver(message, attempt: 1, queue: "topic::c@default")
        bench.ack(message, first)
        #expect(bench.row()?.status == .running)
        bench.bury(message, second)
        #expect(bench.row()?.status == .dead)
        #expect(bench.log.totals.functions[bench.name("a::b")]?.succeeded.total == 1)
        #expect(bench.log.totals.functions[bench.name("c")]?.failed.total == 1)
        let redriven = Redriven(queue: "topic::c@default", message: message)
        bench.write(.queue(.redriven(redriven)), 9)
        bench.ack(message, bench.deliver(message, queue: "topic::c@default"))
        #expect(bench.row()?.status == .ok, "nothing of it waits")
    }

    @Test("a topic's message is known for as long as a subscription may have it")
    func discardedCopy() throws {
        bench.log.live(from: .zero)
        let (one, other) = ("topic::a@default", "topic::c@default")
        let message = bench.enqueue(nil)
        bench.bury(message, bench.deliver(message, queue: one), queue: one)
        bench.discard(message, queue: one)
        #expect(bench.row()?.status == .failed)
        let delivery = bench.deliver(message, queue: other)
        bench.bury(message, delivery, queue: other)
        #expect(bench.row()?.status == .dead, "this one nobody has thrown away")
        #expect(bench.log.totals.functions[bench.name("c")]?.failed.total == 1)
        let trace = try #require(TraceID(high: 1, low: 1))
        let spans = bench.log.withTelemetry { $0.spans.spans(of: trace) }
        let span = spans.first { $0.record.span == EngineSpans.id(of: delivery) }
        #expect(span?.record.parent == EngineSpans.id(of: message))
        bench.discard(message, queue: other)
        #expect(bench.row()?.status == .failed)
    }

    @Test("each dead copy of a topic's message is thrown away by itself")
    func deadCopies() {
        let queues = ["topic::a@default", "topic::c@default"]
        let message = bench.enqueue(nil)
        for queue in queues {
            bench.bury(message, bench.deliver(message, queue: queue), queue: queue)
        }
        bench.discard(message, queue: queues[0])
        #expect(bench.row()?.status == .dead)
        bench.discard(message, queue: queues[1])
        #expect(bench.row()?.status == .failed)
    }

    @Test("dead letters that are thrown away together fail their requests")
    func deadTogether() {
        let (first, second) = (bench.enqueue("send"), bench.enqueue("send", 2))
        bench.bury(first, bench.deliver(first))
        bench.bury(second, bench.deliver(second, 2), 2)
        #expect(bench.row()?.status == .dead && bench.row(2)?.status == .dead)
        bench.purge(first, second, areDead: true)
        #expect(bench.row()?.status == .failed && bench.row(2)?.status == .failed)
        #expect(bench.row()?.error?.contains("purged") != true)
    }

    @Test("what runs when the engine is killed is interrupted, and messages wait on")
    func restart() {
        let root = bench.request()
        _ = bench.invoke("hello", cause: root)
        let message = bench.enqueue("send", 2)
        _ = bench.deliver(message, 2)
        bench.write(.started(Started(version: "1", process: 1)), nil)
        #expect(bench.row()?.status == .failed)
        #expect(bench.row()?.error?.contains("started again") == true)
        #expect(bench.row(2)?.status == .waiting)
    }

    @Test("a log line does not name a request whose work comes behind it")
    func lines() {
        let line = Logged(
            severity: 9,
            severityText: "INFO",
            body: "hi",
            service: "s",
            span: 0,
            attributes: []
        )
        bench.write(.logged(line))
        #expect(bench.row()?.kind == "log")
        #expect(bench.row()?.name == "hi")
        let root = bench.request()
        #expect(bench.row()?.kind == "http")
        bench.complete(bench.invoke("hello", cause: root))
        let duration = bench.row()?.duration
        bench.write(.logged(line))
        #expect(bench.row()?.duration == duration, "a late line is no work")
    }

    @Test("filters, and the youngest first")
    func filters() {
        for trace in UInt64(1)...5 {
            let root = bench.request(trace, function: "f\(trace)")
            if trace != 2 { bench.complete(bench.invoke("f", trace, cause: root), trace) }
        }
        func traces(_ adjust: (inout RequestFilter) -> Void) -> [UInt64] {
            var filter = RequestFilter()
            adjust(&filter)
            return bench.log.requests(filter).rows.map(\.trace.low)
        }
        #expect(traces { _ in } == [5, 4, 3, 2, 1])
        #expect(traces { $0.limit = 2 } == [5, 4])
        #expect(traces { $0.status = .running } == [2])
        #expect(traces { $0.function = "f3" } == [3])
        #expect(traces { $0.search = "F4" } == [4])
        #expect(traces { $0.search = "get /HELLO" }.count == 5)
        #expect(traces { $0.kind = "queue" }.isEmpty)
        #expect(traces { $0.before = bench.row(3)?.offset } == [2, 1])
        #expect(bench.log.requests(RequestFilter()).seen == 5)
    }

    @Test("the oldest makes room, and its late records make no row that lies")
    func bounds() {
        let bench = FollowBench(requests: 2)
        for trace in UInt64(1)...3 { _ = bench.request(trace) }
        #expect(bench.row(1) == nil)
        #expect(bench.row(2) != nil)
    }

    @Test("changes since a cursor, the last ones where there are many")
    func changes() {
        let root = bench.request(1)
        let (rows, passed, cursor) = bench.log.changes(since: 0, limit: 10)
        #expect(rows.map(\.trace.low) == [1])
        #expect(passed == 0)
        #expect(bench.log.changes(since: cursor, limit: 10).rows.isEmpty)
        for trace in UInt64(2)...6 { _ = bench.request(trace) }
        _ = bench.invoke("hello", 1, cause: root)
        let more = bench.log.changes(since: cursor, limit: 2)
        #expect(more.rows.map(\.trace.low) == [6, 1])
        #expect(more.passed == 4)
    }

    @Test("what was passed over is counted, and what was open then is not known")
    func skipped() {
        bench.log.live(from: .zero)
        _ = bench.request(1)
        bench.complete(bench.invoke("f", 2, cause: bench.request(2)), 2)
        bench.log.skip(to: bench.next.advanced(by: 1000))
        #expect(bench.log.skipped == 1000)
        #expect(bench.row(1)?.status == .unknown)
        #expect(bench.row(2)?.status == .ok)
    }

    @Test("totals, by kind and by function")
    func totals() {
        bench.log.live(from: .zero)
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        let message = bench.enqueue("send", cause: run)
        bench.complete(run, 1, bench.failure)
        bench.ack(message, bench.deliver(message))
        let totals = bench.log.totals
        #expect((totals.records, totals.bytes) == (6, 60))
        let hello = totals.functions[bench.name("hello")]
        #expect((hello?.succeeded.total, hello?.failed.total) == (0, 1))
        #expect(hello?.failed.sum == 2_000_000)
        #expect(totals.functions[bench.name("send")]?.failed.total == 0)
    }

    @Test("of each cron job it is known when it succeeded last, and how often it failed")
    func cronJobs() {
        bench.log.live(from: .zero)
        func fire(_ trigger: String) -> Offset {
            let fired = CronFired(
                trigger: trigger,
                function: bench.name("hello"),
                expression: "0 * * * * *",
                scheduled: bench.now,
                actual: bench.now
            )
            return bench.write(.cron(.fired(fired)))
        }
        let job = CronJob(function: bench.name("hello"), expression: "0 * * * * *")
        let slot = fire("a")
        #expect(bench.log.totals.cronJobs == [job: CronRuns()])
        bench.complete(bench.invoke("hello", cause: slot))
        let success = bench.log.totals.cronJobs[job]?.lastSuccess
        #expect(success != nil)
        bench.pass(.seconds(60))
        bench.complete(bench.invoke("hello", cause: fire("b")), 1, bench.failure)
        #expect(bench.log.totals.cronJobs[job] == CronRuns(lastSuccess: success, failures: 1))
        bench.complete(bench.invoke("hello", cause: bench.request()), 1, bench.failure)
        #expect(bench.log.totals.cronJobs.count == 1)
    }

    @Test("what is beyond those that are counted one by one is counted all together")
    func otherTotals() {
        bench.log.live(from: .zero)
        for number in 0...max(RecordTotals.functionLimit, RecordTotals.cronLimit) {
            let name = bench.name("f\(number)")
            let fired = CronFired(
                trigger: "a",
                function: name,
                expression: "@daily",
                scheduled: bench.now,
                actual: bench.now
            )
            let trace = UInt64(number + 1)
            let slot = bench.write(.cron(.fired(fired)), trace)
            let run = bench.invoke("f\(number)", trace, cause: slot)
            bench.complete(run, trace, bench.failure)
        }
        let totals = bench.log.totals
        #expect(totals.functions.count == RecordTotals.functionLimit)
        #expect(totals.functions[bench.name("f7")]?.place == 7)
        let others = totals.otherFunctions
        #expect((others.succeeded.total, others.failed.total) == (0, 1))
        #expect(totals.cronJobs.count == RecordTotals.cronLimit)
        #expect(totals.otherCronJobs == CronRuns(failures: 1))
    }

    @Test("totals are of this life, and not of what it finds in the log")
    func earlierLife() {
        let message = bench.enqueue("send")
        bench.complete(bench.invoke("hello", 2, cause: nil), 2)
        #expect(bench.log.totals == RecordTotals())
        bench.log.live(from: bench.next)
        bench.ack(message, bench.deliver(message))
        let totals = bench.log.totals
        #expect(totals.records == 2)
        #expect(totals.functions[bench.name("send")]?.succeeded.total == 1)
        #expect(totals.functions.count == 1)
    }

    @Test("of what is passed over, only this life's is counted")
    func earlierSkips() {
        _ = bench.request()
        bench.log.live(from: bench.next.advanced(by: 5))
        bench.log.skip(to: bench.next.advanced(by: 2))
        #expect(bench.row()?.status == .unknown)
        #expect(bench.log.skipped == 0)
        bench.log.skip(to: bench.next.advanced(by: 8))
        #expect(bench.log.skipped == 3)
    }
}
