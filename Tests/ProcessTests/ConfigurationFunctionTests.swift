import Foundation
import Testing

extension Programs {
    /// Services 1, E.2 and E.3.
    @Suite("Configuration entries over the wire")
    struct ConfigurationFunctionTests {}
}

extension Programs.ConfigurationFunctionTests {
    private struct Step: Sendable {
        let function: String
        let input: String
        /// The result, or the code of the error.
        let expected: String

        init(_ function: String, _ input: String, _ expected: String) {
            self.function = function
            self.input = input
            self.expected = expected
        }
    }

    private static let schema = #"{"type":["object","null"],"required":["port"]}"#
    private static let described = #""name":"Web","description":"d""#

    private static let steps = [
        Step("list", "{}", #"{"configurations":[]}"#),
        Step("list", "null", #"{"configurations":[]}"#),
        Step("get", #"{"id":"web"}"#, "NOT_FOUND"),
        Step("schema", #"{"id":"web"}"#, "NOT_FOUND"),
        Step("set", #"{"id":"web","value":1}"#, "NOT_REGISTERED"),
        Step("set", #"{"id":"Web","value":1}"#, "INVALID_ID"),
        Step("set", #"{"id":"web"}"#, "deserialization_error"),
        Step("get", "{}", "deserialization_error"),
        Step("get", #"{"id":"web","raw":1}"#, "deserialization_error"),
        Step("register", #"{"id":"web","name":"n","description":"d"}"#, "deserialization_error"),
        Step("register", #"{"id":"web","name":"n","schema":{}}"#, "deserialization_error"),
        Step("register", #"{"id":"","name":"n","description":"d","schema":{}}"#, "INVALID_ID"),
        Step("register", #"{"id":"a b","name":"n","description":"d","schema":{}}"#, "INVALID_ID"),
        Step(
            "register",
            #"{"id":"\#(String(repeating: "a", count: 65))","name":"n","description":"d","schema":{}}"#,
            "INVALID_ID"
        ),
        Step(
            "register",
            #"{"id":"web","name":"n","description":"d","schema":{"type":"strin"}}"#,
            "SCHEMA_INVALID"
        ),
        Step(
            "register",
            #"{"id":"web",\#(described),"schema":{"type":"object"},"initial_value":[]}"#,
            "SCHEMA_INVALID"
        ),
        // A new entry without a value has null, which get holds against the schema each time.
        Step(
            "register",
            #"{"id":"web",\#(described),"schema":{"type":"object"},"unknown":1}"#,
            #"{"description":"d","id":"web","name":"Web","schema":{"type":"object"},"value":null}"#
        ),
        Step("get", #"{"id":"web"}"#, "SCHEMA_INVALID"),
        Step(
            "register",
            #"{"id":"web",\#(described),"schema":\#(schema),"initial_value":{"port":"${PORT:80}"}}"#,
            #"{"description":"d","id":"web","name":"Web","schema":{"required":["port"],"#
                + #""type":["object","null"]},"value":{"port":"${PORT:80}"}}"#
        ),
        Step("get", #"{"id":"web"}"#, #"{"id":"web","value":{"port":8080}}"#),
        Step("get", #"{"id":"web","raw":false}"#, #"{"id":"web","value":{"port":8080}}"#),
        Step("get", #"{"id":"web","raw":true}"#, #"{"id":"web","value":{"port":"${PORT:80}"}}"#),
        Step("set", #"{"id":"web","value":{"host":"a"}}"#, "SCHEMA_INVALID"),
        Step(
            "set",
            #"{"id":"web","value":{"port":1,"host":"${HOST:x}-${PORT}"}}"#,
            #"{"new_value":{"host":"${HOST:x}-${PORT}","port":1},"old_value":{"port":"${PORT:80}"}}"#
        ),
        Step(
            "get",
            #"{"id":"web"}"#,
            #"{"id":"web","value":{"host":"x-8080","port":1}}"#
        ),
        // It is replaced, not merged into; null is a value.
        Step(
            "set",
            #"{"id":"web","value":null}"#,
            #"{"new_value":null,"old_value":{"host":"${HOST:x}-${PORT}","port":1}}"#
        ),
        Step("get", #"{"id":"web"}"#, #"{"id":"web","value":null}"#),
        // What cannot be read now is taken, and fails when it is read.
        Step(
            "set",
            #"{"id":"web","value":"${UNSET}"}"#,
            #"{"new_value":"${UNSET}","old_value":null}"#
        ),
        Step("get", #"{"id":"web"}"#, "EXPAND_FAILED"),
        Step("get", #"{"id":"web","raw":true}"#, #"{"id":"web","value":"${UNSET}"}"#),
        // The engine's own variables are no business of workers.
        Step(
            "set",
            #"{"id":"web","value":"${III_TOKEN}"}"#,
            #"{"new_value":"${III_TOKEN}","old_value":"${UNSET}"}"#
        ),
        Step("get", #"{"id":"web"}"#, "EXPAND_FAILED"),
        // Described again: the value stays.
        Step(
            "register",
            #"{"id":"web","name":"W","description":"e","schema":true,"metadata":{"a":1}}"#,
            #"{"description":"e","id":"web","metadata":{"a":1},"name":"W","schema":true,"#
                + #""value":"${III_TOKEN}"}"#
        ),
        Step(
            "register",
            #"{"id":"app-1_x","name":"A","description":"","schema":{},"initial_value":1.0}"#,
            #"{"description":"","id":"app-1_x","name":"A","schema":{},"value":1.0}"#
        ),
        Step(
            "list",
            #"{"more":1}"#,
            #"{"configurations":[{"description":"","id":"app-1_x","name":"A","schema":{}},"#
                + #"{"description":"e","id":"web","metadata":{"a":1},"name":"W","schema":true}]}"#
        ),
        Step(
            "schema",
            #"{"id":"web"}"#,
            #"{"description":"e","id":"web","metadata":{"a":1},"name":"W","schema":true}"#
        ),
        // Metadata is replaced too.
        Step(
            "register",
            #"{"id":"web","name":"W","description":"e","schema":true}"#,
            #"{"description":"e","id":"web","name":"W","schema":true,"value":"${III_TOKEN}"}"#
        ),
    ]

    private func engine(_ arguments: [String] = []) throws -> EngineProcess {
        let engine = EngineProcess(in: try Scratch(), arguments)
        engine.environment = ["PORT": "8080", "III_TOKEN": "secret"]
        try engine.start()
        return engine
    }

    /// The result as text with sorted keys, or the code of the error.
    private func outcome(_ reply: Envelope) -> String {
        if let error = reply["error"] as? Envelope { return error["code"] as? String ?? "?" }
        return JSON.text(reply["result"])
    }

    @Test("Every function answers as the table says, and so does the next life of the engine")
    func table() throws {
        let engine = try engine()
        let worker = try RawWorker.ready(engine)
        for step in Self.steps {
            let input = try #require(JSON.value(step.input), "\(step.input)")
            let reply = try worker.ask("configuration::\(step.function)", input)
            let expected = step.expected.replacingOccurrences(of: "1.0", with: "1")
            #expect(outcome(reply) == expected, "\(step.function) \(step.input)")
        }
        let list = try worker.ask("configuration::list", [:])
        engine.kill9()
        try engine.start()
        let again = try RawWorker.ready(engine)
        #expect(
            JSON.text(try again.ask("configuration::list", [:])["result"])
                == JSON.text(list["result"])
        )
        let raw = try again.ask("configuration::get", ["id": "web", "raw": true])
        #expect(outcome(raw) == #"{"id":"web","value":"${III_TOKEN}"}"#)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(try engine.log("verify", "--semantic").ending == .exit(0))
        let shown = try engine.log("show", "--kind", "configuration_set")
        #expect(shown.output.contains(#"configuration web = "${UNSET}""#), "\(shown.all)")
        #expect(!text(of: "\(engine.data)/log").contains("secret"))
    }

    /// What triggers were told: the event's kind, old and new value.
    private func told(_ worker: RawWorker, _ function: String) throws -> String {
        let dispatch = try worker.dispatch(function)
        try worker.answer(dispatch, NSNull())
        let event = dispatch["data"] as? Envelope ?? [:]
        let kind = (event["event_type"] as? String ?? "?").dropFirst("configuration:".count)
        return "\(kind) \(event["id"] ?? "?") \(JSON.text(event["old_value"])) "
            + JSON.text(event["new_value"])
    }

    private func bind(
        _ worker: RawWorker,
        _ id: String,
        _ function: String,
        _ config: Envelope
    ) throws {
        try worker.send([
            "type": "registertrigger", "id": id, "trigger_type": "configuration",
            "function_id": function, "config": config,
        ])
    }

    @Test("Triggers hear of what they ask for, with values expanded, after their conditions")
    func triggers() throws {
        let engine = try engine()
        let worker = try RawWorker.ready(
            engine,
            functions: ["t::all", "t::web", "t::new", "t::asked", "t::condition"]
        )
        try bind(worker, "1", "t::all", [:])
        try bind(worker, "2", "t::web", ["configuration_id": "web", "extra": 1])
        try bind(worker, "3", "t::new", ["event_types": ["configuration:registered"]])
        try bind(
            worker,
            "4",
            "t::asked",
            ["configuration_id": "web", "condition_function_id": "t::condition"]
        )
        let web: Envelope = [
            "id": "web", "name": "Web", "description": "d", "schema": [:] as Envelope,
            "initial_value": "${PORT}", "metadata": ["a": 1],
        ]
        _ = try worker.ask("configuration::register", web)
        let first = try worker.dispatch("t::all")
        #expect(
            JSON.text(first["data"])
                == #"{"description":"d","event_type":"configuration:registered","id":"web","#
                + #""metadata":{"a":1},"name":"Web","new_value":8080,"old_value":null,"#
                + #""schema":{},"type":"configuration"}"#
        )
        // One after another: the next is told when this one has ended, however it did.
        #expect(worker.takeWaiting().allSatisfy { $0["type"] as? String != "invokefunction" })
        try worker.fail(first, "no")
        #expect(try told(worker, "t::web") == "registered web null 8080")
        #expect(try told(worker, "t::new") == "registered web null 8080")
        let question = try worker.dispatch("t::condition")
        try worker.answer(question, false)

        _ = try worker.ask("configuration::set", ["id": "web", "value": "${UNSET}"])
        #expect(try told(worker, "t::all") == "updated web 8080 null")
        #expect(try told(worker, "t::web") == "updated web 8080 null")
        try worker.answer(try worker.dispatch("t::condition"), NSNull())
        #expect(try told(worker, "t::asked") == "updated web 8080 null")
        // Described again is updated, too.
        _ = try worker.ask(
            "configuration::register",
            ["id": "web", "name": "W", "description": "d", "schema": true]
        )
        #expect(try told(worker, "t::all") == "updated web null null")
        #expect(try told(worker, "t::web") == "updated web null null")
        try worker.answer(try worker.dispatch("t::condition"), true)
        #expect(try told(worker, "t::asked") == "updated web null null")
        _ = try worker.ask(
            "configuration::register",
            ["id": "other", "name": "O", "description": "d", "schema": true]
        )
        #expect(try told(worker, "t::all") == "registered other null null")
        #expect(try told(worker, "t::new") == "registered other null null")
        #expect(worker.takeWaiting().allSatisfy { $0["type"] as? String != "invokefunction" })
    }

    @Test("A trigger of events that there are not is refused, with those that there are")
    func refusedTrigger() throws {
        let engine = try engine()
        let worker = try RawWorker.ready(engine, functions: ["t::all"])
        try bind(worker, "5", "t::all", ["event_types": ["configuration:changed"]])
        let refused = try worker.next("a refusal") {
            $0["type"] as? String == "triggerregistrationresult"
        }
        let error = refused["error"] as? Envelope
        #expect(error?["code"] as? String == "trigger_registration_failed")
        #expect((error?["message"] as? String)?.contains("configuration:updated") == true)
    }

    @Test(
        "A worker of the SDK registers, sets and reads, and hears of it",
        arguments: ["0.11.6", "0.25.0"]
    )
    func sdk(version: String) throws {
        let engine = try engine()
        let worker = try PythonWorker(
            sdk: version,
            ["\(Project.fixtures)/configuration_worker.py"],
            engine: engine
        )
        let client = try RawWorker.ready(engine)
        try eventually("the trigger is there", within: 90) { () -> Void? in
            try worker.check()
            let list = try client.ask("engine::registered-triggers::list", [:])
            return JSON.text(list).contains("\"trigger_type\":\"configuration\"") ? () : nil
        }
        func ask(_ function: String, _ payload: Envelope) throws -> String {
            let call: Envelope = ["function_id": "configuration::\(function)", "payload": payload]
            return JSON.text(try client.ask("conf::ask", call)["result"])
        }
        let entry: Envelope = [
            "id": "mail", "name": "Mail", "description": "d",
            "schema": ["type": "object"], "initial_value": ["port": "${PORT}"],
        ]
        #expect(try ask("register", entry).contains(#""value":{"port":"${PORT}"}"#))
        #expect(
            try ask("get", ["id": "mail"]) == #"{"value":{"id":"mail","value":{"port":8080}}}"#
        )
        #expect(try ask("set", ["id": "mail", "value": 1]).contains("SCHEMA_INVALID"))
        #expect(
            try ask("set", ["id": "mail", "value": [:] as Envelope])
                == #"{"value":{"new_value":{},"old_value":{"port":"${PORT}"}}}"#
        )
        let told = try eventually("both changes are told") { () -> [Envelope]? in
            let reply = try client.ask("state::get", ["scope": "conf", "key": "told"])
            let events = reply["result"] as? [Envelope] ?? []
            return events.count >= 2 ? events : nil
        }
        let kinds = told.compactMap { $0["event_type"] as? String }.sorted()
        #expect(kinds == ["configuration:registered", "configuration:updated"])
    }

    @Test("E.3: an entry that its last trigger has left goes after a while, unless one comes back")
    func unused() throws {
        let engine = try engine(["--set", "configuration.ttl=700ms"])
        let worker = try RawWorker.ready(engine, functions: ["t::web", "t::all"])
        let other: Envelope = ["name": "n", "description": "d", "schema": [:] as Envelope]
        for id in ["web", "kept", "free"] {
            _ = try worker.ask("configuration::register", other.merging(["id": id]) { $1 })
        }
        try worker.bind("all", "configuration", "t::all")
        for id in ["web", "kept"] {
            try worker.bind(id, "configuration", "t::web", ["config": ["configuration_id": id]])
        }
        for id in ["kept", "web"] {
            try worker.send([
                "type": "unregistertrigger", "id": id, "trigger_type": "configuration",
            ])
        }
        try worker.bind("kept", "configuration", "t::web", ["config": ["configuration_id": "kept"]])
        #expect(try told(worker, "t::all") == "deleted web null null")
        let list = try worker.ask("configuration::list", [:])
        #expect(!JSON.text(list).contains(#""web""#))
        for id in ["kept", "free"] { #expect(JSON.text(list).contains("\"\(id)\""), "\(id)") }
    }

    @Test("Files say what entries are: at the start, when they are edited, and when they go")
    func files() throws {
        let scratch = try Scratch()
        let folder = scratch("entries")
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        func write(_ name: String, _ text: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
        try write("mail.yaml", "id: mail\nname: Mail\nvalue:\n  port: ${PORT:25}\n  tls: yes\n")
        try write("broken.yaml", "value: [1\n")
        try write("Notes.yaml", "value: 1\n")
        let engine = EngineProcess(in: scratch, ["--set", "configuration.directory=\(folder)"])
        engine.environment = ["PORT": "8080"]
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["t::on"])
        #expect(
            outcome(try worker.ask("configuration::get", ["id": "mail"]))
                == #"{"id":"mail","value":{"port":8080,"tls":"yes"}}"#
        )
        #expect(outcome(try worker.ask("configuration::get", ["id": "broken"])) == "NOT_FOUND")
        #expect(engine.errors.contains("broken.yaml is not taken"))
        let set: Envelope = ["id": "mail", "value": ["port": 1]]
        #expect(outcome(try worker.ask("configuration::set", set)) == "SCHEMA_UNAVAILABLE")
        _ = try worker.ask(
            "configuration::register",
            ["id": "mail", "name": "Mail", "description": "", "schema": ["type": "object"]]
        )
        try bind(worker, "t", "t::on", [:])
        _ = try worker.ask("configuration::set", set)
        #expect(try told(worker, "t::on") == #"updated mail {"port":8080,"tls":"yes"} {"port":1}"#)
        let before = text(of: "\(folder)/mail.yaml")

        try write("mail.yaml", "value:\n  port: 2\n")
        #expect(try told(worker, "t::on") == #"updated mail {"port":1} {"port":2}"#)
        try write("mail.yaml", "value: 7\n")
        try eventually("the refusal is told") { () -> Void? in
            engine.errors.contains("must be of type object") ? () : nil
        }
        #expect(
            outcome(try worker.ask("configuration::get", ["id": "mail"]))
                == #"{"id":"mail","value":{"port":2}}"#
        )
        unlink("\(folder)/mail.yaml")
        #expect(try told(worker, "t::on") == #"deleted mail {"port":2} null"#)
        // No file was written by the engine.
        #expect(before.hasPrefix("id: mail\nname: Mail\n"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(names == ["Notes.yaml", "broken.yaml"])
    }
}
