import Testing

extension Programs {
    /// Who reaches workers and streams of an engine on loopback by a name, or through a proxy.
    @Suite("Access to workers and streams")
    struct ListenerAccessTests {}
}

extension Programs.ListenerAccessTests {
    private static let token = "Authorization: Bearer s3cret"
    private static let proxy = "X-Forwarded-For: 203.0.113.7"
    private static let upgrade = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    /// Of a request that is refused.
    private func status(
        _ port: Int,
        _ path: String,
        host: String,
        _ headers: [String]
    ) throws -> Int {
        let peer = try HTTPPeer(port: port)
        let lines = ["GET \(path) HTTP/1.1", "Host: \(host)"] + headers
        try peer.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        return try peer.response().status
    }

    @Test(
        "A page that comes by a name of its own, and whoever a proxy brings, needs the token",
        arguments: [["--set", "security.token=s3cret"], []]
    )
    func refused(settings: [String]) throws {
        let engine = try EngineProcess.started(settings)
        let (worker, stream) = (engine.workerPort, engine.streamPort)
        let endpoints: [(port: Int, path: String, headers: [String])] = [
            (worker, "/", Self.upgrade), (worker, "/otel", Self.upgrade),
            (stream, "/", Self.upgrade), (stream, "/stream/board/g", []),
        ]
        for (port, path, headers) in endpoints {
            let rebound = try status(port, path, host: "evil.example:\(port)", headers)
            #expect(rebound == 421, "\(path)")
            let wrong = headers + ["Authorization: Bearer wrong"]
            #expect(try status(port, path, host: "evil.example", wrong) == 421, "\(path)")
            for host in ["iii.example.com", "127.0.0.1:\(port)"] {
                let brought = try status(port, path, host: host, headers + [Self.proxy])
                #expect(brought == 401, "\(path) \(host)")
            }
            #expect(try status(port, path, host: "10.0.0.1:\(port)", headers) == 401, "\(path)")
        }
    }

    @Test("Whoever a proxy brings is let in with the token")
    func allowed() throws {
        let engine = try EngineProcess.started(["--set", "security.token=s3cret"])
        let headers = [Self.proxy, Self.token]
        _ = try WebSocket(port: engine.workerPort, headers: headers)
        _ = try WebSocket(port: engine.workerPort, path: "/?token=s3cret", headers: [Self.proxy])
        _ = try WebSocket(port: engine.streamPort, headers: headers)
        let events = try EventStreamClient(engine, "/stream/board/g", headers: headers)
        #expect(events.head.status == 200)
        #expect(!engine.errors.contains("s3cret"), "\(engine.errors)")
    }
}
