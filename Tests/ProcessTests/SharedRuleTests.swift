import Foundation
import Testing

extension Programs {
    /// The rules that all modules share (services 1, 0), by bare clients.
    @Suite("The rules of all modules over the wire")
    struct SharedRuleTests {
        let engine: EngineProcess
        let client: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            client = try RawWorker.ready(engine)
        }
    }
}

extension RawWorker {
    /// Registers a trigger, and goes on once the engine has looked at it.
    func bind(_ id: String, _ type: String, _ function: String, _ more: Envelope = [:]) throws {
        let message: Envelope = [
            "type": "registertrigger", "id": id, "trigger_type": type, "function_id": function,
            "config": [:] as Envelope,
        ]
        try send(message.merging(more) { $1 })
        // Answered behind the registration.
        _ = try ask("engine::cron::list", [:])
    }

    /// What it was called with since it was last looked at.
    func takeCalls() -> [Envelope] {
        takeWaiting().filter { $0["type"] as? String == "invokefunction" }
    }

    /// Sends a message as it is written, and returns the answer to its `id` as it is written.
    func exchange(_ text: String, _ id: String) throws -> String {
        try socket.send(text: text)
        while case .text(let answer)? = try socket.receive(within: 60) {
            if answer.contains(id) { return answer }
        }
        throw Failure("no answer to \(text)")
    }
}

extension Programs.SharedRuleTests {
    private func ask(
        _ worker: RawWorker,
        _ function: String,
        _ data: Any,
        in namespace: String
    ) throws -> Envelope {
        let id = UUID().uuidString.lowercased()
        try worker.send([
            "type": "invokefunction", "invocation_id": id, "function_id": function, "data": data,
            "namespace": namespace,
        ])
        return try worker.reply(to: id)
    }

    /// A worker of the namespace `shop` with these functions.
    private func shop(_ functions: String...) throws -> RawWorker {
        let worker = try RawWorker(engine)
        for function in functions { try worker.register(function) }
        let about: Envelope = ["runtime": "python", "version": "0.25.0", "namespace": "shop"]
        let reply = try worker.ask("engine::workers::register", about)
        #expect(reply["error"] == nil, "\(JSON.text(reply))")
        return worker
    }

    @Test("0.1: what is built in is in the default namespace, and only what queues need everywhere")
    func namespaces() throws {
        let shop = try shop("f")
        let place: Envelope = ["scope": "s", "key": "k"]
        for function in [
            "state::get", "stream::list_all", "configuration::list", "engine::cron::list",
        ] {
            let there = try ask(client, function, place, in: "shop")
            #expect(code(of: there) == "function_not_found", "\(function)")
            let here = try ask(shop, function, place, in: "default")
            #expect(here["error"] == nil, "\(function)")
            // Whoever names none, as SDKs of before do, means the default.
            #expect(try shop.ask(function, place)["error"] == nil, "\(function)")
        }
        let message: Envelope = ["topic": "t", "data": 1]
        let published = try ask(shop, "iii::durable::publish", message, in: "shop")
        #expect(published["error"] == nil, "\(JSON.text(published))")
        #expect(code(of: try ask(shop, "state::get", place, in: " ")) == "INVALID_NAMESPACE")
        #expect(code(of: try client.ask("f", [:])) == "function_not_found")
        let id = UUID().uuidString.lowercased()
        try client.send([
            "type": "invokefunction", "invocation_id": id, "function_id": "f",
            "data": [:] as Envelope, "namespace": "shop",
        ])
        try shop.answer(try shop.dispatch("f"), 7)
        #expect(try client.reply(to: id)["result"] as? Int == 7)
    }

