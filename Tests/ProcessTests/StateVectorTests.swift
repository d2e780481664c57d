import Foundation
import Testing

extension Programs {
    /// The rules and vectors of services 1, C, by a bare client.
    @Suite("The state's rules over the wire")
    struct StateVectorTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine)
        }
    }
}

extension Programs.StateVectorTests {
    @Test("C.1: what each function answers")
    func functions() throws {
        let steps = [
            WireStep("state::get", #"{"scope":"s","key":"k"}"#, WireStep.none),
            WireStep("state::delete", #"{"scope":"s","key":"k"}"#, WireStep.none),
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":1}"#,
                #"{"old_value":null,"new_value":1}"#
            ),
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","data":{"a":[true,null]}}"#,
                #"{"old_value":1,"new_value":{"a":[true,null]}}"#
            ),
            WireStep("state::get", #"{"scope":"s","key":"k"}"#, #"{"a":[true,null]}"#),
            // A stored null is a value.
            WireStep(
                "state::set",
                #"{"scope":"s","key":"n","value":null}"#,
                #"{"old_value":null,"new_value":null}"#
            ),
            WireStep("state::get", #"{"scope":"s","key":"n"}"#, "null"),
            // Any text is a name.
            WireStep(
                "state::set",
                #"{"scope":"","key":"","value":"e","more":1}"#,
                #"{"old_value":null,"new_value":"e"}"#
            ),
            WireStep("state::get", #"{"scope":"","key":""}"#, #""e""#),
            // Keys are listed in the order in which they came, whatever was written since.
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":9}"#,
                #"{"old_value":{"a":[true,null]},"new_value":9}"#
            ),
            WireStep("state::list", #"{"scope":"s"}"#, "[9,null]"),
            WireStep("state::list", #"{"scope":"unknown"}"#, "[]"),
            WireStep("state::list_groups", "{}", #"{"groups":["","s"]}"#),
            WireStep("state::delete", #"{"scope":"s","key":"k"}"#, "9"),
            WireStep("state::delete", #"{"scope":"","key":""}"#, #""e""#),
            WireStep("state::list", #"{"scope":"s"}"#, "[null]"),
            WireStep("state::list_groups", #"{"x":1}"#, #"{"groups":["s"]}"#),
            // What is missing or of another type.
            WireStep("state::set", #"{"scope":"s","key":"k"}"#, "deserialization_error"),
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":1,"data":1}"#,
                "deserialization_error"
            ),
            WireStep("state::set", #"{"scope":1,"key":"k","value":1}"#, "deserialization_error"),
            WireStep("state::get", #"{"scope":"s"}"#, "deserialization_error"),
            WireStep("state::get", #"{"scope":"s","key":null}"#, "deserialization_error"),
            WireStep("state::delete", #"{"key":"k"}"#, "deserialization_error"),
            WireStep("state::update", #"{"scope":"s","key":"k"}"#, "deserialization_error"),
            WireStep("state::list", "{}", "deserialization_error"),
            WireStep("state::get", "[]", "deserialization_error"),
            WireStep("state::get", "7", "deserialization_error"),
        ]
        for step in steps { try step.check(worker) }
    }

    @Test("C.2: every vector and rule of the operations, of the state and of streams")
    func updates() throws {
        for (number, vector) in (UpdateVector.table + UpdateVector.rules).enumerated() {
            var place: Envelope = ["scope": "v", "key": "\(number)"]
            var item: Envelope = ["stream_name": "v", "group_id": "g", "item_id": "\(number)"]
            if let stored = vector.stored {
                let value = try #require(JSON.value(stored))
                _ = try worker.ask("state::set", place.merging(["value": value]) { $1 })
                _ = try worker.ask("stream::set", item.merging(["data": value]) { $1 })
            }
            let operations = try #require(JSON.value(vector.operations), "\(vector.operations)")
            place["ops"] = operations
            item["ops"] = operations
            vector.check(try worker.ask("state::update", place), "state::update")
            vector.check(try worker.ask("stream::update", item), "stream::update")
            // It is stored, also where everything failed.
            let stored = try worker.ask("state::get", ["scope": "v", "key": "\(number)"])
            #expect(JSON.text(stored["result"]) == JSON.text(JSON.value(vector.new)))
        }
        for operations in UpdateVector.refused {
            let value = try #require(JSON.value(operations))
            let reply = try worker.ask("state::update", ["scope": "r", "key": "k", "ops": value])
            #expect(WireStep.answer(reply) == "deserialization_error", "\(operations)")
            let item: Envelope = [
                "stream_name": "r", "group_id": "g", "item_id": "k", "ops": value,
            ]
            let other = try worker.ask("stream::update", item)
            #expect(WireStep.answer(other) == "deserialization_error", "\(operations)")
        }
        #expect(WireStep.answer(try worker.ask("state::list", ["scope": "r"])) == "[]")
    }

    @Test("C.3, 0.4: a trigger's condition, and what is refused at registration")
    func triggers() throws {
        let reactor = try RawWorker.ready(engine, functions: ["r::f", "r::c"])
        func bind(_ id: String, _ config: Any) throws {
            try reactor.send([
                "type": "registertrigger", "id": id, "trigger_type": "state",
                "function_id": "r::f", "config": config,
            ])
        }
        let wrong: [Any] = [
            7, ["scope": 1] as Envelope, ["key": []] as Envelope,
            ["condition_function_id": true] as Envelope,
        ]
        for (number, config) in wrong.enumerated() {
            try bind("wrong-\(number)", config)
            let refused = try reactor.next("a refusal of \(config)") {
                $0["type"] as? String == "triggerregistrationresult"
            }
            #expect(code(of: refused) == "trigger_registration_failed")
        }
        try bind("t", ["scope": "c", "condition_function_id": "r::c", "description": "x"])
        _ = try reactor.ask("engine::cron::list", [:])
        // Only false forbids; an error does, too.
        let answers: [(Any?, Bool)] = [
            (false, false), (true, true), (NSNull(), true), (0, true), ("", true),
            ([:] as Envelope, true), (nil, false), ("false", true),
        ]
        for (number, (answer, runs)) in answers.enumerated() {
            _ = try worker.ask("state::set", ["scope": "c", "key": "\(number)", "value": number])
            let question = try reactor.dispatch("r::c")
            if let answer {
                try reactor.answer(question, answer)
            } else {
                try reactor.fail(question, "no")
            }
            guard runs else { continue }
            let run = try reactor.dispatch("r::f")
            #expect(JSON.text(run["data"]) == JSON.text(question["data"]))
            try reactor.answer(run, NSNull())
        }
        _ = try reactor.ask("engine::cron::list", [:])
        #expect(reactor.takeWaiting().allSatisfy { $0["type"] as? String != "invokefunction" })
    }

    /// A write, and what triggers are told of it: its kind, the old and the new value.
    private static let writes = [
        (#"state::set {"scope":"s","key":"k","value":null}"#, "created null null"),
        // A stored null is there.
        (#"state::set {"scope":"s","key":"k","value":1}"#, "updated null 1"),
        (#"state::set {"scope":"s","key":"k","value":1}"#, "updated 1 1"),
        (
            #"state::update {"scope":"s","key":"k","ops":[{"type":"increment","path":"","by":1}]}"#,
            "updated 1 2"
        ),
        // Every operation failed, and it is a write all the same.
        (
            #"state::update {"scope":"s","key":"k","ops":[{"type":"set","path":"a","value":1}]}"#,
            "updated 2 2"
        ),
        (#"state::delete {"scope":"s","key":"k"}"#, "deleted 2 null"),
        (#"state::delete {"scope":"s","key":"k"}"#, "deleted null null"),
        (#"state::update {"scope":"s","key":"k","ops":[]}"#, "created null {}"),
    ]

    @Test("C.3: what each write tells, whom, and that handlers of one write follow one another")
    func events() throws {
        let names = ["any", "nulls", "scope", "key", "never"]
        let reactor = try RawWorker.ready(engine, functions: names)
        try reactor.bind("1", "state", "any")
        try reactor.bind("2", "state", "nulls", ["config": ["scope": NSNull(), "key": NSNull()]])
        try reactor.bind("3", "state", "scope", ["config": ["scope": "s"]])
        try reactor.bind("4", "state", "key", ["config": ["scope": "s", "key": "k"]])
        try reactor.bind("5", "state", "never", ["config": ["scope": "s", "key": "K"]])
        try reactor.bind("6", "state", "never", ["config": ["scope": "s*"]])
        func told(_ handlers: Set<String>) throws -> Set<String> {
            var events: Set<String> = []
            var left = handlers
            while !left.isEmpty {
                let run = try reactor.next("one of \(left)") {
                    $0["type"] as? String == "invokefunction"
                }
                #expect(left.remove(run["function_id"] as? String ?? "") != nil, "\(run)")
                _ = try reactor.ask("engine::cron::list", [:])
                #expect(reactor.takeCalls().isEmpty, "one after the other")
                let event = run["data"] as? Envelope ?? [:]
                let keys: Set = ["type", "event_type", "scope", "key", "old_value", "new_value"]
                #expect(Set(event.keys) == keys && event["type"] as? String == "state")
                let kind = (event["event_type"] as? String ?? "?").dropFirst("state:".count)
                events.insert(
                    "\(kind) \(JSON.text(event["old_value"])) \(JSON.text(event["new_value"]))"
                )
                // How it ends makes no difference.
                try reactor.fail(run, "no")
            }
            return events
        }
        for (write, event) in Self.writes {
            let words = write.split(separator: " ", maxSplits: 1).map(String.init)
            let reply = try worker.ask(words[0], try #require(JSON.value(words[1])))
            #expect(reply["error"] == nil, "\(JSON.text(reply))")
            #expect(try told(["any", "nulls", "scope", "key"]) == [event], "\(write)")
        }
        _ = try worker.ask("state::set", ["scope": "t", "key": "k", "value": 1])
        #expect(try told(["any", "nulls"]) == ["created null 1"])
        _ = try worker.ask("state::set", ["scope": "s", "key": "j", "value": 1])
        #expect(try told(["any", "nulls", "scope"]) == ["created null 1"])
        for function in ["state::get", "state::list", "state::list_groups"] {
            _ = try worker.ask(function, ["scope": "s", "key": "k"])
        }
        let refused: Envelope = ["scope": "s", "key": "k", "ops": 1]
        #expect(code(of: try worker.ask("state::update", refused)) == "deserialization_error")
        _ = try reactor.ask("engine::cron::list", [:])
        #expect(reactor.takeCalls().isEmpty, "nothing was written")
    }

    @Test("C.4: a bound for values holds for state::set alone")
    func bounds() throws {
        let small = try EngineProcess.started(["--set", "state.max_value_bytes=10"])
        let worker = try RawWorker.ready(small)
        let steps = [
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":"12345678"}"#,
                #"{"old_value":null,"new_value":"12345678"}"#
            ),
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":"123456789"}"#,
                "VALUE_TOO_LARGE"
            ),
            WireStep("state::get", #"{"scope":"s","key":"k"}"#, #""12345678""#),
            WireStep(
                "state::update",
                #"{"scope":"s","key":"k","ops":[{"type":"append","value":"9"}]}"#,
                #"{"old_value":"12345678","new_value":"123456789"}"#
            ),
        ]
        for step in steps { try step.check(worker) }
    }
}
