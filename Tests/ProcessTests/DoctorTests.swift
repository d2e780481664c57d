import Foundation
import Glibc
import Testing

extension Programs {
    /// `iii doctor`: what an engine would find here, without one.
    @Suite("Doctor")
    struct DoctorTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension Programs.DoctorTests {
    private static let settings = [
        "engine.address", "http.address", "stream.address", "observability.dashboard_address",
    ]

    /// On any free ports, unless `arguments` say otherwise.
    private func doctor(_ arguments: [String], launcher: [String] = []) throws -> Outcome {
        let ports = Self.settings.flatMap { ["--set", "\($0)=127.0.0.1:0"] }
        return try run(launcher + [Project.engine, "doctor"] + ports + arguments, in: scratch)
    }

    private func findings(_ outcome: Outcome) throws -> [String: Envelope] {
        let rows = outcome.output.split(separator: "\n").map { JSON.object(String($0)) }
        var findings: [String: Envelope] = [:]
        for row in rows {
            findings[try #require(row["check"] as? String, "\(outcome.all)")] = row
            #expect(row["message"] as? String != nil, "\(outcome.all)")
        }
        return findings
    }

    /// It ended as a start would, by what it found at `check`.
    private func expectFault(
        _ outcome: Outcome,
        at check: String,
        _ code: String,
        exit: Int32
    ) throws {
        #expect(outcome.ending == .exit(exit), "\(outcome.all)")
        let found = try findings(outcome)[check]
        #expect(found?["outcome"] as? String == "fault", "\(outcome.all)")
        #expect(found?["code"] as? String == code, "\(outcome.all)")
        #expect(found?["exit"] as? Int == Int(exit), "\(outcome.all)")
    }

    private func contents(of directory: String) -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in files(below: directory) {
            contents[name] = FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data()
        }
        return contents
    }

    @Test("Where nothing is amiss it exits with 0, and has made nothing")
    func healthy() throws {
        let outcome = try doctor(["--data", scratch("data")])
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        let found = try findings(outcome)
        let checks = [
            "configuration", "kernel", "log device", "data directory", "file system", "room", "log",
            "clock", "time zones", "open files",
        ]
        for check in checks + Self.settings {
            let known = found[check]?["outcome"] as? String ?? "absent"
            #expect(["ok", "warning"].contains(known), "\(check): \(outcome.all)")
        }
        #expect(found["log"]?["message"] as? String == "none yet")
        #expect(!FileManager.default.fileExists(atPath: scratch("data")))
    }

    @Test("A log is read and left as it is; one that is held is named with its engine's pid")
    func used() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        _ = try RawWorker(engine).ask("state::set", ["scope": "s", "key": "k", "value": 1])
        let held = try doctor(["--data", engine.data])
        try expectFault(held, at: "data directory", "data.in_use", exit: 75)
        #expect(held.output.contains("\(engine.pid)"), "\(held.all)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")

        let before = contents(of: engine.data)
        let free = try doctor(["--data", engine.data])
        #expect(free.ending == .exit(0), "\(free.all)")
        let log = try findings(free)["log"]?["message"] as? String ?? ""
        #expect(log.contains(/[1-9][0-9]* records in [1-9]/), "\(free.all)")
        #expect(contents(of: engine.data) == before)
        try engine.start()
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("Damage is told with its segment; exit 65")
    func damage() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let marker = "find me in the log"
        _ = try RawWorker(engine).ask("state::set", ["scope": "s", "key": "k", "value": marker])
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        try flip(marker, in: engine)

        let outcome = try doctor(["--data", engine.data])
        try expectFault(outcome, at: "log", "log.damaged", exit: 65)
        #expect(outcome.output.contains("iii-log"), "\(outcome.all)")
    }

    /// Changes a bit of the only record that holds `marker`, in the first segment.
    private func flip(_ marker: String, in engine: EngineProcess) throws {
        let name = try #require(files(below: "\(engine.data)/log").first { $0.hasSuffix(".seg") })
        let path = "\(engine.data)/log/\(name)"
        let bytes = try #require(FileManager.default.contents(atPath: path))
        let place = try #require(bytes.range(of: Data(marker.utf8)))
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seek(toOffset: UInt64(place.lowerBound))
        try file.write(contentsOf: Data([bytes[place.lowerBound] ^ 0x20]))
        try file.close()
    }

