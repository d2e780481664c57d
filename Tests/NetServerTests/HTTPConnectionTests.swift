import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import NetServer

/// Stands where the socket is and counts how often it would be read.
private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var reads = 0
    func read(context: ChannelHandlerContext) { reads += 1 }
}

private struct Bench {
    let channel = EmbeddedChannel()
    let service = HoldingService()
    let counter = ReadCounter()

    init(settings: HTTPSettings = HTTPSettings()) throws {
        try channel.pipeline.syncOperations.addHandler(counter)
        try channel.serve(service, settings)
    }

    func receive(_ string: String) throws { try channel.receive(string) }

    func sent() throws -> String { try channel.sent() }
}

@Suite("HTTP connection")
struct HTTPConnectionTests {
    private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("opens one exchange at a time, and reads nothing behind what waits for its turn")
    func oneAtATime() throws {
        let bench = try Bench()
        try bench.receive(get + get + get)
        #expect(bench.service.exchanges.count == 1)
        #expect(bench.service.turns == 1)
        bench.channel.read()
        #expect(bench.counter.reads == 0)
        bench.service.exchanges[0].respond(HTTPReply(status: 200))
        #expect(bench.service.exchanges.count == 2)
        #expect(bench.counter.reads == 0)
        bench.service.exchanges[1].respond(HTTPReply(status: 200))
        #expect(bench.service.exchanges.count == 3)
        // Nothing waits any more: what the client may send next is looked for.
        #expect(bench.counter.reads == 1)
        try bench.receive(get)
        #expect(bench.service.exchanges.count == 3)
        bench.channel.read()
        #expect(bench.counter.reads == 1)
        bench.service.exchanges[2].respond(HTTPReply(status: 200))
        #expect(bench.service.exchanges.count == 4)
        #expect(bench.counter.reads == 2)
        #expect(try bench.sent().ranges(of: "HTTP/1.1 200 OK").count == 3)
    }

    @Test("tells of a client that is gone, once, and takes a late reply")
    func abandoned() throws {
        let bench = try Bench()
        try bench.receive(get)
        var told = 0
        bench.service.exchanges[0].onAbandoned = { told += 1 }
        try bench.channel.close().wait()
        #expect(told == 1)
        bench.service.exchanges[0].respond(HTTPReply(status: 200))
        #expect(told == 1)
    }

    @Test("answers the exchange in progress when the listener closes, and then closes")
    func drains() throws {
        let bench = try Bench()
        try bench.receive(get + get)
        bench.channel.pipeline.fireUserInboundEventTriggered(ListenerDrain(code: 1012))
        #expect(bench.channel.isActive)
        bench.service.exchanges[0].respond(HTTPReply(status: 200))
        #expect(try bench.sent().contains("connection: close\r\n"))
        #expect(!bench.channel.isActive)
        #expect(bench.service.exchanges.count == 1)
    }

