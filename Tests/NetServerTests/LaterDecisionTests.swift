import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import NetServer

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
