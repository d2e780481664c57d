import Foundation
import Testing

extension LongPrograms {
    /// What the programs say to people and scripts: exit codes, and errors that name the place.
    @Suite("Commands")
    struct CommandTests {
        let scratch: Scratch

        init() throws {
            scratch = try Scratch()
        }
    }
}

// MARK: - Starting

extension LongPrograms.CommandTests {
    @Test("iii --version prints a version")
    func version() throws {
        let outcome = try run([Project.engine, "--version"], in: scratch)
        #expect(outcome.ending == .exit(0))
        #expect(outcome.output.contains(/[0-9]+\.[0-9]+\.[0-9]+/), "\(outcome.all)")
    }

    @Test(
        "A wrong key is named with file, line and the nearest valid key; exit 78",
        arguments: [
            "serve", "check",
        ]
    )
    func wrongKey(command: String) throws {
        let file = try scratch.write(
            "iii.toml",
            """
            [engine]
            address = "127.0.0.1:0"

            [queue.queues.default]
            concurency = 10
            """
        )
        let outcome =
            command == "check"
            ? try run([Project.engine, "check", file], in: scratch)
            : try EngineProcess(in: scratch, ["--config", file]).refused()
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        for part in ["iii.toml:5", "concurency", "\"concurrency\""] {
            #expect(outcome.errors.contains(part), "\(part) is missing: \(outcome.all)")
        }
        #expect(!FileManager.default.fileExists(atPath: scratch("data")))
    }

    @Test("iii check accepts a good file")
    func check() throws {
        let file = try scratch.write("iii.toml", "[http]\ntimeout = \"10s\"\n")
        let outcome = try run([Project.engine, "check", file], in: scratch)
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
    }

    @Test("iii check --json prints a JSON object a line, and tables as text")
    func checkJSON() throws {
        let outcome = try run([Project.engine, "check", "--json"], in: scratch)
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        let settings = lines.compactMap { JSON.value($0) as? Envelope }
        #expect(settings.count == lines.count, "\(outcome.all)")
        let sampling = settings.first { $0["key"] as? String == "observability.sampling" }
        #expect(sampling?["value"] as? String == "{ parent_based = true }", "\(outcome.all)")
    }

    @Test(
        "A port that is taken is named with its setting; exit 78",
        arguments: [
            "engine.address", "http.address", "stream.address",
            "observability.dashboard_address",
        ]
    )
    func portTaken(setting: String) throws {
        let held = try HeldPort()
        let engine = EngineProcess(in: scratch, ["--set", "\(setting)=127.0.0.1:\(held.port)"])
        let outcome = try engine.refused()
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        #expect(outcome.errors.contains(setting), "\(outcome.all)")
        #expect(outcome.errors.contains("\(held.port)"), "\(outcome.all)")
    }

    @Test("A second engine on a data directory names the first one's pid; exit 75")
    func inUse() throws {
        let first = EngineProcess(in: scratch)
        try first.start()
        let outcome = try EngineProcess(in: scratch).refused()
        #expect(outcome.ending == .exit(75), "\(outcome.all)")
        #expect(outcome.errors.contains("\(first.pid)"), "\(outcome.all)")
        #expect(outcome.errors.contains(first.data), "\(outcome.all)")
        #expect(try first.stop() == .exit(0))
    }

    @Test("SIGTERM ends it with 0, also at once after the start, and again")
    func drains() throws {
        let engine = EngineProcess(in: scratch)
        for _ in 1...3 {
            try engine.start()
            #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        }
        #expect(try engine.log("verify").ending == .exit(0))
    }
}

extension LongPrograms.CommandTests {
    @Test("A start says how workers connect here and elsewhere, and its token once")
    func nextStep() throws {
        let engine = EngineProcess(in: scratch, ["--set", "engine.address=0.0.0.0:0"])
        try engine.start()
        let port = engine.workerPort
        try eventually("the start is told") { engine.errors.contains("next: ") ? () : nil }
        for line in [
            "next: III_URL=ws://127.0.0.1:\(port) python3 worker.py\n",
            "workers on other machines: III_URL='ws://HOST:\(port)/?token=TOKEN'\n",
        ] {
            #expect(engine.errors.contains(line), "\(engine.errors)")
        }
        let token = text(of: "\(engine.data)/token").trimmingCharacters(in: .newlines)
        #expect(engine.errors.components(separatedBy: token).count == 2, "\(engine.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }
}

// MARK: - Data directories

extension LongPrograms.CommandTests {
    @Test("A directory that is not ours is named and left untouched; exit 78")
    func foreign() throws {
        let engine = EngineProcess(in: scratch)
        try FileManager.default.createDirectory(
            atPath: engine.data,
            withIntermediateDirectories: true
        )
        _ = try scratch.write("data/letter.txt", "Dear Ada")
        let before = contents(of: engine.data)
        let outcome = try engine.refused()
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        #expect(outcome.errors.contains(engine.data), "\(outcome.all)")
        #expect(contents(of: engine.data) == before)
    }

