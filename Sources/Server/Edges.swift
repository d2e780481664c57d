import Channels
import Dashboard
import Engine
import HTTP
import HTTPGateway
import HTTPInvoker
import NIOCore
import NIOPosix
import NetServer
import Observability
import Primitives
import StreamGateway
import WorkerGateway

/// The gateways of every event loop, and the way from the core to them.
final class Edges: Sendable {
    /// What one event loop owns.
    private struct Loop: Sendable {
        let loop: any EventLoop
        let workers: NIOLoopBound<WorkerGateway>
        let http: NIOLoopBound<HTTPGateway>
        let streams: NIOLoopBound<StreamGateway>
        let channels: NIOLoopBound<ChannelTable>
        let invoker: NIOLoopBound<HTTPInvoker>
        let dashboard: NIOLoopBound<DashboardGateway>

        /// Built on the loop that will own it, as NIOLoopBound asks.
        init(
            _ number: Int,
            _ loop: any EventLoop,
            inbox: Inbox,
            outbound: InvokerSettings,
            http settings: Configuration.HTTP,
            streams: StreamSettings,
            dashboard: DashboardSystem,
            report: Report
        ) {
            self.loop = loop
            workers = NIOLoopBound(
                WorkerGateway(
                    inbox: inbox,
                    loop: loop,
                    loopNumber: number,
                    hidePayload: Self.hiding(settings),
                    notify: report.notice
                ),
                eventLoop: loop
            )
            http = NIOLoopBound(
                HTTPGateway(
                    inbox: inbox,
                    loop: loop,
                    loopNumber: number,
                    cors: CORS(settings.cors),
                    keepsKeys: settings.idempotencyExpiry.nanoseconds > 0
                ),
                eventLoop: loop
            )
            self.streams = NIOLoopBound(
                StreamGateway(
                    inbox: inbox,
                    loop: loop,
                    loopNumber: number,
                    settings: streams,
                    notify: report.notice
                ),
                eventLoop: loop
            )
            channels = NIOLoopBound(
                ChannelTable(loop: loop) { inbox.offer(.channelEnded($0)) },
                eventLoop: loop
            )
            invoker = NIOLoopBound(
                HTTPInvoker(inbox: inbox, loop: loop, settings: outbound),
                eventLoop: loop
            )
            self.dashboard = NIOLoopBound(
                DashboardGateway(system: dashboard, inbox: inbox, loop: loop, loopNumber: number),
                eventLoop: loop
            )
        }

        /// Hides of a payload what records of requests do not hold either.
        static func hiding(_ settings: Configuration.HTTP) -> @Sendable (String) -> String {
            let secrets = settings.rules.secrets
            return { secrets.hidden(inPayload: $0) }
        }
    }

    private let loops: [Loop]
    private let homes: [ChannelHome]
    private let readings: LogReadings
    private let follower: LogFollower
    private let replayer: StreamReplayer
    private let webhooks: WebhookSender

    init(
        group: MultiThreadedEventLoopGroup,
        inbox: Inbox,
        outbound: InvokerSettings,
        http settings: Configuration.HTTP,
        streams: StreamSettings,
        dashboard: DashboardSystem,
        replayer: StreamReplayer,
        readings: LogReadings,
        follower: LogFollower,
        report: Report
    ) {
        self.replayer = replayer
        self.readings = readings
        self.follower = follower
        webhooks = WebhookSender(outbound, report: report)
        loops = group.makeIterator().enumerated().map { number, loop in
            let built = loop.submit {
                Loop(
                    number,
                    loop,
                    inbox: inbox,
                    outbound: outbound,
                    http: settings,
                    streams: streams,
                    dashboard: dashboard,
                    report: report
                )
            }
            do { return try built.wait() } catch {
                preconditionFailure("a new loop runs: \(error)")
            }
        }
        homes = loops.map { owned in
            ChannelHome(loop: owned.loop) { id, key in
                owned.channels.value.find(id, key: key) ?? owned.http.value.find(id, key: key)
            }
        }
    }

