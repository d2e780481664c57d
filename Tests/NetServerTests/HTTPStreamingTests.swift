import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import NetServer

/// Takes JSON whole and everything else by request.
private final class StreamingService: HTTPService {
    var requests: [HTTPRequest] = []
    var exchanges: [HTTPExchange] = []

    func wantsWholeBody(header: (String) -> String?) -> Bool {
        header("content-type") == "application/json"
    }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        requests.append(request)
        exchanges.append(exchange)
    }

    func readCompleted() {}
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var reads = 0
    func read(context: ChannelHandlerContext) { reads += 1 }
}

/// The pieces of a body that were read.
private final class Pieces {
    var all: [String] = []
    func read(_ exchange: HTTPExchange, pausing: Bool = false) {
        exchange.readBody { [unowned exchange] part in
            switch part {
            case .bytes(let bytes): self.all.append(String(buffer: bytes))
            case .end: self.all.append("end")
            }
            if pausing { exchange.pauseBody() }
        }
    }
}

private struct Bench {
    let channel = EmbeddedChannel()
    let service = StreamingService()
    let counter = ReadCounter()
    let pieces = Pieces()

    init(settings: HTTPSettings = HTTPSettings()) throws {
        try channel.pipeline.syncOperations.addHandler(counter)
        try channel.serve(service, settings)
        counter.reads = 0
    }

    func receive(_ string: String) throws { try channel.receive(string) }

    func sent() throws -> String {
        channel.embeddedEventLoop.run()
        return try channel.sent()
    }

    /// Reads that reach the socket when NIO asks for one.
    func readsOfAsking() -> Int {
        counter.reads = 0
        channel.read()
        return counter.reads
    }

    var exchange: HTTPExchange {
        get throws { try #require(service.exchanges.last) }
    }
}

private let post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n"
private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
private let ok = HTTPReply(status: 200, body: Array("ok".utf8))

@Suite("HTTP bodies on request")
struct HTTPRequestBodyTests {
    @Test("an exchange opens with the head; the body stays in the socket until it is read")
    func onRequest() throws {
        let bench = try Bench()
        try bench.receive(post + "ab")
        #expect(bench.service.requests.count == 1)
        #expect(bench.service.requests[0].body.isEmpty)
        let exchange = try bench.exchange
        #expect(exchange.hasBody)
        #expect(bench.readsOfAsking() == 0)
        bench.pieces.read(exchange)
        #expect(bench.pieces.all == ["ab"])
        #expect(bench.counter.reads == 1)
        try bench.receive("cd")
        exchange.pauseBody()
        #expect(bench.readsOfAsking() == 0)
        try bench.receive("ef" + get)
        #expect(bench.pieces.all == ["ab", "cd"])
        exchange.resumeBody()
        #expect(bench.pieces.all == ["ab", "cd", "ef", "end"])
        #expect(bench.readsOfAsking() == 0)
        exchange.respond(ok)
        #expect(try bench.sent().hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(bench.service.requests.count == 2)
    }

