import NIOCore
import NIOEmbedded
import Testing

@testable import NetServer

/// A client of HTTP/2 that says no more than it is told to, on a connection without a socket.
private struct Client {
    let channel = EmbeddedChannel()
    let dam = Dam()
    let service = HoldingService()

    struct Frame: Equatable {
        enum Kind: UInt8 {
            case data, headers, priority, reset, settings, promise, ping, goodbye, window
        }

        let kind: Kind?
        let payload: [UInt8]
    }

    /// With a `window` of so many bytes for each stream, instead of 65,535.
    init(window: UInt8? = nil) throws {
        try channel.pipeline.syncOperations.addHandler(dam)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.7", port: 1), promise: nil)
        let shared = LoopService(eventLoop: channel.eventLoop, service: service)
        try HTTP2Connection.configure(channel, settings: HTTPSettings(), service: shared)
        try channel.writeInbound(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        try send(.settings, window.map { [0, 4, 0, 0, 0, $0] } ?? [])
        _ = try sent()
    }

    func send(
        _ kind: Frame.Kind,
        _ payload: [UInt8] = [],
        flags: UInt8 = 0,
        stream: UInt8 = 0
    ) throws {
        let head = [0, 0, UInt8(payload.count), kind.rawValue, flags, 0, 0, 0, stream]
        try channel.writeInbound(ByteBuffer(bytes: head + payload))
        channel.embeddedEventLoop.run()
    }

    /// Asks for `http://h/`, and takes the exchange.
    func get(_ stream: UInt8) throws -> HTTPExchange {
        let whole: UInt8 = 0x1 | 0x4
        let fields: [UInt8] = [0x82, 0x86, 0x84, 0x41, 1, UInt8(ascii: "h")]
        try send(.headers, fields, flags: whole, stream: stream)
        return try #require(service.exchanges.last)
    }

    /// Lets five more bytes come.
    func grant(_ stream: UInt8) throws { try send(.window, [0, 0, 0, 5], stream: stream) }

    func pass(seconds: Int64) {
        channel.embeddedEventLoop.advanceTime(by: .seconds(seconds))
    }

    /// What came since the last call.
    func sent() throws -> [Frame] {
        channel.embeddedEventLoop.run()
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes += buffer.readableBytesView
        }
        var frames: [Frame] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
            let payload = Array(rest.dropFirst(9).prefix(length))
            frames.append(Frame(kind: Frame.Kind(rawValue: head[3]), payload: payload))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }
}

@Suite("HTTP/2 connection")
struct HTTP2ConnectionTests {
    private func reply(_ count: Int) -> HTTPReply {
        HTTPReply(status: 200, body: [UInt8](repeating: 0, count: count))
    }

    @Test("a peer that is idle, and does not say goodbye, is not waited for")
    func silent() throws {
        let client = try Client()
        client.pass(seconds: 61)
        #expect(try client.sent().map(\.kind) == [.goodbye, .ping])
        client.pass(seconds: 28)
        #expect(client.channel.isActive)
        client.pass(seconds: 3)
        #expect(!client.channel.isActive)
    }

    @Test("one that answers gets the second GOAWAY, and the end")
    func answers() throws {
        let client = try Client()
        client.pass(seconds: 61)
        let ping = try #require(try client.sent().last)
        try client.send(.ping, ping.payload, flags: 0x1)
        #expect(try client.sent().map(\.kind) == [.goodbye])
        #expect(!client.channel.isActive)
    }

    @Test("a reply of which nothing is taken is not kept")
    func stalled() throws {
        let client = try Client(window: 0)
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
        #expect(try client.sent().map(\.kind) == [.reset])
        #expect(client.channel.isActive)
    }

    @Test("a reply that waits for the connection is waited for")
    func slow() throws {
        let client = try Client()
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
        let client = try Client(window: 0)
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
}
