import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import NetServer

@Suite("Preflights", .ownThread)
struct PreflightTests {
    private static let origin = "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n"

    @Test("are told apart from other requests, and answered without a body")
    func answered() async throws {
        try await withWebSockets(
            route: { request in
                request.isPreflight
                    ? .permit(headers: [("Access-Control-Allow-Origin", "https://a.example")])
                    : .refuse(status: 404, body: "no\n")
            }
        ) { listener in
            let method = "Access-Control-Request-Method: GET\r\n"
            let asked = try Peer(port: listener.port)
            asked.send(Self.origin + method + "\r\n")
            let answer = try asked.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 204 "))
            #expect(answer.contains("\r\nAccess-Control-Allow-Origin: https://a.example\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
            let other = Self.origin.replacing("OPTIONS", with: "GET") + method
            for request in [Self.origin, other] {
                let peer = try Peer(port: listener.port)
                peer.send(request + "\r\n")
                #expect(try peer.readToEnd().hasPrefix("HTTP/1.1 404 "))
            }
        }
    }

    @Test("are judged by their origin alone")
    func judged() {
        let policy = AccessPolicy(token: "secret", origins: ["https://a.example"])
        func status(_ origin: String) -> Int {
            let access = policy.check(
                remoteAddress: "192.0.2.7",
                headers: [("origin", origin)],
                query: nil,
                isPreflight: true
            )
            return if case .refused(let status, _) = access { status } else { 0 }
        }
        #expect(status("https://a.example") == 0)
        #expect(status("https://b.example") == 403)
    }
}

@Suite("Decisions that take time", .ownThread)
struct LaterDecisionTests {
    /// Decides half a heartbeat later, on the same loop.
    private static func later(
        _ decision: @escaping @Sendable () -> UpgradeDecision
    )
        -> UpgradeDecision
    {
        .later { decided in
            guard let loop = MultiThreadedEventLoopGroup.currentEventLoop else {
                preconditionFailure("a route is asked on an event loop")
            }
            loop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { decided(decision()) }
        }
    }

    @Test("let in, and lose nothing that the client sent meanwhile")
    func accepted() async throws {
        let notes = RecordingSession.Notes()
        try await withWebSockets(
            route: { _ in Self.later { .accept { echoing(notes) } } }
        ) { listener in
            let peer = try Peer(port: listener.port)
            peer.send(Array(Peer.upgradeRequest().utf8) + text("early"))
            let head = try peer.read(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            #expect(try peer.readFrame() == .text("early"))
            peer.send(frame(8, [0x03, 0xE8]))
            #expect(try peer.readFrame() == .close(1000))
        }
    }

    @Test("refuse with a status, before the upgrade")
    func refused() async throws {
        try await withWebSockets(
            route: { _ in Self.later { .refuse(status: 401, body: "no\n") } }
        ) { listener in
            let peer = try Peer(port: listener.port)
            peer.send(Peer.upgradeRequest())
            let answer = try peer.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 401 "))
            #expect(answer.hasSuffix("no\n\n") || answer.hasSuffix("no\n"))
        }
    }

    @Test("may drop the connection without an answer")
    func dropped() async throws {
        try await withWebSockets(route: { _ in Self.later { .drop } }) { listener in
            let peer = try Peer(port: listener.port)
            peer.send(Peer.upgradeRequest())
            #expect(try peer.readToEnd() == "")
        }
    }

    @Test("are not asked for where the handshake is not sound")
    func unsound() async throws {
        try await withWebSockets(
            route: { _ in
                .later { _ in Issue.record("asked about what is no WebSocket") }
            }
        ) { listener in
            for request in [
                "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
                Peer.upgradeRequest().replacing("Version: 13", with: "Version: 12"),
            ] {
                let peer = try Peer(port: listener.port)
                peer.send(request)
                #expect(try peer.readToEnd().hasPrefix("HTTP/1.1 426 "))
            }
        }
    }
}
