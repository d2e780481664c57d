import Foundation
import Testing

extension Programs {
    /// What the dashboard's page reads and changes the engine by.
    @Suite("Dashboard API")
    struct DashboardAPITests {}
}

extension Programs.DashboardAPITests {
    @Test("The page comes with headers that let a browser do little, and is known again")
    func page() throws {
        let engine = try EngineProcess.started()
        let client = DashboardClient(engine)
        for (path, type) in [
            ("/", "text/html; charset=utf-8"), ("/app.css", "text/css; charset=utf-8"),
            ("/main.js", "text/javascript; charset=utf-8"), ("/icon.svg", "image/svg+xml"),
        ] {
            let page = try client.get(path)
            #expect(page.status == 200)
            #expect(page["content-type"] == type)
            #expect(!page.body.isEmpty)
            let policy = try #require(page["content-security-policy"])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self';"))
            #expect(!policy.contains("unsafe"))
            #expect(page["x-content-type-options"] == "nosniff")
            #expect(page["referrer-policy"] == "no-referrer")
            let tag = try #require(page["etag"])
            #expect(try client.get(path, ["If-None-Match: \(tag)"]).status == 304)
        }
        #expect(try client.get("/nothing").status == 404)
        #expect(try HTTPPeer(port: client.port).ask("HEAD", "/").status == 200)
        let posted = try HTTPPeer(port: client.port)
            .ask("POST", "/", DashboardClient.write, body: "{}")
        #expect(posted.status == 405)
    }

    @Test("Health, readiness and status")
    func status() throws {
        let engine = try EngineProcess.started(["--set", "security.token=hidden"])
        let client = DashboardClient(engine)
        #expect(JSON.object(try client.get("/healthz").text)["status"] as? String == "ok")
        #expect(JSON.object(try client.get("/readyz").text)["status"] as? String == "ready")
        let text = try client.get("/api/status").text
        let status = JSON.object(text)
        #expect(status["data"] as? String == engine.data)
        #expect(status["durability"] as? String == "sync")
        #expect(status["read_only"] as? Bool == false)
        let addresses = try #require(status["addresses"] as? [String: String])
        #expect(addresses["worker"] == "127.0.0.1:\(engine.workerPort)")
        #expect(addresses["dashboard"] == "127.0.0.1:\(engine.dashboardPort)")
        let settings = try #require(status["settings"] as? Envelope)
        #expect(settings["http.timeout"] as? String == "30s")
        #expect(settings["security.token"] as? String == "[REDACTED]")
        #expect(!text.contains("hidden"))
        let recovery = try #require(status["recovery"] as? Envelope)
        #expect(recovery["bytes_cut"] as? Int == 0)
    }

    @Test("Functions are called: the engine's own, a worker's, and what fails says how")
    func calls() throws {
        let engine = try EngineProcess.started()
        let client = DashboardClient(engine)
        let place: Envelope = ["scope": "s", "key": "k"]
        let set = try client.call("state::set", place.merging(["value": ["a": 1]]) { $1 })
        #expect(set.status == 200)
        let trace = try #require(set.body["trace_id"] as? String)
        let got = try client.call("state::get", place)
        #expect(JSON.text(got.body["result"]) == #"{"a":1}"#)
        #expect(got.body["trace_id"] is NSNull)
        // What the log says of it: who wanted it, and what it came to.
        let replay = try engine.log("replay", trace)
        for word in ["dashboard", "state::set"] {
            #expect(replay.output.contains(word), "\(replay)")
        }

        let worker = try RawWorker.ready(engine, functions: ["f"])
        let answer = HTTPPeerCall(client, "f", ["x": 1])
        let invoked = try worker.dispatch("f")
        #expect(JSON.text(invoked["data"]) == #"{"x":1}"#)
        try worker.answer(invoked, 5)
        #expect(JSON.text(try answer.body()["result"]) == "5")

        let gone = try client.call("gone")
        #expect(gone.status == 404)
        #expect(gone.body.errorCode == "function_not_found")
        let bad = try client.call("state::set", ["scope": 1])
        #expect(bad.status == 400)
        let late = try client.call("f", [:], more: ["timeout_ms": 50])
        #expect(late.status == 504)
        #expect(late.body.errorCode == "TIMEOUT")
        #expect(try client.post("/api/call", ["data": 1]).status == 400)
        #expect(try client.get("/api/call").status == 405)
    }