    @Test("waits for a head and a body as long as the settings say, not longer")
    func deadlines() throws {
        var settings = HTTPSettings()
        settings.bodyRate = 0
        let bench = try Bench(settings: settings)
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        try bench.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")
        for _ in 0..<4 {
            bench.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
            try bench.receive("x")
        }
        #expect(bench.service.requests.map(\.body.count) == [4])
        // A service may take its time.
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(3600))
        bench.service.exchanges[0].respond(HTTPReply(status: 200))
        #expect(try bench.sent().hasPrefix("HTTP/1.1 200 "))
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        try bench.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(bench.channel.isActive)
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try bench.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test("a body that trickles ends as one that does not come")
    func trickle() throws {
        let bench = try Bench()
        try bench.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n")
        for _ in 0..<29 {
            bench.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try bench.receive("x")
        }
        #expect(bench.channel.isActive)
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(try bench.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test("bodies of all connections have a bound, and make room when they are answered")
    func bodyMemory() throws {
        var settings = HTTPSettings()
        settings.loopBodyBytes = 6
        let bench = try Bench(settings: settings)
        let post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
        for round in 0..<3 {
            try bench.receive(post)
            try #require(bench.service.exchanges.count == round + 1)
            bench.service.exchanges[round].respond(HTTPReply(status: 200))
        }
        let seven = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n1234567"
        _ = try bench.sent()
        try bench.receive(seven)
        #expect(try bench.sent().hasPrefix("HTTP/1.1 503 "))
    }

    /// One with a dam behind it.
    private func slow(
        _ settings: HTTPSettings = HTTPSettings()
    ) throws -> (EmbeddedChannel, Dam, HoldingService) {
        let channel = EmbeddedChannel()
        let dam = Dam()
        let service = HoldingService()
        try channel.pipeline.syncOperations.addHandler(dam)
        try channel.serve(service, settings)
        dam.isShut = true
        return (channel, dam, service)
    }

    @Test("a client that is slow gets the last reply whole, however long that takes")
    func slowEnd() throws {
        let (channel, dam, service) = try slow()
        try channel.receive("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        service.exchanges[0].respond(HTTPReply(status: 200, body: Array("body".utf8)))
        channel.embeddedEventLoop.advanceTime(by: .seconds(600))
        #expect(channel.isActive)
        dam.open()
        #expect(try channel.sent().hasSuffix("\r\n\r\nbody"))
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    /// As a browser does.
    @Test("a client that sends all of its request before it reads the reply gets it")
    func lingers() throws {
        var settings = HTTPSettings()
        settings.bodyBytes = 1000
        let (channel, dam, service) = try slow(settings)
        service.wantsWholeBodies = false
        dam.open()
        try channel.receive("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        service.exchanges[0].respond(HTTPReply(status: 200))
        #expect(try channel.sent().contains("\r\nconnection: close\r\n"))
        for _ in 0..<20 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try #require(channel.isActive)
            try channel.receive(String(repeating: "x", count: 1000))
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test("one that keeps it open without an end is not waited for")
    func trickleBehindTheReply() throws {
        let (channel, dam, service) = try slow()
        dam.open()
        try channel.receive("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        service.exchanges[0].respond(HTTPReply(status: 200))
        for _ in 0..<29 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try channel.receive("x")
        }
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    /// RFC 9110, 15.3.6.
    @Test("205 has a body without content")
    func resetContent() throws {
        let bench = try Bench()
        try bench.receive(get + get)
        bench.service.exchanges[0].respond(HTTPReply(status: 205, body: Array("gone".utf8)))
        let whole = try bench.sent()
        #expect(whole.contains("\r\ncontent-length: 0\r\n"))
        #expect(whole.hasSuffix("\r\n\r\n"))
        bench.service.exchanges[1].begin(HTTPReply(status: 205))
        bench.service.exchanges[1].write(ByteBuffer(string: "gone"))
        bench.service.exchanges[1].end()
        #expect(try bench.sent().hasSuffix("\r\n\r\n0\r\n\r\n"))
    }

    @Test("a connection is not idle before its client has taken the last reply")
    func slowReply() throws {
        let (channel, dam, service) = try slow()
        try channel.receive(get)
        service.exchanges[0].respond(HTTPReply(status: 200, body: Array("body".utf8)))
        channel.embeddedEventLoop.advanceTime(by: .seconds(290))
        #expect(channel.isActive)
        dam.open()
        #expect(try channel.sent().hasSuffix("\r\n\r\nbody"))
        try channel.receive(get)
        #expect(service.exchanges.count == 2)
        service.exchanges[1].respond(HTTPReply(status: 200))
        channel.embeddedEventLoop.advanceTime(by: .seconds(63))
        #expect(!channel.isActive)
    }

    @Test("hands over the peer's address, lower-case names and the order of headers")
    func request() throws {
        let bench = try Bench()
        try bench.receive("GET /a HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nX-A: 2\r\nX-B: 3\r\n\r\n")
        let request = try #require(bench.service.requests.first)
        #expect(request.headers.map(\.name) == ["host", "x-b", "x-a", "x-b"])
        #expect(request.headers.map(\.value) == ["h", "1", "2", "3"])
        #expect(request.header("x-b") == "3")
        #expect(request.header("x-c") == nil)
        #expect(request.remoteAddress == "192.0.2.7")
    }

    /// RFC 9113, 8.2.3.
    @Test("hands over one field of cookies, however many came")
    func cookies() throws {
        let fields = [("Host", "h"), ("Cookie", "a=1"), ("X", "y"), ("COOKIE", "b=2; c=3")]
        let bench = try Bench()
        let lines = fields.map { "\($0): \($1)\r\n" }.joined()
        try bench.receive("GET /a HTTP/1.1\r\n\(lines)Cookie: d=4\r\n\r\n")
        let request = try #require(bench.service.requests.first)
        #expect(request.headers.map(\.name) == ["host", "cookie", "x"])
        #expect(request.headers.map(\.value) == ["h", "a=1; b=2; c=3; d=4", "y"])
    }
}

@Suite("Refusals")
struct RefusalTests {
    private func status(
        _ headers: [(String, String)],
        version: HTTPVersion = .http1_1
    ) -> Int? {
        let all = HTTPHeaders([("Host", "h")] + headers)
        return HTTPRequestHead(version: version, method: .POST, uri: "/", headers: all)
            .defect?.status
    }

    /// Most of these NIO's parser refuses by itself; that is not ours to rely on.
    @Test("meet every ambiguity about where a request ends")
    func framing() {
        #expect(status([]) == nil)
        #expect(status([("Content-Length", "1")]) == nil)
        #expect(status([("Transfer-Encoding", "Chunked")]) == nil)
        #expect(status([("Content-Length", "1"), ("content-length", "1")]) == 400)
        #expect(status([("Content-Length", "1"), ("Transfer-Encoding", "chunked")]) == 400)
        #expect(status([("Transfer-Encoding", "gzip, chunked")]) == 400)
        #expect(status([("Transfer-Encoding", "chunked"), ("TRANSFER-ENCODING", "x")]) == 400)
        #expect(status([("Transfer-Encoding", "chunked")], version: .http1_0) == 400)
    }

    @Test("meet a target that is none of the method's, and a Host that is none")
    func targets() {
        func status(_ method: HTTPMethod, _ uri: String, host: String = "h") -> Int? {
            let headers = HTTPHeaders([("host", host)])
            return HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
                .defect?.status
        }
        #expect(status(.OPTIONS, "*") == nil)
        #expect(status(.GET, "*") == 400)
        #expect(status(.GET, "a") == 400)
        #expect(status(.GET, "http://h/a") == nil)
        #expect(status(.GET, "/", host: "a b") == 400)
    }

    @Test("meet line breaks in headers, and a Host that is missing or doubled")
    func headers() {
        for value in ["a\nb", "a\rb", "a\u{0}b"] { #expect(status([("X", value)]) == 400) }
        #expect(status([("X\n", "a")]) == 400)
        #expect(status([("host", "h")]) == 400)
        let bare = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        #expect(bare.defect?.status == 400)
        let old = HTTPRequestHead(version: .http1_0, method: .GET, uri: "/")
        #expect(old.defect == nil)
    }
}
