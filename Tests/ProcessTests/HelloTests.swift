import Testing

extension LongPrograms {
    /// The whole way of one request, with each generation of the public SDK, unmodified.
    @Suite("Hello, end to end")
    struct HelloTests {}
}

/// A worker file and the SDK that runs it.
struct HelloForm: CustomTestStringConvertible, Sendable {
    let sdk: String
    let file: String
    /// What the history calls the way from `hello::api` to `greet::process`.
    let handover: [String]

    var testDescription: String { "iii-sdk \(sdk), \(file)" }

    /// The function queue or the topic that `greet::process` is fed from.
    var queue: String { handover.contains("publish") ? "greet::process" : "default" }

    static let all =
        [
            HelloForm(sdk: "0.10.0", file: "worker_0_10.py", handover: ["publish", "enqueue"]),
            HelloForm(sdk: "0.11.6", file: "worker_0_11.py", handover: ["enqueue"]),
            HelloForm(sdk: "0.16.1", file: "worker_0_11.py", handover: ["enqueue"]),
            HelloForm(sdk: "0.19.7", file: "worker_0_11.py", handover: ["enqueue"]),
            HelloForm(sdk: "0.21.8", file: "worker.py", handover: ["enqueue"]),
            HelloForm(sdk: "0.25.0", file: "worker.py", handover: ["enqueue"]),
        ] + [HelloForm(sdk: "0.10.0", file: seedFile, handover: ["publish", "enqueue"])]

    /// The page's own code, as it stands there.
    static let seedFile = "seed_hello.py"

    func start(_ engine: EngineProcess) throws -> PythonWorker {
        guard file == HelloForm.seedFile else {
            return try PythonWorker(sdk: sdk, ["\(Project.hello)/\(file)"], engine: engine)
        }
        // It names the default port itself and leaves the call of `main` to the reader.
        let arguments = [
            "\(Project.fixtures)/on_port.py", "\(engine.workerPort)",
            "\(Project.fixtures)/\(file)",
        ]
        return try PythonWorker(sdk: sdk, arguments, engine: engine)
    }
}

extension LongPrograms.HelloTests {
    @Test(
        "A request is answered, its greeting kept over kill -9, and its history told",
        arguments: HelloForm.all
    )
    func hello(form: HelloForm) throws {
        let engine = try EngineProcess.started()
        let worker = try form.start(engine)
        try warmUp(engine, worker)

        try awaitQuiet(engine, worker, form)
        let before = try greetings(engine)
        let first = try answered(engine, worker)
        let kept = try eventually("the greeting is in the state store") {
            try worker.check()
            let now = try greetings(engine)
            return now.count > before.count ? now : nil
        }
        for greeting in kept { try checkShape(of: greeting) }

        engine.kill9()
        try engine.start()
        let found = try greetings(engine).map { JSON.text($0) }
        for greeting in kept {
            #expect(found.contains(JSON.text(greeting)), "lost by kill -9; there is \(found)")
        }

        try awaitRoute(engine, worker)
        try awaitQuiet(engine, worker, form)
        let calm = try greetings(engine)
        let second = try answered(engine, worker)
        try eventually("the second greeting, after the restart") {
            try worker.check()
            return try greetings(engine).count > calm.count ? () : nil
        }
        try worker.stop()
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")

        try checkHistory(of: first, form, engine)
        try checkHistory(of: second, form, engine)
        let verified = try engine.log("verify")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    /// Requests until one has gone all the way: the worker registers its parts one by one, and an
    /// event on a topic that nobody has subscribed to yet is for nobody.
    private func warmUp(_ engine: EngineProcess, _ worker: PythonWorker) throws {
        try eventually("a first greeting", within: 120) {
            () -> Void? in
            try worker.check()
            guard try HTTPClient.get(engine.httpPort, "/hello").status == 200 else { return nil }
            let wait = Deadline(in: 2)
            while !wait.passed {
                if try !greetings(engine).isEmpty { return () }
            }
            return nil
        }
    }

    /// Asks until the answer is 200 (a worker that lost its engine needs a moment), checks that
    /// answer, and returns the id of its trace.
    private func answered(_ engine: EngineProcess, _ worker: PythonWorker) throws -> String {
        let response = try eventually("GET /hello answers 200", within: 120) {
            try worker.check()
            let response = try HTTPClient.get(engine.httpPort, "/hello")
            return response.status == 200 ? response : nil
        }
        let expected = """
            {"appName":"III App",\
            "message":"Hello request received! Processing in background.",\
            "status":"processing"}
            """
        #expect(JSON.text(JSON.value(response.body)) == expected)
        #expect(response.headers["content-type"] == "application/json")
        return try #require(response.headers["x-iii-trace-id"], "\(response.headers)")
    }

    /// The worker is back: any answer but 404 is its own.
    private func awaitRoute(_ engine: EngineProcess, _ worker: PythonWorker) throws {
        try eventually("the worker is back", within: 120) { () -> Void? in
            try worker.check()
            return try HTTPClient.get(engine.httpPort, "/hello").status == 200 ? () : nil
        }
    }

    /// Waits until the worker has nothing to do and nothing waits for it.
    ///
    /// Before 0.25, an SDK does not say which handler a call comes from. With two requests under
    /// way on one connection nobody can tell, so a history is asked for only without that.
    private func awaitQuiet(
        _ engine: EngineProcess,
        _ worker: PythonWorker,
        _ form: HelloForm
    ) throws {
        let client = try RawWorker(engine)
        try eventually("the worker is quiet") { () -> Void? in
            try worker.check()
            let stats = try client.ask("engine::queue::topic_stats", ["topic": form.queue])
            let depth = try #require(
                (stats["result"] as? Envelope)?["depth"] as? Int,
                "\(JSON.text(stats))"
            )
            let list = try client.ask("engine::workers::list", [:])
            let rows = (list["result"] as? Envelope)?["workers"] as? [Envelope] ?? []
            let active = rows.filter { $0["runtime"] as? String == "python" }
                .map { $0["active_invocations"] as? Int }
            return depth == 0 && active == [0] ? () : nil
        }
    }

    private func greetings(_ engine: EngineProcess) throws -> [Any] {
        let client = try RawWorker(engine)
        let reply = try client.ask("state::list", ["scope": "greetings"])
        return try #require(reply["result"] as? [Any], "\(JSON.text(reply))")
    }

    private func checkShape(of greeting: Any) throws {
        let greeting = try #require(greeting as? [String: Any])
        #expect(greeting["greeting"] as? String == "Hello III App!")
        #expect((greeting["processedAt"] as? String)?.isEmpty == false)
        #expect((greeting["originalTimestamp"] as? String)?.isEmpty == false)
        #expect(greeting.count == 3)
    }

    /// The causes are told before their effects.
    private func checkHistory(
        of trace: String,
        _ form: HelloForm,
        _ engine: EngineProcess
    ) throws {
        let told = try engine.log("replay", trace)
        #expect(told.ending == .exit(0), "\(told.all)")
        let steps = [
            ["http"], ["hello::api"], form.handover, ["deliver"], ["greet::process"],
            ["state::set"],
        ]
        var rest = Substring(told.output.lowercased())
        for names in steps {
            let found = names.compactMap { rest.firstRange(of: $0) }
            guard let range = found.min(by: { $0.lowerBound < $1.lowerBound }) else {
                Issue.record("\(names) is missing, or told too early, in:\n\(told.all)")
                return
            }
            rest = rest[range.upperBound...]
        }
    }
}
