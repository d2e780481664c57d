import Events
import JSON
import LogTools
import Primitives
import Testing

@Suite struct RecordStatisticsTests {
    private func statistics(
        _ log: StoredLog,
        by grouping: RecordStatistics.Grouping,
        hasHistograms: Bool = false,
        limit: Int = TableLimits.rows,
        _ prepare: (inout RecordFilter) throws -> Void = { _ in }
    ) throws -> RecordStatistics {
        var filter = RecordFilter()
        try prepare(&filter)
        return try RecordStatistics(
            log.pass,
            filter,
            by: grouping,
            hasHistograms: hasHistograms,
            limit: limit
        )
    }

    private func lines(_ statistics: RecordStatistics) -> [String] {
        let output = Output()
        statistics.writeJSON(to: output)
        return output.collected.split(separator: "\n").map(String.init)
    }

    private func text(_ statistics: RecordStatistics) -> String {
        let output = Output()
        statistics.write(to: output, palette: .plain)
        return output.collected
    }

    private func histogram(_ name: String, _ statistics: RecordStatistics) throws -> JSONText {
        let mark = #""histogram":"\#(name)""#
        let line = try #require(lines(statistics).first { $0.contains(mark) })
        return try JSONText(validating: Array(line.utf8))
    }

    @Test("kinds are counted with bytes, offsets and times, those with most records first")
    func kinds() throws {
        let story = Story.hello()
        let lines = lines(try statistics(StoredLog(story), by: .kind))
        #expect(lines.count == 11)
        let bytes = story.entries[2].payload.count + story.entries[4].payload.count
        #expect(
            lines.first
                == #"{"kind":"worker_described","records":2,"bytes":\#(bytes),"#
                + #""first_offset":2,"last_offset":4,"first_time":"2026-09-01T11:59:59Z","#
                + #""last_time":"2026-09-01T11:59:59Z"}"#
        )
        #expect(lines[1].hasPrefix(#"{"kind":"worker_joined","records":2,"#))
        #expect(lines.last?.hasPrefix(#"{"kind":"triggered","records":1,"#) == true)
    }

    @Test("records that name no queue, or no function, are a group of their own")
    func fields() throws {
        let log = try StoredLog(.hello())
        let queues = lines(try statistics(log, by: .queue))
        #expect(queues.count == 2)
        #expect(queues[0].hasPrefix(#"{"queue":"default","records":3,"#))
        #expect(queues[0].contains(#""first_offset":8,"last_offset":12,"#))
        #expect(queues[1].hasPrefix(#"{"queue":null,"records":10,"#))
        let functions = lines(try statistics(log, by: .function))
        #expect(functions[0].hasPrefix(#"{"function":"hello::api","records":2,"#))
        #expect(functions[1].hasPrefix(#"{"function":"greet::process","records":1,"#))
    }

    @Test("functions of two namespaces are two, whatever their ids")
    func namespaces() throws {
        var story = Story()
        for namespace in ["default", "other", "other"] {
            let enqueued = Enqueued(
                queue: "q",
                target: FunctionName(namespace: namespace, id: "f"),
                receipt: Story.receipt,
                group: nil,
                baggage: nil,
                payload: Story.json("1")
            )
            story.add(.queue(.enqueued(enqueued)))
        }
        let functions = lines(try statistics(StoredLog(story), by: .function))
        #expect(functions.count == 2)
        #expect(functions[0].hasPrefix(#"{"function":"f (other)","records":2,"#))
        #expect(functions[1].hasPrefix(#"{"function":"f","records":1,"#))
    }

    @Test("minutes stand in their order, whatever their records")
    func minutes() throws {
        let minutes = lines(try statistics(StoredLog(.hello()), by: .minute))
        #expect(minutes.count == 2)
        #expect(minutes[0].hasPrefix(#"{"minute":"2026-09-01T11:59:00Z","records":5,"#))
        #expect(minutes[1].hasPrefix(#"{"minute":"2026-09-01T12:00:00Z","records":8,"#))
    }

    @Test("only what is asked for is counted")
    func chosen() throws {
        let log = try StoredLog(.hello())
        let some = try statistics(log, by: .kind) { filter in
            filter.from = Offset(9)
            try filter.add("queue=default")
        }
        let found = lines(some)
        #expect(found.count == 2)
        #expect(found[0].hasPrefix(#"{"kind":"acked","records":1,"#))
        #expect(found[1].hasPrefix(#"{"kind":"delivered","records":1,"#))
        let none = try statistics(log, by: .kind) { try $0.add("queue=other") }
        #expect(none.isEmpty)
        #expect(lines(none) == [])
    }

    @Test("beyond the limit records are counted together")
    func limit() throws {
        let some = try statistics(StoredLog(.hello()), by: .kind, limit: 1)
        #expect(some.untold == 12)
        let lines = lines(some)
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix(#"{"kind":"started","records":1,"#))
        #expect(lines[1].hasPrefix(#"{"kind":null,"others":true,"records":12,"#))
    }

    @Test("sizes, and the times of messages and calls, fall between bounds")
    func histograms() throws {
        let all = try statistics(StoredLog(.hello()), by: .kind, hasHistograms: true)
        let sizes = try histogram("payload_bytes", all)
        #expect(sizes.member("count")?.description == "13")
        let counts = (sizes.member("buckets")?.elements ?? []).map {
            $0.member("count")?.numberValue?.int64Value ?? 0
        }
        #expect(counts.reduce(0, +) == 13)
        let acks = try histogram("enqueue_to_ack", all)
        #expect(acks.member("unit")?.stringValue == "ms")
        #expect(acks.member("min")?.description == "3.1")
        #expect(
            acks.member("buckets")?.description == #"[{"from":2.0,"below":5.0,"count":1}]"#
        )
        let calls = try histogram("call_to_result", all)
        #expect(calls.member("max")?.description == "4.1")
        #expect(calls.member("count")?.description == "1")
        let text = text(all)
        #expect(text.contains("\n  below 5.000 ms  1  \(String(repeating: "#", count: 40))\n"))
        #expect(text.contains("from enqueue to acknowledgement: 1, 3.100 ms to 3.100 ms\n"))
    }

    @Test("an acknowledgement counts whose enqueue does not; without one it is said so")
    func enqueues() throws {
        let log = try StoredLog(.hello())
        let chosen = try statistics(log, by: .kind, hasHistograms: true) { filter in
            try filter.add("kind=acked")
        }
        #expect(try histogram("enqueue_to_ack", chosen).member("count")?.description == "1")
        #expect(try histogram("payload_bytes", chosen).member("count")?.description == "1")
        let late = try statistics(log, by: .kind, hasHistograms: true) { $0.from = Offset(9) }
        let acks = try histogram("enqueue_to_ack", late)
        #expect(acks.member("count")?.description == "0")
        #expect(acks.member("unknown")?.description == "1")
        #expect(acks.member("buckets")?.description == "[]")
        #expect(text(late).contains("none; of 1 the beginning is not known\n"))
    }

    @Test("a topic's message is acknowledged once a subscription; a refused call took no time")
    func repeated() throws {
        var story = Story()
        let message = story.enqueue("t", nil, at: 0, cause: nil)
        let queues = ["t::a@default", "t::b@default"]
        let deliveries = queues.map { story.deliver(message, of: $0, at: 1) }
        for (queue, delivery) in zip(queues, deliveries) {
            story.ack(delivery, message, of: queue, at: 7)
        }
        let call = story.invoke("f", by: Story.worker, at: 8, cause: nil)
        story.complete(call, at: 9, .none, took: 0)
        story.complete(call, at: 13, .none, took: 5)
        let all = try statistics(StoredLog(story), by: .queue, hasHistograms: true)
        #expect(
            try histogram("enqueue_to_ack", all).member("buckets")?.description
                == #"[{"from":5.0,"below":10.0,"count":2}]"#
        )
        // A bound belongs to the bucket above it.
        #expect(
            try histogram("call_to_result", all).member("buckets")?.description
                == #"[{"from":5.0,"below":10.0,"count":1}]"#
        )
    }

    @Test("people get a table with a last line for all, and nothing that moves the cursor")
    func table() throws {
        var story = Story.hello()
        _ = story.enqueue("\u{1B}[2J", "f", at: 5, cause: nil)
        let lines = text(try statistics(StoredLog(story), by: .queue)).split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[0].hasPrefix("QUEUE"))
        #expect(lines[1].hasPrefix("default "))
        #expect(lines[2].hasPrefix(#"\u001b[2J"#))
        #expect(lines[3].hasPrefix("(none) "))
        #expect(lines[4].hasPrefix("(all) "))
        #expect(lines[4].contains(" 14 "))
    }
}
