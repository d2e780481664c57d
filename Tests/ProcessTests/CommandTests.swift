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
        // What belongs to another engine is not even looked at: it changes meanwhile.
        let folder = "\(first.data)/snap"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let snapshot = URL(fileURLWithPath: "\(folder)/00000000000000000001.snap")
        try Data("no snapshot".utf8).write(to: snapshot)
        let outcome = try EngineProcess(in: scratch).refused()
        #expect(!outcome.errors.contains("snapshot"), "\(outcome.all)")
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

    @Test(
        "Wrong usage exits with 2",
        arguments: [
            ["iii", "trigger"], ["iii", "trigger", "a::b", "--no-such-flag"],
            ["iii", "--no-such-flag"], ["iii", "traces", "--status", "x"],
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
