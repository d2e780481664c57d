import NIOCore
import NIOEmbedded
import Testing

@testable import NetServer

/// A client of HTTP/2 that says no more than it is told to, on a connection without a socket.
struct HTTP2Client {
    let channel = EmbeddedChannel()
    let dam = Dam()
    let service = HoldingService()

    /// With a `window` of so many bytes for each stream, instead of 65,535; and with bodies whole
    /// before their requests are received, or on request.
    init(
        window: UInt8? = nil,
        wholeBodies: Bool = true,
        settings: HTTPSettings = HTTPSettings()
    ) throws {
        service.wantsWholeBodies = wholeBodies
        try channel.pipeline.syncOperations.addHandler(dam)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.7", port: 1), promise: nil)
        let shared = LoopService(eventLoop: channel.eventLoop, service: service)
        try HTTP2Connection.configure(channel, settings: settings, service: shared)
        try channel.writeInbound(ByteBuffer(bytes: WireFrame.preface))
        try send(.settings, window.map { [0, 4, 0, 0, 0, $0] } ?? [])
        // Those of the server are in force once they are acknowledged.
        try send(.settings, flags: WireFrame.last)
        _ = try sent()
    }

    func send(_ frame: WireFrame) throws {
        try channel.writeInbound(ByteBuffer(bytes: frame.bytes))
        channel.embeddedEventLoop.run()
    }

    func send(
        _ kind: WireFrame.Kind,
        _ payload: [UInt8] = [],
        flags: UInt8 = 0,
        stream: UInt8 = 0
    ) throws {
        try send(WireFrame(kind: kind, flags: flags, stream: stream, payload: payload))
    }

    /// Asks for `http://h/`, and takes the exchange.
    func get(_ stream: UInt8) throws -> HTTPExchange {
        try send(.get(stream))
        return try #require(service.exchanges.last)
    }

    /// Begins a request with a body, and takes the exchange.
    func post(_ stream: UInt8) throws -> HTTPExchange {
        try send(.post(stream))
        return try #require(service.exchanges.last)
    }

    /// Lets five more bytes come.
    func grant(_ stream: UInt8) throws { try send(.grant(5, on: stream)) }

    func pass(seconds: Int64) {
        channel.embeddedEventLoop.advanceTime(by: .seconds(seconds))
    }

    /// What came since the last call.
    func sent() throws -> [WireFrame] {
        channel.embeddedEventLoop.run()
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes += buffer.readableBytesView
        }
        var frames: [WireFrame] = []
        var rest = bytes[...]
        while let frame = WireFrame.take(from: &rest) { frames.append(frame) }
        return frames
    }
}
