import Foundation
import Testing

extension LongPrograms {
    /// The configuration file is edited while the engine runs.
    @Suite("Editing the configuration")
    struct ReloadTests {
        let engine: EngineProcess
        let file: String

        /// With a worker's function behind `/slow` that never answers.
        private init(_ name: String, _ text: String) throws {
            let scratch = try Scratch()
            file = try scratch.write(name, text)
            engine = EngineProcess(in: scratch, ["--config", file])
            try engine.start()
        }
    }
}

extension LongPrograms.ReloadTests {
    init() throws {
        try self.init("iii.toml", "[http]\ntimeout = \"20s\"\n")
    }

    private func told(_ text: String) throws {
        try eventually("\"\(text)\" is told") { () -> Void? in
            engine.errors.contains(text) ? () : nil
        }
    }

    /// As editors do it: another file, which takes the name.
    private func replace(_ text: String) throws {
        _ = try engine.scratch.write("edit.tmp", text)
        guard rename(engine.scratch("edit.tmp"), file) == 0 else {
            throw Failure("rename: \(errno)")
        }
    }

    /// A worker whose function does not answer, behind `/slow`.
    private func slowWorker() throws -> RawWorker {
        let worker = try RawWorker.ready(engine, functions: ["slow::f"])
        try worker.send([
            "type": "registertrigger", "id": "slow", "trigger_type": "http",
            "function_id": "slow::f", "config": ["api_path": "slow", "http_method": "GET"],
        ])
        // Whatever comes behind the registration has seen it.
        _ = try worker.ask("engine::cron::list", [:])
        return worker
    }

    @Test("An edit is in force within seconds, with the place that it comes from")
    func live() throws {
        let worker = try slowWorker()
        try replace(
            """
            [http]
            timeout = "300ms"
            [queue.queues.mails]
            concurrency = 1
            [cron]
            timezone = "Europe/Berlin"
            """
        )
        try told("http.timeout = \"300ms\" (\(file):2)")
        try told("queue.queues.mails.concurrency = 1")
        #expect(try HTTPClient.get(engine.httpPort, "/slow").status == 504)
        let next = try worker.ask("engine::cron::next", ["expression": "0 12 * * *", "count": 1])
        #expect((next["result"] as? Envelope)?["timezone"] as? String == "Europe/Berlin")
        for _ in 0..<2 {
            _ = try worker.ask(
                "slow::f",
                [:],
                action: ["type": "enqueue", "queue": "mails"]
            )
        }
        _ = try worker.dispatch("slow::f")
    }

    @Test("A file that everybody may write is refused, and taken once that right is gone")
    func rights() throws {
        try #require(chmod(file, 0o666) == 0)
        try told("chmod o-w \(file)")
        try replace("[http]\ntimeout = \"300ms\"\n")
        try told("http.timeout = \"300ms\"")
        try #require(chmod(file, 0o666) == 0)
        try eventually("the refusal is told again") { () -> Void? in
            engine.errors.components(separatedBy: "chmod o-w").count == 3 ? () : nil
        }
        try #require(chmod(file, 0o600) == 0)
        try told("what was read before is in force")
    }

