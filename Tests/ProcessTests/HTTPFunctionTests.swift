import Foundation
import Testing

extension Programs {
    /// Functions that are invoked by HTTP, against a server in Python.
    @Suite("Functions invoked by HTTP")
    struct HTTPFunctionTests {}
}

/// An engine, and a server on loopback that it may reach.
private struct Stage {
    let engine: EngineProcess
    let worker: RawWorker
    let server: ChildProcess
    let base: String

    /// With the certificate of `Fixtures/localhost.pem`, if it is to be secure, which the engine
    /// trusts or not.
    init(isSecure: Bool = false, isTrusted: Bool = true) throws {
        let scratch = try Scratch()
        let certificate = "\(Project.fixtures)/localhost.pem"
        let file = scratch("server-port")
        server = try ChildProcess(
            ["/usr/bin/env", "python3", "\(Project.fixtures)/function_server.py", file]
                + (isSecure ? [certificate] : []),
            label: "server",
            in: scratch
        )
        let port = try eventually("the server listens") {
            text(of: file).isEmpty ? nil : text(of: file)
        }
        base = isSecure ? "https://localhost:\(port)" : "http://127.0.0.1:\(port)"
        var settings = [
            "http_functions.allowed_ranges=127.0.0.0/8,::1", "http_functions.ports=1-65535",
        ]
        if !isSecure { settings.append("http_functions.require_https=false") }
        if isSecure, isTrusted { settings.append("http_functions.ca_file=\(certificate)") }
        engine = EngineProcess(in: scratch, settings.flatMap { ["--set", $0] })
        engine.environment = ["III_SECRET_K": "topsecret", "OTHER": "canary-value"]
        try engine.start()
        worker = try RawWorker.ready(engine)
    }

    func register(_ function: String, _ path: String, _ more: Envelope = [:]) throws {
        let invocation = more.merging(["url": base + path]) { own, _ in own }
        try worker.send(["type": "registerfunction", "id": function, "invocation": invocation])
    }

    /// What a call answers, as text.
    func ask(_ function: String, _ data: Any = [:]) throws -> String {
        let reply = try worker.ask(function, data)
        if let error = reply["error"] as? Envelope {
            return "\(error["code"] ?? "") \(error["message"] ?? "")"
        }
        return JSON.text(reply["result"])
    }

    var seen: [Envelope] {
        server.output.split(separator: "\n").map { JSON.object(String($0)) }
    }
}

extension Programs.HTTPFunctionTests {
    @Test("A call is a request and its response; what goes wrong has its code")
    func calls() throws {
        let stage = try Stage()
        try stage.register("echo", "/echo", ["headers": ["x-app": "1"]])
        try stage.register("error", "/error")
        try stage.register("text", "/text")
        try stage.register("missing", "/nowhere", ["method": "PUT"])
        try stage.register("redirect", "/redirect")
        try stage.register("slow", "/slow", ["timeout_ms": 100])

        let got = try stage.ask("echo", ["a": 1])
        #expect(got.contains(#""a":1"#) && got.contains("_caller_worker_id"))
        #expect(try stage.ask("error") == "no_stamp no stamp")
        #expect(try stage.ask("text").hasPrefix("invalid_response "))
        #expect(try stage.ask("missing") == "http_error HTTP 404 Not Found")
        #expect(try ["(absent)", "null"].contains(stage.ask("redirect")))
        #expect(try stage.ask("slow").hasPrefix("http_request_failed "))
        let paths = stage.seen.compactMap { $0["path"] as? String }
        #expect(paths == ["/echo", "/error", "/text", "/nowhere", "/redirect", "/slow"])

        let headers = try #require(stage.seen.first?["headers"] as? [String: String])
        #expect(headers["x-iii-function-path"] == "echo")
        #expect(headers["x-app"] == "1")
        #expect(headers["content-type"] == "application/json")
        let history = try stage.engine.log("show")
        #expect(history.all.contains("echo"))
    }

