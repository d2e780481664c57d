import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import NetServer

/// Answers by pieces: `/whole` ends, `/half` breaks off, and `/open` does neither.
private final class PiecemealService: HTTPService {
    final class Log: Sendable {
        private let paths = Mutex<[String]>([])
        var all: [String] { paths.withLock { $0 } }
        func add(_ path: String) { paths.withLock { $0.append(path) } }
    }

    private let log: Log
    private var open: [HTTPExchange] = []

    init(_ log: Log) { self.log = log }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.begin(HTTPReply(status: 200))
        exchange.write(ByteBuffer(string: "piece"))
        switch request.path {
        case "/whole": exchange.end()
        case "/half": exchange.abort()
        default: open.append(exchange)
        }
        log.add(request.path)
    }

    func readCompleted() {}
}

/// The client of OpenSSL, which tells an end by TLS's own word from every other.
private struct SecureClient {
    struct Failure: Error {}

    private let pipe: UnsafeMutablePointer<FILE>

    /// Asks for `path`, by HTTP/1.0.
    init(_ path: String, port: Int) throws {
        let client = "timeout 60 openssl s_client -quiet -connect 127.0.0.1:\(port) 2>&1"
        guard let pipe = popen("printf 'GET \(path) HTTP/1.0\\r\\n\\r\\n' | \(client)", "re") else {
            throw Failure()
        }
        self.pipe = pipe
    }

    /// Waits for the end of the connection: its status is 0 where that was in order.
    func finish() -> (status: CInt, output: String) {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&buffer, 1, buffer.count, pipe)
            guard count > 0 else { break }
            output += buffer[..<count]
        }
        let status = pclose(pipe) >> 8 & 0xFF
        return (status, String(decoding: output, as: UTF8.self))
    }
}

/// HTTP/1.0 has no chunks: a body of which nobody knows the length ends with its connection, which
/// must not end in order where the body is cut.
@Suite("Replies that end with their connection", .ownThread)
struct CutReplyTests {
    /// The certificate of `localhost`, for TLS.
    private static func identity() throws -> TLSIdentity {
        let file: String = #filePath
        let pem = file.replacing(
            "NetServerTests/CutReplyTests.swift",
            with: "ProcessTests/Fixtures/localhost.pem"
        )
        return try TLSIdentity(certificate: pem, key: pem) { _ in }
    }

    private func withPieces(
        _ identity: TLSIdentity? = nil,
        _ body: (Listener, PiecemealService.Log) async throws -> Void
    ) async throws {
        let log = PiecemealService.Log()
        let listener = try await Listener.http(
            on: anyPort,
            group: MultiThreadedEventLoopGroup.singleton,
            identity: identity
        ) { _ in PiecemealService(log) }
        do { try await body(listener, log) } catch {
            await listener.close(grace: .milliseconds(100))
            throw error
        }
        await listener.close(grace: .milliseconds(100))
    }

    @Test("over TLS, a whole one ends by TLS's own word, and one that breaks off does not")
    func secure() async throws {
        try await withPieces(Self.identity()) { listener, _ in
            let whole = try SecureClient("/whole", port: listener.port).finish()
            #expect(whole.output.contains("connection: close\r\n\r\npiece"), "\(whole.output)")
            #expect(whole.status == 0, "\(whole.output)")
            let half = try SecureClient("/half", port: listener.port).finish()
            #expect(half.output.contains("errno=\(ECONNRESET)"), "\(half.output)")
            #expect(half.status != 0, "\(half.output)")
        }
    }

    @Test("one that is cut off by its listener does not look whole")
    func cutByListener() async throws {
        try await withPieces { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("GET /open HTTP/1.0\r\n\r\n")
            _ = try peer.read(through: "\r\n\r\npiece")
            await listener.close(grace: .milliseconds(50))
            let end = #expect(throws: Peer.Failure.self) { try peer.read(through: "more") }
            #expect(end?.what.hasPrefix("recv: \(ECONNRESET) ") == true, "\(end?.what ?? "")")
        }
    }

    @Test("nor does it over TLS")
    func cutByListenerSecurely() async throws {
        try await withPieces(Self.identity()) { listener, log in
            let client = try SecureClient("/open", port: listener.port)
            while log.all.isEmpty { await Task.yield() }
            await listener.close(grace: .milliseconds(50))
            let cut = client.finish()
            #expect(cut.output.contains("errno=\(ECONNRESET)"), "\(cut.output)")
            #expect(cut.status != 0, "\(cut.output)")
        }
    }
}
