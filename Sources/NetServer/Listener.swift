import Glibc
package import NIOCore
import NIOHTTP1
import NIOPosix
import Primitives
import Synchronization

/// Why listening failed.
package enum ListenerError: Error, Equatable, Sendable, CustomStringConvertible {
    case addressInUse(ListenAddress)
    case cannotBind(ListenAddress, reason: String)

    package var description: String {
        switch self {
        case .addressInUse(let address):
            "\(address) is in use by another process; stop it, or choose another port"
        case .cannotBind(let address, let reason):
            "cannot listen on \(address): \(reason)"
        }
    }
}

/// A listening socket and its connections.
///
/// Running out of file descriptors does not end it: NIO stops accepting for a second and goes on.
package final class Listener: Sendable {
    /// As bound: with the port that the system chose, if 0 was asked for.
    package let address: ListenAddress
    private let channel: any Channel
    private let connections: Connections

    private init(address: ListenAddress, channel: any Channel, connections: Connections) {
        self.address = address
        self.channel = channel
        self.connections = connections
    }

    package var port: Int { Int(address.port) }
    /// Connections that are open at this moment.
    package var connectionCount: Int { connections.count }

    /// Listens for WebSockets. `route` decides about each request, on the event loop of its
    /// connection.
    package static func webSocket(
        on address: ListenAddress,
        group: any EventLoopGroup,
        settings: WebSocketSettings = WebSocketSettings(),
        route: @escaping @Sendable (UpgradeRequest) -> UpgradeDecision
    ) async throws(ListenerError) -> Listener {
        let connections = Connections(settings.maximumConnections, settings.descriptors)
        let bootstrap = Self.bootstrap(group, backlog: settings.backlog)
            .childChannelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(
                    low: settings.waterMarks.low,
                    high: settings.waterMarks.high
                )
            )
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.recvAllocator, value: Self.receiving(atMost: 256 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try connections.admit(channel)
                    try Handshake.configure(channel, settings: settings, route: route)
                }
            }
        return try await bind(bootstrap, to: address, connections)
    }

    /// Listens for HTTP/1.1 requests; with an `identity` for TLS, over which there is HTTP/2 as
    /// well. `makeService` is called on each event loop when its first connection comes.
    package static func http(
        on address: ListenAddress,
        group: any EventLoopGroup,
        settings: HTTPSettings = HTTPSettings(),
        identity: TLSIdentity? = nil,
        makeService: @escaping @Sendable (any EventLoop) -> any HTTPService
    ) async throws(ListenerError) -> Listener {
        let connections = Connections(settings.maximumConnections, settings.descriptors)
        let services = HTTPServices(makeService: makeService)
        // Little at a time: parsed, the small requests that a client can pipeline take twenty times
        // the memory of their bytes.
        let bootstrap = Self.bootstrap(group, backlog: settings.backlog)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: Self.receiving(atMost: 64 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try connections.admit(channel)
                    let service = services.service(on: channel.eventLoop)
                    guard let identity else {
                        return try HTTPConnection.configure(
                            channel,
                            settings: settings,
                            service: service
                        )
                    }
                    try ProtocolChoice.configure(
                        channel,
                        identity: identity,
                        settings: settings,
                        service: service
                    )
                }
            }
        return try await bind(bootstrap, to: address, connections)
    }

    /// Returns when the address is free again; connections live on.
    package func stopAccepting() async {
        // A listening socket that is closed already is what was asked for.
        channel.close(promise: nil)
        _ = await channel.closeFuture.outcome()
    }

    /// Stops accepting, and has HTTP connections end with the reply to the request that is under
    /// way, or at once where there is none. Does not wait for them.
    package func stopKeepingConnections() async {
        await stopAccepting()
        for connection in connections.drain() {
            connection.pipeline.fireUserInboundEventTriggered(ListenerDrain(code: 1012))
        }
    }

    /// Stops accepting, and ends the connections: WebSockets with a Close frame, HTTP connections
    /// when the exchange in progress is answered. Returns when none is left.
    ///
    /// - Parameters:
    ///   - code: of the Close frames. 1012, *service restart*, makes every SDK reconnect.
    ///   - grace: after this, what is left is cut off.
    package func close(code: UInt16 = 1012, grace: TimeAmount = .seconds(5)) async {
        precondition(FrameParser.maySend(closeCode: code), "\(code) must not be sent.")
        await stopAccepting()
        let open = connections.drain()
        for connection in open {
            connection.pipeline.fireUserInboundEventTriggered(ListenerDrain(code: code))
            let cut = connection.eventLoop.scheduleTask(in: grace) {
                connection.close(promise: nil)
            }
            connection.closeFuture.whenComplete { _ in cut.cancel() }
        }
        for connection in open { _ = await connection.closeFuture.outcome() }
    }

    private static func bootstrap(_ group: any EventLoopGroup, backlog: Int32) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A peer that acknowledges nothing for 30 s is gone: milliseconds.
            .childChannelOption(unacknowledgedTimeout, value: 30_000)
            .childChannelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)
            )
    }

    /// How long a peer may acknowledge, or take, nothing of what it was sent, in milliseconds; 0:
    /// as long as TCP bears it.
    static var unacknowledgedTimeout: ChannelOptions.Types.SocketOption {
        .tcpOption(NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT))
    }

    /// Receive buffers that follow what comes, up to `maximum` bytes.
    private static func receiving(atMost maximum: Int) -> AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 2 << 10, initial: 4 << 10, maximum: maximum)
    }

    private static func bind(
        _ bootstrap: ServerBootstrap,
        to address: ListenAddress,
        _ connections: Connections
    ) async throws(ListenerError) -> Listener {
        switch await bootstrap.bind(host: address.host, port: Int(address.port)).outcome() {
        case .success(let channel):
            let port = channel.localAddress?.port.map { UInt16($0) } ?? address.port
            return Listener(
                address: ListenAddress(host: address.host, port: port),
                channel: channel,
                connections: connections
            )
        case .failure(let error as IOError) where error.errnoCode == EADDRINUSE:
            throw .addressInUse(address)
        case .failure(let error as IOError):
            throw .cannotBind(address, reason: Self.reason(error.errnoCode))
        case .failure(is SocketAddressError.UnknownHost):
            throw .cannotBind(address, reason: "\(address.host) has no address")
        case .failure(let error):
            throw .cannotBind(address, reason: String(describing: error))
        }
    }

    /// The system's words for `code`, and what they mean here.
    private static func reason(_ code: CInt) -> String {
        let text = String(cString: strerror(code))
        return switch code {
        case EACCES: "\(text) (ports below 1024 are for processes with CAP_NET_BIND_SERVICE)"
        case EADDRNOTAVAIL: "\(text) (this machine has no such address)"
        default: text
        }
    }
}

