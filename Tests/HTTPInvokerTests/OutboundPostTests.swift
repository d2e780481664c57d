import NIOCore
import Testing

@testable import HTTPInvoker

@Suite("Messages to servers of somebody else")
struct OutboundPostTests {
    @Test(
        "what a server says of the time to wait is handed on, up to a minute",
        arguments: [
            ("503 Service Unavailable", "Retry-After: 4", 4), ("429 Too Many Requests", "", 0),
            ("429 Too Many Requests", "retry-after: 3600", 60),
            ("503 Service Unavailable", "Retry-After: -1", 0),
            ("503 Service Unavailable", "Retry-After: soon", 0),
        ] as [(String, String, Int64)]
    )
    func retryAfter(status: String, header: String, seconds: Int64) async throws {
        let fields = header.isEmpty ? "" : "\(header)\r\n"
        let server = try await CannedServer(
            "HTTP/1.1 \(status)\r\n\(fields)Content-Length: 0\r\n\r\n"
        )
        let outcome = try await Outside().post(#"{"url":"http://127.0.0.1:\#(server.port)/v1"}"#)
        try await server.close()
        let code = status.prefix(3)
        guard case .failed(let reason, let pause) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains(code))
        #expect(pause == .seconds(seconds))
    }

    @Test("a message is sent again after pauses that double, and not before its server wants it")
    func pauses() {
        var retries = PostRetries(5)
        for (asked, pause) in [(0, 1), (1, 2), (30, 30), (60, 60), (2, 16)] as [(Int64, Int64)] {
            let next = retries.next(after: .failed("HTTP 503", pause: .seconds(asked)))
            #expect(next == TimeAmount.seconds(pause))
        }
        #expect(retries.next(after: .failed("HTTP 503", pause: .zero)) == nil, "five are enough")
    }

    @Test(
        "one that was taken or refused is not",
        arguments: [PostOutcome.accepted([]), .refused("HTTP 400")]
    )
    func ended(outcome: PostOutcome) {
        var retries = PostRetries(5)
        #expect(retries.next(after: outcome) == nil)
    }

    @Test("what was not understood is not sent again")
    func refused() async throws {
        let server = try await CannedServer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        let outcome = try await Outside().post(#"{"url":"http://127.0.0.1:\#(server.port)/v1"}"#)
        try await server.close()
        guard case .refused = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test("what a server answers is handed on byte for byte, whatever it is")
    func answered() async throws {
        let server = try await CannedServer(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\u{A}\u{2}no"
        )
        let outcome = try await Outside().post(#"{"url":"http://127.0.0.1:\#(server.port)/v1"}"#)
        try await server.close()
        #expect(outcome == .accepted([0x0A, 0x02, 0x6E, 0x6F]))
    }
}
