import NIOCore
import NIOEmbedded
import Testing

@testable import NetServer

/// Wants whole bodies, and heads first.
private final class HeadsFirstService: HTTPService {
    var requests: [HTTPRequest] = []
    var exchanges: [HTTPExchange] = []
    var bodies: [String] = []
    var abandoned = 0
    var takesHeadsFirst: Bool { true }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.onAbandoned = { self.abandoned += 1 }
        requests.append(request)
        exchanges.append(exchange)
    }

    func readCompleted() {}

    func collect() {
        exchanges.last?.collectBody { self.bodies.append(String(decoding: $0, as: UTF8.self)) }
    }
}

private struct Bench {
    let channel = EmbeddedChannel()
    let service = HeadsFirstService()

    init(_ settings: HTTPSettings = HTTPSettings()) throws {
        try channel.serve(service, settings)
    }

    func receive(_ string: String) throws { try channel.receive(string) }

    func sent() throws -> String { try channel.sent() }
}

@Suite("HTTP requests whose heads come first")
struct HeadsFirstTests {
    private static let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"

    @Test("a body that comes along is there; one that does not is collected when it is asked for")
    func collects() throws {
        let bench = try Bench()
        try bench.receive("\(Self.head)\r\nbody")
        #expect(bench.service.requests.map(\.body) == [Array("body".utf8)])
        #expect(bench.service.exchanges[0].awaitsBody == false)
        bench.service.exchanges[0].respond(HTTPReply(status: 200))
        try bench.receive("\(Self.head)\r\nbo")
        #expect(bench.service.requests.count == 2)
        #expect(bench.service.requests[1].body.isEmpty)
        #expect(bench.service.exchanges[1].awaitsBody)
        bench.service.collect()
        #expect(bench.service.bodies == [])
        try bench.receive("d")
        try bench.receive("yGET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(bench.service.bodies == ["body"])
        #expect(bench.service.exchanges[1].awaitsBody == false)
        bench.service.exchanges[1].respond(HTTPReply(status: 200))
        #expect(bench.service.requests.map(\.path) == ["/", "/", "/next"])
        #expect(try bench.sent().ranges(of: "HTTP/1.1 200 OK").count == 2)
    }

    @Test("a client is told to go on when its body is wanted, and not in vain")
    func expectation() throws {
        let bench = try Bench()
        let head = "\(Self.head)Expect: 100-continue\r\n\r\n"
        try bench.receive(head)
        #expect(try bench.sent() == "")
        bench.service.collect()
        #expect(try bench.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        try bench.receive("body")
        bench.service.exchanges[0].respond(HTTPReply(status: 200))
        #expect(try !bench.sent().contains("connection: close"))
        // It comes behind another one, and nobody wants its body.
        try bench.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n\(head)")
        bench.service.exchanges[1].respond(HTTPReply(status: 200))
        #expect(bench.service.requests.count == 3)
        _ = try bench.sent()
        bench.service.exchanges[2].respond(HTTPReply(status: 401))
        let answer = try bench.sent()
        #expect(answer.hasPrefix("HTTP/1.1 401 "))
        #expect(answer.contains("connection: close\r\n"))
    }

    @Test("the client has all of its time, however late the body is asked for")
    func lateWish() throws {
        let bench = try Bench()
        try bench.receive("\(Self.head)\r\n")
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(100))
        bench.service.collect()
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        try bench.receive("bo")
        #expect(bench.service.abandoned == 0)
        try bench.receive("dy")
        #expect(bench.service.bodies == ["body"])
        #expect(try bench.sent() == "")
    }

    @Test("a reply before the body leaves the connection as it was")
    func unread() throws {
        let bench = try Bench()
        try bench.receive("\(Self.head)\r\nbo")
        bench.service.exchanges[0].respond(HTTPReply(status: 404))
        #expect(try !bench.sent().contains("connection: close"))
        try bench.receive("dyGET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(bench.service.requests.map(\.path) == ["/", "/next"])
    }

    @Test("a body that is too large, malformed, slow or never ends the exchange, with a reason")
    func refused() throws {
        var settings = HTTPSettings()
        settings.bodyBytes = 100
        let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        let large = String(repeating: "x", count: 101)
        for (text, status) in [("65\r\n\(large)\r\n0\r\n\r\n", 413), ("x", 400), ("1\r\na", 408)] {
            let bench = try Bench(settings)
            try bench.receive(chunked)
            bench.service.collect()
            try bench.receive(text.hasSuffix("x") ? "\(text)\r\n" : text)
            bench.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
            #expect(bench.channel.isActive == (status == 408))
            bench.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
            #expect(try bench.sent().hasPrefix("HTTP/1.1 \(status) "))
            #expect(bench.service.abandoned == 1)
            #expect(bench.service.bodies == [])
        }
    }
}