    @Test("A.15, C.4, D.7: what HTTP, the state and streams are to do changes at once, too")
    func services() throws {
        let worker = try RawWorker.ready(engine, functions: ["fn", "gate", "on"])
        try worker.route("GET", "r", to: "fn")
        try worker.bind("on", "state", "on")
        let peer = try HTTPPeer(port: engine.httpPort)
        let origin = ["Origin: https://b.example"]
        #expect(try peer.ask("OPTIONS", "/r", origin)["access-control-allow-origin"] == "*")
        try replace(
            """
            [http]
            timeout = "20s"
            middleware = [{ function_id = "gate" }]
            cors = { allowed_origins = ["https://a.example"] }
            [state]
            triggers_enabled = false
            max_value_bytes = 3
            [stream]
            auth_function = "nobody"
            """
        )
        try told("stream.auth_function = \"nobody\"")
        #expect(!engine.errors.contains("needs a restart"), "\(engine.errors)")
        #expect(try peer.ask("OPTIONS", "/r", origin)["access-control-allow-origin"] == nil)
        try peer.request("GET", "/r")
        try worker.answer(try worker.dispatch("gate"), ["action": "respond", "response": [:]])
        #expect(try peer.response().text == "null")
        let place: Envelope = ["scope": "s", "key": "k"]
        let large = try worker.ask("state::set", place.merging(["value": 1234]) { $1 })
        #expect(code(of: large) == "VALUE_TOO_LARGE")
        _ = try worker.ask("state::set", place.merging(["value": 1]) { $1 })
        _ = try StreamClient(engine)
        try told("the auth function of streams failed")

        try replace("[http]\ntimeout = \"20s\"\n")
        try told("state.triggers_enabled = true")
        let set = try worker.ask("state::set", place.merging(["value": 1234]) { $1 })
        #expect(set["error"] == nil, "\(JSON.text(set))")
        let run = try worker.dispatch("on")
        // Of the write before it nothing is told, nor is the middleware asked.
        #expect((run["data"] as? Envelope)?["new_value"] as? Int == 1234)
        #expect(try peer.ask("OPTIONS", "/r", origin)["access-control-allow-origin"] == "*")
        try peer.request("GET", "/r")
        try worker.answer(try worker.dispatch("fn"), ["body": 1])
        #expect(try peer.response().text == "1")
    }

    @Test("what needs a restart does so no more when the edit is undone")
    func undone() throws {
        try replace("[log]\ncompression = \"none\"\n")
        try told("this needs a restart: log.compression = \"none\"")
        // With another one beside it, all that needs a restart is named.
        try replace("[log]\ncompression = \"none\"\n[stream]\nslow = \"coalesce\"\n")
        try told("slow = \"coalesce\" (")
        try replace("[http]\ntimeout = \"20s\"\n")
        try told("nothing needs a restart any more")
    }

    @Test("A link is followed: an edit of what it leads to counts, also when it leads elsewhere")
    func linked() throws {
        let scratch = engine.scratch
        for name in ["one", "two"] { try makeDirectory(scratch(name)) }
        func link(_ target: String) throws {
            guard symlink(target, scratch("edit.tmp")) == 0, rename(scratch("edit.tmp"), file) == 0
            else { throw Failure("the link: \(errno)") }
        }
        for (index, name) in ["one/real.toml", "two/real.toml"].enumerated() {
            for round in 0..<2 {
                let timeout = "timeout = \"\(10 + 2 * index + round)s\""
                let target = try scratch.write(name, "[http]\n\(timeout)\n")
                if round == 0 { try link(target) }
                try told("http.\(timeout)")
            }
        }
    }

