import Foundation
import Testing

extension Programs {
    /// What the dashboard answers when there is too much, and when there is nothing yet.
    @Suite("Dashboard bounds")
    struct DashboardBoundTests {}
}

extension Programs.DashboardBoundTests {
    @Test("A request that is too large to be shown is refused with 413, and its parts are told")
    func large() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine)
        let client = DashboardClient(engine)
        let trace = "0af7651916cd43dd8448eb211c80319c"
        let value = String(repeating: "x", count: 6 << 20)
        for key in ["a", "b", "c"] {
            let id = UUID().uuidString.lowercased()
            try worker.send([
                "type": "invokefunction", "invocation_id": id, "function_id": "state::set",
                "data": ["scope": "s", "key": key, "value": value],
                "traceparent": "00-\(trace)-00f067aa0ba902b7-01",
            ])
            let reply = try worker.reply(to: id)
            try #require(reply["error"] == nil, "\(JSON.text(reply).prefix(500))")
        }
        let refused = try client.get("/api/requests/\(trace)")
        #expect(refused.status == 413)
        let body = JSON.object(refused.text)
        #expect(body.errorCode == "TOO_LARGE")
        #expect(refused.text.contains("iii-log replay"))
        // Page by page there is a way through.
        var offsets: [Int] = []
        while true {
            let after = offsets.last.map { "?after=\($0)" } ?? ""
            let page = try client.get("/api/log/records\(after)")
            try #require(page.status == 200)
            let records = JSON.object(page.text)["records"] as? [Envelope] ?? []
            if records.isEmpty { break }
            offsets += records.compactMap { $0["offset"] as? Int }
        }
        #expect(offsets == Array(0..<offsets.count))
        #expect(offsets.count >= 3)
    }

    @Test(
        "A place that no log has is refused with 400",
        arguments: ["18446744073709551615", "-1", "x"]
    )
    func place(after: String) throws {
        let engine = try EngineProcess.started()
        let client = DashboardClient(engine)
        let refused = try client.get("/api/log/records?after=\(after)")
        #expect(refused.status == 400)
        #expect(JSON.object(refused.text).errorCode == "BAD_REQUEST")
        #expect(try client.get("/api/log/records?after=0").status == 200)
    }

    @Test("While the disk is full the engine lives and is not ready; once there is room, it is")
    func fullDisk() throws {
        // The first segment has 16 MiB, and a second one of more than that cannot be made.
        let engine = EngineProcess(
            in: try Scratch(),
            ["--set", "log.segment_bytes=32MiB", "--set", "log.compression=none"],
            launcher: ["/usr/bin/prlimit", "--fsize=16777216:unlimited"]
        )
        try engine.start()
        let client = DashboardClient(engine)
        #expect(try client.get("/readyz").status == 200)
        let worker = try RawWorker(engine)
        let value = String(repeating: "x", count: 1 << 20)
        let refused = try (0..<16).contains { number in
            let item: Envelope = ["scope": "s", "key": "\(number)", "value": value]
            let reply = try worker.ask("state::set", item)
            return (reply["error"] as? Envelope)?["code"] as? String == "STORAGE_FULL"
        }
        try #require(refused)
        let unready = try client.get("/readyz")
        #expect(unready.status == 503)
        #expect(JSON.object(unready.text)["status"] as? String == "storage_full")
        #expect(try client.get("/healthz").status == 200)

        let lifted = ["/usr/bin/prlimit", "--pid", "\(engine.pid)", "--fsize=unlimited:unlimited"]
        #expect(try run(lifted, in: engine.scratch).ending == .exit(0))
        try eventually("new work is taken again") {
            try client.get("/readyz").status == 200 ? () : nil
        }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("While the log is read, readiness says how far that is, and everything else waits")
    func recovering() throws {
        let engine = EngineProcess(
            in: try Scratch(),
            ["--set", "log.segment_bytes=1MiB", "--set", "log.snapshot_bytes=10GiB"]
        )
        try engine.start()
        let worker = try RawWorker.ready(engine)
        for batch in 0..<320 {
            let writes = (0..<256).map { number -> Envelope in
                ["type": "set", "scope": "s", "key": "\(batch)-\(number)", "value": number]
            }
            let reply = try worker.ask("state::transact", ["writes": writes])
            try #require(reply["error"] == nil, "\(JSON.text(reply))")
        }
        engine.kill9()
        let client = DashboardClient(engine)
        try engine.launch()
        var progress: [Double] = []
        var codes: Set<Int> = []
        let deadline = Deadline(in: 60)
        while !deadline.passed {
            guard let ready = try? client.get("/readyz") else { continue }
            codes.insert(ready.status)
            if ready.status == 200 { break }
            let body = JSON.object(ready.text)
            #expect(body["status"] as? String == "recovering")
            progress.append(try #require(body["progress"] as? Double))
            #expect(try client.get("/healthz").status == 200)
            for path in ["/api/status", "/api/requests", "/metrics", "/api/live"] {
                let reply = try client.get(path)
                // It may have become ready in between.
                guard reply.status == 503 else { continue }
                #expect(JSON.object(reply.text).errorCode == "RECOVERING", "\(path)")
            }
        }
        #expect(codes == [200, 503])
        #expect(progress == progress.sorted())
        #expect(progress.contains { $0 > 0 && $0 < 1 }, "\(progress)")
        #expect(JSON.object(try client.get("/readyz").text)["status"] as? String == "ready")
    }
}
