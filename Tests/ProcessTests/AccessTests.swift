import Testing

extension Programs {
    /// A listener with rules, an auth function in Python, and guests that should see little.
    @Suite("Restricted workers")
    struct AccessTests {}
}

private struct Gate {
    let engine: EngineProcess
    let admin: PythonWorker
    let port: Int

    init() throws {
        let scratch = try Scratch()
        let file = try scratch.write(
            "iii.toml",
            """
            [[worker_listener]]
            address = "127.0.0.1:0"
            [worker_listener.rbac]
            auth_function_id = "auth"
            expose_functions = ['match("pub::*")']
            """
        )
        engine = EngineProcess(in: scratch, ["--config", file])
        try engine.start()
        admin = try PythonWorker(
            sdk: "0.25.0",
            ["\(Project.fixtures)/auth_worker.py"],
            engine: engine
        )
        port = try #require(engine.listenerPorts.first)
        let probe = try RawWorker.ready(engine)
        try eventually("the auth function is there") {
            try admin.check()
            return try probe.ask("secret", [:])["error"] == nil ? () : nil
        }
    }

    func connect(_ headers: [String] = [], path: String = "/") throws -> RawWorker {
        try RawWorker(engine, port: port, path: path, headers: headers)
    }
}

extension Programs.AccessTests {
    @Test("Who shows nothing, or the wrong thing, is refused before the upgrade")
    func refused() throws {
        let gate = try Gate()
        for headers in [[], ["Authorization: Bearer bad"]] {
            for path in ["/", "/otel", "/?token=bad"] {
                #expect(throws: Failure("upgrade of \(path) answered with 401")) {
                    _ = try WebSocket(port: gate.port, path: path, headers: headers)
                }
            }
        }
        #expect(throws: Failure("upgrade of / answered with 403")) {
            _ = try WebSocket(
                port: gate.port,
                headers: ["Authorization: Bearer good", "Origin: https://evil.example"]
            )
        }
        _ = try WebSocket(port: gate.port, path: "/otel?token=good")
        #expect(!gate.engine.errors.contains("bad"))
        let history = try gate.engine.log("show", "--payload")
        #expect(!history.all.contains("Bearer"))
    }

    @Test("The command line is refused with 77 and told how to show a token, and tells none")
    func commandLine() throws {
        let gate = try Gate()
        let url = "ws://127.0.0.1:\(gate.port)/"
        func call(_ address: String) throws -> Outcome {
            try run(
                [Project.engine, "trigger", "pub::a", "--engine", address],
                in: gate.engine.scratch
            )
        }
        for address in [url, "\(url)?token=bad"] {
            let refused = try call(address)
            #expect(refused.ending == .exit(77), "\(refused.all)")
            for part in ["error[unauthorized]", "III_TOKEN", "ws://HOST:PORT/?token=TOKEN"] {
                #expect(refused.errors.contains(part), "\(part) is missing: \(refused.all)")
            }
            #expect(!refused.errors.contains("token=bad"), "\(refused.all)")
        }
        let good = try call("\(url)?token=good")
        #expect(good.ending == .exit(0), "\(good.all)")
        // A replay is refused in the same way, with the same status.
        let shown = try gate.engine.log("show", "--kind", "invoked", "-n", "1", "-o", "json")
        let offset = JSON.text(JSON.object(shown.output)["offset"])
        let replayed = try gate.engine.log("replay", "@\(offset)", "--against", url)
        #expect(replayed.ending == .exit(77), "\(replayed.all)")
        #expect(replayed.errors.contains("error[unauthorized]"), "\(replayed.all)")
    }

    @Test("A guest calls what is exposed or granted, and nothing else")
    func guest() throws {
        let gate = try Gate()
        let guest = try gate.connect(["Authorization: Bearer good"])
        try guest.announce()
        for function in ["pub::a", "granted"] {
            #expect(try guest.ask(function, [:])["error"] == nil)
        }
        let enqueue: Envelope = ["type": "enqueue", "queue": "default"]
        let denied = [
            try guest.ask("secret", [:]), try guest.ask("auth", [:]),
            try guest.ask("state::get", ["scope": "a", "key": "b"]),
            try guest.ask("secret", [:], action: enqueue),
            try guest.ask("engine::workers::list", [:]),
        ]
        for reply in denied {
            let error = reply["error"] as? Envelope
            #expect(error?["code"] as? String == "FORBIDDEN")
        }
        // What it registers has the prefix for others, and not for itself.
        try guest.register("hello")
        _ = try guest.ask("pub::a", [:])
        let other = try RawWorker.ready(gate.engine)
        let call = try other.call("guests::hello", ["n": 1])
        let dispatch = try guest.dispatch("hello")
        try guest.answer(dispatch, 5)
        #expect(try other.reply(to: call)["result"] as? Int == 5)
    }

    @Test("What a guest may not read it is not told of by a trigger either")
    func triggers() throws {
        let gate = try Gate()
        let guest = try gate.connect(["Authorization: Bearer good"])
        try guest.register("told")
        try guest.announce()
        for type in [
            "state", "configuration", "stream", "stream:join", "subscribe", "durable:subscriber",
            "log", "trace", "engine::functions-available", "engine::workers-available",
        ] {
            try guest.send([
                "type": "registertrigger", "id": "t-\(type)", "trigger_type": type,
                "function_id": "told",
                "config": ["stream_name": "s", "topic": "t"] as Envelope,
            ])
            let refused = try guest.next("a refusal of \(type)") {
                $0["type"] as? String == "triggerregistrationresult"
                    && $0["id"] as? String == "t-\(type)"
            }
            #expect(code(of: refused) == "FORBIDDEN", "\(JSON.text(refused))")
        }
        let admin = try RawWorker.ready(gate.engine)
        _ = try admin.ask("state::set", ["scope": "s", "key": "k", "value": 1])
        _ = try guest.ask("pub::a", [:])
        #expect(guest.takeWaiting().allSatisfy { $0["function_id"] as? String != "told" })
    }

    @Test("The SDK gets in by a header, and by the address", arguments: [true, false])
    func sdk(byHeader: Bool) throws {
        let gate = try Gate()
        let url = "ws://127.0.0.1:\(gate.port)/"
        let arguments = byHeader ? [url, "good"] : ["\(url)?token=good"]
        let guest = try PythonWorker(
            sdk: "0.25.0",
            ["\(Project.fixtures)/guest_worker.py"] + arguments,
            engine: gate.engine
        )
        let output = try eventually("the guest has called") {
            try guest.check()
            return guest.output.contains("done") ? guest.output : nil
        }
        #expect(output == "pub::a pub::a\ngranted granted\nsecret FORBIDDEN\ndone\n")
        let other = try RawWorker.ready(gate.engine)
        #expect(JSON.text(try other.ask("guests::hello", [:])["result"]).contains("guest"))
    }
}
