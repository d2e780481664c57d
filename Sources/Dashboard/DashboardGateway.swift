package import Engine
package import NIOCore
package import NetServer
import Primitives

/// The dashboard's requests of one event loop: the web app's files, and the API that it reads and
/// changes the engine by.
///
/// Confined to its event loop. Nobody is answered anything but `/healthz` without access.
package final class DashboardGateway: HTTPService {
    private let system: DashboardSystem
    private let calls: OperatorCalls

    package init(
        system: DashboardSystem,
        inbox: Inbox,
        loop: any EventLoop,
        loopNumber: Int
    ) {
        self.system = system
        calls = OperatorCalls(inbox: inbox, loop: loop, loopNumber: loopNumber)
    }

    /// Carries out the effects that are for ``ConnectionID/operators(ofLoop:)``.
    package func carryOut(_ message: Effect.Message) { calls.carryOut(message) }

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

    package init(stage: DashboardStage, isReadOnly: Bool) {
        self.stage = stage
        self.isReadOnly = isReadOnly
    }
}