    @Test(
        "A newer format is named and left untouched; exit 78",
        arguments: [
            "MANIFEST", "log/00000000000000000000.seg",
        ]
    )
    func newerFormat(name: String) throws {
        let engine = try used(in: scratch)
        let file = "\(engine.data)/\(name)"
        var bytes = try #require(FileManager.default.contents(atPath: file), "no \(name)")
        for start in stride(from: 0, to: min(bytes.count, 8192), by: 4096) {
            let page = start..<start + 4096
            guard bytes[page].starts(with: Data("iii-".utf8)) else { continue }
            // The major version stands behind the mark, the checksum at the page's end.
            bytes[start + 8] = 99
            let checksum = crc32c(bytes[start..<start + 4092])
            withUnsafeBytes(of: checksum.littleEndian) {
                bytes.replaceSubrange(start + 4092..<start + 4096, with: $0)
            }
        }
        try overwrite(file, with: bytes)
        let before = contents(of: engine.data)
        let outcome = try engine.refused()
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        #expect(outcome.errors.contains(name), "\(outcome.all)")
        #expect(outcome.errors.contains("99"), "\(outcome.all)")
        #expect(contents(of: engine.data) == before)
    }

    @Test("A damaged log is refused with segment, position and offsets; exit 65; nothing changed")
    func damage() throws {
        let engine = try used(in: scratch)
        let segments = files(below: "\(engine.data)/log").filter { $0.hasSuffix(".seg") }
        let marker = Data("find me in the log".utf8)
        let found = segments.compactMap { name -> (name: String, bytes: Data, at: Int)? in
            let file = "\(engine.data)/log/\(name)"
            guard let bytes = FileManager.default.contents(atPath: file),
                let range = bytes.range(of: marker)
            else { return nil }
            return (name, bytes, range.lowerBound)
        }
        let place = try #require(found.first, "the value is in none of \(segments)")
        var damaged = place.bytes
        damaged[place.at] ^= 0x20
        let file = "\(engine.data)/log/\(place.name)"
        try overwrite(file, with: damaged)

        let before = contents(of: engine.data)
        let outcome = try engine.refused()
        #expect(outcome.ending == .exit(65), "\(outcome.all)")
        let commands = ["verify", "repair --dry-run", "recover --to"].map {
            "iii-log -D \(engine.data) \($0)"
        }
        for part in [place.name, "\(place.at / 4096 * 4096)", "offset"] + commands {
            #expect(outcome.errors.contains(part), "\(part) is missing: \(outcome.all)")
        }
        #expect(contents(of: engine.data) == before)
        let verified = try engine.log("verify")
        #expect(verified.ending == .exit(2), "\(verified.all)")

        try overwrite(file, with: place.bytes)
        try engine.start()
        let reply = try RawWorker(engine).ask("state::get", ["scope": "s", "key": "marked"])
        #expect(reply["result"] as? String == "find me in the log")
    }

    /// An engine that has written some batches and was stopped.
    private func used(in scratch: Scratch) throws -> EngineProcess {
        let engine = EngineProcess(in: scratch, ["--set", "log.segment_bytes=1MiB"])
        try engine.start()
        let client = try RawWorker(engine)
        for (key, value) in [("a", "before"), ("marked", "find me in the log"), ("z", "after")] {
            let reply = try client.ask("state::set", ["scope": "s", "key": key, "value": value])
            try #require(reply["error"] == nil, "\(JSON.text(reply))")
        }
        try #require(try engine.stop() == .exit(0))
        return engine
    }

    /// Every file but the lock, which says who came last.
    private func contents(of directory: String) -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in files(below: directory) where name != "LOCK" {
            contents[name] = FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data()
        }
        return contents
    }

    private func overwrite(_ file: String, with bytes: Data) throws {
        let handle = try #require(FileHandle(forWritingAtPath: file))
        try handle.write(contentsOf: bytes)
        try handle.close()
    }

    private func crc32c(_ bytes: Data) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82F6_3B78 }
        }
        return ~crc
    }
}

// MARK: - iii trigger

