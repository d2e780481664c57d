import Engine
import HTTPFunctions
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Primitives

/// One request from the look-up of its name to the end of its response. Confined to its loop.
///
/// It connects to an address that was checked, never to a name: a name may be resolved to another
/// address the next time. Invariant: `done` is called exactly once.
final class OutboundCall {
    private let request: OutboundRequest
    private let settings: InvokerSettings
    private let loop: any EventLoop
    private let done: (FunctionResult) -> Void
    /// Told of the response's head.
    var heard: (HTTPResponseHead) -> Void = { _ in }
    /// Told of its whole body, before `done` is called.
    var answered: ([UInt8]) -> Void = { _ in }
    private var deadline: Scheduled<Void>?
    private var channel: (any Channel)?
    private var isOver = false
    /// nil: the response has not begun.
    private var status: HTTPResponseStatus?
    private var body: [UInt8] = []

    init(
        _ request: OutboundRequest,
        _ settings: InvokerSettings,
        _ loop: any EventLoop,
        _ done: @escaping (FunctionResult) -> Void
    ) {
        self.request = request
        self.settings = settings
        self.loop = loop
        self.done = done
    }

    private var url: WebAddress { request.endpoint.url }

    func start() {
        let timeout = request.endpoint.timeout
        deadline = loop.assumeIsolated().scheduleTask(in: .milliseconds(timeout)) {
            self.fail("no response within \(timeout) ms")
        }
        if let literal = url.literal { return connect(to: [literal][...]) }
        let question = NameQuestion(
            name: url.host,
            owner: request.owner,
            deadline: .now() + .milliseconds(timeout)
        )
        settings.resolver.addresses(of: question, on: loop).assumeIsolated().whenComplete {
            switch $0 {
            case .success(let addresses): self.resolved(addresses)
            case .failure(let error as DNSLookups.Busy):
                self.fail("\(error)")
            // A resolver that fails has found nothing.
            case .failure: self.resolved([])
            }
        }
    }

    private func resolved(_ addresses: [IPAddress]) {
        guard !isOver else { return }
        do throws(ErrorBody) {
            try settings.policy.check(addresses, of: url.host)
            connect(to: addresses[...])
        } catch {
            end(.failure(error))
        }
    }

    // MARK: Connecting

    /// Tries one address after the other.
    private func connect(to addresses: ArraySlice<IPAddress>) {
        guard !isOver, let address = addresses.first else { return }
        let call = NIOLoopBound(self, eventLoop: loop)
        let target: SocketAddress
        do {
            target = try SocketAddress(
                packedIPAddress: ByteBuffer(bytes: address.bytes),
                port: Int(url.port)
            )
        } catch {
            return fail("\(error)")
        }
        // One that is silent must leave time for the others.
        let patience = max(1, request.endpoint.timeout / Int64(addresses.count))
        ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(patience))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try call.value.configure(channel) }
            }
            .connect(to: target)
            .assumeIsolated()
            .whenComplete { self.connected($0, others: addresses.dropFirst()) }
    }

    private func configure(_ channel: any Channel) throws {
        if let descriptors = settings.descriptors {
            guard descriptors.take() else { throw NoDescriptor() }
            // Which may be long after the response: a peer of TLS is waited for.
            channel.closeFuture.whenComplete { _ in descriptors.give() }
        }
        let pipeline = channel.pipeline.syncOperations
        if url.isSecure {
            // Without a name the certificate must be one for the address.
            let name = url.literal == nil ? url.host : nil
            try pipeline.addHandler(
                NIOSSLClientHandler(context: settings.tls.context(), serverHostname: name)
            )
        }
        try pipeline.addHandler(SingleWrite())
        var framing = HTTPRequestEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        try pipeline.addHandler(HTTPRequestEncoder(configuration: framing))
        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder()))
        try pipeline.addHandler(ResponseHandler(self))
    }

    private func connected(
        _ outcome: Result<any Channel, any Error>,
        others: ArraySlice<IPAddress>
    ) {
        switch outcome {
        case .success(let channel):
            self.channel = channel
            guard !isOver else { return channel.close(promise: nil) }
            let pipeline = channel.pipeline.syncOperations
            pipeline.write(NIOAny(HTTPClientRequestPart.head(request.head)), promise: nil)
            if !request.body.isEmpty {
                let body = ByteBuffer(bytes: request.body)
                let part = HTTPClientRequestPart.body(.byteBuffer(body))
                pipeline.write(NIOAny(part), promise: nil)
            }
            pipeline.writeAndFlush(NIOAny(HTTPClientRequestPart.end(nil)), promise: nil)
        case .failure(let error):
            if others.isEmpty { fail(Self.reason(error)) } else { connect(to: others) }
        }
    }

    // MARK: The response

    func began(_ head: HTTPResponseHead) {
        status = head.status
        heard(head)
    }

    func received(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        guard body.count + bytes.readableBytes <= settings.responseBytes else {
            return fail("the response is larger than \(settings.responseBytes) bytes")
        }
        body.append(contentsOf: bytes.readableBytesView)
    }

    /// A redirect is a response like any other: it is not followed.
    func ended() {
        guard let status else { return fail("a response without a head") }
        let known = HTTPResponseStatus(statusCode: Int(status.code))
        // Of codes that are not standard the library makes up a name.
        let reason = if case .custom = known { "" } else { known.reasonPhrase }
        answered(body)
        end(FunctionResult(status: Int(status.code), reason: reason, body: body))
    }

    func failed(_ error: any Error) { fail(Self.reason(error)) }

    func closed() { fail("the connection ended before the response") }

    // MARK: The end

    /// Before a response has begun the request has failed, and the response afterwards.
    private func fail(_ reason: String) {
        let message = "\(request.endpoint.method) to \(url.host) failed: \(reason)"
        let code = status == nil ? "http_request_failed" : "http_response_failed"
        end(.failure(ErrorBody(code: code, message: message)))
    }

    private func end(_ result: FunctionResult) {
        guard !isOver else { return }
        isOver = true
        deadline?.cancel()
        channel?.close(promise: nil)
        done(result)
    }

    /// Addresses stay out of it: who calls a function need not know what its host resolves to.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "no connection (errno \(error.errnoCode))"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "no connection"
        case ChannelError.connectTimeout: "no connection in time"
        case let error as NIOSSLError: "TLS: \(error)"
        case is HTTPParserError: "the response is no HTTP/1.1"
        default: "\(error)"
        }
    }
}

/// Sends what a request consists of in one piece: some servers read once and take that for all.
private final class SingleWrite: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var bytes = ByteBuffer()

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var part = unwrapOutboundIn(data)
        bytes.writeBuffer(&part)
        promise?.succeed()
    }

    func flush(context: ChannelHandlerContext) {
        guard bytes.readableBytes > 0 else { return context.flush() }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        bytes.clear()
    }
}

private final class ResponseHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let call: OutboundCall

    init(_ call: OutboundCall) { self.call = call }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): call.began(head)
        case .body(let bytes): call.received(bytes)
        case .end: call.ended()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer may end TLS without the farewell; how long the response is, HTTP knows.
        if case NIOSSLError.uncleanShutdown = error { return }
        call.failed(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { call.closed() }
}

/// Connections have taken all descriptors that they may have.
private struct NoDescriptor: Error, CustomStringConvertible {
    var description: String { "no file descriptor is left for one more request; try again later" }
}
