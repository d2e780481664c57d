import Engine
import HTTPGateway
import HTTPInvoker
import NIOCore
import NIOPosix
import NetServer
import WorkerGateway

/// The gateways of every event loop, and the way from the core to them.
final class Edges: Sendable {
    /// What one event loop owns.
    private struct Loop: Sendable {
        let loop: any EventLoop
        let workers: NIOLoopBound<WorkerGateway>
        let http: NIOLoopBound<HTTPGateway>
        let invoker: NIOLoopBound<HTTPInvoker>
    }

    private let loops: [Loop]

    init(
        group: MultiThreadedEventLoopGroup,
        inbox: Inbox,
        outbound: InvokerSettings,
        report: Report
    ) {
        loops = group.makeIterator().enumerated().map { number, loop in
            // Built on the loop that will own it, as NIOLoopBound asks.
            let built = loop.submit {
                Loop(
                    loop: loop,
                    workers: NIOLoopBound(
                        WorkerGateway(
                            inbox: inbox,
                            loop: loop,
                            loopNumber: number,
                            notify: report.notice
                        ),
                        eventLoop: loop
                    ),
                    http: NIOLoopBound(
                        HTTPGateway(inbox: inbox, loop: loop, loopNumber: number),
                        eventLoop: loop
                    ),
                    invoker: NIOLoopBound(
                        HTTPInvoker(inbox: inbox, loop: loop, settings: outbound),
                        eventLoop: loop
                    )
                )
            }
            do { return try built.wait() } catch {
                preconditionFailure("a new loop runs: \(error)")
            }
        }
    }

    /// One for each loop: hands a turn's effects over in one task, and writes each socket once.
    var sinks: [@Sendable ([Effect]) -> Void] {
        loops.map { owned in
            { effects in
                owned.loop.execute {
                    let workers = owned.workers.value
                    let http = owned.http.value
                    for effect in effects {
                        switch effect {
                        case .respond: http.carryOut(effect)
                        case .fetch: owned.invoker.value.carryOut(effect)
                        case .send, .close, .admit: workers.carryOut(effect)
                        }
                    }
                    workers.flush()
                }
            }
        }
    }

    /// On the connection's event loop.
    func route(
        _ request: UpgradeRequest,
        listener: Int,
        isTrusted: Bool
    ) -> UpgradeDecision {
        current.workers.value.route(request, listener: listener, isTrusted: isTrusted)
    }

    /// On the event loop that is asked for.
    func httpService(on loop: any EventLoop) -> any HTTPService {
        current.http.value
    }

    private var current: Loop {
        guard let owned = loops.first(where: { $0.loop.inEventLoop }) else {
            preconditionFailure("sockets live on the loops of the group")
        }
        return owned
    }
}
