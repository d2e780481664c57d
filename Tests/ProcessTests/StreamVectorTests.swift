import Foundation
import Testing

extension Programs {
    /// The rules of services 1, D, by a bare client and by workers of the SDK.
    @Suite("The rules of streams over the wire")
    struct StreamVectorTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started([
                "--set", "stream.auth_function=streams::know",
            ])
            worker = try RawWorker.ready(engine)
        }
    }
}

extension Programs.StreamVectorTests {
    private static let item = #""stream_name":"b","group_id":"g","item_id":"i""#
    private static let noEntries = #"{"entries":[],"cursor":null}"#
    private static let steps = [
        WireStep("stream::get", "{\(item)}", WireStep.none),
        WireStep("stream::delete", "{\(item)}", #"{"old_value":null}"#),
        WireStep("stream::list", #"{"stream_name":"b","group_id":"g"}"#, "[]"),
        WireStep("stream::list_groups", #"{"stream_name":"b"}"#, "[]"),
        WireStep("stream::list_all", "{}", #"{"stream":[],"count":0}"#),
        WireStep("stream::set", #"{\#(item),"data":1}"#, #"{"old_value":null,"new_value":1}"#),
        WireStep(
            "stream::set",
            #"{\#(item),"data":null}"#,
            #"{"old_value":1,"new_value":null}"#
        ),
        WireStep("stream::get", "{\(item)}", "null"),
        WireStep(
            "stream::set",
            #"{\#(item),"data":[2]}"#,
            #"{"old_value":null,"new_value":[2]}"#
        ),
        WireStep(
            "stream::set",
            #"{"stream_name":"b","group_id":"f","item_id":"z","data":true}"#,
            #"{"old_value":null,"new_value":true}"#
        ),
        WireStep(
            "stream::set",
            #"{"stream_name":"b","group_id":"g","item_id":"a","data":3}"#,
            #"{"old_value":null,"new_value":3}"#
        ),
        // In the order in which the items came.
        WireStep("stream::list", #"{"stream_name":"b","group_id":"g"}"#, "[[2],3]"),
        WireStep("stream::entries", #"{"stream_name":"b","group_id":"f","cursor":"z"}"#, noEntries),
        WireStep(
            "stream::list_all",
            "{}",
            #"{"stream":[{"id":"b","groups":["f","g"]}],"count":1}"#
        ),
        WireStep(
            "stream::send",
            #"{"stream_name":"b","group_id":"g","type":"t","data":{"a":1},"id":"i"}"#,
            "null"
        ),
        WireStep(
            "stream::send",
            #"{"stream_name":"b","group_id":"g","data":1}"#,
            "deserialization_error"
        ),
        WireStep(
            "stream::send",
            #"{"stream_name":"b","group_id":"g","type":"t"}"#,
            "deserialization_error"
        ),
        WireStep("stream::set", "{\(item)}", "deserialization_error"),
        WireStep(
            "stream::get",
            #"{"stream_name":"b","group_id":"g"}"#,
            "deserialization_error"
        ),
        WireStep("stream::list", #"{"stream_name":"b"}"#, "deserialization_error"),
        WireStep("stream::list_groups", "{}", "deserialization_error"),
        WireStep("stream::update", "{\(item)}", "deserialization_error"),
        WireStep("stream::delete", "{\(item)}", #"{"old_value":[2]}"#),
        WireStep("stream::get", "{\(item)}", WireStep.none),
        // Names are whole, whatever is in them.
        WireStep(
            "stream::set",
            #"{"stream_name":"a:b","group_id":"c:d","item_id":"","data":1}"#,
            #"{"old_value":null,"new_value":1}"#
        ),
        WireStep("stream::list_groups", #"{"stream_name":"a:b"}"#, #"["c:d"]"#),
        WireStep(
            "stream::list_all",
            "{}",
            #"{"stream":[{"id":"a:b","groups":["c:d"]},{"id":"b","groups":["f","g"]}],"count":2}"#
        ),
    ]

    @Test("D.1: what each function answers")
    func functions() throws {
        for step in Self.steps { try step.check(worker) }
        let groups = try worker.ask("stream::list_groups", ["stream_name": "b"])
        #expect(Set(groups["result"] as? [String] ?? []) == ["f", "g"])
    }

    @Test("D.5: what triggers of streams hear, and what is no trigger")
    func triggers() throws {
        let reactor = try RawWorker.ready(engine, functions: ["r::f", "r::c"])
        func bind(_ id: String, _ config: Envelope) throws {
            try reactor.send([
                "type": "registertrigger", "id": id, "trigger_type": "stream",
                "function_id": "r::f", "config": config,
            ])
        }
        let wrong: [Envelope] = [[:], ["stream_name": 1], ["stream_name": ""]]
        for (number, config) in wrong.enumerated() {
            try bind("wrong-\(number)", config)
            let refused = try reactor.next("a refusal of \(config)") {
                $0["type"] as? String == "triggerregistrationresult"
            }
            #expect(code(of: refused) == "trigger_registration_failed")
        }
        // Registered again, it does not fire twice; an empty item is any.
        for _ in 0..<2 { try bind("t", ["stream_name": "s", "group_id": "g", "item_id": ""]) }
        _ = try reactor.ask("engine::cron::list", [:])
        func told() throws -> Envelope {
            let run = try reactor.dispatch("r::f")
            try reactor.answer(run, NSNull())
            return run["data"] as? Envelope ?? [:]
        }
        let place: Envelope = ["stream_name": "s", "group_id": "g", "item_id": "i"]
        _ = try worker.ask("stream::set", place.merging(["data": 1]) { $1 })
        let created = try told()
        let expected: Set = ["type", "timestamp", "streamName", "groupId", "id", "event"]
        #expect(expected.isSubset(of: created.keys))
        #expect(created["type"] as? String == "stream")
        #expect(created["timestamp"] is Int && created["id"] as? String == "i")
        #expect(JSON.text(created["event"]) == #"{"data":1,"type":"create"}"#)
        let update: Envelope = ["ops": [["type": "increment", "path": "", "by": 1]]]
        _ = try worker.ask("stream::update", place.merging(update) { $1 })
        #expect(JSON.text(try told()["event"]) == #"{"data":2,"type":"update"}"#)
        _ = try worker.ask(
            "stream::set",
            ["stream_name": "s", "group_id": "other", "item_id": "i", "data": 1]
        )
        _ = try worker.ask(
            "stream::send",
            ["stream_name": "s", "group_id": "g", "type": "t", "data": [:] as Envelope]
        )
        let sent = try told()
        #expect(sent["id"] is NSNull)
        #expect(JSON.text(sent["event"]) == #"{"event":{"data":{},"type":"t"},"type":"event"}"#)
        _ = try worker.ask("stream::delete", place)
        #expect(JSON.text(try told()["event"]) == #"{"data":2,"type":"delete"}"#)
        // There is nothing to delete, and nobody is told.
        _ = try worker.ask("stream::delete", place)
        _ = try reactor.ask("engine::cron::list", [:])
        #expect(reactor.takeWaiting().allSatisfy { $0["type"] as? String != "invokefunction" })
    }

    @Test("D.6: what a custom stream is asked, and what becomes of its answers")
    func custom() throws {
        let names = ["get", "set", "delete", "list", "list_groups"]
        let keeper = try RawWorker.ready(engine, functions: names.map { "stream::\($0)(mine)" })
        let item: Envelope = ["stream_name": "mine", "group_id": "g", "item_id": "i"]
        func ask(_ name: String, _ input: Envelope, _ answer: Any?) throws -> String {
            let id = try worker.call("stream::\(name)", input.merging(["more": 1]) { $1 })
            let question = try keeper.dispatch("stream::\(name)(mine)")
            var asked = input
            asked["more"] = nil
            #expect(JSON.text(question["data"]) == JSON.text(asked))
            if let answer {
                try keeper.answer(question, answer)
            } else {
                try keeper.fail(question, "broken")
            }
            return WireStep.answer(try worker.reply(to: id))
        }
        let client = try StreamClient(engine)
        try client.join("mine", "g")
        try keeper.answer(try keeper.dispatch("stream::list(mine)"), [5])
        #expect(try client.event() == "sync [5]")

        #expect(try ask("get", item, "v") == #""v""#)
        #expect(try ask("get", item, nil) == "invocation_failed")
        let group: Envelope = ["stream_name": "mine", "group_id": "g"]
        #expect(try ask("list", group, ["anything": 1]) == #"{"anything":1}"#)
        #expect(try ask("list_groups", ["stream_name": "mine"], ["g"]) == #"["g"]"#)
        let set = item.merging(["data": 2]) { $1 }
        // Nothing old: it is new.
        #expect(
            try ask("set", set, ["new_value": 2]) == #"{"new_value":2,"old_value":null}"#
        )
        #expect(try client.event() == "create 2")
        #expect(
            try ask("set", set, ["old_value": 1, "new_value": 3])
                == #"{"new_value":3,"old_value":1}"#
        )
        #expect(try client.event() == "update 3")
        #expect(try ask("set", set, nil) == "STREAM_SET_ERROR")
        #expect(try ask("set", set, NSNull()) == "STREAM_SET_ERROR")
        #expect(try ask("set", set, ["old_value": 1]) == "JSON_ERROR")
        #expect(try ask("set", set, 7) == "JSON_ERROR")
        #expect(try ask("delete", item, ["old_value": 3]) == #"{"old_value":3}"#)
        #expect(try client.event() == "delete 3")
        #expect(try ask("delete", item, ["old_value": NSNull()]) == #"{"old_value":null}"#)
        #expect(try ask("delete", item, nil) == "STREAM_DELETE_ERROR")
        #expect(try ask("delete", item, 7) == "JSON_ERROR")
        #expect(try client.expectNothing())
        // What no SDK registers stays the engine's own, and so does a list of all.
        let update = item.merging(["ops": [["type": "set", "path": "", "value": 1]]]) { $1 }
        #expect(
            WireStep.answer(try worker.ask("stream::update", update))
                == #"{"new_value":1,"old_value":null}"#
        )
        keeper.socket.disconnect()
        try eventually("the engine's own items answer") { () -> Void? in
            WireStep.answer(try worker.ask("stream::get", item)) == "1" ? () : nil
        }
    }

    @Test("D.6: an update of a custom stream is its own too, where it says so")
    func customUpdates() throws {
        let keeper = try RawWorker.ready(engine, functions: ["stream::update(mine)"])
        let client = try StreamClient(engine)
        try client.join("mine", "g")
        #expect(try client.event() == "sync []")
        let update: Envelope = [
            "stream_name": "mine", "group_id": "g", "item_id": "i",
            "ops": [["type": "increment", "path": "n", "by": 1]],
        ]
        let answers: [(given: Any?, result: String, event: String?)] = [
            (["new_value": 9], #"{"new_value":9,"old_value":null}"#, "create 9"),
            (
                ["old_value": 9, "new_value": 8, "errors": [["op_index": 0, "code": "c"]]],
                #"{"errors":[{"code":"c","op_index":0}],"new_value":8,"old_value":9}"#, "update 8"
            ),
            (nil, "STREAM_UPDATE_ERROR", nil), (NSNull(), "STREAM_UPDATE_ERROR", nil),
            (7, "JSON_ERROR", nil), (["old_value": 1] as Envelope, "JSON_ERROR", nil),
        ]
        for (given, result, event) in answers {
            let id = try worker.call("stream::update", update)
            let question = try keeper.dispatch("stream::update(mine)")
            #expect(JSON.text(question["data"]) == JSON.text(update))
            if let given {
                try keeper.answer(question, given)
            } else {
                try keeper.fail(question, "broken")
            }
            #expect(WireStep.answer(try worker.reply(to: id)) == result)
            if let event { #expect(try client.event() == event) }
        }
        #expect(try client.expectNothing())
        // None of it is the engine's to list.
        try WireStep("stream::list_all", "{}", #"{"stream":[],"count":0}"#).check(worker)
    }

    private func awaitStreams(_ sdk: String) throws -> PythonWorker {
        let python = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/stream_worker.py"],
            engine: engine
        )
        try eventually("all of the worker is registered", within: 90) { () -> Void? in
            try python.check()
            let list = try worker.ask("engine::registered-triggers::list", [:])
            let functions = try worker.ask("engine::functions::list", [:])
            return JSON.text(list).components(separatedBy: "\"streams::heard\"").count >= 3
                && JSON.text(functions).contains("stream::list_groups(own)") ? () : nil
        }
        return python
    }

    @Test("Workers of the SDK keep a stream, and judge who comes", arguments: ["0.11.6", "0.25.0"])
    func sdk(version: String) throws {
        let python = try awaitStreams(version)
        let place = #""stream_name":"own","group_id":"g","item_id":"i""#
        for step in [
            WireStep("stream::get", "{\(place)}", WireStep.none),
            WireStep(
                "stream::set",
                #"{\#(place),"data":{"a":1}}"#,
                #"{"old_value":null,"new_value":{"a":1}}"#
            ),
            WireStep(
                "stream::set",
                #"{\#(place),"data":2}"#,
                #"{"old_value":{"a":1},"new_value":2}"#
            ),
            WireStep("stream::get", "{\(place)}", "2"),
            WireStep("stream::list", #"{"stream_name":"own","group_id":"g"}"#, "[2]"),
            WireStep("stream::list_groups", #"{"stream_name":"own"}"#, #"["g"]"#),
            WireStep("stream::set", #"{\#(place),"data":"refuse"}"#, "STREAM_SET_ERROR"),
            WireStep("stream::delete", "{\(place)}", #"{"old_value":2}"#),
            WireStep("stream::get", "{\(place)}", WireStep.none),
        ] { try step.check(worker) }
        let heard = try eventually("the triggers are told") { () -> [Envelope]? in
            let reply = try worker.ask("state::get", ["scope": "streams", "key": "own"])
            let events = reply["result"] as? [Envelope] ?? []
            return events.count >= 3 ? events : nil
        }
        #expect(
            Set(heard.map { StreamClient.short($0) })
                == [#"create {"a":1}"#, "update 2", "delete 2"]
        )

        try judged()
        // Without the function everybody is let in, and nothing is known of them.
        python.kill9()
        try eventually("the worker has gone") { () -> Void? in
            let list = try worker.ask("engine::functions::list", [:])
            return JSON.text(list).contains("streams::know") ? nil : ()
        }
        let later = try StreamClient(engine)
        try later.join("board", "secret")
        #expect(try later.event() == "sync []")
    }

    /// Whoever is refused stays connected; the context says who it is.
    private func judged() throws {
        let guest = try StreamClient(
            engine,
            path: "/?team=a%20b&team=c",
            headers: ["X-User: guest"]
        )
        try guest.join("board", "secret", "i")
        #expect(try guest.event() == "unauthorized")
        try guest.join("board", "open")
        #expect(try guest.event() == "sync []")
        let root = try StreamClient(engine, headers: ["X-User: root"])
        try root.join("board", "secret")
        #expect(try root.event() == "sync []")
        try guest.leave("board", "open")
        let left = try eventually("the leave is told") { () -> Envelope? in
            let reply = try worker.ask("state::get", ["scope": "streams", "key": "left"])
            return (reply["result"] as? [Envelope])?.first
        }
        let context = left["context"] as? Envelope
        #expect(
            JSON.text(context)
                == #"{"addr":"127.0.0.1","path":"/","team":["a%20b","c"],"user":"guest"}"#
        )
        #expect(left["group_id"] as? String == "open" && left["id"] is NSNull)
    }
}
