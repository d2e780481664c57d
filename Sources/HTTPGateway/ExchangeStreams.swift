import Channels
import NIOCore
import NetServer
import Primitives

/// The two channels of a request whose function has asked for one: the request's body, which the
/// engine writes, and the response, which it reads. Confined to the request's event loop.
final class ExchangeStreams {
    let requestBody: DataChannel
    let response: DataChannel
    /// Whether somebody has asked for ``response``.
    var isAskedFor = false
    private let source: BodySource
    private let sink: ResponseSink

    /// With the `body` that came with the request. `started` is called once, when the function
    /// wants to be the one who answers, with the status of its response and why that can be none;
    /// where it can be one, ``begin(_:)`` follows if it is the function's. `finished` is called
    /// once then, when the response has ended, unless its client has gone: with whether it is whole
    /// and says of no failure.
    init(
        _ exchange: HTTPExchange,
        body: [UInt8],
        started: @escaping (_ status: Int, _ defect: ErrorBody?) -> Void,
        finished: @escaping (_ succeeded: Bool) -> Void
    ) {
        requestBody = DataChannel()
        response = DataChannel()
        let source = BodySource(exchange, requestBody)
        self.source = source
        sink = ResponseSink(exchange, response, started: started) { succeeded in
            source.abandon()
            finished(succeeded)
        }
        response.attach(sink)
        requestBody.attach(source)
        source.write(body)
    }

    /// The response is the function's; `dress` adds the headers that are not.
    func begin(_ dress: (inout HTTPReply) -> Void) { sink.begin(dress) }

    /// Whether somebody has been given the response's channel, to write into it now or in a moment,
    /// and nothing of it has been sent.
    var isUnbegun: Bool { isAskedFor && sink.isUnbegun }

    /// How often the function has written, so far.
    var written: Int { sink.written }

    /// Whether it has written nothing since then, though the client would have taken it.
    func isSilent(since written: Int) -> Bool { sink.written == written && sink.isTaken }

    /// Nothing more comes of the response; its client must not take a part for the whole.
    func cut() { response.expire() }

    /// The request was answered otherwise, or its client has gone.
    func abandon() {
        sink.abandon()
        source.abandon()
    }
}

/// Writes a request's body into its channel: as it comes, and no faster than it is read.
private final class BodySource: ChannelSource {
    private let exchange: HTTPExchange
    private let channel: DataChannel
    private var underway = Load()
    private var isOver = false

    /// What SDKs cut their messages to, in bytes; older ones take little more (services 1, A.5).
    private static let pieceBytes = 64 << 10

    init(_ exchange: HTTPExchange, _ channel: DataChannel) {
        self.exchange = exchange
        self.channel = channel
    }

    func write(_ body: [UInt8]) {
        if exchange.hasBody { return exchange.readBody { [weak self] in self?.receive($0) } }
        var rest = ByteBuffer(bytes: body)
        var pieces: [ChannelMessage] = []
        while let piece = rest.readSlice(length: min(rest.readableBytes, Self.pieceBytes)),
            piece.readableBytes > 0
        {
            pieces.append(ChannelMessage(.binary, piece))
        }
        if !pieces.isEmpty { channel.write(pieces) }
        end(.whole)
    }

    private func receive(_ part: HTTPBodyPart) {
        switch part {
        case .bytes(let bytes):
            let message = ChannelMessage(.binary, bytes)
            underway.add(message)
            // On the same loop it may be read at once.
            channel.write([message])
            if underway.fills(channel.bounds) { exchange.pauseBody() }
        case .end: end(.whole)
        }
    }

    private func end(_ ending: ChannelEnding) {
        guard !isOver else { return }
        isOver = true
        channel.end(ending)
    }

    func abandon() { end(.cut) }

    // MARK: From the channel

    func attached() {}

    func refused() {}

    func took(_ load: Load) {
        underway.subtract(load)
        if !isOver, !underway.fills(channel.bounds) { exchange.resumeBody() }
    }

    func readerLeft() {
        isOver = true
        exchange.pauseBody()
    }
}
