import HTTP
import NIOCore
import NIOEmbedded
import Primitives
import Testing

@testable import Engine
@testable import HTTPGateway
@testable import NetServer

@Suite("Requests that are refused")
struct RefusalTests {
    private static let head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    private static let large = "Content-Length: 1001\r\n\r\n"
    private static let caller = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "Traceparent: 00-\(caller)-b7ad6b7169203331-01\r\n"

    private func bench(_ cors: CORS = CORS()) throws -> Bench {
        var settings = HTTPSettings()
        settings.bodyBytes = 1000
        return try Bench(settings, cors: cors)
    }

    private static let refused: [(request: String, status: Int, code: String)] = [
        ("BREW / HTTP/1.1\r\n\r\n", 501, "NOT_IMPLEMENTED"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\r\n", 414, "TARGET_TOO_LONG"),
        ("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 17_000))", 431, "HEADERS_TOO_LARGE"),
        (head + large, 413, "BODY_TOO_LARGE"),
        (head + "Expect: wonders\r\nContent-Length: 1\r\n\r\n", 417, "EXPECTATION_FAILED"),
    ]

    @Test("get the engine's envelope, and the headers that pages need")
    func envelope() throws {
        for (request, status, code) in Self.refused {
            let bench = try bench()
            try bench.receive(request)
            let sent = try bench.sent()
            #expect(sent.hasPrefix("HTTP/1.1 \(status) "), "\(sent)")
            #expect(sent.contains("\r\ncontent-type: application/json\r\n"), "\(sent)")
            #expect(sent.contains("\r\naccess-control-allow-origin: *\r\n"), "\(sent)")
            #expect(sent.contains("\r\nconnection: close\r\n"), "\(sent)")
            #expect(sent.contains(#"{"error":{"code":"\#(code)","message":""#), "\(sent)")
            #expect(!sent.contains("x-iii-trace-id"), "\(sent)")
            #expect(bench.commands().isEmpty)
        }
    }

    @Test("are told so when they do not come in time, too")
    func late() throws {
        let bench = try bench()
        try bench.receive("GET / HT")
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        let sent = try bench.sent()
        #expect(sent.hasPrefix("HTTP/1.1 408 "))
        #expect(sent.contains(#"{"error":{"code":"REQUEST_TIMEOUT""#))
    }

    @Test("are read by pages of the origins that may, and by no others")
    func origins() throws {
        let cors = CORS(CORS.Rules(origins: ["https://a.example"]))
        // The second one's head is not whole.
        let ends = [(Self.large, 413), ("X: \(String(repeating: "a", count: 17_000))", 431)]
        let origins = [("https://a.example", true), ("https://b.example", false)]
        for ((end, status), (origin, isAllowed)) in zip(ends + ends, origins + origins.reversed()) {
            let bench = try bench(cors)
            try bench.receive("\(Self.head)Origin: \(origin)\r\n\(end)")
            let sent = try bench.sent()
            #expect(sent.hasPrefix("HTTP/1.1 \(status) "))
            let header = "\r\naccess-control-allow-origin: \(origin)\r\n"
            #expect(sent.contains(header) == isAllowed, "\(sent)")
            #expect(sent.contains("access-control-allow-origin") == isAllowed, "\(sent)")
            #expect(sent.contains("\r\nvary: origin, "), "\(sent)")
        }
    }

    @Test("have the caller's trace, or the one that the log has of them")
    func traces() throws {
        let early = try bench()
        try early.receive(Self.head + Self.parent + Self.large)
        #expect(try early.sent().contains("\r\nx-iii-trace-id: \(Self.caller)\r\n"))

        let late = try bench()
        let (id, request, _) = try late.request(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
        #expect(request.awaitsBody)
        let trace = try #require(TraceID(high: 1, low: 2))
        late.gateway.carryOut(.readBody(id, trace: trace))
        try late.receive("3E9\r\n" + String(repeating: " ", count: 1001))
        let sent = try late.sent()
        #expect(sent.hasPrefix("HTTP/1.1 413 "), "\(sent)")
        #expect(sent.contains("\r\nx-iii-trace-id: \(trace)\r\n"), "\(sent)")
        guard case .requestAbandoned(id)? = late.commands().first else {
            Issue.record("the core was not told")
            return
        }
    }

    @Test("say why a body is to be whole, where a key is the reason")
    func keyed() throws {
        let key = "POST /a HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k\r\n"
        let json = "Content-Type: application/json\r\n"
        for (request, isReason) in [(key + Self.large, true), (key + json + Self.large, false)] {
            let bench = try bench()
            try bench.receive(request)
            let sent = try bench.sent()
            #expect(sent.hasPrefix("HTTP/1.1 413 "), "\(sent)")
            #expect(sent.contains("1000 bytes where the request has an") == isReason, "\(sent)")
        }
    }

    @Test("name the engine's trace, whatever a function says it is")
    func ownTrace() throws {
        let bench = try bench()
        let (id, _, _) = try bench.request("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        let reply = HTTP.HTTPReply(status: 200, headers: [("X-III-Trace-ID", "mine"), ("x", "y")])
        bench.gateway.carryOut(.respond(id, reply, trace: TraceID(high: 1, low: 2)))
        let sent = try bench.sent().lowercased()
        #expect(sent.contains("\r\nx: y\r\n"))
        #expect(sent.contains("\r\nx-iii-trace-id: 0000000000000001"))
        #expect(!sent.contains("mine"))
    }

    @Test("by the core, too: a path without a route")
    func routes() throws {
        for parent in [Self.parent, ""] {
            let bench = try bench()
            let (id, _, _) = try bench.request("GET /a HTTP/1.1\r\nHost: h\r\n\(parent)\r\n")
            bench.gateway.carryOut(.respond(id, HTTP.HTTPReply.notFound, trace: nil))
            let sent = try bench.sent()
            #expect(sent.hasPrefix("HTTP/1.1 404 "))
            let header = "\r\nx-iii-trace-id: \(Self.caller)\r\n"
            #expect(sent.contains(header) == !parent.isEmpty, "\(sent)")
        }
    }
}
