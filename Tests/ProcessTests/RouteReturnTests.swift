import Foundation
import Testing

extension Programs {
    /// What clients are told of routes from a start of the engine until its workers are back.
    @Suite("Routes after a start, end to end")
    struct RouteReturnTests {
        let engine: EngineProcess

        init() throws {
            // More than the default: the machine may be busy.
            engine = try EngineProcess.started(["--set", "http.reconnect_grace=120s"])
        }
    }
}

extension Programs.RouteReturnTests {
    private func serve(_ function: String, at path: String) throws -> RawWorker {
        let worker = try RawWorker.ready(engine, functions: [function])
        try worker.route("GET", path, to: function)
        // Behind its answer the route is there, and on disk: a stop must not come before it.
        _ = try worker.ask("engine::triggers::list", [:])
        return worker
    }

    /// Ends the engine, and starts it again.
    private func restart(_ how: String, beside worker: RawWorker) throws {
        if how == "kill -9" {
            engine.kill9()
        } else {
            engine.terminate()
            #expect(try worker.closeCode() == 1012)
            #expect(try engine.wait() == .exit(0), "\(engine.errors)")
        }
        try engine.start()
    }

    @Test(
        "A route is 503 with Retry-After until its worker is back",
        arguments: ["kill -9", "SIGTERM"]
    )
    func returns(how: String) throws {
        let before = try serve("fn", at: "users/:id")
        let gone = try serve("other", at: "left")
        gone.socket.disconnect()
        try eventually("the other worker's route is gone") { () -> Void? in
            try HTTPClient.get(engine.httpPort, "/left").status == 404 ? () : nil
        }
        try restart(how, beside: before)

        let peer = try HTTPPeer(port: engine.httpPort)
        let refused = try peer.ask("GET", "/users/7")
        #expect(refused.status == 503)
        #expect(refused["retry-after"] == "1")
        #expect(refused["content-type"] == "application/json")
        #expect(refused["access-control-allow-origin"] == "*")
        let error = JSON.object(refused.text)["error"] as? Envelope
        #expect(error?["code"] as? String == "ROUTE_NOT_READY", "\(refused.text)")
        for (method, path) in [("POST", "/users/7"), ("GET", "/left"), ("GET", "/nowhere")] {
            #expect(try peer.ask(method, path).status == 404, "\(method) \(path)")
        }

        let after = try serve("fn", at: "users/:id")
        try peer.request("GET", "/users/7")
        try after.answer(after.dispatch("fn"), ["body": "back"])
        let response = try peer.response()
        #expect(response.status == 200)
        #expect(response.text == #""back""#)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }
}