/// Told to every connection of a listener that is being closed.
struct ListenerDrain {
    let code: UInt16
}

/// The open connections of one listener.
private final class Connections: Sendable {
    struct Refused: Error {}

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
    }

    private let maximum: Int
    private let descriptors: DescriptorShare?
    private let state = Mutex(State())

    init(_ maximum: Int, _ descriptors: DescriptorShare?) {
        self.maximum = maximum
        self.descriptors = descriptors
    }

    var count: Int { state.withLock { $0.channels.count } }

    /// Keeps `channel` until it closes. Throws when there are too many, or none is wanted any more:
    /// the TCP connection then ends without an answer, and clients try again.
    func admit(_ channel: any Channel) throws(Refused) {
        let id = ObjectIdentifier(channel)
        let isAdmitted = state.withLock { state in
            guard state.channels.count < maximum, !state.isDraining,
                descriptors?.take() ?? true
            else { return false }
            state.channels[id] = channel
            return true
        }
        guard isAdmitted else { throw Refused() }
        channel.closeFuture.whenComplete { _ in
            self.descriptors?.give()
            _ = self.state.withLock { $0.channels.removeValue(forKey: id) }
        }
    }

    /// The connections at this moment; further ones are refused.
    func drain() -> [any Channel] {
        state.withLock { state in
            state.isDraining = true
            return Array(state.channels.values)
        }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The result as a value, as its error is looked at rather than passed on.
    func outcome() async -> Result<Value, any Error> {
        await withUnsafeContinuation { continuation in
            whenComplete { continuation.resume(returning: $0) }
        }
    }
}
