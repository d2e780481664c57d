import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import NetServer

/// Answers with what it was asked; `/later` waits until `/now` has come on another connection, and
/// `/half` breaks off.
private final class DescribingService: HTTPService {
    private var waiting: [HTTPExchange] = []
    private let log: Log

    final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    init(log: Log) { self.log = log }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        log.add("receive \(request.path)")
        if request.path == "/later" {
            let log = log
            exchange.onAbandoned = { log.add("abandoned") }
            waiting.append(exchange)
            return
        }
        if request.path == "/half" {
            exchange.begin(HTTPReply(status: 200))
            exchange.write(ByteBuffer(string: "half"))
            return exchange.abort()
        }
        let body = String(decoding: request.body.prefix(100), as: UTF8.self)
        let line = "\(request.method) \(request.path) \(request.query ?? "-") \(body)"
        let status = request.header("x-status").flatMap { Int($0) } ?? 200
        let reply = HTTPReply(
            status: status,
            headers: [("X-A", "1"), ("x-a", "2"), ("bad name", "x"), ("X-Bad", "a\r\nb")],
            body: Array("\(line)\n".utf8)
        )
        exchange.respond(reply)
    }

    func readCompleted() { log.add("readCompleted") }
}

/// Runs `body` against a listener for HTTP with one event loop of its own.
private func withHTTP(
    _ settings: HTTPSettings = HTTPSettings(),
    on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
    _ body: (Listener, DescribingService.Log) async throws -> Void
) async throws {
    let log = DescribingService.Log()
    let listener = try await Listener.http(
        on: anyPort,
        group: loop,
        settings: settings
    ) { _ in DescribingService(log: log) }
    do { try await body(listener, log) } catch {
        await listener.close(grace: .milliseconds(100))
        throw error
    }
    await listener.close(grace: .milliseconds(100))
}