    @Test("a reader that pauses within a piece gets no other before it resumes")
    func pausing() throws {
        let bench = try Bench()
        try bench.receive("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        let exchange = try bench.exchange
        bench.pieces.read(exchange, pausing: true)
        try bench.receive("1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
        #expect(bench.pieces.all == ["a"])
        exchange.resumeBody()
        #expect(bench.pieces.all == ["a", "b"])
        exchange.resumeBody()
        #expect(bench.pieces.all == ["a", "b", "end"])
    }

    @Test("a service may have a body whole, and one that is empty always is")
    func whole() throws {
        let bench = try Bench()
        try bench.receive(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                + "Content-Length: 4\r\n\r\n[1"
        )
        #expect(bench.service.requests.isEmpty)
        try bench.receive(",2")
        #expect(bench.service.requests.map { String(decoding: $0.body, as: UTF8.self) } == ["[1,2"])
        #expect(try bench.exchange.hasBody == false)
        try bench.exchange.respond(ok)
        try bench.receive("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        #expect(try bench.exchange.hasBody == false)
    }

    @Test("of more than one content type the last decides, as for whoever sees the headers")
    func doubledType() throws {
        for types in [["application/json", "a/b"], ["a/b", "application/json"]] {
            let bench = try Bench()
            let lines = types.map { "Content-Type: \($0)\r\n" }.joined()
            let end = "Content-Length: 2\r\n\r\n1"
            try bench.receive("POST /a HTTP/1.1\r\nHost: h\r\n\(lines)\(end)")
            #expect(bench.service.requests.isEmpty == (types.last == "application/json"))
        }
    }

    @Test("what nobody read is dropped behind the reply, and the next request is served")
    func dropped() throws {
        let bench = try Bench()
        try bench.receive(post + "ab")
        try bench.exchange.respond(ok)
        #expect(try bench.sent().contains("connection") == false)
        try bench.receive("cdef" + get)
        #expect(bench.service.requests.map(\.method) == ["POST", "GET"])
        try bench.exchange.respond(ok)
        #expect(try bench.sent().hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test("more than a body may have is not waited for: the connection ends")
    func tooMuchToDrop() throws {
        var settings = HTTPSettings()
        settings.bodyBytes = 5
        let bench = try Bench(settings: settings)
        try bench.receive(post + "ab")
        try bench.exchange.respond(ok)
        #expect(try bench.sent().contains("connection: close\r\n"))
        let chunked = try Bench(settings: settings)
        try chunked.receive("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        try chunked.exchange.respond(ok)
        try chunked.receive("6\r\nabcdef\r\n" + "0\r\n\r\n" + get)
        #expect(chunked.service.requests.count == 1)
    }

    @Test("a body that is wanted and does not come ends the exchange")
    func idle() throws {
        let bench = try Bench()
        try bench.receive(post + "ab")
        let exchange = try bench.exchange
        var isAbandoned = false
        exchange.onAbandoned = { isAbandoned = true }
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(100))
        #expect(!isAbandoned)
        bench.pieces.read(exchange)
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(!isAbandoned)
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(isAbandoned)
        #expect(try bench.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test("chunks that are none end the exchange")
    func malformed() throws {
        let bench = try Bench()
        try bench.receive("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        let exchange = try bench.exchange
        var isAbandoned = false
        exchange.onAbandoned = { isAbandoned = true }
        bench.pieces.read(exchange)
        _ = try? bench.receive("zz\r\n")
        #expect(isAbandoned)
        #expect(try bench.sent().hasPrefix("HTTP/1.1 400 "))
        #expect(bench.pieces.all.isEmpty)
    }
}

@Suite("HTTP replies as they are made")
struct HTTPStreamedReplyTests {
    @Test("every piece leaves at once as a chunk, and the connection goes on")
    func chunks() throws {
        let bench = try Bench()
        try bench.receive(get)
        let exchange = try bench.exchange
        exchange.begin(HTTPReply(status: 201, headers: [("x-a", "1"), ("content-length", "7")]))
        let head = try bench.sent()
        #expect(head.hasPrefix("HTTP/1.1 201 Created\r\nx-a: 1\r\n"))
        #expect(head.contains("transfer-encoding: chunked\r\n"))
        #expect(!head.contains("content-length"))
        exchange.write(ByteBuffer(string: "hello"))
        #expect(try bench.sent() == "5\r\nhello\r\n")
        exchange.write(ByteBuffer())
        #expect(try bench.sent() == "")
        exchange.end()
        #expect(try bench.sent() == "0\r\n\r\n")
        try bench.receive(get)
        #expect(bench.service.requests.count == 2)
    }

    @Test("where there are no chunks, or no body, it is framed otherwise")
    func otherwise() throws {
        let old = try Bench()
        try old.receive("GET /a HTTP/1.0\r\n\r\n")
        try old.exchange.begin(HTTPReply(status: 200))
        try old.exchange.write(ByteBuffer(string: "hello"))
        try old.exchange.end()
        let sent = try old.sent()
        #expect(!sent.contains("transfer-encoding"))
        #expect(sent.contains("connection: close\r\n"))
        #expect(sent.hasSuffix("\r\n\r\nhello"))
        for (request, status) in [(get, 204), (get.replacing("GET", with: "HEAD"), 200)] {
            let bench = try Bench()
            try bench.receive(request)
            try bench.exchange.begin(HTTPReply(status: status))
            try bench.exchange.write(ByteBuffer(string: "hello"))
            try bench.exchange.end()
            #expect(try bench.sent().hasSuffix("\r\n\r\n"))
            try bench.receive(get)
            #expect(bench.service.requests.count == 2)
        }
    }

    @Test("one that is given up has no last chunk, and its connection ends")
    func aborts() throws {
        let bench = try Bench()
        try bench.receive(get)
        try bench.exchange.begin(HTTPReply(status: 200))
        try bench.exchange.write(ByteBuffer(string: "half"))
        try bench.exchange.abort()
        #expect(try bench.sent().hasSuffix("4\r\nhalf\r\n"))
        #expect(!bench.channel.isActive)
    }

    @Test("a slow client is told of, and one that goes")
    func client() throws {
        let bench = try Bench()
        try bench.receive(get)
        let exchange = try bench.exchange
        var heard: [String] = []
        exchange.onWritable = { heard.append("writable") }
        exchange.onAbandoned = { heard.append("gone") }
        exchange.begin(HTTPReply(status: 200))
        bench.channel.isWritable = false
        bench.channel.pipeline.fireChannelWritabilityChanged()
        #expect(!exchange.isWritable)
        bench.channel.isWritable = true
        bench.channel.pipeline.fireChannelWritabilityChanged()
        #expect(heard == ["writable"])
        bench.channel.close(promise: nil)
        bench.channel.embeddedEventLoop.run()
        #expect(heard == ["writable", "gone"])
        exchange.write(ByteBuffer(string: "nobody hears it"))
        exchange.end()
    }

    @Test("a body can be read while the reply is written")
    func both() throws {
        let bench = try Bench()
        try bench.receive(post + "ab")
        let exchange = try bench.exchange
        exchange.begin(HTTPReply(status: 200))
        exchange.readBody { part in
            if case .bytes(let bytes) = part { exchange.write(bytes) } else { exchange.end() }
        }
        try bench.receive("cd")
        try bench.receive("ef" + get)
        #expect(try bench.sent().hasSuffix("2\r\nab\r\n2\r\ncd\r\n2\r\nef\r\n0\r\n\r\n"))
        #expect(bench.service.requests.count == 2)
    }
}
