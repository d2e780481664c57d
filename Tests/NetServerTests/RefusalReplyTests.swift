import NIOCore
import NIOEmbedded
import Primitives
import Testing

@testable import NetServer

/// Has its own words for what is refused, and collects bodies that do not come with their heads.
private final class OutspokenService: HTTPService {
    var takesHeadsFirst: Bool { true }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.trace = TraceID(high: 1, low: 2)
        exchange.collectBody { _ in }
    }

    func readCompleted() {}

    func reply(to refusal: Refusal, of head: RequestHead?, trace: TraceID?) -> HTTPReply {
        HTTPReply(
            status: refusal.status,
            headers: [
                ("x-path", head?.target.path ?? "none"), ("x-trace", trace?.description ?? "none"),
            ],
            body: Array(refusal.reason.utf8)
        )
    }
}

@Suite("Refusals in a service's own words")
struct RefusalReplyTests {
    private static let head = "POST /a HTTP/1.1\r\nHost: h\r\n"
    private static let chunk = "3E9\r\n" + String(repeating: "x", count: 1001)

    private static let blanks = String(repeating: " ", count: 17_000)

    private func answer(_ parts: [String], of service: some HTTPService) throws -> String {
        var settings = HTTPSettings()
        settings.bodyBytes = 1000
        let channel = EmbeddedChannel()
        try channel.serve(service, settings)
        for part in parts { try channel.receive(part) }
        return try channel.sent()
    }

    @Test("say of which request they are, and of which trace, as far as that is known")
    func words() throws {
        let chunked = Self.head + "Transfer-Encoding: chunked\r\n\r\n"
        let cases: [(parts: [String], status: Int, path: String, trace: String)] = [
            (["BREW / HTTP/1.1\r\n\r\n"], 501, "none", "none"),
            ([Self.head + "Content-Length: 1001\r\n\r\n"], 413, "/a", "none"),
            ([Self.head + "X:\(Self.blanks)"], 431, "/a", "none"),
            ([Self.head + "X Y: 1\r\n"], 400, "/a", "none"),
            ([chunked, Self.chunk], 413, "/a", "00000000000000010000000000000002"),
            ([chunked, "zz\r\n"], 400, "/a", "00000000000000010000000000000002"),
        ]
        for (parts, status, path, trace) in cases {
            let answer = try answer(parts, of: OutspokenService())
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(answer.contains("\r\nx-path: \(path)\r\nx-trace: \(trace)\r\n"), "\(answer)")
            #expect(answer.contains("\r\nconnection: close\r\n"), "\(answer)")
        }
    }

    @Test("are plain text where it has none")
    func plain() throws {
        let parts = [Self.head + "Content-Length: 1001\r\n\r\n"]
        let answer = try answer(parts, of: HoldingService())
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
        #expect(answer.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"))
        #expect(answer.hasSuffix("\r\n\r\na body may have at most 1000 bytes\n"))
    }
}
