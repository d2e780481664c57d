import NIOCore
import NIOEmbedded
import NIOHTTP1
import Primitives
import Testing

@testable import NetServer

/// What a parser makes of bytes.
private struct Reading: Equatable {
    struct Request: Equatable {
        var line: String
        var headers: [String]
        var body: [UInt8] = []
        var isWhole = false
    }

    var requests: [Request] = []
    var status: Int?
    private var keepsAlive = true
    private var isLast: Bool { !keepsAlive && requests.last?.isWhole == true }

    static func == (left: Reading, right: Reading) -> Bool {
        left.requests == right.requests && left.status == right.status
    }

    /// The bytes in reads of `size`, as this engine reads them.
    static func ours(_ text: String, reads size: Int) -> Reading {
        var parser = RequestParser(HTTPSettings())
        var reading = Reading()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            parser.feed(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
            do throws(Refusal) {
                while let part = try parser.next() {
                    reading.take(part)
                    // A connection would end here.
                    if reading.isLast { return reading }
                }
            } catch {
                reading.status = error.status
                return reading
            }
        }
        return reading
    }

    private mutating func take(_ part: RequestParser.Part) {
        switch part {
        case .head(let head):
            let query = head.target.query.map { "?\($0)" } ?? ""
            let version = head.version == .http1_0 ? "HTTP/1.0" : "HTTP/1.1"
            keepsAlive = head.keepsAlive
            requests.append(
                Request(
                    line: "\(head.method) \(head.target.path)\(query) \(version)",
                    headers: head.headers.map { "\($0.name): \($0.value)" }
                )
            )
        case .body(let bytes): requests[requests.count - 1].body += bytes.readableBytesView
        case .end: requests[requests.count - 1].isWhole = true
        }
    }

    /// The other one leaves tabs at the end.
    private static func trimmed(_ value: String) -> Substring {
        value.dropLast(value.reversed().prefix { $0 == " " || $0 == "\t" }.count)
    }

    /// As NIO's parser reads them, with what this engine refuses behind it.
    static func other(_ text: String) -> Reading {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        )
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var reading = Reading()
        do { try channel.writeInbound(ByteBuffer(string: text)) } catch { reading.status = 400 }
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                if let defect = head.defect {
                    reading.status = defect.status
                    return reading
                }
                reading.requests.append(
                    Request(
                        line: "\(head.method.rawValue) \(head.uri) HTTP/1.\(head.version.minor)",
                        headers: plainHeaders(head.headers).map {
                            "\($0.name): \(trimmed($0.value))"
                        }
                    )
                )
            case .body(let bytes):
                reading.requests[reading.requests.count - 1].body += bytes.readableBytesView
            case .end: reading.requests[reading.requests.count - 1].isWhole = true
            }
        }
        return reading
    }
}

@Suite("Request parser")
struct RequestParserTests {
    private static let good = [
        "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /a HTTP/1.1\r\nHOST:h\r\nContent-Length: 12\r\n\r\nGET  / HTTP/",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "6;x=y\r\nGET  /\r\n00a\r\n0123456789\r\n0\r\nX:  y\r\n\r\n",
        "PUT /a HTTP/1.0\r\nConnection: keep-alive\r\ncontent-length:3\r\n"
            + "X-Long: \(String(repeating: "a  b", count: 99))\t\r\n\r\na  ",
        "\r\n\r\nDELETE / HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Empty: \r\n\r\n",
    ]