    private func makeDirectory(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true
        )
    }

    @Test("A directory of entries that is made later is read then, and watched")
    func lateEntries() throws {
        let scratch = try Scratch()
        let folder = scratch("late/entries")
        let engine = EngineProcess(in: scratch, ["--set", "configuration.directory=\(folder)"])
        try engine.start()
        let worker = try RawWorker.ready(engine)
        #expect(engine.errors.contains("is not there"))
        func awaitValue(_ value: Int) throws {
            try eventually("the entry is \(value)") { () -> Void? in
                let reply = try worker.ask("configuration::get", ["id": "mail"])
                return (reply["result"] as? Envelope)?["value"] as? Int == value ? () : nil
            }
        }
        try makeDirectory(folder)
        _ = try scratch.write("late/entries/mail.yaml", "value: 1\n")
        try awaitValue(1)
        _ = try scratch.write("late/entries/mail.yaml", "value: 2\n")
        try awaitValue(2)
    }

    @Test("A bad edit changes nothing, and says where it is wrong; a good one is taken again")
    func bad() throws {
        let worker = try slowWorker()
        try replace("[http]\ntimeout = \"300ms\"\ntimout = 1\n")
        try told("what was read before stays in force")
        try told("\(file):3: unknown key \"timout\" in [http]; did you mean \"timeout\"?")
        try replace("[http]\ntimeout = \"300ms\n")
        try eventually("both refusals are told") { () -> Void? in
            engine.errors.components(separatedBy: "stays in force").count >= 3 ? () : nil
        }
        #expect(!engine.errors.contains("is in force: http.timeout"))
        try replace("[http]\ntimeout = \"300ms\"\n")
        try told("is in force: http.timeout")
        #expect(try HTTPClient.get(engine.httpPort, "/slow").status == 504)
        _ = try worker.dispatch("slow::f")
    }

    @Test("What needs a restart is named, and a file that is gone changes nothing")
    func pending() throws {
        try replace("[http]\ntimeout = \"20s\"\n[engine]\ndurability = \"interval:5ms\"\n")
        try told("this needs a restart: engine.durability = \"interval:5ms\"")
        unlink(file)
        try told("cannot be read")
        try engine.stop()
    }

    @Test("SIGHUP reads the file again, and says what came of it")
    func hangUp() throws {
        let text = "was read again: what was read before is in force"
        // It counts from when all listen, and not the moment before.
        try eventually("\"\(text)\" is told") { () -> Void? in
            kill(engine.pid, SIGHUP)
            return engine.errors.contains(text) ? () : nil
        }
        _ = try RawWorker.ready(engine)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("The dashboard tells what is in force, what waits for a restart, and a refusal")
    func dashboard() throws {
        let client = DashboardClient(engine)
        func status() throws -> Envelope { JSON.object(try client.get("/api/status").text) }
        func isTaken() throws -> Bool {
            let text = try client.get("/metrics").text
            return text.contains("\niii_config_last_reload_successful 1\n")
        }
        #expect(try isTaken())
        #expect(try status()["settings_pending"] as? [String] == [])
        try replace("[http]\ntimeout = \"7s\"\n[log]\ncompression = \"none\"\n")
        try told("this needs a restart: log.compression")
        let edited = try status()
        let settings = try #require(edited["settings"] as? Envelope)
        #expect(settings["http.timeout"] as? String == "7s")
        #expect(settings["log.compression"] as? String == "zstd")
        let pending = try #require(edited["settings_pending"] as? [String])
        #expect(pending.count == 1 && pending[0].hasPrefix("log.compression"), "\(pending)")
        #expect(try isTaken())
        try replace("[http]\ntimeout = 7\n")
        try told("stays in force")
        try eventually("the refusal is a metric") { try isTaken() ? nil : () }
        #expect(JSON.text(try status()["settings"]) == JSON.text(settings))
        #expect(try status()["config_last_reload_successful"] as? Bool == false)
    }

    @Test("A directory on the way may be a link that leads elsewhere, or be made anew")
    func directories() throws {
        let scratch = try Scratch()
        for name in ["rel1", "rel2"] { try makeDirectory(scratch(name)) }
        _ = try scratch.write("rel1/iii.toml", "[http]\ntimeout = \"11s\"\n")
        _ = try scratch.write("rel2/iii.toml", "[http]\ntimeout = \"12s\"\n")
        try #require(symlink("rel1", scratch("current")) == 0)
        let engine = EngineProcess(in: scratch, ["--config", "current/iii.toml"])
        try engine.start()
        func told(_ text: String) throws {
            try eventually("\"\(text)\" is told") { engine.errors.contains(text) ? () : nil }
        }
        func write(_ timeout: String) throws {
            _ = try scratch.write("rel2/iii.toml", "[http]\ntimeout = \"\(timeout)\"\n")
            try told("http.timeout = \"\(timeout)\"")
        }
        try #require(symlink("rel2", scratch("next")) == 0)
        try #require(rename(scratch("next"), scratch("current")) == 0)
        try told("http.timeout = \"12s\"")
        try write("13s")
        try FileManager.default.removeItem(atPath: scratch("rel2"))
        try told("cannot be read")
        try makeDirectory(scratch("rel2"))
        try write("14s")
        try write("15s")
    }

    @Test("The YAML form is watched, too")
    func yaml() throws {
        let other = try Self(
            "config.yaml",
            "workers:\n  - name: iii-http\n    config:\n      default_timeout: 20000\n"
        )
        try other.replace(
            "workers:\n  - name: iii-http\n    config:\n      default_timeout: 300\n"
        )
        try other.told("is in force: http.timeout = \"300ms\"")
    }
}
