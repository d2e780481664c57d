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
    func portsFile() throws {
        let nowhere = ["--ports-file", scratch("nowhere/ports.json")]
        let refused = try EngineProcess(in: scratch, nowhere).refused()
        #expect(refused.ending == .exit(78), "\(refused.all)")
        #expect(refused.errors.contains("error[ports_file]"), "\(refused.all)")

        let engine = EngineProcess(in: scratch, ["--json"])
        try engine.start()
        #expect(try found(by: engine)["clean"] as? Bool == true)
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
}
