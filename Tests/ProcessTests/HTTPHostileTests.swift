import Foundation
import Testing

extension Programs {
    /// Clients of HTTP that mean no good, or cannot do better: each gets what it deserves, and
    /// another one is served meanwhile.
    @Suite("Hostile HTTP")
    struct HTTPHostileTests {
        let engine: EngineProcess
        let worker: RawWorker
        let good: HTTPPeer

        init() throws {
            let scratch = try Scratch()
            let file = try scratch.write(
                "iii.toml",
                """
                [http]
                header_timeout = "700ms"
                body_timeout = "700ms"
                idle_timeout = "30s"
                max_connections = 1000
                body_memory = "48MiB"
                """
            )
            engine = EngineProcess(in: scratch, ["--config", file])
            try engine.start()
            worker = try RawWorker.ready(engine, functions: ["fn"])
            try worker.route("POST", "p", to: "fn")
            good = try HTTPPeer(port: engine.httpPort)
            // From here on it may be idle.
            try served()
        }
    }
}

extension Programs.HTTPHostileTests {
    /// Another client is served.
    func served(_ number: Int = 1) throws {
        try good.request("POST", "/p", body: #"{"n":\#(number)}"#)
        let call = try worker.dispatch("fn")
        #expect(JSON.text((call["data"] as? Envelope)?["body"]) == #"{"n":\#(number)}"#)
        try worker.answer(call, ["body": number])
        #expect(try good.response().text == "\(number)")
    }

    private func isServedAfter(_ body: (HTTPPeer) throws -> Void) throws {
        let peer = try HTTPPeer(port: engine.httpPort)
        try body(peer)
        try served()
    }

    private static let head = "POST /p HTTP/1.1\r\nHost: h\r\n"
    private static let json = head + "Content-Type: application/json\r\n"

    static let smuggled: [(request: String, status: Int)] = [
        (json + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (json + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
        (json + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400),
        (json + "Content-Length: 2, 2\r\n\r\n{}", 400),
        (json + "Content-Length: +2\r\n\r\n{}", 400),
        (json + "Content-Length: -2\r\n\r\n{}", 400),
        (json + "Content-Length: 0x2\r\n\r\n{}", 400),
        (json + "Content-Length: 2 2\r\n\r\n{}", 400),
        (json + "Content-Length:\r\n\r\n{}", 400),
        (json + "Content-Length: 99999999999999999999\r\n\r\n{}", 400),
        (json + "Content-Length : 2\r\n\r\n{}", 400),
        (json + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding:\u{0B}chunked\r\n\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n", 400),
        (json + "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", 400),
        (json + "X-A: 1\r\n folded: 2\r\n\r\n", 400),
        (json + " X-A: 1\r\n\r\n", 400),
        (json + "X-A: 1\nX-B: 2\r\n\r\n", 400),
        (json + "X-A: 1\rX-B: 2\r\n\r\n", 400),
        (json + "X-A: 1\u{0}\r\n\r\n", 400),
        (json + "X A: 1\r\n\r\n", 400),
        (json + "X-A\r\n\r\n", 400),
        (json + ": 1\r\n\r\n", 400),
        ("POST /p HTTP/1.1\nHost: h\n\n", 400),
        ("POST /p HTTP/1.1\r\n\r\n", 400),
        (head + "Host: other\r\n\r\n", 400),
        ("POST /p HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("POST /p\r\n\r\n", 400),
        ("POST /p HTTP/1.1 x\r\nHost: h\r\n\r\n", 400),
        ("POST  /p HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("POST /p  HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (" POST /p HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("POST /p HTTP/2.0\r\nHost: h\r\n\r\n", 400),
        ("post /p HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (head + "X: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        (head + String(repeating: "X: a\r\n", count: 101) + "\r\n", 431),
    ]

    @Test("What could be read in two ways is refused, and the connection ends")
    func smuggling() throws {
        for (request, status) in Self.smuggled {
            try isServedAfter { peer in
                let second = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
                try peer.send(request + second)
                let response = try peer.response()
                #expect(response.status == status, "\(request)")
                #expect(response["connection"] == "close", "\(request)")
                #expect(try peer.ends(), "\(request)")
                #expect(peer.remains.isEmpty, "\(request): \(peer.remains)")
            }
        }
        #expect(worker.inbox.isEmpty, "none of them ran: \(worker.inbox)")
    }

    @Test("What is refused is an error as the engine's others are, and pages of others may read it")
    func envelopes() throws {
        let caller = "0af7651916cd43dd8448eb211c80319c"
        let known = "Origin: https://a.example\r\ntraceparent: 00-\(caller)-b7ad6b7169203331-01\r\n"
        let chunked = "Transfer-Encoding: chunked\r\n\r\n"
        let path = String(repeating: "a", count: 9000)
        let refused: [(request: String, status: Int, code: String, trace: String?)] = [
            (Self.json + known + "Content-Length: 99999999\r\n\r\n", 413, "BODY_TOO_LARGE", caller),
            (Self.json + known + chunked + "zz\r\n", 400, "BAD_REQUEST", caller),
            (Self.json + known + chunked, 408, "REQUEST_TIMEOUT", caller),
            (Self.json + chunked, 408, "REQUEST_TIMEOUT", nil),
            (Self.head + "X: \(path)\(path)\r\n\r\n", 431, "HEADERS_TOO_LARGE", nil),
            ("GET /\(path) HTTP/1.1\r\nHost: h\r\n\r\n", 414, "TARGET_TOO_LONG", nil),
            ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "NOT_IMPLEMENTED", nil),
            ("GET / HTTP/1.1\r\nHost", 408, "REQUEST_TIMEOUT", nil),
        ]
        for (request, status, code, trace) in refused {
            let peer = try HTTPPeer(port: engine.httpPort)
            try peer.send(request)
            let response = try peer.response()
            #expect(response.status == status, "\(code)")
            let error = JSON.object(response.text)["error"] as? Envelope
            #expect(error?["code"] as? String == code, "\(response.text)")
            #expect(error?["message"] as? String != nil, "\(response.text)")
            #expect(response["content-type"] == "application/json", "\(code)")
            #expect(response["access-control-allow-origin"] == "*", "\(code)")
            #expect(response["x-iii-trace-id"] == trace, "\(code)")
            #expect(response["connection"] == "close", "\(code)")
            #expect(try peer.ends(), "\(code)")
        }
    }

    @Test("Pipelined requests are answered in their order, and the last says that it is the last")
    func pipelining() throws {
        let peer = try HTTPPeer(port: engine.httpPort)
        for number in 0..<20 {
            try peer.request("POST", "/p", body: "\(number)")
        }
        try peer.request("POST", "/p", ["Connection: close"], body: "20")
        for number in 0...20 {
            let call = try worker.dispatch("fn")
            #expect((call["data"] as? Envelope)?["body"] as? Int == number)
            try worker.answer(call, ["body": number])
            let response = try peer.response()
            #expect(response.text == "\(number)")
            #expect(response["connection"] == (number == 20 ? "close" : nil))
        }
        #expect(try peer.ends())
        let old = try HTTPPeer(port: engine.httpPort)
        try old.send("GET /nowhere HTTP/1.0\r\n\r\n")
        #expect(try old.response()["connection"] == "close")
        #expect(try old.ends())
    }

    @Test("Slow heads and slow bodies end with 408, and cost nobody else anything")
    func slow() throws {
        let heads = try (0..<20).map { _ in try HTTPPeer(port: engine.httpPort) }
        let bodies = try (0..<20).map { _ in try HTTPPeer(port: engine.httpPort) }
        for peer in heads { try peer.send("POST /p HTTP/1.1\r\nX: ") }
        for peer in bodies { try peer.send(Self.json + "Content-Length: 100000\r\n\r\n[") }
        try served()
        // A byte now and then buys no time.
        let deadline = Deadline(in: 0.5)
        while !deadline.passed {
            for peer in heads { try peer.send("P") }
            for peer in bodies { try peer.send("1") }
            try served(2)
        }
        for peer in heads + bodies {
            #expect(try peer.response(within: 10).status == 408)
            #expect(try peer.ends())
        }
    }

    @Test("A body beyond the limit is refused before it is read, and in chunks as it grows")
    func largeBodies() throws {
        let before = try engine.residentBytes()
        let announced = try HTTPPeer(port: engine.httpPort)
        try announced.send(Self.json + "Content-Length: \(1 << 30)\r\n\r\n")
        #expect(try announced.response().status == 413)
        let chunked = try HTTPPeer(port: engine.httpPort)
        try chunked.send(Self.json + "Transfer-Encoding: chunked\r\n\r\n")
        let chunk =
            Array("100000\r\n".utf8) + [UInt8](repeating: 0x20, count: 1 << 20)
            + Array("\r\n".utf8)
        // What comes behind the answer is dropped, for a while: the client is to see the answer.
        for _ in 0..<24 { try chunked.socket.send(chunk) }
        #expect(try chunked.response().status == 413)
        try served()
        let grown = try engine.residentBytes() - before
        #expect(grown < 40 << 20, "the engine grew by \(grown) bytes")
    }

    @Test(
        "Chunks of one byte, sizes with zeros and extensions are read; floods of them are bounded"
    )
    func chunks() throws {
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.send(Self.json + "Transfer-Encoding: chunked\r\n\r\n")
        for byte in #"{"n":1}"# { try peer.send("0001;a=b\r\n\(byte)\r\n") }
        try peer.send("0\r\nX-Trailer: t\r\n\r\n")
        let call = try worker.dispatch("fn")
        #expect(JSON.text((call["data"] as? Envelope)?["body"]) == #"{"n":1}"#)
        try worker.answer(call, ["body": 1])
        #expect(try peer.response().status == 200)

        let before = try engine.residentBytes()
        let flood = try HTTPPeer(port: engine.httpPort)
        try flood.send(Self.json + "Transfer-Encoding: chunked\r\n\r\n")
        let pieces = Array(String(repeating: "1\r\n \r\n", count: 100_000).utf8)
        _ = try flood.socket.send(pieces, until: Deadline(in: 5))
        let trailers = Array("0\r\n\(String(repeating: "X-T: t\r\n", count: 100_000))".utf8)
        do { _ = try flood.socket.send(trailers, until: Deadline(in: 2)) } catch {
            // The engine has closed the connection.
        }
        try served()
        let grown = try engine.residentBytes() - before
        #expect(grown < 40 << 20, "the engine grew by \(grown) bytes")
    }

    @Test("Connections have a bound, and so has what they keep: half-open ones make no difference")
    func manyConnections() throws {
        try served()
        let before = try engine.residentBytes()
        var peers: [HTTPPeer] = []
        for number in 0..<1500 {
            let peer = try HTTPPeer(port: engine.httpPort)
            // One beyond the bound is closed at once.
            do { try peer.send(number % 2 == 0 ? "POST /p HTTP/1.1\r\nX: " : "") } catch {
                continue
            }
            peers.append(peer)
        }
        try served()
        let grown = try engine.residentBytes() - before
        #expect(grown < 100 << 20, "the engine grew by \(grown) bytes")
        peers = []
        try eventually("there is room again") { () -> Void? in
            let peer = try HTTPPeer(port: engine.httpPort)
            do { return try peer.ask("GET", "/nowhere").status == 404 ? () : nil } catch {
                return nil
            }
        }
    }

    @Test("Bodies of many connections have a common bound")
    func manyBodies() throws {
        let before = try engine.residentBytes()
        let body = [UInt8](repeating: 0x20, count: 9 << 20)
        var refused = 0
        var peers: [HTTPPeer] = []
        for _ in 0..<30 {
            let peer = try HTTPPeer(port: engine.httpPort)
            peers.append(peer)
            try peer.send(Self.json + "Content-Length: \(10 << 20)\r\n\r\n")
            do { _ = try peer.socket.send(body, until: Deadline(in: 0.2)) } catch { refused += 1 }
        }
        let grown = try engine.residentBytes() - before
        #expect(grown < 160 << 20, "the engine grew by \(grown) bytes")
        var told = 0
        for peer in peers {
            do { if try peer.response(within: 5).status == 503 { told += 1 } } catch {
                refused += 1
            }
        }
        #expect(told + refused > 0)
        try served()
    }

    @Test("SIGTERM lets a request end, and says on its response that the connection does")
    func drain() throws {
        let idle = try HTTPPeer(port: engine.httpPort)
        #expect(try idle.ask("GET", "/nowhere").status == 404)
        try good.request("POST", "/p", body: "1")
        let call = try worker.dispatch("fn")
        engine.terminate()
        #expect(try idle.ends())
        try worker.answer(call, ["body": "done"])
        let response = try good.response()
        #expect(response.text == #""done""#)
        #expect(response["connection"] == "close")
        #expect(try good.ends())
        #expect(try engine.wait() == .exit(0))
    }
}
