import Foundation
import Testing

extension Programs {
    /// What watches an engine: its metrics, its log, and what is told live.
    @Suite("Dashboard watching")
    struct DashboardWatchTests {}
}

extension Programs.DashboardWatchTests {
    /// An engine with some work behind it: one job done, one that failed until it was given up.
    private func worked() throws -> (EngineProcess, RawWorker, DashboardClient) {
        let queue = "[queue.queues.mails]\nmax_retries = 1\n"
        let scratch = try Scratch()
        let engine = EngineProcess(in: scratch, ["--config", try scratch.write("iii.toml", queue)])
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["good", "bad \"quoted\""])
        let client = DashboardClient(engine)
        for function in ["good", "bad \"quoted\""] {
            let body: Envelope = ["queue": "mails", "function_id": function, "data": [:]]
            #expect(try client.post("/api/enqueue", body).status == 200)
        }
        try worker.answer(worker.dispatch("good"), 1)
        try worker.fail(worker.dispatch("bad \"quoted\""), "no")
        _ = try eventually("the job is a dead letter") {
            let topics = try worker.ask("engine::queue::dlq_topics", [:])
            return JSON.text(topics["result"]).contains("mails") ? () : nil
        }
        return (engine, worker, client)
    }

    @Test("Metrics are read by Prometheus' own parser, and say what happened")
    func metrics() throws {
        let (engine, worker, client) = try worked()
        let python = try Project.python(with: "prometheus-client==0.26.0", in: engine.scratch)
        let answer = try client.get("/metrics")
        #expect(answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        let file = try engine.scratch.write("metrics.txt", answer.text)
        let parser = "\(Project.fixtures)/parse_metrics.py"
        let parsed = try run(
            ["/bin/sh", "-c", "exec \"$0\" \"$1\" < \"$2\"", python, parser, file],
            in: engine.scratch
        )
        try #require(parsed.ending == .exit(0), "\(parsed.all)\n\(answer.text)")
        let found = JSON.object(parsed.output)
        let families = try #require(found["families"] as? [String: String])
        for (name, type) in [
            ("iii_build_info", "gauge"), ("iii_queue_depth", "gauge"),
            ("iii_queue_attempts", "counter"), ("iii_log_sync_seconds", "histogram"),
            ("iii_log_batch_records", "histogram"), ("iii_invocations", "counter"),
            ("process_resident_memory_bytes", "gauge"), ("iii_disk_free_bytes", "gauge"),
            ("iii_connections", "gauge"), ("iii_snapshots", "gauge"),
            ("iii_invocation_duration_seconds", "histogram"),
            ("iii_invocation_errors", "counter"), ("iii_workers_spawned", "counter"),
        ] { #expect(families[name] == type, "\(name)") }
        let samples = try #require(found["samples"] as? [[Any]])
        func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
            samples.first { sample in
                sample[0] as? String == name
                    && labels.allSatisfy { (sample[1] as? [String: String])?[$0.key] == $0.value }
            }
            .flatMap { $0[2] as? Double }
        }
        #expect(value("iii_queue_dead_letters", ["queue": "mails"]) == 1)
        #expect(value("iii_queue_attempts_total", ["queue": "mails"]) == 2)
        #expect(value("iii_queue_acked_total", ["queue": "mails"]) == 1)
        #expect(value("iii_workers") == 1)
        #expect(value("iii_connections", ["listener": "worker"]) == 1)
        #expect(try #require(value("process_resident_memory_bytes")) > 1_000_000)
        #expect(try #require(value("iii_log_sync_seconds_count")) >= 4)
        _ = worker
    }

    @Test("Requests are listed and told record by record; the log says what it holds")
    func requests() throws {
        let (_, worker, client) = try worked()
        let rows = try eventually("both requests are listed") { () -> [Envelope]? in
            let text = try client.get("/api/requests?kind=dashboard").text
            let rows = JSON.object(text)["requests"] as? [Envelope] ?? []
            return rows.count == 2 && rows.contains { $0["status"] as? String == "dead" }
                ? rows : nil
        }
        let dead = try #require(rows.first { $0["status"] as? String == "dead" })
        let trace = try #require(dead["trace_id"] as? String)
        let told = JSON.object(try client.get("/api/requests/\(trace)").text)
        #expect(told["trace"] as? String == trace)
        let roots = try #require(told["roots"] as? [Envelope])
        #expect(roots.first?["kind"] as? String == "triggered")
        #expect(JSON.text(roots).contains("dead_lettered"))
        let unknown = try client.get("/api/requests/0123456789abcdef0123456789abcdef")
        #expect(unknown.status == 404)
        #expect(try client.get("/api/requests/x").status == 400)
        #expect(try client.get("/api/requests?limit=0").status == 400)
        #expect(try client.get("/api/requests?status=odd").status == 400)

        let log = JSON.object(try client.get("/api/log").text)
        let segments = try #require(log["segments"] as? [Envelope])
        #expect(segments.count == 1)
        #expect(segments[0]["state"] as? String == "active")
        let durable = try #require(log["durable_offset"] as? Int)
        #expect(((log["sync"] as? Envelope)?["count"] as? Int ?? 0) > 0)

        var after: Int?
        var offsets: [Int] = []
        repeat {
            let place = after.map { "&after=\($0)" } ?? ""
            let page = JSON.object(try client.get("/api/log/records?limit=7\(place)").text)
            let records = try #require(page["records"] as? [Envelope])
            #expect(records.count <= 7)
            let part = records.compactMap { $0["offset"] as? Int }
            offsets += part
            after = part.last
            if part.isEmpty { break }
        } while offsets.count < durable
        #expect(offsets == Array(0..<offsets.count))
        #expect(offsets.count >= durable)
        let why = JSON.object(try client.get("/api/log/why-kept/0").text)
        #expect(why["active"] as? Bool == true)
        #expect(try client.get("/api/log/why-kept/99").status == 404)
        #expect(try client.get("/api/log/why-kept/x").status == 400)
        _ = worker
    }

    @Test("A live socket is told everything at first, and then what changes")
    func live() throws {
        let (engine, worker, client) = try worked()
        let socket = try LiveSocket(engine)
        let types: Set<String> = [
            "hello", "now", "workers", "functions", "triggers", "queues", "streams", "problems",
            "requests",
        ]
        let first = try socket.messages { seen in
            types.isSubset(of: Set(seen.compactMap { $0["type"] as? String }))
        }
        #expect(first.first?["type"] as? String == "hello")
        let queue = try #require(
            first.list("queues").first { $0["name"] as? String == "mails" }
        )
        #expect(queue["dead"] as? Int == 1)
        #expect(first.list("workers").count == 1)
        #expect(first.list("functions").contains { $0["function_id"] as? String == "good" })
        let problem = try #require(
            first.list("problems").first { $0["id"] as? String == "dead:mails" }
        )
        #expect(problem["link"] as? String == "#/queues/mails")

        // A worker comes, and goes.
        let second = try RawWorker.ready(engine, functions: ["late"])
        _ = try socket.messages { $0.list("workers").count == 2 }
        second.socket.disconnect()
        _ = try socket.messages { seen in
            seen.list("workers").count == 1
                && !seen.list("functions").contains { $0["function_id"] as? String == "late" }
        }
        // A message for a function that nobody serves waits, and is told of.
        let now = Int(Date().timeIntervalSince1970)
        _ = try client.post("/api/enqueue", ["queue": "mails", "function_id": "late", "data": 1])
        _ = try socket.messages { seen in
            seen.list("problems").contains {
                ($0["what"] as? String)?.contains("late, which no worker serves") == true
            }
        }
        // Another page gets the whole picture as well.
        let other = try LiveSocket(engine)
        // Since when the message waits is told once, and not with every tick.
        let whole = try other.messages { seen in
            seen.list("queues").contains {
                $0["depth"] as? Int == 1 && $0["oldest_at_ms"] is Int
            }
        }
        let oldest = whole.list("queues").compactMap { $0["oldest_at_ms"] as? Int }
        #expect(oldest.count == 1)
        #expect(oldest.allSatisfy { abs($0 / 1000 - now) < 60 }, "\(oldest)")
        #expect(try other.ticks(4).all("queues", in: "queues").isEmpty)
        _ = worker
    }

    @Test("A live socket is opened by the page itself, and by no other")
    func liveAccess() throws {
        let engine = try EngineProcess.started()
        let port = engine.dashboardPort
        #expect(throws: Failure("upgrade of /api/live answered with 403")) {
            _ = try WebSocket(
                port: port,
                path: "/api/live",
                headers: ["Origin: http://127.0.0.1:\(port + 1)"]
            )
        }
        #expect(throws: Failure("upgrade of /api/status answered with 200")) {
            _ = try WebSocket(port: port, path: "/api/status")
        }
        #expect(try DashboardClient(engine).get("/api/live").status == 426)
        // What comes right behind the request is not lost, and does no harm.
        let socket = try WebSocket(port: port, path: "/api/live")
        try socket.send(text: "{\"watch\":{}}")
        try socket.ping([1, 2, 3])
        let deadline = Deadline(in: 30)
        var hasPong = false
        while !hasPong, !deadline.passed {
            if case .pong? = try socket.receive(within: 1) { hasPong = true }
        }
        #expect(hasPong)
        let ending = try engine.stop()
        #expect(ending == .exit(0))
    }
}
