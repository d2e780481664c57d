import HTTPFunctions
import JSON
import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Synchronization
import Testing

@testable import Engine
@testable import HTTPInvoker

/// A server on loopback that answers every connection with the same bytes, once it has read a
/// whole request, and keeps what it read.
final class CannedServer: Sendable {
    private let channel: any Channel
    private let box: ReceivedBox

    /// Without an answer it keeps the connection.
    init(_ answer: String?) async throws {
        let box = ReceivedBox()
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Canned(answer, box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.box = box
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    /// What each read of a socket brought.
    var reads: [String] { box.reads.withLock { $0 } }

    func close() async throws { try await channel.close().get() }
}

private final class ReceivedBox: Sendable {
    let reads = Mutex<[String]>([])
}

private final class Canned: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: String?
    private let box: ReceivedBox

    init(_ answer: String?, _ box: ReceivedBox) {
        self.answer = answer
        self.box = box
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        box.reads.withLock { $0.append(text) }
        guard let answer else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        context.close(promise: nil)
    }
}

/// Runs fetches on a loop of its own, for policies and resolvers of the test's.
struct Outside {
    var policy: OutboundPolicy
    var secrets: [String: String] = [:]
    var responseBytes = 1 << 20
    var descriptors: DescriptorShare?
    /// What the names of the test resolve to.
    var names: [String: [String]] = [:]

    /// With plain HTTP, and this machine let through.
    init() {
        policy = OutboundPolicy()
        policy.requiresHTTPS = false
        policy.ports = [PortRange("1-65535")].compactMap { $0 }
        policy.allowedRanges = [AddressRange("127.0.0.0/8")].compactMap { $0 }
    }

    func run(
        _ invocation: String,
        payload: String = "{}",
        function: String = "mail::send",
        registeredUnder registration: OutboundPolicy? = nil
    ) async throws -> FunctionResult {
        let json = JSONText(trusted: Array(invocation.utf8))
        let endpoint = try Endpoint(json, registration ?? policy)
        let trace = try #require(TraceID(high: 1, low: 2))
        let fetch = Effect.Fetch(
            owner: ConnectionID(loop: 0, number: 1),
            endpoint: endpoint,
            dispatch: Effect.Dispatch(
                invocation: UUID128(high: 7, low: 8),
                function: function,
                payload: Array(payload.utf8),
                metadata: nil,
                traceparent: TraceParent(trace: trace, span: 3),
                baggage: nil,
                caller: nil
            )
        )
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let settings = settings
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: FunctionResult.self)
            let time = Timestamp(seconds: 1_700_000_000)
            settings.run(fetch, on: loop, at: time) { promise.succeed($0) }
            return promise.futureResult
        }.get()
    }

    /// What becomes of a message that is sent once.
    func post(_ invocation: String) async throws -> PostOutcome {
        let json = JSONText(trusted: Array(invocation.utf8))
        let post = OutboundPost(endpoint: try Endpoint(json, policy), body: Array("{}".utf8))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let settings = settings
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: PostOutcome.self)
            settings.send(post, on: loop) { promise.succeed($0) }
            return promise.futureResult
        }.get()
    }

    private var settings: InvokerSettings {
        let names = names
        var settings = InvokerSettings(
            policy: policy,
            secrets: secrets,
            resolver: Resolver { question, loop in
                let found = (names[question.name] ?? []).compactMap { IPAddress($0) }
                return loop.makeSucceededFuture(found)
            },
            tls: ClientTLS(.makeClientConfiguration())
        )
        settings.descriptors = descriptors
        settings.responseBytes = responseBytes
        return settings
    }
}

extension FunctionResult {
    var line: String {
        switch self {
        case .value(let bytes): String(decoding: bytes, as: UTF8.self)
        case .none: "nothing"
        case .failure(let error): "\(error.code): \(error.message)"
        }
    }
}