    @Test("A failure of a worker's function is told as 502, with its own code")
    func failures() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine, functions: ["f"])
        let answer = HTTPPeerCall(DashboardClient(engine), "f", [:])
        try worker.fail(worker.dispatch("f"), "no")
        let response = try answer.response()
        #expect(response.status == 502)
        #expect(JSON.object(response.text).errorCode == "invocation_failed")
    }

    @Test("A job is enqueued, and its receipt is told")
    func enqueue() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine, functions: ["f"])
        let response = try DashboardClient(engine)
            .post("/api/enqueue", ["queue": "default", "function_id": "f", "data": ["n": 1]])
        #expect(response.status == 200)
        #expect(JSON.object(response.text)["receipt"] is String)
        #expect(JSON.text(try worker.dispatch("f")["data"]) == #"{"n":1}"#)
        let unknown = try DashboardClient(engine)
            .post("/api/enqueue", ["queue": "nowhere", "function_id": "f"])
        #expect(unknown.status >= 400)
    }

    @Test("A queue is purged as by iii queue purge, and not by pages of others")
    func purge() throws {
        let engine = try EngineProcess.started()
        let client = DashboardClient(engine)
        for number in 1...3 {
            let job: Envelope = ["queue": "default", "function_id": "nobody", "data": number]
            #expect(try client.post("/api/enqueue", job).status == 200)
        }
        let queue: Envelope = ["queue": "default"]
        let body: Envelope = ["function_id": "iii::queue::purge", "data": queue]
        let foreign = try HTTPPeer(port: client.port)
            .ask("POST", "/api/call", body: JSON.text(body))
        #expect(foreign.status == 403)
        #expect(JSON.object(foreign.text).errorCode == "CSRF")
        for count in [3, 0] {
            let purged = try client.call("iii::queue::purge", queue)
            #expect(purged.status == 200)
            let result = #"{"purged":\#(count),"queue":"default"}"#
            #expect(JSON.text(purged.body["result"]) == result)
            let trace = try #require(purged.body["trace_id"] as? String)
            let replay = try engine.log("replay", trace)
            #expect(replay.output.contains("dashboard"), "\(replay)")
        }
        let unknown = try client.call("iii::queue::purge", ["queue": "nowhere"])
        #expect(unknown.status == 404)
        #expect(unknown.body.errorCode == "NOT_FOUND")
    }

    @Test("Without a dashboard nothing listens for it, and its port is not told")
    func off() throws {
        let engine = try EngineProcess.started(["--set", "observability.dashboard=false"])
        #expect(engine.dashboardPort == 0)
        #expect(!engine.errors.contains("dashboard"))
    }
}

/// A call that is under way while the test is its worker.
private struct HTTPPeerCall {
    private let peer: HTTPPeer?
    private let failure: (any Error)?

    init(_ client: DashboardClient, _ function: String, _ data: Envelope) {
        do {
            let peer = try HTTPPeer(port: client.port)
            let body = JSON.text(["function_id": function, "data": data])
            try peer.request("POST", "/api/call", DashboardClient.write, body: body)
            self.peer = peer
            failure = nil
        } catch {
            peer = nil
            failure = error
        }
    }

    func response() throws -> RawResponse {
        if let failure { throw failure }
        guard let peer else { throw Failure("the call was not made") }
        return try peer.response()
    }

    func body() throws -> Envelope { JSON.object(try response().text) }
}
