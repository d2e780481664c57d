import Glibc
import NIOCore
import NIOPosix
import Primitives
import TestKit
import Testing

@testable import NetServer

@Suite("WebSocket listener", .ownThread)
struct WebSocketListenerTests {
    @Test("upgrades, echoes and closes over a real socket")
    func roundTrip() async throws {
        let notes = RecordingSession.Notes()
        try await withWebSockets(route: { _ in .accept { echoing(notes) } }) { listener in
            let peer = try Peer(port: listener.port)
            // A client may send right behind its request.
            peer.send(
                Array(Peer.upgradeRequest(headers: "Sec-WebSocket-Extensions: x\r\n").utf8)
                    + text("early")
            )
            let head = try peer.read(through: "\r\n\r\n").lowercased()
            #expect(head.hasPrefix("http/1.1 101 "))
            #expect(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"))
            #expect(!head.contains("sec-websocket-protocol"))
            #expect(!head.contains("sec-websocket-extensions"))
            #expect(try peer.readFrame() == .text("early"))
            let large = String(repeating: "x", count: 300_000)
            peer.send(text(large) + text("😀"))
            #expect(try peer.readFrame() == .text(large))
            #expect(try peer.readFrame() == .text("😀"))
            peer.send(frame(8, [0x03, 0xE8]))
            #expect(try peer.readFrame() == .close(1000))
            #expect(try peer.readToEnd().isEmpty)
        }
        #expect(notes.closings == [.peer(code: 1000)])
    }

    @Test("hands the route what was asked, and answers with its refusal")
    func routes() async throws {
        try await withWebSockets(route: { request in
            let seen =
                "\(request.path) \(request.query ?? "-") \(request.isUpgrade) "
                + "\(request.remoteAddress) \(request.header("x-test") ?? "-")"
            return .refuse(status: 404, body: seen)
        }) { listener in
            let plain = try Peer(port: listener.port)
            plain.send("GET /a%20b?x=1?y HTTP/1.1\r\nHost: h\r\nX-Test: 7\r\n\r\n")
            let answer = try plain.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(answer.hasSuffix("/a%20b x=1?y false 127.0.0.1 7\n"))
            let upgrade = try Peer(port: listener.port)
            upgrade.send(Peer.upgradeRequest("/otel"))
            #expect(try upgrade.readToEnd().hasSuffix("/otel - true 127.0.0.1 -\n"))
        }
    }

