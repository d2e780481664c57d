import Events
import HTTP
import JSON
import LogTools
import Observe
import Primitives
import RecordFormat
import Testing

@testable import CommitLog
@testable import Engine

@Suite("Activations in the log")
struct ObserveRecordTests {
    private struct Written {
        let offset: Offset
        let event: Event
        let cause: Offset?
        let trace: TraceID?
    }

    private func records(_ lab: Lab) throws -> [Written] {
        var written: [Written] = []
        var reader = LogReader(SimulatedStorage(lab.disk))
        _ = try reader.read { record throws(DecodeError) in
            if let event = try Event(record) {
                written.append(
                    Written(
                        offset: record.offset,
                        event: event,
                        cause: record.cause,
                        trace: record.trace
                    )
                )
            }
        }
        return written
    }

    @Test("an activation is recorded below the end that it tells of, in its trace")
    func cause() throws {
        let lab = try Lab()
        let owner = try lab.join("shop", serving: "pay")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.observe(watcher, "pay", "paid"))
        let call = try #require(try lab.settle(.call(owner, "pay", "7")).dispatches.first)
        let fired = try lab.settle(.answer(owner, call.invocation, "8")).dispatches
        try lab.settle(.answer(watcher, fired[0].invocation))
        let records = try records(lab)
        let activation = try #require(
            records.first {
                if case .triggered(let event) = $0.event { event.type == "observe" } else { false }
            }
        )
        let end = try #require(records.first { $0.offset == activation.cause })
        guard case .completed(let completed) = end.event else {
            Issue.record("its cause is \(end.event)")
            return
        }
        #expect(completed.invocation == call.invocation)
        #expect(activation.trace == end.trace && end.trace != nil)
        guard case .triggered(let triggered) = activation.event else { return }
        #expect(triggered.trigger == "o")
        #expect(triggered.summary == "pay success")
        #expect(JSONText(trusted: triggered.event).member("output")?.description == "8")
        let run = try #require(records.first { $0.cause == activation.offset })
        guard case .invoked(let invoked) = run.event else {
            Issue.record("it leads to \(run.event)")
            return
        }
        #expect(!invoked.awaited && invoked.input.isEmpty)
        #expect(invoked.invocation == fired[0].invocation)
    }

    @Test(
        "of a request the log has neither secrets nor keys of channels, observed or not",
        arguments: ["envelope", "input"]
    )
    func requests(deliver: String) throws {
        let lab = try Lab()
        let owner = try lab.join("shop", serving: "pay")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.trigger(owner, "http", #"{"api_path":"/pay"}"#, to: "pay"))
        try lab.settle(.observe(watcher, "pay", "paid") { $0.deliver = deliver })
        let key = UUID128(high: 0xCA4A_21E5, low: 0x5EC2_E7ED)
        let request = HTTPRequest(
            method: "GET",
            path: "/pay",
            query: nil,
            headers: [("authorization", "Bearer canary"), ("x-plain", "seen")],
            body: [],
            channels: HTTPChannels(
                requestBody: ChannelID(.requestBody, ofExchange: 1, onLoop: 0),
                response: ChannelID(.response, ofExchange: 1, onLoop: 0),
                key: key
            )
        )
        let exchange = ExchangeID(loop: 0, number: 1)
        let call = try #require(
            try lab.settle(.request(exchange, request, Propagation())).dispatches.first
        )
        let fired = try lab.settle(.answer(owner, call.invocation, #"{"status_code":200}"#))
        let told = try #require(fired.dispatches.first)
        #expect(String(decoding: told.payload, as: UTF8.self).contains("Bearer canary"))
        let log = String(decoding: lab.disk.segments.values.flatMap { $0 }, as: UTF8.self)
        #expect(log.contains("seen"))
        #expect(!log.contains("canary"))
        #expect(!log.contains(key.description))
    }

    @Test("an activation leaves when its own record is on disk, not before")
    func gate() throws {
        let lab = try Lab()
        let owner = try lab.join("shop", serving: "pay")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.observe(watcher, "pay", "paid"))
        let call = try #require(try lab.settle(.call(owner, "pay", "7")).dispatches.first)
        #expect(try lab.turn(.answer(owner, call.invocation, "8")).isEmpty)
        #expect(try lab.turn().isEmpty)
        #expect(try lab.settle().lines.count == 2)
    }

    @Test("an event of an invocation that has just ended is recorded below its end")
    func reported() throws {
        let lab = try Lab()
        let owner = try lab.joinObserving("shop")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.serve(owner, "tick", #"{"observe":{"delivery":"owner"}}"#))
        try lab.settle(.observe(watcher, "tick", "paid"))
        try lab.accept(owner, "o", of: "tick")
        let call = try #require(try lab.settle(.call(owner, "tick", "7")).dispatches.first)
        let id = call.invocation.description
        func causeOfLast() throws -> Written? {
            let all = try records(lab)
            let last = all.last {
                if case .triggered(let event) = $0.event { event.type == "observe" } else { false }
            }
            return all.first { $0.offset == last?.cause }
        }
        try lab.settle(.emit(owner, "tick", "1", to: ["o"], invocation: id))
        guard case .invoked(let running)? = try causeOfLast()?.event else {
            Issue.record("below the run")
            return
        }
        #expect(running.invocation == call.invocation)
        try lab.settle(.answer(owner, call.invocation))
        try lab.settle(.emit(owner, "tick", "2", to: ["o"], invocation: id))
        guard case .completed(let ended)? = try causeOfLast()?.event else {
            Issue.record("below the end")
            return
        }
        #expect(ended.invocation == call.invocation)
    }

    @Test("an activation without a worker ends where it began")
    func unserved() throws {
        let lab = try Lab()
        let owner = try lab.join("shop", serving: "pay")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.observe(watcher, "pay", "paid") { $0.concurrency = 1 })
        for _ in 0..<2 {
            let call = try #require(
                try lab.settle(.call(owner, "pay")).dispatches.first { $0.function == "pay" }
            )
            try lab.settle(.answer(owner, call.invocation))
        }
        let other = try lab.joinObserving("other")
        try lab.settle(.observe(other, "pay", "paid") { $0.concurrency = 1 })
        // The one that ran is over, and the one that waited finds nobody.
        try lab.settle(.workerLeft(watcher.connection, reason: "gone"))
        let ends = try records(lab).compactMap { record -> ErrorBody? in
            guard case .completed(let end) = record.event, case .failure(let error) = end.result
            else { return nil }
            return error
        }
        #expect(ends.map(\.code) == ["invocation_stopped", "function_not_found"])
        #expect(lab.isQuiet)
    }

    @Test("what cannot be recorded is left out, and the call that it tells of goes on")
    func tooLarge() throws {
        let lab = try Lab(segmentBytes: 1 << 20) { $0.payloadBytes = 4096 }
        let owner = try lab.join("shop", serving: "pay")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.observe(watcher, "pay", "paid"))
        let large = "\"\(String(repeating: "x", count: 3000))\""
        let call = try #require(try lab.settle(.call(owner, "pay", large)).dispatches.first)
        let effects = try lab.settle(.answer(owner, call.invocation, large))
        #expect(effects.compactMap(\.answer) == [.value(Array(large.utf8))])
        #expect(effects.lines(to: watcher) == ["o is active (payload_too_large), fires 0"])
        #expect(lab.engine.takeNotices().contains { $0.text.contains("misses an event") })
    }
}
