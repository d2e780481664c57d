import NIOCore
import NIOEmbedded
import Testing

@testable import NetServer

@Suite("HTTP/2 connection")
struct HTTP2ConnectionTests {
    private func reply(_ count: Int) -> HTTPReply {
        HTTPReply(status: 200, body: [UInt8](repeating: 0, count: count))
    }

    @Test("a peer that is idle, and does not say goodbye, is not waited for")
    func silent() throws {
        let client = try HTTP2Client()
        client.pass(seconds: 61)
        #expect(try client.sent().map(\.kind) == [.goodbye, .ping])
        client.pass(seconds: 28)
        #expect(client.channel.isActive)
        client.pass(seconds: 3)
        #expect(!client.channel.isActive)
    }

    @Test("one that answers gets the second GOAWAY, and the end")
    func answers() throws {
        let client = try HTTP2Client()
        client.pass(seconds: 61)
        let ping = try #require(try client.sent().last)
        try client.send(.ping, ping.payload, flags: WireFrame.last)
        #expect(try client.sent().map(\.kind) == [.goodbye])
        #expect(!client.channel.isActive)
    }

    @Test("a reply of which nothing is taken is not kept")
    func stalled() throws {
        let client = try HTTP2Client(window: 0)
        try client.get(1).respond(reply(1000))
        #expect(try client.sent().map(\.kind) == [.headers])
        client.pass(seconds: 20)
        try client.grant(1)
        #expect(try client.sent().map(\.payload.count) == [5])
        // What lets more come of the connection counts as well.
        client.pass(seconds: 30)
        try client.grant(0)
        client.pass(seconds: 30)
        #expect(try client.sent() == [])
        client.pass(seconds: 40)
        #expect(try client.sent() == [.reset(.cancel, 1)])
        #expect(client.channel.isActive)
    }

    @Test("a reply that waits for the connection is waited for")
    func slow() throws {
        let client = try HTTP2Client()
        client.dam.isShut = true
        try client.get(1).respond(reply(100_000))
        client.pass(seconds: 300)
        #expect(try client.sent() == [])
        client.dam.open()
        let sent = try client.sent()
        #expect(sent.first?.kind == .headers)
        #expect(sent.dropFirst().reduce(0) { $0 + $1.payload.count } == 65_535)
        client.pass(seconds: 61)
        #expect(try client.sent().map(\.kind) == [.reset])
    }

    @Test("a reply that is being made, and of which nothing is taken, is broken off")
    func stalledStream() throws {
        let client = try HTTP2Client(window: 0)
        let exchange = try client.get(1)
        var isAbandoned = false
        exchange.onAbandoned = { isAbandoned = true }
        // A function may take its time before it answers.
        client.pass(seconds: 100)
        exchange.begin(HTTPReply(status: 200))
        client.pass(seconds: 100)
        #expect(!isAbandoned)
        exchange.write(ByteBuffer(repeating: 0, count: 300_000))
        #expect(!exchange.isWritable)
        client.pass(seconds: 29)
        #expect(!isAbandoned)
        client.pass(seconds: 2)
        #expect(isAbandoned)
        #expect(try client.sent().map(\.kind) == [.headers, .reset])
    }

    /// More than the channel of a stream holds.
    private let much = ByteBuffer(repeating: 0, count: 300_000)

    @Test(
        "one whose request's body nobody reads, or no longer, is broken off as well",
        arguments: [false, true]
    )
    func stalledUnread(hasBegun: Bool) throws {
        let client = try HTTP2Client(window: 0, wholeBodies: false)
        let exchange = try client.post(1)
        var isAbandoned = false
        exchange.onAbandoned = { isAbandoned = true }
        if hasBegun { exchange.readBody { _ in } }
        try client.send(.data, [1, 2], stream: 1)
        exchange.begin(HTTPReply(status: 200))
        exchange.write(much)
        if hasBegun { exchange.pauseBody() }
        client.pass(seconds: 29)
        #expect(!isAbandoned)
        client.pass(seconds: 2)
        #expect(isAbandoned)
        #expect(try client.sent().map(\.kind) == [.headers, .reset])
    }

    @Test(
        "what a client grants is seen behind a body that nobody reads, whole or not",
        arguments: [false, true]
    )
    func grantsUnread(isWhole: Bool) throws {
        let client = try HTTP2Client(window: 0, wholeBodies: false)
        let exchange = try client.post(1)
        var isAbandoned = false
        exchange.onAbandoned = { isAbandoned = true }
        try client.send(.data, [1, 2], flags: isWhole ? WireFrame.last : 0, stream: 1)
        exchange.begin(HTTPReply(status: 200))
        exchange.write(much)
        for _ in 0..<4 {
            client.pass(seconds: 20)
            try client.grant(1)
        }
        #expect(!isAbandoned)
        client.pass(seconds: 61)
        #expect(isAbandoned)
    }

    @Test("of a body that nobody reads a little is taken, and no more")
    func bounded() throws {
        let client = try HTTP2Client(wholeBodies: false)
        let exchange = try client.post(1)
        // What the client may send, by stream; 0 is the connection.
        var windows: [UInt8: Int] = [0: 65_535, 1: 65_535]
        var count = 0
        while windows.values.allSatisfy({ $0 >= 10_000 }), count < 1_000_000 {
            try client.send(.data, [UInt8](repeating: 0, count: 10_000), stream: 1)
            count += 10_000
            for stream in windows.keys { windows[stream]? -= 10_000 }
            for frame in try client.sent() where frame.kind == .window {
                windows[frame.stream]? += frame.grant
            }
        }
        #expect(count < 200_000)
        var read = 0
        exchange.readBody { part in
            if case .bytes(let bytes) = part { read += bytes.readableBytes }
        }
        #expect(read == count)
    }

    @Test("a reply is waited for while it is taken, and then the rest of its request, but not long")
    func unfinished() throws {
        let client = try HTTP2Client(window: 0, wholeBodies: false)
        try client.post(1).respond(reply(1000))
        #expect(try client.sent().map(\.kind) == [.headers])
        for _ in 0..<3 {
            client.pass(seconds: 20)
            try client.grant(1)
        }
        #expect(try client.sent().map(\.payload.count) == [5, 5, 5])
        try client.send(.grant(1000, on: 1))
        #expect(try client.sent().map(\.payload.count) == [985])
        client.pass(seconds: 20)
        try client.grant(0)
        client.pass(seconds: 9)
        #expect(try client.sent() == [])
        client.pass(seconds: 2)
        #expect(try client.sent() == [.reset(.none, 1)])
        #expect(client.channel.isActive)
    }

    /// Of a stream that was cancelled a browser shows no reply (RFC 9113, 8.1).
    @Test("who sends more than anybody wants, behind the reply, is told to stop, and of no error")
    func unneeded() throws {
        var settings = HTTPSettings()
        settings.bodyBytes = 20_000
        let client = try HTTP2Client(wholeBodies: false, settings: settings)
        try client.post(1).respond(reply(2))
        #expect(try client.sent().map(\.kind) == [.headers, .data])
        let piece = [UInt8](repeating: 0, count: 10_000)
        for _ in 0..<2 { try client.send(.data, piece, stream: 1) }
        #expect(try !client.sent().contains { $0.kind == .reset })
        try client.send(.data, piece, stream: 1)
        #expect(try client.sent().filter { $0.kind == .reset } == [.reset(.none, 1)])
        #expect(client.channel.isActive)
    }
}