    @Test(
        "refuses what is no proper handshake",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 426),
            ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 426),
            (Peer.upgradeRequest().replacing("Version: 13", with: "Version: 12"), 426),
            (Peer.upgradeRequest().replacing("GET", with: "PUT"), 400),
            (Peer.upgradeRequest().replacing("dGhlIHNhbXBsZSBub25jZQ==", with: "short"), 400),
            (Peer.upgradeRequest().replacing("keep-alive, Upgrade", with: "keep-alive"), 400),
            (Peer.upgradeRequest().replacing("Host: localhost\r\n", with: ""), 400),
            (Peer.upgradeRequest(headers: "Host: other\r\n"), 400),
            ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400),
            ("NONSENSE\r\n\r\n", 501),
            (Peer.upgradeRequest(headers: "X: \(String(repeating: "y", count: 17_000))\r\n"), 431),
            (Peer.upgradeRequest(headers: String(repeating: "X: y\r\n", count: 100)), 431),
        ]
    )
    func handshakes(request: String, status: Int) async throws {
        try await withWebSockets(route: { _ in .accept { RecordingSession() } }) { listener in
            let peer = try Peer(port: listener.port)
            peer.send(request)
            let answer = try peer.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect((status == 426) == answer.contains("Sec-WebSocket-Version: 13"))
        }
    }

    @Test("selects the subprotocol that carries a token, and no other")
    func subprotocol() async throws {
        try await withWebSockets(route: { _ in .accept { RecordingSession() } }) { listener in
            let browser = try Peer(port: listener.port)
            let head = try browser.upgrade(headers: "Sec-WebSocket-Protocol: a, bearer.t\r\n")
            #expect(head.contains("Sec-WebSocket-Protocol: bearer.t\r\n"))
            let other = try Peer(port: listener.port)
            let plain = try other.upgrade(headers: "Sec-WebSocket-Protocol: a, b\r\n")
            #expect(!plain.lowercased().contains("sec-websocket-protocol"))
        }
    }

    @Test("fails a message over the limit with 1009, whose frame reaches the peer")
    func tooLarge() async throws {
        let notes = RecordingSession.Notes()
        try await withWebSockets(route: { _ in .accept { RecordingSession(notes: notes) } }) {
            let peer = try Peer(port: $0.port)
            _ = try peer.upgrade()
            // Unread bytes behind the bad frame must not cost the peer the reason.
            peer.send(frame(1, [UInt8](repeating: 0x61, count: 500_000), declaring: 64 << 20 | 1))
            #expect(try peer.readFrame().closeCode == 1009)
        }
        #expect(notes.texts.isEmpty)
    }

    @Test("ends a handshake that does not come")
    func deadline() async throws {
        var settings = WebSocketSettings()
        // A busy machine may take its time with the handshake that does come.
        settings.handshakeDeadline = .seconds(3)
        try await withWebSockets(settings: settings, route: { _ in .accept { echoing() } }) {
            let silent = try Peer(port: $0.port)
            silent.send("GET / HTTP/1.1\r\nHost:")
            #expect(try silent.readToEnd().isEmpty)
            let established = try Peer(port: $0.port)
            _ = try established.upgrade()
            let late = try Peer(port: $0.port)
            #expect(try late.readToEnd().isEmpty)
            established.send(text("alive"))
            #expect(try established.readFrame() == .text("alive"))
        }
    }

    @Test(
        "closes connections over the limit without an answer, and takes new ones afterwards",
        arguments: [false, true]
    )
    func connectionLimit(ofDescriptors: Bool) async throws {
        var settings = WebSocketSettings()
        if ofDescriptors {
            settings.descriptors = DescriptorShare(own: 1, of: DescriptorPool(0))
        } else {
            settings.maximumConnections = 1
        }
        try await withWebSockets(settings: settings, route: { _ in .accept { echoing() } }) {
            let first = try Peer(port: $0.port)
            _ = try first.upgrade()
            let second = try Peer(port: $0.port)
            #expect(try second.readToEnd().isEmpty)
            first.send(frame(8, [0x03, 0xE8]))
            _ = try first.readFrame()
            first.close()
            while $0.connectionCount > 0 { await Task.yield() }
            let third = try Peer(port: $0.port)
            #expect(try third.upgrade().hasPrefix("HTTP/1.1 101"))
        }
    }

    @Test("closes with 1012, and listens no more")
    func drains() async throws {
        let notes = RecordingSession.Notes()
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await Listener.webSocket(on: anyPort, group: group) { _ in
            .accept { RecordingSession(notes: notes) }
        }
        let peer = try Peer(port: listener.port)
        _ = try peer.upgrade()
        let unfinished = try Peer(port: listener.port)
        unfinished.send("GET / HT")
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Not on the thread of this test, which waits for what it does.
            group.addTask(executorPreference: ThreadExecutor("closing")) { await listener.close() }
            #expect(try peer.readFrame() == .close(1012))
            peer.send(frame(8, [0x03, 0xF4]))
            #expect(try peer.readToEnd().isEmpty)
            #expect(try unfinished.readToEnd().isEmpty)
            try await group.waitForAll()
        }
        #expect(notes.closings == [.shutdown])
        #expect(listener.connectionCount == 0)
        // A process that another test starts has the socket from its fork to its exec, and another
        // listener may get the port: neither for long.
        let deadline = ContinuousClock.now + .seconds(30)
        var listens = true
        while listens, ContinuousClock.now < deadline {
            listens = (try? Peer(port: listener.port)) != nil
            await Task.yield()
        }
        #expect(!listens, "nobody listens there now")
    }

    @Test("names the address that is in use, or cannot be bound")
    func bindErrors() async throws {
        try await withWebSockets(route: { _ in .refuse(status: 404, body: "") }) { listener in
            await #expect(throws: ListenerError.addressInUse(listener.address)) {
                _ = try await Listener.webSocket(
                    on: listener.address,
                    group: MultiThreadedEventLoopGroup.singleton
                ) { _ in .refuse(status: 404, body: "") }
            }
        }
        let foreign = ListenAddress(host: "192.0.2.1", port: 1)
        let error = await #expect(throws: ListenerError.self) {
            _ = try await Listener.webSocket(
                on: foreign,
                group: MultiThreadedEventLoopGroup.singleton
            ) { _ in .refuse(status: 404, body: "") }
        }
        let reason = "Cannot assign requested address (this machine has no such address)"
        #expect(error == .cannotBind(foreign, reason: reason))
    }

    @Test("outlives running out of file descriptors")
    func fileDescriptors() async {
        await #expect(processExitsWith: .success) {
            try await withWebSockets(route: { _ in .accept { echoing() } }) { listener in
                var limit = rlimit(rlim_cur: 256, rlim_max: 256)
                try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
                var peers: [Peer] = []
                // Each connection takes two descriptors of this process; the kernel accepts the
                // last ones itself, and they wait.
                while peers.count < 256, let peer = try? Peer(port: listener.port) {
                    peers.append(peer)
                }
                try #require(peers.count < 256)
                peers.removeAll()
                let peer = try Peer(port: listener.port)
                try #require(try peer.upgrade().hasPrefix("HTTP/1.1 101"))
            }
        }
    }
}