@Suite("HTTP listener", .ownThread)
struct HTTPListenerTests {
    @Test("answers over a real socket and keeps the connection")
    func roundTrip() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            for round in 0..<3 {
                peer.send(
                    "POST /a%2Fb?q=\(round) HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
                )
                let answer = try peer.read(through: "body\n")
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ndate: "))
                #expect(answer.contains(" GMT\r\ncontent-length: "))
                #expect(answer.hasSuffix("\r\n\r\nPOST /a%2Fb q=\(round) body\n"))
                #expect(!answer.contains("ad name"))
                #expect(!answer.contains("X-Bad"))
            }
        }
    }

    @Test("answers pipelined requests in their order, thousands as well as few")
    func pipelining() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await withHTTP(on: loop) { listener, log in
            let peer = try Peer(port: listener.port)
            let count = 5000
            let requests = (0..<count).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }
            peer.send(
                requests.joined() + "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            )
            let answers = try peer.readToEnd()
            let lines = answers.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("GET /") }
            let isInOrder = lines == (0..<count).map { "GET /\($0) - " } + ["GET /last - "]
            #expect(isInOrder, "\(lines.count) answers")
            #expect(log.all.filter { $0 == "readCompleted" }.count < count / 10)
            // The last answer may be here before the loop is done with what it has read.
            try await loop.submit {}.get()
            #expect(log.all.last == "readCompleted")
        }
    }

    @Test("reads chunked bodies")
    func chunked() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            peer.send("3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n")
            #expect(try peer.read(through: "abcdefg\n").contains("PUT / - abcdefg"))
        }
    }

    @Test("sends no body with HEAD, 204 and 304")
    func bodiless() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try peer.read(through: "\r\n\r\n").contains("content-length: 11\r\n"))
            for status in ["204", "304"] {
                peer.send("GET / HTTP/1.1\r\nHost: h\r\nX-Status: \(status)\r\n\r\n")
                let head = try peer.read(through: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 \(status) "))
                #expect(!head.contains("content-length"))
            }
            peer.send("GET /end HTTP/1.1\r\nHost: h\r\nX-Status: 101\r\nConnection: close\r\n\r\n")
            #expect(try peer.readToEnd().hasPrefix("HTTP/1.1 500 "))
        }
    }

    @Test("closes after HTTP/1.0, unless asked to keep the connection")
    func oldVersion() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try peer.read(through: "/kept - \n").contains("connection: keep-alive\r\n"))
            peer.send("GET /end HTTP/1.0\r\n\r\n")
            #expect(try peer.readToEnd().contains("connection: close\r\n"))
        }
    }

    @Test("a body that ends with its connection does not look whole when it is cut")
    func oldVersionCut() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("GET /half HTTP/1.0\r\n\r\n")
            _ = try peer.read(through: "\r\n\r\nhalf")
            let end = #expect(throws: Peer.Failure.self) { try peer.read(through: "more") }
            #expect(end?.what.hasPrefix("recv: \(ECONNRESET) ") == true, "\(end?.what ?? "")")
        }
    }

    @Test("asks for a body that waits for 100 Continue")
    func expectation() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: "
            peer.send("\(head)100-continue\r\n\r\n")
            #expect(try peer.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            peer.send("body")
            #expect(try peer.read(through: "body\n").hasPrefix("HTTP/1.1 200 "))
            peer.send("\(head)miracles\r\n\r\n")
            #expect(try peer.readToEnd().hasPrefix("HTTP/1.1 417 "))
        }
    }

    @Test(
        "refuses a body over the limit without reading it",
        arguments: [
            "Content-Length: 1001\r\n\r\n",
            "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
            "Content-Length: 99999999999\r\n\r\nabc",
            "Transfer-Encoding: chunked\r\n\r\n3E9\r\n" + String(repeating: "x", count: 1001),
        ]
    )
    func bodyLimit(rest: String) async throws {
        var settings = HTTPSettings()
        settings.bodyBytes = 1000
        try await withHTTP(settings) { listener, log in
            let peer = try Peer(port: listener.port)
            peer.send("POST / HTTP/1.1\r\nHost: h\r\n\(rest)")
            let answer = try peer.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
            #expect(answer.contains("connection: close\r\n"))
            #expect(log.all.isEmpty)
            let exact = try Peer(port: listener.port)
            let body = String(repeating: "x", count: 1000)
            exact.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n\(body)")
            #expect(try exact.read(through: "xx\n").hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// 128 reads of 64 KiB, 5 ms apart; the event loop would be done with them in a few.
    @Test("a peer that sends on behind its refusal gets little of the event loop")
    func flood() async throws {
        var settings = HTTPSettings()
        settings.bodyBytes = 8 << 20
        try await withHTTP(settings) { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n")
            #expect(try peer.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 413 "))
            let flood = [UInt8](repeating: 0, count: 64 << 20)
            let time = ContinuousClock().measure { peer.send(flood) }
            #expect(time > .milliseconds(400))
        }
    }

    @Test("refuses what is malformed, ambiguous or too much", arguments: Self.malformedRequests)
    func malformed(request: String, status: Int) async throws {
        try await withHTTP { listener, log in
            let peer = try Peer(port: listener.port)
            peer.send(request)
            let answer = try peer.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(answer.components("HTTP/1.1 ") == 1, "\(answer)")
            #expect(log.all.isEmpty)
        }
    }

    static let malformedRequests: [(String, Int)] = [
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", 400),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            400
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: h\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{0}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
        ("GET /\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}", 501),
        ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("GET / HTTP/3.0\r\nHost: h\r\n\r\n", 400),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: h\r\n\(String(repeating: "X: a\r\n", count: 100))\r\n", 431),
    ]

    @Test("answers what came before a malformed request, in order")
    func malformedBehindGood() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("GET /good HTTP/1.1\r\nHost: h\r\n\r\nBREW / HTTP/1.1\r\n\r\n")
            let answer = try peer.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("GET /good - \nHTTP/1.1 501 "))
        }
    }

    @Test("takes the absolute form of a target, and requests that offer an upgrade")
    func forms() async throws {
        try await withHTTP { listener, _ in
            let peer = try Peer(port: listener.port)
            peer.send("GET http://h:80/p?q HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try peer.read(through: "GET /p q \n")
            peer.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try peer.read(through: "OPTIONS * - \n")
            peer.send("PROPPATCH /p HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try peer.read(through: "PROPPATCH /p - \n")
            peer.send("GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            #expect(!(try peer.read(through: "GET /up - \n").contains("connection: close\r\n")))
            peer.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try peer.read(through: "GET /next - \n")
        }
    }

    /// Only the one deadline is short: on a busy machine another would come first.
    @Test("gives up on a head and on a body that do not come")
    func deadlines() async throws {
        var settings = HTTPSettings()
        settings.headerDeadline = .milliseconds(50)
        try await withHTTP(settings) { listener, _ in
            let slowHead = try Peer(port: listener.port)
            slowHead.send("GET / HT")
            #expect(try slowHead.readToEnd().hasPrefix("HTTP/1.1 408 "))
        }
        settings = HTTPSettings()
        settings.bodyIdle = .milliseconds(50)
        try await withHTTP(settings) { listener, _ in
            let slowBody = try Peer(port: listener.port)
            slowBody.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab")
            #expect(try slowBody.readToEnd().hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test("closes a connection that is not used any more")
    func idle() async throws {
        var settings = HTTPSettings()
        settings.idleTimeout = .milliseconds(100)
        try await withHTTP(settings) { listener, _ in
            let idle = try Peer(port: listener.port)
            idle.send("GET /idle HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try idle.read(through: "/idle - \n")
            #expect(try idle.readToEnd().isEmpty)
        }
    }

    @Test("says when a client goes away before the reply", .timeLimit(.minutes(1)))
    func abandoned() async throws {
        try await withHTTP { listener, log in
            let peer = try Peer(port: listener.port)
            peer.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
            while !log.all.contains("receive /later") { await Task.yield() }
            peer.close()
            while !log.all.contains("abandoned") { await Task.yield() }
            while listener.connectionCount > 0 { await Task.yield() }
        }
    }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}

@Suite("HTTP targets and dates")
struct HTTPTargetTests {
    @Test(
        "are split at the first question mark",
        arguments: [
            ("/", "/", nil), ("/a?b?c", "/a", "b?c"), ("/a?", "/a", ""), ("*", "*", nil),
            ("http://h", "/", nil), ("HTTPS://h:1?q", "/", "q"), ("http://h/a/b?c", "/a/b", "c"),
            ("//h/a", "//h/a", nil), ("/http://h/a", "/http://h/a", nil),
        ] as [(String, String, String?)]
    )
    func targets(uri: String, path: String, query: String?) {
        #expect(HTTPTarget(uri).path == path)
        #expect(HTTPTarget(uri).query == query)
    }

    @Test("are written as RFC 9110 wants them")
    func dates() {
        #expect(httpDate(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(httpDate(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    }
}
