import NIOCore
import Testing

@testable import NetServer

@Suite("Requests over HTTP/2")
struct HTTP2RequestTests {
    private typealias Field = (name: String, value: String)

    private func get(_ fields: [Field], method: String = "GET") -> [Field] {
        let line: [Field] = [(":method", method), (":scheme", "https"), (":path", "/a")]
        return line + fields
    }

    /// The text of a refusal, which is answered as any other request is; nil: there is none.
    private func refusal(_ client: HTTP2Client, _ stream: UInt8 = 1) throws -> String? {
        let sent = try client.sent()
        guard !sent.isEmpty else { return nil }
        #expect(sent.map(\.kind) == [.headers, .data], "\(sent)")
        #expect(sent.allSatisfy { $0.stream == stream })
        return sent.last.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    /// RFC 9113, 8.3.1.
    @Test("say whose they are by :authority, by Host, or by both if they are the same")
    func hosts() throws {
        let cases: [(fields: [Field], host: String?)] = [
            ([(":authority", "h")], "h"), ([("host", "h")], "h"),
            ([(":authority", "h"), ("host", "H")], "H"),
            ([(":authority", "h"), ("host", "other")], nil), ([("host", "h"), ("host", "h")], nil),
            ([], nil),
        ]
        for (fields, host) in cases {
            let client = try HTTP2Client()
            try client.send(.head(1, get(fields)))
            #expect(client.service.requests.count == (host == nil ? 0 : 1))
            #expect(client.service.requests.first?.header("host") == host)
            let refusal = try refusal(client)
            #expect((refusal == nil) == (host != nil), "\(fields) \(refusal ?? "")")
        }
    }

    @Test("are refused where they have a method that HTTP/1.1 does not have either")
    func methods() throws {
        let client = try HTTP2Client()
        try client.send(.head(1, get([("host", "h")], method: "PROPFIND")))
        #expect(client.service.requests.map(\.method) == ["PROPFIND"])
        for method in ["BREW", "get", "PROP"] {
            let client = try HTTP2Client()
            try client.send(.head(1, get([("host", "h")], method: method)))
            #expect(try refusal(client) == "unknown method\n")
            #expect(client.service.requests.isEmpty)
        }
    }

    @Test("are refused where a length has a sign, as with HTTP/1.1")
    func signedLength() throws {
        let client = try HTTP2Client()
        let fields = get([("host", "h"), ("content-length", "+0")], method: "POST")
        try client.send(.head(1, fields))
        #expect(try refusal(client) == "Content-Length must be a number\n")
        #expect(client.service.requests.isEmpty)
    }

    @Test("have the headers that were sent, and no others")
    func headers() throws {
        let client = try HTTP2Client(wholeBodies: false)
        let fields: [Field] = [(":authority", "h"), ("cookie", "a=1"), ("x", "y"), ("cookie", "b")]
        try client.send(.head(1, get(fields, method: "POST"), isWhole: false))
        let request = try #require(client.service.requests.first)
        #expect(request.headers.map(\.name) == ["host", "cookie", "x"])
        #expect(request.header("cookie") == "a=1; b")
        #expect(client.service.exchanges.first?.hasBody == true)
        try client.send(.head(3, get(fields, method: "POST")))
        #expect(client.service.requests.last?.headers.count == 3)
        #expect(client.service.exchanges.last?.hasBody == false)
    }

    @Test("have no piece of a body for a frame that has nothing in it")
    func emptyPieces() throws {
        let client = try HTTP2Client(wholeBodies: false)
        let exchange = try client.post(1)
        var pieces: [Int] = []
        var hasEnded = false
        exchange.readBody { part in
            switch part {
            case .bytes(let bytes): pieces.append(bytes.readableBytes)
            case .end: hasEnded = true
            }
        }
        try client.send(.data, stream: 1)
        #expect(pieces.isEmpty && !hasEnded)
        try client.send(.data, [1, 2], stream: 1)
        try client.send(.data, flags: WireFrame.last, stream: 1)
        #expect(pieces == [2])
        #expect(hasEnded)
    }

    @Test("have room as with HTTP/1.1; what is too large is refused, and no other hears of it")
    func sizes() throws {
        // Beside the others HPACK counts 32 bytes for each of them.
        var many: [Field] = [("host", "h")]
        for number in 0..<95 { many.append(("x-\(number)", String(repeating: "v", count: 140))) }
        let client = try HTTP2Client()
        try client.send(.head(1, get(many)))
        #expect(client.service.requests.first?.headers.count == 96)

        var settings = HTTPSettings()
        settings.headerBytes = 4096
        let narrow = try HTTP2Client(settings: settings)
        let other = try narrow.get(1)
        let large = String(repeating: "v", count: 4096)
        try narrow.send(.head(3, get([("host", "h"), ("x", large)])))
        #expect(try refusal(narrow, 3) == "the headers are too many or too large\n")
        other.respond(HTTPReply(status: 200))
        #expect(try narrow.sent().map(\.stream) == [1])
    }
}
