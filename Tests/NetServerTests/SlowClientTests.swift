import Glibc
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import NetServer

/// Answers everything with so many bytes.
private final class LargeService: HTTPService {
    private let count: Int

    init(_ count: Int) { self.count = count }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.respond(HTTPReply(status: 200, body: [UInt8](repeating: 0, count: count)))
    }

    func readCompleted() {}
}

/// The kernel takes all of these replies at once, and the client's takes but a little of them until
/// it is read from: what is under way is in no buffer of ours.
@Suite("Clients that are slow, behind the kernel", .ownThread)
struct SlowClientTests {
    private static let receiveBuffer: CInt = 16 << 10

    /// Reads nothing for longer than the deadlines that are short here. By no suspension: that
    /// could last until other tests let go of the pool's threads, and TCP gives up on such a
    /// client.
    private func pause() { usleep(2_500_000) }

    /// HTTP/2 without TLS, of which nothing is tested here.
    private func withHTTP2(
        _ settings: HTTPSettings,
        replies count: Int,
        _ body: (Peer) async throws -> Void
    ) async throws {
        let listening = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let service = LoopService(
                        eventLoop: channel.eventLoop,
                        service: LargeService(count)
                    )
                    try HTTP2Connection.configure(channel, settings: settings, service: service)
                }
            }
            .bind(host: anyPort.host, port: 0).get()
        defer { listening.close(promise: nil) }
        let port = try #require(listening.localAddress?.port)
        let peer = try Peer(port: port, receiveBuffer: Self.receiveBuffer)
        peer.send(WireFrame.preface + WireFrame(kind: .settings).bytes + WireFrame.get(1).bytes)
        try await body(peer)
    }

    @Test("a connection of HTTP/1.1 is not idle before its client has the last reply")
    func idle() async throws {
        var settings = HTTPSettings()
        settings.idleTimeout = .milliseconds(900)
        let listener = try await Listener.http(
            on: anyPort,
            group: MultiThreadedEventLoopGroup.singleton,
            settings: settings
        ) { _ in LargeService(60_000) }
        let peer = try Peer(port: listener.port, receiveBuffer: Self.receiveBuffer)
        peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        pause()
        peer.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let answers = Result { try peer.readToEnd() }
        await listener.close(grace: .milliseconds(100))
        #expect(try answers.get().ranges(of: "HTTP/1.1 200 OK").count == 2)
    }

    /// A stream's window is 65,535 bytes: the rest of the reply waits for the client.
    @Test("a stream is not broken off before its client has what the window let come")
    func stream() async throws {
        var settings = HTTPSettings()
        settings.replyIdle = .milliseconds(900)
        try await withHTTP2(settings, replies: 100_000) { peer in
            pause()
            for stream: UInt8 in [0, 1] {
                peer.send(WireFrame.grant(40_000, on: stream).bytes)
            }
            var count = 0
            while true {
                let frame = try peer.readWireFrame()
                try #require(frame.kind != .reset, "after \(count) bytes")
                guard frame.kind == .data else { continue }
                count += frame.payload.count
                if frame.isLast { break }
            }
            #expect(count == 100_000)
        }
    }

    @Test("a PING need not be answered before what was sent ahead of it was taken")
    func ping() async throws {
        var settings = HTTPSettings()
        settings.idleTimeout = .milliseconds(300)
        settings.replyIdle = .milliseconds(900)
        try await withHTTP2(settings, replies: 60_000) { peer in
            pause()
            // It is answered, where there is still somebody.
            let own = [UInt8](repeating: 7, count: 8)
            peer.send(WireFrame(kind: .ping, payload: own).bytes)
            var kinds: [WireFrame.Kind?] = []
            while true {
                let frame = try peer.readWireFrame()
                kinds.append(frame.kind)
                if frame.kind == .ping, frame.isLast {
                    #expect(frame.payload == own)
                    break
                }
            }
            #expect(kinds.contains(.goodbye), "nothing is tested: it was not idle")
        }
    }
}
