import Foundation
import Testing

extension Programs {
    /// HTTP over TLS, with HTTP/1.1 and HTTP/2, to clients of others.
    @Suite("HTTP over TLS")
    struct TLSTests {
        let engine: EngineProcess
        let identity: Certificate

        init() throws {
            let scratch = try Scratch()
            identity = try Certificate("first", in: scratch)
            engine = EngineProcess(
                in: scratch,
                [
                    "--set", "http.tls_certificate=\(identity.certificate)",
                    "--set", "http.tls_key=\(identity.key)",
                    "--set", "http.body_limit=65536",
                ]
            )
        }
    }
}

extension Programs.TLSTests {
    private func curl(_ arguments: String...) throws -> Outcome {
        try run(
            [
                "/usr/bin/env", "curl", "--silent", "--show-error", "--max-time", "50", "--cacert",
                identity.certificate,
            ] + arguments,
            in: engine.scratch
        )
    }

    private func url(_ path: String) -> String { "https://localhost:\(engine.httpPort)\(path)" }

    /// A worker that echoes what it is asked, until the test ends.
    private func start() throws -> PythonWorker {
        try engine.start()
        let python = try PythonWorker(
            sdk: "0.25.0",
            ["\(Project.fixtures)/http_worker.py"],
            engine: engine
        )
        try eventually("the route is there", within: 120) { () -> Void? in
            try python.check()
            let asked = try curl(
                "-X",
                "POST",
                "-w",
                "%{http_code}",
                "-o",
                "/dev/null",
                url("/half/2")
            )
            return asked.output == "401" ? () : nil
        }
        return python
    }

    @Test("Both versions of HTTP are chosen, and answer the same", arguments: ["1.1", "2"])
    func versions(version: String) throws {
        let python = try start()
        let form = "%{http_version} %{http_code} %{header_json}"
        let made = try curl(
            "--http\(version)",
            "-w",
            form,
            "-H",
            "X-Key: right",
            "-H",
            "Content-Type: application/json",
            "-d",
            "{}",
            url("/half/8")
        )
        let parts = made.output.split(separator: "}", maxSplits: 1)
        #expect(parts.first?.contains("\"half\":4") == true || made.output.contains("\"half\": 4"))
        #expect(made.output.contains("\(version) 201 {"), "\(made.all)")
        #expect(made.output.contains(#""set-cookie":["a=1","b=2"]"#), "\(made.all)")
        #expect(made.output.contains("x-iii-trace-id"))
        #expect(made.output.contains("access-control-allow-origin"))
        #expect(!made.output.contains("\"connection\""))
        let missing = try curl("--http\(version)", "-w", " %{http_code}", url("/nowhere"))
        #expect(missing.output.hasSuffix(" 404"), "\(missing.all)")
        let large = String(repeating: "x", count: 70_000)
        let file = try engine.scratch.write("large", large)
        let refused = try curl(
            "--http\(version)",
            "-w",
            " %{http_code}",
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            "@\(file)",
            url("/half/8")
        )
        #expect(refused.output.hasSuffix(" 413"), "\(refused.all)")
        let many = try curl(
            "--http\(version)",
            "-w",
            "%{http_code}\n",
            "-o",
            "/dev/null",
            "--parallel",
            "--parallel-max",
            "40",
            url("/nowhere?[1-300]")
        )
        #expect(many.output.split(separator: "\n").count { $0 == "404" } == 300, "\(many.all)")
        let head = try curl("--http\(version)", "-I", "-w", " %{http_code}", url("/nowhere"))
        #expect(head.output.hasSuffix(" 404"), "\(head.all)")
        try python.stop()
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("Streams go both ways over HTTP/2, and are felt by whoever sends")
    func streams() throws {
        try engine.start()
        let python = try PythonWorker(
            sdk: "0.25.0",
            ["\(Project.fixtures)/channels.py"],
            engine: engine
        )
        try eventually("the route is there", within: 120) { () -> Void? in
            try python.check()
            let asked = try curl("-w", "%{http_code}", url("/stream/status_only"))
            return asked.output.hasSuffix("418") ? () : nil
        }
        let down = engine.scratch("down")
        let download = try curl(
            "--http2",
            "-o",
            down,
            "-w",
            "%{http_version} %{http_code} %{size_download}",
            url("/stream/download?mib=8")
        )
        #expect(download.output == "2 201 \(8 << 20)", "\(download.all)")
        let body = try engine.scratch.write(
            "up",
            String(repeating: "0123456789abcdef", count: 1 << 18)
        )
        let upload = try curl(
            "--http2",
            "-H",
            "Content-Type: text/plain",
            "--data-binary",
            "@\(body)",
            url("/stream/digest")
        )
        #expect(JSON.object(upload.output)["bytes"] as? Int == 4 << 20, "\(upload.all)")
        let events = try curl(
            "--http2",
            "-N",
            "-w",
            "%{http_code}",
            "--max-time",
            "2",
            url("/stream/events")
        )
        #expect(events.output.contains("data: 0"), "\(events.all)")
        try python.stop()
    }

    @Test("New files are served to new connections, and no connection is lost")
    func renewal() throws {
        let second = try Certificate("second", in: engine.scratch)
        try engine.start()
        let client = try run(
            [
                "/usr/bin/env", "python3", "\(Project.fixtures)/tls_client.py",
                "\(engine.httpPort)",
                identity.certificate, identity.key, second.certificate, second.key,
            ],
            in: engine.scratch
        )
        let seen = JSON.object(client.output)
        func subject(_ when: String) -> String? {
            (seen[when] as? Envelope)?["subject"] as? String
        }
        #expect(seen["protocol"] as? String == "http/1.1")
        #expect(subject("before") == "first", "\(client.all)")
        #expect(subject("between") == "first", "\(client.all)")
        #expect(subject("after") == "second", "\(client.all)")
        #expect(subject("kept") == "first")
        #expect((seen["kept"] as? Envelope)?["status"] as? Int == 404)
        #expect(engine.errors.contains("cannot be used, the old ones are"))
        #expect(engine.errors.contains("was read anew"))
    }

    @Test("A handshake that does not end, or is none, costs nobody else anything")
    func noHandshake() throws {
        let scratch = engine.scratch
        let slow = EngineProcess(
            in: scratch,
            engine.arguments + ["--set", "http.header_timeout=500ms"]
        )
        try slow.start()
        let silent = try (0..<20).map { _ in try HTTPPeer(port: slow.httpPort) }
        let plain = try HTTPPeer(port: slow.httpPort)
        try plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let asked = try curl("-w", " %{http_code}", "https://localhost:\(slow.httpPort)/nowhere")
        #expect(asked.output.hasSuffix(" 404"), "\(asked.all)")
        for peer in silent + [plain] { #expect(try peer.ends(within: 10)) }
    }

    @Test("Files that cannot be used are told at the start, with exit 78")
    func badFiles() throws {
        let other = try Certificate("other", in: engine.scratch)
        for (certificate, key) in [
            ("/none.pem", other.key), (other.certificate, "/none.key"),
            (other.certificate, identity.key),
        ] {
            let engine = EngineProcess(
                in: engine.scratch,
                ["--set", "http.tls_certificate=\(certificate)", "--set", "http.tls_key=\(key)"]
            )
            let refused = try engine.refused()
            #expect(refused.ending == .exit(78), "\(refused.all)")
            #expect(refused.errors.contains("TLS"), "\(refused.all)")
        }
    }
}
