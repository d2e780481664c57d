package import Engine
import JSON
package import NIOCore
package import NetServer
package import Observability
import Primitives

/// The dashboard's requests of one event loop: the web app's files, and the API that it reads and
/// changes the engine by.
///
/// Confined to its event loop. Nobody is answered anything but `/healthz` without access.
package final class DashboardGateway: HTTPService {
    private let system: DashboardSystem
    private let inbox: Inbox
    private let loop: any EventLoop
    private let calls: OperatorCalls
    private let pictures: PictureRequests
    private let log: LogRoutes
    private let live: LiveMembers
    /// Who asked for metrics and waits for a look at the host.
    private var waiting: [UInt64: (HostFigures) -> Void] = [:]
    private var asked: UInt64 = 0

    package init(
        system: DashboardSystem,
        inbox: Inbox,
        loop: any EventLoop,
        loopNumber: Int
    ) {
        self.system = system
        self.inbox = inbox
        self.loop = loop
        calls = OperatorCalls(inbox: inbox, loop: loop, loopNumber: loopNumber)
        pictures = PictureRequests(inbox: inbox, loopNumber: loopNumber)
        log = LogRoutes(system.sources, loop, pictures)
        live = LiveMembers(
            loop: loop,
            number: loopNumber,
            version: system.version,
            home: system.home
        )
        // One publisher is enough for the sockets of all event loops.
        guard loopNumber == 0 else { return }
        system.home.move(
            in: LivePublisher(
                loop: loop,
                pictures: pictures,
                sources: system.sources,
                inbox: inbox
            ),
            on: loop
        )
    }

    /// Carries out the effects that are for ``ConnectionID/operators(ofLoop:)``.
    package func carryOut(_ message: Effect.Message) { calls.carryOut(message) }

    /// A picture that was asked for from this event loop.
    package func carryOut(_ request: PictureRequest, _ picture: EnginePicture) {
        pictures.arrived(request, picture)
    }

    // MARK: Requests

    package func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        if request.path == "/healthz" { return exchange.respond(health(request)) }
        let access = system.stage.access
        let isUpgrade = request.header("upgrade")?.lowercased() == "websocket"
        let verdict = access.judge(
            DashboardAccess.Request(
                method: request.method,
                path: request.path,
                query: request.query,
                headers: request.headers,
                remoteAddress: request.remoteAddress,
                isUpgrade: isUpgrade
            )
        )
        switch verdict {
        case .refused(let status, let code, let message):
            exchange.respond(refusal(request, status, code, message))
        case .welcomed:
            var reply = DashboardReply.text([], type: "text/plain", status: 303)
            reply.headers += [("location", "/"), ("set-cookie", access.setCookie)]
            exchange.respond(reply)
        case .allowed:
            route(request, exchange)
        }
    }

    package func readCompleted() { calls.handOver() }

    /// Liveness is nobody's secret: load balancers ask for it.
    private func health(_ request: HTTPRequest) -> HTTPReply {
        guard Self.reads(request) else { return DashboardReply.notAllowed("GET, HEAD") }
        return DashboardReply.json(StatusText.health)
    }

    private func refusal(
        _ request: HTTPRequest,
        _ status: Int,
        _ code: String,
        _ message: String
    ) -> HTTPReply {
        var reply =
            request.path == "/"
            ? DashboardReply.text(
                Array("\(message)\n".utf8),
                type: "text/plain; charset=utf-8",
                status: status
            ) : DashboardReply.failure(status, code, message)
        if status == 401 { reply.headers.append(("www-authenticate", "Bearer realm=\"iii\"")) }
        return reply
    }

    private static func reads(_ request: HTTPRequest) -> Bool {
        request.method == "GET" || request.method == "HEAD"
    }

    // MARK: Routes

    private func route(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let path = request.path
        switch path {
        case "/readyz", "/api/status":
            guard Self.reads(request) else {
                return exchange.respond(DashboardReply.notAllowed("GET, HEAD"))
            }
            exchange.respond(path == "/readyz" ? readiness : status)
        case "/api/call", "/api/enqueue":
            guard request.method == "POST" else {
                return exchange.respond(DashboardReply.notAllowed("POST"))
            }
            call(request, exchange, isEnqueue: path == "/api/enqueue")
        case "/metrics", "/api/live", "/api/processes":
            guard Self.reads(request) else {
                return exchange.respond(DashboardReply.notAllowed("GET, HEAD"))
            }
            guard case .ready(let facts) = system.stage.stage else {
                return exchange.respond(DashboardReply.unready(system.stage.stage))
            }
            switch path {
            case "/metrics": metrics(facts, exchange)
            case "/api/live": open(exchange)
            default: exchange.respond(DashboardReply.json(processes))
            }
        case _ where path.hasPrefix("/api/"):
            guard Self.reads(request) else {
                return exchange.respond(DashboardReply.notAllowed("GET, HEAD"))
            }
            guard case .ready = system.stage.stage else {
                return exchange.respond(DashboardReply.unready(system.stage.stage))
            }
            guard !log.answer(request, exchange) else { return }
            exchange.respond(DashboardReply.failure(404, "NOT_FOUND", "there is no \(path) here"))
        default:
            let known = request.header("if-none-match")
            guard let page = DashboardPages.shared.reply(path, known: known) else {
                return exchange.respond(
                    DashboardReply.failure(404, "NOT_FOUND", "there is no \(path) here")
                )
            }
            exchange.respond(Self.reads(request) ? page : DashboardReply.notAllowed("GET, HEAD"))
        }
    }

    private var readiness: HTTPReply {
        switch system.stage.stage {
        // Every request of a trigger, and every enqueue, would be refused.
        case .ready where inbox.isInShortage:
            DashboardReply.json(StatusText.storageFull, status: 503)
        case .ready: DashboardReply.json(StatusText.ready)
        case .recovering(let fraction):
            DashboardReply.json(StatusText.recovering(fraction), status: 503)
        case .stopping: DashboardReply.json(StatusText.stopping, status: 503)
        }
    }

    private var status: HTTPReply {
        let stage = system.stage.stage
        guard case .ready(let facts) = stage else { return DashboardReply.unready(stage) }
        return DashboardReply.json(
            StatusText.status(facts, isReadOnly: system.isReadOnly, now: SystemClock().now().wall)
        )
    }

    private var processes: JSONText {
        var json = JSONBuilder()
        json.beginObject()
        ProcessRow.write(system.sources.processes.rows, into: &json)
        json.endObject()
        return json.finish()
    }

    // MARK: Watching

    private func open(_ exchange: HTTPExchange) {
        guard !live.isFull else {
            return exchange.respond(
                DashboardReply.failure(503, "BUSY", "too many pages are open on this engine")
            )
        }
        var settings = WebSocketSettings()
        settings.messageBytes = 64 << 10
        settings.outboundBytes = 8 << 20
        settings.closeDeadline = .seconds(1)
        if let defect = exchange.upgrade(settings, { self.live.makeSession() }) {
            exchange.respond(
                DashboardReply.failure(defect.status, "NO_WEBSOCKET", defect.reason)
            )
        }
    }

    private func metrics(_ facts: DashboardFacts, _ exchange: HTTPExchange) {
        let isAsked = collect(facts) { families in
            let bytes = PrometheusText(families).bytes
            exchange.respond(DashboardReply.text(bytes, type: PrometheusText.contentType))
        }
        if !isAsked {
            exchange.respond(DashboardReply.failure(503, "BUSY", "others are asking already"))
        }
    }

    /// The engine's own metrics, as `/metrics` tells them. On the event loop, where `done` is
    /// called at most once: not before the engine is ready, and not where too many ask.
    package func collectMetrics(_ done: @escaping ([MetricFamily]) -> Void) {
        guard let facts = system.stage.facts else { return }
        _ = collect(facts, done)
    }

    private func collect(
        _ facts: DashboardFacts,
        _ done: @escaping ([MetricFamily]) -> Void
    ) -> Bool {
        asked += 1
        let id = asked
        let own = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        return pictures.ask { picture in
            let gateway = own.value
            gateway.waiting[id] = { [unowned gateway] host in
                let sources = gateway.system.sources
                let families = MetricsText.families(
                    picture,
                    host,
                    sources.followed.totals,
                    facts,
                    TelemetryFigures(sources.followed),
                    sources.processes.rows,
                    inbox: gateway.inbox.load
                )
                done(families)
            }
            gateway.system.sources.lookAtHost { figures in
                loop.execute { own.value.waiting.removeValue(forKey: id)?(figures) }
            }
        }
    }

    private func call(_ request: HTTPRequest, _ exchange: HTTPExchange, isEnqueue: Bool) {
        let stage = system.stage.stage
        guard case .ready = stage else { return exchange.respond(DashboardReply.unready(stage)) }
        let call: CallRequest
        do throws(ErrorBody) {
            call = try CallRequest(request.body, isEnqueue: isEnqueue)
        } catch {
            return exchange.respond(DashboardReply.failure(400, error))
        }
        if system.isReadOnly, !call.onlyReads {
            return exchange.respond(
                DashboardReply.failure(
                    403,
                    "READ_ONLY",
                    "[observability] dashboard_read_only is set: \(call.function.id) may change "
                        + "something"
                )
            )
        }
        calls.make(call, exchange)
    }
}

/// What the gateways of all event loops share.
package struct DashboardSystem: Sendable {
    package let stage: DashboardStage
    /// Whether calls that may change something are refused.
    package let isReadOnly: Bool
    /// Of the engine.
    package let version: String
    package let sources: DashboardSources
    let home = LivePublisherHandle()

    package init(
        stage: DashboardStage,
        isReadOnly: Bool,
        version: String,
        sources: DashboardSources
    ) {
        self.stage = stage
        self.isReadOnly = isReadOnly
        self.version = version
        self.sources = sources
    }
}