    /// Puts in force what may change while the engine runs.
    @Sendable
    func configure(_ configuration: Configuration) {
        let cors = CORS(configuration.http.cors)
        let hidePayload = Loop.hiding(configuration.http)
        let asksFunction = configuration.stream.authFunction != nil
        for owned in loops {
            owned.loop.execute {
                owned.workers.value.hidePayload = hidePayload
                owned.http.value.cors = cors
                owned.streams.value.settings.asksFunction = asksFunction
            }
        }
    }

    /// One for each loop: hands a turn's effects over in one task, and writes each socket once.
    var sinks: [@Sendable ([Effect]) -> Void] {
        loops.map { [readings, follower, webhooks] owned in
            { effects in
                owned.loop.execute {
                    let workers = owned.workers.value
                    let http = owned.http.value
                    let streams = owned.streams.value
                    for effect in effects {
                        switch effect {
                        case .send(let connection, let message) where connection.isOfOperators:
                            owned.dashboard.value.carryOut(message)
                        case .send, .close, .admit, .probe: workers.carryOut(effect)
                        case .respond, .readBody, .stream, .streamFailed: http.carryOut(effect)
                        case .open(let channel, _):
                            owned.channels.value.open(
                                channel.id,
                                key: channel.key,
                                bounds: ChannelBounds(
                                    messages: channel.messages,
                                    bytes: channel.bytes
                                )
                            )
                        case .readLog(let reading): readings.add(reading)
                        case .queryTelemetry(let query): follower.ask(query)
                        case .watchTraces(let isWanted): follower.log.watchTraces(isWanted)
                        case .watchSpans(let wanted): follower.log.watchSpans(wanted)
                        case .notify(let hook): webhooks.send(hook, on: owned.loop)
                        case .began(let spans): follower.began(spans)
                        case .picture(let request, let picture):
                            owned.dashboard.value.carryOut(request, picture)
                        case .toSubscribers(.replay(let replay)): self.start(replay, on: owned)
                        case .toSubscribers(let effect): streams.carryOut(effect)
                        case .fetch: owned.invoker.value.carryOut(effect)
                        }
                    }
                    workers.flush()
                    streams.flush()
                }
            }
        }
    }

    /// What a subscriber has missed is read elsewhere, and told by its own loop.
    private func start(_ replay: StreamReplay, on owned: Loop) {
        replayer.replay(replay) { messages, done in
            owned.loop.execute {
                owned.streams.value.catchUp(replay, messages, done: done)
            }
        }
    }

    /// On the connection's event loop.
    func route(
        _ request: UpgradeRequest,
        listener: Int,
        isTrusted: Bool
    ) -> UpgradeDecision {
        // The key in its address is all that a channel asks for.
        guard ChannelRoute.matches(request.path) else {
            return current.workers.value.route(request, listener: listener, isTrusted: isTrusted)
        }
        return ChannelRoute.decide(request, on: current.loop, homes: homes)
    }

    /// On the connection's event loop.
    func streamRoute(_ request: UpgradeRequest) -> UpgradeDecision {
        current.streams.value.route(request)
    }

    /// On the event loop that is asked for.
    func httpService(on loop: any EventLoop) -> any HTTPService {
        current.http.value
    }

    /// On an event loop of the group, where `done` is called at most once.
    @Sendable
    func collectMetrics(_ done: @escaping ([MetricFamily]) -> Void) {
        current.dashboard.value.collectMetrics(done)
    }

    /// On the event loop that is asked for.
    func dashboardService(on loop: any EventLoop) -> any HTTPService {
        current.dashboard.value
    }

    private var current: Loop {
        guard let owned = loops.first(where: { $0.loop.inEventLoop }) else {
            preconditionFailure("sockets live on the loops of the group")
        }
        return owned
    }
}
