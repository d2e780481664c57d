import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Primitives
import Synchronization
import WorkerProtocol

/// Things that arrive, to be taken one by one.
final class Feed<Element: Sendable>: Sendable {
    private struct State {
        var items: [Element] = []
        var waiters: [CheckedContinuation<Element, Never>] = []
    }

    private let state = Mutex(State())

    func put(_ item: Element) {
        let waiter = state.withLock { state -> CheckedContinuation<Element, Never>? in
            if state.waiters.isEmpty {
                state.items.append(item)
                return nil
            }
            return state.waiters.removeFirst()
        }
        waiter?.resume(returning: item)
    }

    func next() async -> Element {
        await withCheckedContinuation { continuation in
            let item = state.withLock { state -> Element? in
                if state.items.isEmpty {
                    state.waiters.append(continuation)
                    return nil
                }
                return state.items.removeFirst()
            }
            if let item { continuation.resume(returning: item) }
        }
    }
}

/// An engine's listener that does nothing by itself: the test hears every message and says every
/// answer.
final class FakeEngine: Sendable {
    let port: Int
    private let channel: any Channel
    private let connections: Feed<FakeConnection>

    var address: String { "ws://127.0.0.1:\(port)" }

    /// Listens on a free port; answers every handshake with 401 if it `refuses`.
    static func start(refuses: Bool = false) async throws -> FakeEngine {
        let connections = Feed<FakeConnection>()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try accept(channel, refuses: refuses, into: connections)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeEngine(channel, connections)
    }

    private init(_ channel: any Channel, _ connections: Feed<FakeConnection>) {
        self.channel = channel
        self.connections = connections
        port = channel.localAddress?.port ?? 0
    }

    private static func accept(
        _ channel: any Channel,
        refuses: Bool,
        into connections: Feed<FakeConnection>
    ) throws {
        if refuses {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(Refuser())
            return
        }
        let upgrader = NIOTypedWebSocketServerUpgrader<Void>(
            maxFrameSize: 64 << 20,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let connection = FakeConnection(channel, head)
                    try channel.pipeline.syncOperations.addHandler(Listener(connection))
                    connections.put(connection)
                }
            }
        )
        _ = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
            configuration: .init(
                upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
                    upgraders: [upgrader],
                    notUpgradingCompletionHandler: { $0.eventLoop.makeSucceededVoidFuture() }
                )
            )
        )
    }

    /// The next connection that comes.
    func accept() async -> FakeConnection { await connections.next() }

    func stop() async { try? await channel.close() }

    private final class Refuser: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let headers = HTTPHeaders([("content-length", "0")])
            let head = HTTPResponseHead(
                version: .http1_1,
                status: .unauthorized,
                headers: headers
            )
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame

        private let connection: FakeConnection
        private var message: [UInt8] = []

        init(_ connection: FakeConnection) { self.connection = connection }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            switch frame.opcode {
            case .text, .continuation:
                message += Array(frame.unmaskedData.readableBytesView)
                guard frame.fin else { return }
                connection.heard(message)
                message = []
            case .connectionClose: connection.heardClose(frame)
            case .ping, .pong: connection.heardControl(frame)
            default: break
            }
        }

        func channelInactive(context: ChannelHandlerContext) { connection.ended() }
    }
}

/// The engine's end of one worker connection.
final class FakeConnection: Sendable {
    enum Heard: Sendable, Equatable {
        case frame(WorkerFrame)
        case control(opcode: UInt8, [UInt8])
        /// A close frame.
        case goodbye
        /// The connection is gone.
        case end
    }

    struct Unexpected: Error { let heard: Heard }

    let request: HTTPRequestHead
    private let channel: any Channel
    private let feed = Feed<Heard>()

    init(_ channel: any Channel, _ request: HTTPRequestHead) {
        self.channel = channel
        self.request = request
    }

    func heard(_ message: [UInt8]) {
        do {
            feed.put(.frame(try WorkerFrame(decoding: message)))
        } catch {
            feed.put(.frame(.unknown(type: "\(error)")))
        }
    }

    func heardControl(_ frame: WebSocketFrame) {
        let payload = Array(frame.unmaskedData.readableBytesView)
        // The SDK's signs of life come by the clock, wherever a slow test happens to be.
        guard frame.opcode != .ping else { return }
        feed.put(.control(opcode: UInt8(webSocketOpcode: frame.opcode), payload))
    }

    func heardClose(_ frame: WebSocketFrame) {
        feed.put(.goodbye)
        channel.close(promise: nil)
    }

    func ended() { feed.put(.end) }

    // MARK: What tests do

    func next() async -> Heard { await feed.next() }

    /// The next message, which must be one.
    func frame() async throws -> WorkerFrame {
        let heard = await next()
        guard case .frame(let frame) = heard else { throw Unexpected(heard: heard) }
        return frame
    }

    /// The next message, which must be a call.
    func call() async throws -> InvokeFrame {
        let frame = try await frame()
        guard case .invoke(let call) = frame else { throw Unexpected(heard: .frame(frame)) }
        return call
    }

    /// The next message, which must be a result.
    func result() async throws -> ResultFrame {
        let frame = try await frame()
        guard case .result(let result) = frame else { throw Unexpected(heard: .frame(frame)) }
        return result
    }

    func send(_ frames: EngineFrame...) {
        for frame in frames { write(.text, frame.bytes) }
    }

    func write(_ opcode: WebSocketOpcode, isFinal: Bool = true, _ bytes: [UInt8]) {
        let data = ByteBuffer(bytes: bytes)
        let frame = WebSocketFrame(fin: isFinal, opcode: opcode, data: data)
        channel.writeAndFlush(frame, promise: nil)
    }

    func greet(workerID: String = "worker-1", token: String = "token-1") {
        send(.workerRegistered(workerID: workerID, reattachToken: token))
    }

    /// Answers a call.
    func answer(_ call: InvokeFrame, _ result: FunctionResult) {
        guard let id = call.invocationID else { return }
        send(
            .result(
                ResultFrame(invocationID: id, functionID: call.functionID, result: result)
            )
        )
    }

    func answer(_ call: InvokeFrame, _ json: String) { answer(call, .value(Array(json.utf8))) }

    /// Calls a function of the worker.
    func invoke(
        _ functionID: String,
        _ json: String,
        id: UUID128 = UUID128(high: 1, low: 1),
        metadata: String? = nil,
        traceparent: String? = nil
    ) {
        send(
            .invoke(
                InvokeFrame(
                    invocationID: .uuid(id),
                    functionID: functionID,
                    data: Array(json.utf8),
                    metadata: metadata.map { JSONText(trusted: Array($0.utf8)) },
                    traceparent: traceparent
                )
            )
        )
    }

    /// Ends the connection without a close frame.
    func drop() { channel.close(promise: nil) }
}