    @Test(
        "0.1, 0.4: targets and conditions are those of the trigger's namespace; metadata is apart"
    )
    func targets() throws {
        let shop = try shop("f", "c", "m")
        let other = try RawWorker.ready(engine, functions: ["f", "c", "m"])
        let more: Envelope = ["namespace": "shop", "metadata": ["team": "a"]]
        func bind(_ id: String, _ type: String, _ config: Envelope) throws {
            try shop.bind(id, type, "f", more.merging(["config": config]) { $1 })
        }
        let condition: Envelope = ["condition_function_id": "c"]
        try bind("state", "state", condition)
        try bind("stream", "stream", condition.merging(["stream_name": "b"]) { $1 })
        try bind("publication", "subscribe", ["topic": "t"])
        try bind(
            "route",
            "http",
            condition.merging(["api_path": "r", "middleware_function_ids": ["m"]]) { $1 }
        )
        func judged() throws -> Envelope {
            let question = try shop.dispatch("c")
            #expect(question["metadata"] == nil)
            try shop.answer(question, true)
            return try shop.dispatch("f")
        }
        _ = try client.ask("state::set", ["scope": "s", "key": "k", "value": 1])
        var runs = [try judged()]
        let item: Envelope = ["stream_name": "b", "group_id": "g", "item_id": "i", "data": 1]
        _ = try client.ask("stream::set", item)
        runs.append(try judged())
        _ = try client.ask("publish", ["topic": "t", "data": ["n": 1]])
        runs.append(try shop.dispatch("f"))
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("GET", "/r")
        let question = try shop.dispatch("c")
        #expect(question["metadata"] == nil)
        try shop.answer(question, true)
        let asked = try shop.dispatch("m")
        #expect(asked["metadata"] == nil)
        try shop.answer(asked, ["action": "continue"])
        runs.append(try shop.dispatch("f"))
        for run in runs {
            #expect(JSON.text(run["metadata"]) == #"{"team":"a"}"#)
            let data = run["data"] as? Envelope ?? [:]
            #expect(data["team"] == nil && data["_caller_worker_id"] == nil, "\(JSON.text(run))")
            try shop.answer(run, ["body": 1])
        }
        #expect(try peer.response().text == "1")
        _ = try other.ask("engine::cron::list", [:])
        #expect(other.takeCalls().isEmpty)
    }