    @Test("reads requests one behind the other, from reads of any size", arguments: 1...70)
    func sound(size: Int) {
        let text = Self.good.joined()
        let reading = Reading.ours(text, reads: size)
        #expect(reading == Reading.ours(text, reads: text.utf8.count))
        #expect(reading.status == nil)
        #expect(reading.requests.map(\.isWhole) == [true, true, true, true, true])
        #expect(
            reading.requests.map { String(decoding: $0.body, as: UTF8.self) } == [
                "", "GET  / HTTP/", "GET  /0123456789", "a  ", "",
            ]
        )
        #expect(reading.requests[0].line == "GET /a?b HTTP/1.1")
        #expect(reading.requests[4].headers == ["host: h", "x-empty: ", "x-empty: "])
    }

    @Test("reads what is sound as NIO's parser does")
    func agrees() {
        let text = Self.good.joined()
        #expect(Reading.ours(text, reads: 1000) == Reading.other(text))
    }

    /// Two readings of the same bytes are what smuggling lives on: whatever is done to a request,
    /// this parser takes no other meaning from it than the other one, but may refuse it.
    @Test("takes no other meaning from damaged requests than NIO's parser", arguments: 1...40)
    func damaged(seed: UInt64) {
        var random = SeededEntropy(seed: seed)
        let spices = [
            " ", "  ", "\t", "\r", "\n", "\r\n", "\0", ":", ";", ",", "chunked",
            "Content-Length: 3",
            "Transfer-Encoding: chunked", "\r\n ", "0", "f", "+", "-", "x", "HTTP/1.1", "é", "/",
        ]
        for _ in 0..<150 {
            var bytes = Array(Self.good.shuffled(using: &random).joined().utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let end = min(bytes.count, place + Int.random(in: 0...4, using: &random))
                let spice = spices.randomElement(using: &random) ?? ""
                bytes.replaceSubrange(place..<end, with: Array(spice.utf8))
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let size = Int.random(in: 1...200, using: &random)
            let ours = Reading.ours(text, reads: size)
            #expect(ours == Reading.ours(text, reads: text.utf8.count))
            let other = Reading.other(text)
            for (mine, theirs) in zip(ours.requests, other.requests) {
                #expect(mine.line == theirs.line)
                #expect(mine.headers == theirs.headers)
                if mine.isWhole, theirs.isWhole { #expect(mine.body == theirs.body) }
            }
            // It never goes on where the other one has stopped.
            #expect(ours.requests.count <= other.requests.count, "\(text.debugDescription)")
        }
    }

    private static let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    @Test("what was read is not kept, wherever the reads cut")
    func memory() throws {
        var parser = RequestParser(HTTPSettings())
        parser.feed(ByteBuffer(string: "\(Self.chunked)3"))
        let chunk = String(repeating: "x", count: 0x3E8)
        var taken = 0
        for _ in 0..<1000 {
            parser.feed(ByteBuffer(string: "E8\r\n\(chunk)\r\n3"))
            while let part = try parser.next() {
                if case .body(let bytes) = part { taken += bytes.readableBytes }
            }
            #expect(parser.capacity < 8192)
        }
        #expect(taken == 1_000_000)
    }

    @Test(
        "a Host that is none is refused, and an asterisk but for all of the server",
        arguments: [
            ("GET /", "", nil), ("GET /", "h:1", nil), ("GET /", "[::1]:80", nil),
            ("GET /", "a_b.example", nil), ("GET /", "a b", 400), ("GET /", "a/b", 400),
            ("GET /", "u@h", 400), ("GET /", "é", 400), ("OPTIONS *", "h", nil),
            ("GET *", "h", 400), ("OPTIONS **", "h", 400),
        ] as [(String, String, Int?)]
    )
    func hosts(line: String, host: String, status: Int?) {
        let text = "\(line) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        #expect(Reading.ours(text, reads: 1000).status == status)
    }

    private static let long = String(repeating: "a", count: 17_000)
    private static let chunk = "1;\(String(repeating: "x", count: 200))\r\na\r\n"

    @Test(
        "an end that comes late is waited for only so long",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: h\r\nX: \(long)", 431),
            ("GET /\(long)", 414),
            (chunked + String(repeating: chunk, count: 90), 400),
            (chunked + long, 400),
            (chunked + "0\r\n" + String(repeating: "X: y\r\n", count: 101), 431),
        ]
    )
    func bounds(text: String, status: Int) {
        for size in [1000, 100_000] {
            #expect(Reading.ours(text, reads: size).status == status)
        }
    }
}
