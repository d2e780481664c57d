import Foundation
import Testing

extension Programs {
    /// What `iii serve --json` tells a program that watches over the engine.
    @Suite("What a start tells programs")
    struct StartReportTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension Programs.StartReportTests {
    /// The line of an event, once it is told.
    private func line(_ event: String, of engine: EngineProcess) throws -> Envelope {
        try eventually("\(event) is told") { () -> Envelope? in
            let lines = engine.errors.split(separator: "\n").map { JSON.object(String($0)) }
            return lines.first { $0["event"] as? String == event }
        }
    }

    private func found(by engine: EngineProcess) throws -> Envelope {
        let told = try line("started", of: engine)
        return try #require(told["recovery"] as? Envelope)
    }

    @Test("Version, data, durability and what was found are members, as /api/status has them")
    func started() throws {
        let settings = ["--json", "--set", "engine.durability=interval:50ms"]
        let engine = EngineProcess(in: scratch, settings)
        try engine.start()
        let told = try line("started", of: engine)
        #expect(told["severity"] as? String == "info")
        #expect((told["message"] as? String)?.hasPrefix("iii ") == true)
        #expect(told["data"] as? String == engine.data)
        #expect(told["durability"] as? String == "interval:50ms")
        let status = JSON.object(try DashboardClient(engine).get("/api/status").text)
        for member in ["version", "data", "durability", "recovery"] {
            #expect(JSON.text(told[member]) == JSON.text(status[member]), "\(member)")
        }
        let new = try found(by: engine)
        #expect(new["records"] as? Int == 0)
        #expect(new["last_offset"] is NSNull)
        #expect(new["bytes_cut"] as? Int == 0)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")

        try engine.start()
        let whole = try found(by: engine)
        #expect(try #require(whole["records"] as? Int) > 0)
        #expect(try #require(whole["last_offset"] as? Int) >= 0)
        #expect(whole["clean"] as? Bool == true)
        engine.kill9()
        try engine.start()
        #expect(try found(by: engine)["clean"] as? Bool == false)
    }

    @Test("Where the ports file cannot be written the log is closed in order; exit 78")
    func unwritablePortsFile() throws {
        let nowhere = ["--ports-file", scratch("nowhere/ports.json")]
        let refused = try EngineProcess(in: scratch, nowhere).refused()
        #expect(refused.ending == .exit(78), "\(refused.all)")
        #expect(refused.errors.contains("error[ports_file]"), "\(refused.all)")

        let engine = EngineProcess(in: scratch, ["--json"])
        try engine.start()
        #expect(try found(by: engine)["clean"] as? Bool == true)
    }

    /// The codes that say why there is no start, each line being an object.
    private func codes(_ outcome: Outcome) -> [String] {
        let lines = outcome.errors.split(separator: "\n").map { JSON.object(String($0)) }
        #expect(lines.allSatisfy { $0["event"] is String }, "\(outcome.all)")
        return lines.filter { $0["event"] as? String == "fatal" }.compactMap {
            $0["code"] as? String
        }
    }

    @Test("A start that fails says so as JSON, too")
    func failures() throws {
        let settings = ["--json", "--set", "http.timeout=", "--set", "http.nothing=1"]
        let wrong = try EngineProcess(in: scratch, settings).refused()
        #expect(wrong.ending == .exit(78), "\(wrong.all)")
        #expect(codes(wrong).sorted() == ["config.unknown_key", "config.value"], "\(wrong.all)")
        let engine = EngineProcess(in: scratch, ["--json"])
        try engine.start()
        let second = try EngineProcess(in: scratch, ["--json"]).refused()
        #expect(second.ending == .exit(75), "\(second.all)")
        #expect(codes(second) == ["data.in_use"], "\(second.all)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("The ports file is there while the engine listens")
    func portsFile() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let file = scratch("ports-1.json")
        #expect(FileManager.default.fileExists(atPath: file))
        // A second engine on the same directory takes nothing from the first one.
        let second = EngineProcess(in: scratch, ["--ports-file", file])
        #expect(try second.refused().ending == .exit(75))
        #expect(FileManager.default.fileExists(atPath: file))
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test("That MANIFEST was lost is told by verify, and by the start that makes it anew")
    func lostManifest() throws {
        let engine = EngineProcess(in: scratch, ["--json"])
        try engine.start()
        #expect(try found(by: engine)["manifest_rebuilt"] as? Bool == false)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        try FileManager.default.removeItem(atPath: "\(engine.data)/MANIFEST")
        let told = try engine.log("verify")
        #expect(told.ending == .exit(2), "\(told.all)")
        #expect(told.output.contains("MANIFEST is missing"))
        try engine.start()
        let warning = try line("manifest_rebuilt", of: engine)
        #expect(warning["severity"] as? String == "warning")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(try engine.log("verify").ending == .exit(0))
    }

    @Test("Addresses are members, by the names of the ports file")
    func listening() throws {
        let listener = "[[worker_listener]]\naddress = \"127.0.0.1:0\"\n"
        let file = try scratch.write("iii.toml", listener)
        let engine = EngineProcess(in: scratch, ["--config", file, "--json"])
        try engine.start()
        let told = try line("listening", of: engine)
        let ports = [
            "worker": engine.workerPort, "http": engine.httpPort, "stream": engine.streamPort,
            "dashboard": engine.dashboardPort,
        ]
        let addresses = ports.mapValues { "127.0.0.1:\($0)" }
        #expect(told["addresses"] as? [String: String] == addresses)
        let others = engine.listenerPorts.map { "127.0.0.1:\($0)" }
        #expect(others.count == 1)
        #expect(told["worker_listeners"] as? [String] == others)
        #expect((told["message"] as? String)?.contains("\nnext: III_URL=ws://") == true)
    }

    @Test("A start that fails tells no token, so that the next one does")
    func token() throws {
        let beyond = ["--set", "engine.address=0.0.0.0:0"]
        let held = try HeldPort()
        let taken = ["--set", "http.address=127.0.0.1:\(held.port)"]
        let refused = try EngineProcess(in: scratch, beyond + taken).refused()
        #expect(refused.ending == .exit(78), "\(refused.all)")
        #expect(!refused.errors.contains("need the token"), "\(refused.all)")
        let engine = EngineProcess(in: scratch, beyond)
        try engine.start()
        try eventually("the token is told") { () -> Void? in
            engine.errors.contains("need the token") ? () : nil
        }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }
}