extension LongPrograms.CommandTests {
    private func trigger(_ url: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            [Project.engine, "trigger"] + arguments,
            label: "trigger-\(Deadline.now)",
            in: scratch,
            environment: ["III_URL": url]
        )
    }

    @Test("iii trigger prints the result and exits with 0")
    func triggerSucceeds() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["add::fn"])
        let command = try trigger(engine.url, "add::fn", "name=Ada", "n=3")
        let dispatch = try worker.dispatch("add::fn")
        let data = try #require(dispatch["data"] as? Envelope)
        #expect(data["name"] as? String == "Ada")
        #expect(data["n"] as? Int == 3)
        try worker.answer(dispatch, ["sum": 7])
        #expect(try command.wait() == .exit(0), "\(command.errors)")
        let result = JSON.value(command.output) as? Envelope
        #expect(result?["sum"] as? Int == 7, "\(command.output)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("iii trigger prints null where nothing is returned")
    func triggerNothing() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let command = try trigger(engine.url, "state::get", "scope=s", "key=none")
        #expect(try command.wait() == .exit(0), "\(command.errors)")
        #expect(command.output == "null\n")
        #expect(command.errors.isEmpty, "\(command.errors)")
    }

    @Test("iii trigger --trace tells the trace before there is an answer, and the log knows it")
    func triggerTraced() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["traced::fn"])
        let command = try trigger(engine.url, "traced::fn", "--trace")
        let dispatch = try worker.dispatch("traced::fn")
        let parent = try #require(dispatch["traceparent"] as? String)
        let id = String(parent.split(separator: "-")[1])
        let told = "trace: \(id)\niii-log replay \(id)\n"
        #expect(command.errors == told)
        try worker.answer(dispatch, 1)
        #expect(try command.wait() == .exit(0), "\(command.errors)")
        #expect(command.output == "1\n" && command.errors == told)
        let replayed = try engine.log("replay", id)
        #expect(replayed.output.contains("traced::fn"), "\(replayed.all)")

        let enqueued = try trigger(engine.url, "traced::fn", "--enqueue", "default", "--trace")
        #expect(try enqueued.wait() == .exit(0), "\(enqueued.errors)")
        let trace = try #require(JSON.object(enqueued.output)["traceId"] as? String)
        #expect(enqueued.errors.hasPrefix("trace: \(trace)\n"), "\(enqueued.errors)")
        let delivery = try worker.dispatch("traced::fn")
        #expect((delivery["traceparent"] as? String)?.contains(trace) == true)
    }

    @Test("iii trigger exits with 1 when the function fails, and says why")
    func triggerFails() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["bad::fn"])
        let command = try trigger(engine.url, "bad::fn")
        try worker.fail(worker.dispatch("bad::fn"), "smtp down")
        #expect(try command.wait() == .exit(1), "\(command.errors)")
        #expect(command.errors.contains("smtp down"), "\(command.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("iii trigger exits with 3 when no engine is there, and names the address")
    func triggerWithoutEngine() throws {
        let port = try HeldPort().port
        let command = try trigger("ws://127.0.0.1:\(port)", "any::fn", "--wait", "1s")
        #expect(try command.wait() == .exit(3), "\(command.errors)")
        #expect(command.errors.contains("127.0.0.1:\(port)"), "\(command.errors)")
    }

    @Test("iii trigger exits with 4 for an unknown function, and names it")
    func triggerUnknown() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let command = try trigger(engine.url, "no::such", "--wait", "1s")
        #expect(try command.wait() == .exit(4), "\(command.errors)")
        #expect(command.errors.contains("no::such"), "\(command.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("What somebody has put into an error does not get hold of a terminal")
    func terminal() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let name = "no\u{1B}[2Jsuch"
        let piped = try run([Project.engine, "trigger", name, "--engine", engine.url], in: scratch)
        #expect(piped.ending == .exit(4), "\(piped.all)")
        #expect(piped.errors.contains(name), "\(piped.all)")
        let quoted = "\"$(printf 'no\\033[2Jsuch')\""
        let line = "\(Project.engine) trigger \(quoted) --engine \(engine.url)"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: scratch)
        #expect(shown.ending == .exit(4), "\(shown.all)")
        #expect(shown.output.contains("no\\u001b[2Jsuch"), "\(shown.all)")
        #expect(!shown.output.contains("\u{1B}[2J"), "\(shown.all)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("iii trigger exits with 5 when the answer does not come in time")
    func triggerTimesOut() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["slow::fn"])
        let command = try trigger(engine.url, "slow::fn", "--timeout", "300ms")
        _ = try worker.dispatch("slow::fn")
        #expect(try command.wait() == .exit(5), "\(command.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test(
        "Wrong usage exits with 2",
        arguments: [
            ["iii", "trigger"], ["iii", "trigger", "a::b", "--no-such-flag"],
            ["iii", "--no-such-flag"],
            ["iii-log", "no-such-verb"], ["iii-log", "replay"],
        ]
    )
    func usage(arguments: [String]) throws {
        let program = arguments[0] == "iii" ? Project.engine : Project.log
        let outcome = try run([program] + arguments.dropFirst(), in: scratch)
        #expect(outcome.ending == .exit(2), "\(outcome.all)")
        #expect(!outcome.errors.isEmpty)
    }
}