    @Test("A.16: what a response says, by its status and its body")
    func responses() throws {
        let stage = try Stage()
        let replies: [(path: String, answer: String)] = [
            ("200/", "(absent)"), ("204/", "(absent)"), ("200/%7B%22a%22:1%7D", #"{"a":1}"#),
            ("201/%5B1,1.5%5D", "[1,1.5]"), ("200/%3Chtml%3E", "invalid_response "),
            ("302/", "(absent)"), ("307/%7B%22a%22:1%7D", #"{"a":1}"#), ("304/%3C", "(absent)"),
            ("400/", "http_error HTTP 400 "), ("500/%3Chtml%3E", "http_error HTTP 500 "),
            ("404/%7B%22error%22:%22x%22%7D", "http_error HTTP 404 "),
            ("422/%7B%22error%22:%7B%22code%22:%22c%22,%22message%22:%22m%22%7D%7D", "c m"),
            ("422/%7B%22error%22:%7B%22message%22:%22m%22%7D%7D", "http_error m"),
        ]
        for (number, (path, answer)) in replies.enumerated() {
            try stage.register("r::\(number)", "/reply/\(path)")
            #expect(try stage.ask("r::\(number)").hasPrefix(answer), "\(path)")
        }
        // Listed as any other.
        let list = try stage.worker.ask("engine::functions::list", [:])
        #expect(JSON.text(list).contains(#""r::0""#))
        stage.server.kill9()
        #expect(try stage.ask("r::0").hasPrefix("http_request_failed "))
    }

    @Test("A.16: every method has the input as its body, and says who asks for what, and when")
    func requests() throws {
        let stage = try Stage()
        let auth: [Envelope] = [
            ["type": "bearer", "token_key": "III_SECRET_K"],
            ["type": "api_key", "header": "X-Key", "value_key": "III_SECRET_K"],
        ]
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        for (number, method) in methods.enumerated() {
            var more: Envelope = ["method": method]
            more["auth"] = number < auth.count ? auth[number] : nil
            try stage.register("m::\(number)", "/echo", more)
            _ = try stage.ask("m::\(number)", ["n": number])
        }
        #expect(stage.seen.compactMap { $0["method"] as? String } == methods)
        let worker = try #require(stage.worker.greeting["worker_id"] as? String)
        for (number, request) in stage.seen.enumerated() {
            #expect(
                request["body"] as? String == #"{"n":\#(number),"_caller_worker_id":"\#(worker)"}"#
            )
            let headers = try #require(request["headers"] as? [String: String])
            #expect(headers["x-iii-function-path"] == "m::\(number)")
            #expect(headers["x-iii-invocation-id"].flatMap { UUID(uuidString: $0) } != nil)
            let time = try #require(headers["x-iii-timestamp"].flatMap { Double($0) })
            #expect(abs(time - Date().timeIntervalSince1970) < 60)
            #expect(headers["authorization"] == (number == 0 ? "Bearer topsecret" : nil))
            #expect(headers["x-key"] == (number == 1 ? "topsecret" : nil))
        }
        // A method that there is not, or an address that is none, is no function.
        try stage.register("wrong", "/echo", ["method": "get"])
        #expect(try stage.ask("wrong").hasPrefix("function_not_found "))
    }

    @Test("A void call and a message from a queue are requests too")
    func others() throws {
        let stage = try Stage()
        try stage.register("echo", "/echo")
        _ = try stage.worker.call("echo", ["n": 1], action: ["type": "void"])
        _ = try stage.worker.ask("echo", ["n": 2], action: ["type": "enqueue", "queue": "default"])
        // At least once: a message whose request was slow is asked for again.
        try eventually("both arrive") { stage.seen.count >= 2 ? () : nil }
        let bodies = stage.seen.compactMap { $0["body"] as? String }
        #expect(bodies.contains { $0.contains(#""n":1"#) })
        #expect(bodies.contains(#"{"n":2}"#))
    }

    @Test("A name is resolved, its certificate checked, the request signed")
    func secure() throws {
        let stage = try Stage(isSecure: true)
        let auth = ["type": "hmac", "secret_key": "III_SECRET_K"]
        try stage.register("echo", "/echo", ["auth": auth])
        #expect(try stage.ask("echo", ["a": 1]).contains(#""a":1"#))
        let headers = try #require(stage.seen.first?["headers"] as? [String: String])
        #expect(headers["x-iii-signature"]?.hasPrefix("sha256=") == true)
        #expect(headers["host"]?.hasPrefix("localhost:") == true)

        // Without the certificate among those that are trusted there is no request.
        let plain = try Stage(isSecure: true, isTrusted: false)
        try plain.register("echo", "/echo")
        #expect(try plain.ask("echo").hasPrefix("http_request_failed "))
        #expect(plain.seen.isEmpty)
    }

    @Test("What may not be reached or carried is not registered, and the operator reads why")
    func refused() throws {
        let stage = try Stage()
        let auth = ["type": "bearer", "token_key": "OTHER"]
        try stage.register("secret", "/echo", ["auth": auth])
        try stage.register("metadata", "", ["url": "http://169.254.169.254/latest"])
        for function in ["secret", "metadata"] {
            #expect(try stage.ask(function).hasPrefix("function_not_found "))
        }
        let errors = stage.engine.errors
        #expect(errors.contains("token_not_found"))
        #expect(errors.contains("url_validation_failed"))
        #expect(!errors.contains("canary-value"))
        #expect(stage.seen.isEmpty)
    }
}