    @Test("0.1: a function hears which worker called it, in objects only; built-ins pass it over")
    func caller() throws {
        let worker = try RawWorker.ready(engine, functions: ["f"])
        let id = try #require(client.greeting["worker_id"] as? String)
        let data: [(given: Any, taken: String)] = [
            (["n": 1], #"{"_caller_worker_id":"\#(id)","n":1}"#),
            ([:] as Envelope, #"{"_caller_worker_id":"\#(id)"}"#),
            ([1], "[1]"), ("text", #""text""#), (NSNull(), "null"),
        ]
        for (given, taken) in data {
            let call = try client.call("f", given)
            let run = try worker.dispatch("f")
            #expect(JSON.text(run["data"]) == taken)
            try worker.answer(run, NSNull())
            _ = try client.reply(to: call)
        }
        for step in [
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":1,"_caller_worker_id":"x"}"#,
                #"{"old_value":null,"new_value":1}"#
            ),
            WireStep("state::list_groups", #"{"_caller_worker_id":"x"}"#, #"{"groups":["s"]}"#),
        ] { try step.check(client) }
    }

    @Test("0.3: what cannot be read names the function and the reason; null is no text, or none")
    func decoding() throws {
        for (function, input, reason) in [
            ("state::get", #"{"scope":"s"}"#, "key"),
            (
                "stream::set", #"{"stream_name":"s","group_id":1,"item_id":"i","data":1}"#,
                "group_id"
            ),
            ("configuration::get", "{}", "id"), ("publish", #"{"data":1}"#, "topic"),
        ] {
            let reply = try client.ask(function, try #require(JSON.value(input)))
            #expect(code(of: reply) == "deserialization_error")
            let text = message(of: reply)
            #expect(text.contains(function) && text.contains(reason), "\(text)")
        }
        let sent: Envelope = [
            "stream_name": "s", "group_id": "g", "type": "t", "data": 1, "id": NSNull(), "x": 1,
        ]
        #expect(try client.ask("stream::send", sent)["result"] is NSNull)
        // A number with a point is none without.
        let id = UUID().uuidString.lowercased()
        let answer = try client.exchange(
            #"{"type":"invokefunction","invocation_id":"\#(id)","function_id":"state::update","#
                + #""data":{"scope":"s","key":"n","ops":[{"type":"increment","path":"","by":1.0}]}}"#,
            id
        )
        #expect(answer.contains("deserialization_error"), "\(answer)")
    }

    /// What JSON distinguishes, as text.
    private static let values =
        #"[1,1.0,-0.5,true,false,null,"",0,9223372036854775807,18446744073709551615,"#
        + #"-9223372036854775808,{"a":null},{},[],"é😀\u0000"]"#

    @Test("0.6: values pass through the state, streams and HTTP as they are")
    func fidelity() throws {
        let values = Self.values
        func call(_ function: String, _ data: String) throws -> String {
            let id = UUID().uuidString.lowercased()
            return try client.exchange(
                #"{"type":"invokefunction","invocation_id":"\#(id)","function_id":"\#(function)","#
                    + #""data":\#(data)}"#,
                id
            )
        }
        let item = #""stream_name":"s","group_id":"g","item_id":"i""#
        for (function, data) in [
            ("state::set", #"{"scope":"s","key":"k","value":\#(values)}"#),
            ("state::get", #"{"scope":"s","key":"k"}"#), ("state::list", #"{"scope":"s"}"#),
            (
                "state::update",
                #"{"scope":"s","key":"o","ops":[{"type":"set","path":"a","value":\#(values)}]}"#
            ),
            ("stream::set", #"{\#(item),"data":\#(values)}"#), ("stream::get", "{\(item)}"),
        ] {
            let answer = try call(function, data)
            #expect(answer.contains(values), "\(function): \(answer)")
        }
        // And in the next life, from the log.
        engine.kill9()
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["f"])
        let id = UUID().uuidString.lowercased()
        let kept = try worker.exchange(
            #"{"type":"invokefunction","invocation_id":"\#(id)","function_id":"state::get","#
                + #""data":{"scope":"s","key":"k"}}"#,
            id
        )
        #expect(kept.contains(values), "\(kept)")

        try worker.route("POST", "f", to: "f")
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("POST", "/f", body: values)
        guard case .text(let run)? = try worker.socket.receive(within: 60) else {
            throw Failure("the function was not called")
        }
        #expect(run.contains(#""body":\#(values)"#), "\(run)")
        let dispatch = JSON.object(run)
        try worker.socket.send(
            text:
                #"{"type":"invocationresult","invocation_id":"\#(dispatch["invocation_id"] ?? "")","#
                + #""function_id":"f","result":{"body":\#(values)}}"#
        )
        #expect(try peer.response().text == values)
    }
}

extension Programs.SharedRuleTests {
    @Test("0.5: what was taken is not told of, nor what waits for its type; more keys are no harm")
    func silence() throws {
        let worker = try RawWorker.ready(engine, functions: ["f"])
        let more: Envelope = ["description": "d", "metadata": ["a": 1], "other": NSNull()]
        let configs: [(type: String, config: Envelope)] = [
            ("http", ["api_path": "r"]), ("cron", ["expression": "0 0 0 1 1 *"]), ("state", [:]),
            ("stream", ["stream_name": "s"]), ("stream:join", [:]), ("stream:leave", [:]),
            ("configuration", [:]), ("subscribe", ["topic": "t"]), ("no-such-type", [:]),
            ("http_middleware", [:]),
        ]
        for (type, config) in configs {
            try worker.bind(type, type, "f", ["config": config.merging(more) { $1 }])
        }
        #expect(worker.inbox.isEmpty, "\(JSON.text(worker.inbox))")
        let list = JSON.text(try worker.ask("engine::registered-triggers::list", [:]))
        for (type, _) in configs {
            let isServed = !["no-such-type", "http_middleware"].contains(type)
            #expect(list.contains("\"trigger_type\":\"\(type)\"") == isServed, "\(type)")
        }
        // It is handed over when somebody serves its type.
        let provider = try RawWorker.ready(engine)
        try provider.send(["type": "registertriggertype", "id": "no-such-type", "description": "d"])
        let handed = try provider.next("the trigger that waited") {
            $0["type"] as? String == "registertrigger"
        }
        #expect(handed["id"] as? String == "no-such-type")
        #expect(worker.inbox.isEmpty, "\(JSON.text(worker.inbox))")
    }

    @Test("0.5: a trigger is its last connection's, and goes with it")
    func ownership() throws {
        let first = try RawWorker.ready(engine, functions: ["f"])
        let second = try RawWorker.ready(engine, functions: ["g"])
        let config: Envelope = ["config": ["scope": "s"]]
        try first.bind("t", "state", "f", config)
        try second.bind("t", "state", "g", config)
        func write() throws {
            _ = try client.ask("state::set", ["scope": "s", "key": "k", "value": 1])
        }
        try write()
        try second.answer(try second.dispatch("g"), NSNull())
        try first.send(["type": "unregistertrigger", "id": "t", "trigger_type": "state"])
        _ = try first.ask("engine::cron::list", [:])
        #expect(first.takeCalls().isEmpty)
        first.socket.disconnect()
        func triggers(_ expected: Bool) throws {
            try eventually("the trigger is there: \(expected)") { () -> Void? in
                let functions = try client.ask("engine::functions::list", [:])
                let list = JSON.text(try client.ask("engine::registered-triggers::list", [:]))
                let isThere = list.contains(#""id":"t""#)
                let isGone = !JSON.text(functions).contains("\"\(expected ? "f" : "g")\"")
                return isGone && isThere == expected ? () : nil
            }
        }
        try triggers(true)
        try write()
        try second.answer(try second.dispatch("g"), NSNull())
        second.socket.disconnect()
        try triggers(false)
    }

    /// A condition's answer: a value, nothing, or an error.
    private enum Verdict {
        case value(Any)
        case error
    }

    private static var verdicts: [(Verdict, Bool)] {
        [
            (.value(true), true), (.value(false), false), (.value(NSNull()), true),
            (.value(0), true), (.value(""), true), (.value([:] as Envelope), true),
            (.value("false"), true), (.value([false]), true), (.error, false),
        ]
    }

    @Test("0.4: conditions of routes: false is 422, an error and a missing one are 500")
    func conditionsOfRoutes() throws {
        let worker = try RawWorker.ready(engine, functions: ["f", "c"])
        try worker.route("GET", "r", to: "f", ["condition_function_id": "c"])
        try worker.route("GET", "missing", to: "f", ["condition_function_id": "no::such"])
        let peer = try HTTPPeer(port: engine.httpPort)
        for (verdict, runs) in Self.verdicts {
            try peer.request("GET", "/r")
            let question = try worker.dispatch("c")
            switch verdict {
            case .value(let value): try worker.answer(question, value)
            case .error: try worker.fail(question, "no")
            }
            if runs { try worker.answer(try worker.dispatch("f"), ["body": 1]) }
            let response = try peer.response()
            if runs {
                #expect(response.status == 200, "\(verdict)")
            } else if case .error = verdict {
                #expect(response.status == 500)
                #expect(response.text.contains(#""code":"invocation_failed","message":"no""#))
            } else {
                #expect(response.status == 422)
            }
        }
        let missing = try peer.ask("GET", "/missing")
        #expect(missing.status == 500)
        #expect(missing.text.contains("function_not_found"))
        #expect(worker.takeCalls().isEmpty)
    }

    @Test("0.4, D.5: conditions of streams; one that is missing forbids, as an error does")
    func conditionsOfStreams() throws {
        let worker = try RawWorker.ready(engine, functions: ["f", "c", "g"])
        let stream: Envelope = ["stream_name": "b"]
        func bind(_ id: String, _ function: String, _ condition: String) throws {
            let config = stream.merging(["condition_function_id": condition]) { $1 }
            try worker.bind(id, "stream", function, ["config": config])
        }
        try bind("t", "f", "c")
        try bind("u", "g", "no::such")
        let state: Envelope = ["condition_function_id": "no::such"]
        try worker.bind("v", "state", "g", ["config": state])
        for (number, (verdict, runs)) in Self.verdicts.enumerated() {
            _ = try client.ask(
                "stream::set",
                ["stream_name": "b", "group_id": "g", "item_id": "\(number)", "data": number]
            )
            let question = try worker.dispatch("c")
            switch verdict {
            case .value(let value): try worker.answer(question, value)
            case .error: try worker.fail(question, "no")
            }
            guard runs else { continue }
            let run = try worker.dispatch("f")
            #expect(JSON.text(run["data"]) == JSON.text(question["data"]))
            try worker.answer(run, NSNull())
        }
        _ = try client.ask("state::set", ["scope": "s", "key": "k", "value": 1])
        _ = try worker.ask("engine::cron::list", [:])
        #expect(worker.takeCalls().isEmpty)
    }
}