    @Test(
        "A bit of a sealed segment is a fault where a start reads it, and none below its snapshot",
        arguments: [false, true]
    )
    func sealed(hasSnapshot: Bool) throws {
        var sizes = ["--set", "log.segment_bytes=1MiB", "--set", "log.compression=none"]
        if hasSnapshot { sizes += ["--set", "log.snapshot_bytes=1MiB"] }
        let engine = EngineProcess(in: scratch, sizes)
        try engine.start()
        let client = try RawWorker(engine)
        func set(_ key: String, _ value: String) throws {
            let reply = try client.ask("state::set", ["scope": "s", "key": key, "value": value])
            #expect(reply["error"] == nil, "\(JSON.text(reply))")
        }
        let marker = "find me in the log"
        try set("marked", marker)
        for number in 0..<30 { try set("\(number)", String(repeating: "v", count: 100_000)) }
        if hasSnapshot {
            try eventually("a snapshot is made") { () -> Void? in
                files(below: "\(engine.data)/snap").contains { $0.hasSuffix(".snap") } ? () : nil
            }
        }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        try flip(marker, in: engine)

        let outcome = try doctor(["--data", engine.data] + sizes)
        guard hasSnapshot else {
            try expectFault(outcome, at: "log", "log.damaged", exit: 65)
            return #expect(try engine.refused().ending == .exit(65))
        }
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        #expect(outcome.output.contains(/a start does not read segments? 0/), "\(outcome.all)")
        #expect(outcome.output.contains("\(engine.data) verify"), "\(outcome.all)")
        try engine.start()
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("A directory that is not ours, and one that cannot be made, are named")
    func directories() throws {
        let foreign = scratch("foreign")
        try FileManager.default.createDirectory(
            atPath: foreign,
            withIntermediateDirectories: false
        )
        _ = try scratch.write("foreign/letter.txt", "Dear Ada")
        let found = try doctor(["--data", foreign])
        try expectFault(found, at: "data directory", "data.not_ours", exit: 78)
        #expect(files(below: foreign) == ["letter.txt"])

        let open = scratch("open")
        try FileManager.default.createDirectory(atPath: open, withIntermediateDirectories: false)
        _ = try scratch.write("open/token", "s3cret")
        try #require(chmod(open, 0o777) == 0)
        let exposed = try doctor(["--data", open])
        try expectFault(exposed, at: "data directory", "data.not_private", exit: 78)
        #expect(exposed.output.contains("chmod -R o-w \(open)"), "\(exposed.all)")

        let lost = try doctor(["--data", scratch("no/such/data")])
        try expectFault(lost, at: "data directory", "log.storage", exit: 74)
        #expect(lost.output.contains("mkdir -p \(scratch("no/such"))"), "\(lost.all)")

        let engine = EngineProcess(in: scratch)
        try #require(symlink(scratch("unmounted"), engine.data) == 0)
        let unmounted = try doctor(["--data", engine.data])
        try expectFault(unmounted, at: "data directory", "log.storage", exit: 74)
        #expect(unmounted.output.contains("symbolic link"), "\(unmounted.all)")
        #expect(try engine.refused().ending == .exit(74))
    }

    @Test("Ports that are taken, or wanted twice, are named with their settings; exit 78")
    func ports() throws {
        let held = try HeldPort()
        let address = "127.0.0.1:\(held.port)"
        for setting in Self.settings {
            let outcome = try doctor(["--data", scratch("data"), "--set", "\(setting)=\(address)"])
            try expectFault(outcome, at: setting, "listen.failed", exit: 78)
            #expect(outcome.output.contains("\(held.port)"), "\(outcome.all)")
        }
        let free = try HeldPort().port
        let twice = try doctor([
            "--data", scratch("data"), "--set", "engine.address=127.0.0.1:\(free)",
            "--set", "http.address=127.0.0.1:\(free)",
        ])
        try expectFault(twice, at: "configuration", "config.conflict", exit: 78)
        #expect(twice.output.contains("engine.address 127.0.0.1:\(free)"), "\(twice.all)")
    }

    @Test("A wrong configuration, and files that it names in vain, are faults; exit 78")
    func configuration() throws {
        let file = try scratch.write("iii.toml", "[http]\ntimout = \"1s\"\n")
        let wrong = try doctor(["--config", file])
        try expectFault(wrong, at: "configuration", "config.unknown_key", exit: 78)
        #expect(wrong.output.contains("iii.toml:2"), "\(wrong.all)")

        try FileManager.default.removeItem(atPath: file)
        let certificate = try doctor([
            "--data", scratch("data"), "--set", "http.tls_certificate=\(scratch("none.pem"))",
            "--set", "http.tls_key=\(scratch("none.key"))",
        ])
        try expectFault(certificate, at: "http.tls_certificate", "http.tls_certificate", exit: 78)
    }

    @Test("What others could read, write or guess is told of as a start tells of it")
    func exposure() throws {
        let token = try scratch.write("token", "s3cret")
        try #require(chmod(token, 0o600) == 0)
        let outcome = try doctor([
            "--data", scratch("data"), "--set", "security.token_file=\(token)",
            "--set", "stream.address=0.0.0.0:0",
        ])
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        let found = try findings(outcome)
        for (check, text) in [
            ("encryption", "stream.address 0.0.0.0:0"), ("security.token_file", "shorter than 16"),
        ] {
            #expect(found[check]?["outcome"] as? String == "warning", "\(outcome.all)")
            let message = found[check]?["message"] as? String
            #expect(message?.contains(text) == true, "\(outcome.all)")
        }

        let file = try scratch.write("iii.toml", "[http]\ntimeout = \"1s\"\n")
        try #require(chmod(file, 0o666) == 0)
        let open = try doctor(["--config", file, "--data", scratch("data")])
        try expectFault(open, at: "configuration", "config.writable", exit: 78)
        let engine = EngineProcess(in: scratch, ["--config", file])
        let refused = try engine.refused()
        #expect(refused.ending == .exit(78), "\(refused.all)")
        #expect(refused.all.contains("chmod o-w \(file)"), "\(refused.all)")
    }

    @Test("Where the kernel refuses io_uring, plain system calls take its place")
    func refusedRing() throws {
        // Newer kernels count a ring as locked memory, of which this process may have none.
        let dropped = geteuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set=-ipc_lock"] : []
        let launcher = dropped + ["/usr/bin/prlimit", "--memlock=0:0"]
        let engine = EngineProcess(in: scratch, launcher: launcher)
        try engine.start()
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let outcome = try doctor(["--data", engine.data], launcher: launcher)
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        let command = [Project.log, "-D", engine.data, "verify"]
        let verified = try run(launcher + command, in: scratch)
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("Fewer files than connections are a warning, and no fault")
    func limits() throws {
        let limited = ["/usr/bin/prlimit", "--nofile=256:512"]
        let outcome = try doctor(["--data", scratch("data")], launcher: limited)
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        let found = try findings(outcome)["open files"]
        #expect(found?["outcome"] as? String == "warning", "\(outcome.all)")
        #expect((found?["message"] as? String)?.contains("512") == true, "\(outcome.all)")
        let many = ["/usr/bin/prlimit", "--nofile=256:16384"]
        let enough = try doctor(["--data", scratch("data")], launcher: many)
        #expect(try findings(enough)["open files"]?["outcome"] as? String == "ok", "\(enough.all)")
    }

    @Test("Where there are no time zones that is a warning, with what to install")
    func timeZones() throws {
        for zones in [scratch("none"), scratch.path] {
            let launcher = ["/usr/bin/env", "TZDIR=\(zones)"]
            let outcome = try doctor(["--data", scratch("data")], launcher: launcher)
            #expect(outcome.ending == .exit(0), "\(outcome.all)")
            let found = try findings(outcome)["time zones"]
            let expected = zones == scratch.path ? "ok" : "warning"
            #expect(found?["outcome"] as? String == expected, "\(outcome.all)")
            guard expected == "warning" else { continue }
            #expect(outcome.output.contains("install tzdata"), "\(outcome.all)")
            let named = ["--set", "cron.timezone=Europe/Berlin"]
            let refused = try doctor(named, launcher: launcher)
            #expect(refused.ending == .exit(78) && refused.output.contains("install tzdata"))
        }
    }

    @Test("On a terminal it is a line for each check, a fault with its code")
    func lines() throws {
        let held = try HeldPort()
        let ports = Self.settings.map { "--set \($0)=127.0.0.1:0" }.joined(separator: " ")
        let line =
            "\(Project.engine) doctor --data \(scratch("data")) \(ports) "
            + "--set http.address=127.0.0.1:\(held.port)"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: scratch)
        #expect(shown.ending == .exit(78), "\(shown.all)")
        #expect(shown.output.contains(/kernel +Linux\s/), "\(shown.all)")
        #expect(shown.output.contains("[listen.failed]"), "\(shown.all)")
        #expect(try doctor(["--no-such-flag"]).ending == .exit(2))
    }
}
