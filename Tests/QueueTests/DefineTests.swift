import Events
import Primitives
import Testing

@testable import Queue

@Suite("Making and changing function queues")
struct DefineTests {
    @Test("a queue is defined once, and again only where something changes")
    func define() throws {
        var bench = Bench()
        let input = #"{"queue":"q","config":{"max_retries":0,"concurrency":2,"backoff_ms":5}}"#
        #expect(try bench.call(.define, input) == #"{"queue":"q","changed":true}"#)
        #expect(try bench.call(.define, input) == #"{"queue":"q","changed":false}"#)
        #expect(bench.view.queues["q"]?.settings.attempts == 1)
        let stats = try bench.call(.topicStats, #"{"topic":"q"}"#)
        #expect(stats.hasPrefix(#"{"depth":0,"consumer_count":2,"dlq_depth":0,"config":{"#))
        #expect(
            try bench.call(.listTopics, "{}")
                == #"[{"name":"q","broker_type":"builtin","subscriber_count":2}]"#
        )
    }

    @Test("white space around a name does not count")
    func trimmed() throws {
        var bench = Bench()
        #expect(
            try bench.call(.define, #"{"queue":" q\t"}"#) == #"{"queue":"q","changed":true}"#
        )
        #expect(bench.view.queues.keys.sorted() == ["q"])
    }

    @Test("what other engines know and this one does not need is taken, and said to be ignored")
    func ignored() throws {
        var bench = Bench()
        let config =
            #"{"timeout_ms":1000,"poll_interval_ms":50,"max_priority":255,"priority_field":"p","#
            + #""redeliver_on_engine_restart":true,"concurrency":2}"#
        let ignored =
            #"["max_priority","poll_interval_ms","priority_field","redeliver_on_engine_restart","#
            + #""timeout_ms"]"#
        #expect(
            try bench.call(.define, #"{"queue":"q","config":\#(config)}"#)
                == #"{"queue":"q","changed":true,"ignored":\#(ignored)}"#
        )
    }

    @Test(
        "settings that are none are refused, and named",
        arguments: [
            ("7", #"field "config": expected an object"#),
            (#"{"max_retrys":3}"#, #"unknown field "config.max_retrys"; known are backoff_ms"#),
            (#"{"type":"lifo"}"#, #"field "config.type": expected "standard" or "fifo""#),
            (#"{"type":"FIFO"}"#, #"field "config.type""#),
            (#"{"type":"fifo"}"#, #"missing field "config.message_group_field""#),
            (#"{"message_group_field":""}"#, #"field "config.message_group_field""#),
            (#"{"concurrency":0}"#, #""config.concurrency": expected 1 to 4294967295, found 0"#),
            (#"{"max_retries":-1}"#, #""config.max_retries": expected 0 to 4294967295, found -1"#),
            (#"{"max_retries":4294967296}"#, "found 4294967296"),
            (#"{"backoff_ms":-1}"#, #""config.backoff_ms": expected 0 or more"#),
            (#"{"backoff_ms":"5ms"}"#, #""config.backoff_ms": expected an integer"#),
            (#"{"timeout_ms":0}"#, #""config.timeout_ms": expected 1 or more"#),
            (#"{"poll_interval_ms":0}"#, #""config.poll_interval_ms": expected 1 or more"#),
            (#"{"max_priority":0}"#, #""config.max_priority": expected 1 to 255"#),
            (#"{"max_priority":300}"#, #""config.max_priority": expected 1 to 255"#),
        ]
    )
    func refused(config: String, mentioned: String) {
        var bench = Bench()
        let error = #expect(throws: ErrorBody.self) {
            _ = try bench.call(.define, #"{"queue":"q","config":\#(config)}"#)
        }
        #expect(error?.code == "deserialization_error")
        #expect(error?.message.contains(mentioned) == true, "\(error?.message ?? "")")
        #expect(bench.events.isEmpty)
    }

    @Test(
        "a queue has a name of a bounded length",
        arguments: ["", "  ", String(repeating: "x", count: Limits.nameBytes + 1)]
    )
    func names(name: String) {
        var bench = Bench()
        let error = #expect(throws: ErrorBody.self) {
            _ = try bench.call(.define, "{\"queue\":\"\(name)\"}")
        }
        #expect(error?.code == "deserialization_error")
    }

    @Test("a subscription's queue has the settings of its trigger")
    func subscription() throws {
        var bench = Bench()
        bench.subscribe("a")
        let count = bench.events.count
        let error = #expect(throws: ErrorBody.self) {
            _ = try bench.call(.define, #"{"queue":"t::a@default","config":{"concurrency":1}}"#)
        }
        #expect(error?.code == "queue_of_subscription")
        #expect(bench.events.count == count)
        // Engines of before let it happen: the trigger has it mended.
        bench.define("t::a@default", concurrency: 1)
        let wanted = try #require(bench.view.queues["t::a@default"]?.subscription)
        #expect(bench.view.decideSubscribe(wanted) == wanted)
        bench.apply(.subscribed(wanted))
        #expect(bench.view.queues["t::a@default"]?.settings == .standard)
        #expect(bench.view.decideSubscribe(wanted) == nil)
    }

    @Test("the configuration has its say where it says something new, and only there")
    func configured() throws {
        var bench = Bench()
        func settings(_ concurrency: UInt32) -> QueueSettings {
            QueueSettings(
                fifo: false,
                concurrency: concurrency,
                attempts: 3,
                backoff: .seconds(1),
                groupField: nil
            )
        }
        let first = try #require(bench.view.decideConfigured("q", settings(2)))
        bench.apply(.defined(first))
        #expect(bench.view.decideConfigured("q", settings(2)) == nil)
        bench.define(concurrency: 7)
        #expect(bench.view.decideConfigured("q", settings(2)) == nil)
        #expect(bench.replayed().decideConfigured("q", settings(2)) == nil)
        #expect(bench.view.decideConfigured("q", settings(7)) != nil, "said for the first time")
        bench.apply(.defined(try #require(bench.view.decideConfigured("q", settings(3)))))
        #expect(bench.view.queues["q"]?.settings.concurrency == 3)
        #expect(bench.view.decideConfigured("q", settings(2)) != nil)
    }

    @Test("the built-in default changes nothing that is there, also where nobody knows who said it")
    func builtIn() throws {
        var bench = Bench()
        #expect(bench.view.decideConfigured("default", .standard) != nil)
        bench.define("default", concurrency: 1)
        #expect(bench.view.decideConfigured("default", .standard) == nil)
        bench.define("other", concurrency: 1)
        #expect(bench.view.decideConfigured("other", .standard) != nil)
        bench.subscribe("a")
        #expect(bench.view.decideConfigured("t::a@default", .standard) == nil)
    }

    @Test("of definitions of a queue, retention keeps those that made it what it is")
    func kept() throws {
        var bench = Bench()
        for concurrency in UInt32(1)...5 { bench.define(concurrency: concurrency) }
        try bench.enqueue()
        let needed = bench.events.indices.filter {
            bench.view.needs(bench.events[$0].event, at: Offset(UInt64($0)))
        }
        #expect(needed == [4, 5])
        var view = QueueView()
        for number in needed {
            let entry = bench.events[number]
            view.apply(entry.event, at: Offset(UInt64(number)), time: entry.time, trace: nil)
        }
        #expect(view.digest() == bench.view.digest())
    }
}
