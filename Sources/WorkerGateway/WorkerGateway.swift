package import Engine
import JSON
package import NIOCore
package import NetServer
import Observability
import WorkerProtocol

/// The worker sockets of one event loop: frames to commands, effects to frames.
///
/// Confined to its event loop. Commands leave in one batch per turn of the loop, effects come in
/// one batch per turn of the core and leave in one write per socket.
package final class WorkerGateway {
    private let inbox: Inbox
    let loop: any EventLoop
    let loopNumber: Int
    let notify: @Sendable (Notice) -> Void
    private var sessions: [UInt64: WorkerSession] = [:]
    private var nextNumber: UInt64 = 0
    private var touched: [WorkerSession] = []

    /// What came in this turn of the loop.
    private var commands: [Command] = []
    private var commandBytes = 0
    /// As many commands are worth waking the core for.
    private static let firstBatch = 16
    /// Who sent it.
    private var senders: [WorkerSession] = []
    /// Who sent what filled the inbox, and reads nothing until that is drained.
    private var paused: [WorkerSession] = []

    package init(
        inbox: Inbox,
        loop: any EventLoop,
        loopNumber: Int,
        notify: @escaping @Sendable (Notice) -> Void
    ) {
        self.inbox = inbox
        self.loop = loop
        self.loopNumber = loopNumber
        self.notify = notify
    }

    /// Which socket a request gets: a worker's at `/`, one for telemetry at `/otel`.
    package func route(_ request: UpgradeRequest) -> UpgradeDecision {
        let notFound = UpgradeDecision.refuse(
            status: 404,
            body: "no worker socket here; workers connect to /\n"
        )
        switch request.path {
        case "/":
            // An old SDK whose address has a query appends the channel's path behind it.
            if request.query?.contains("/ws/channels/") == true { return notFound }
            let address = request.remoteAddress
            return .accept { self.makeSession(address: address) }
        case "/otel":
            return .accept { TelemetrySession(gateway: self) }
        default:
            return notFound
        }
    }

    private func makeSession(address: String) -> any WebSocketSession {
        nextNumber += 1
        let id = ConnectionID(loop: loopNumber, number: nextNumber)
        let session = WorkerSession(id: id, address: address, gateway: self)
        sessions[id.number] = session
        return session
    }

    func remove(_ session: WorkerSession) { sessions[session.id.number] = nil }

    // MARK: To the core

    /// Collects a command, to be handed over when the core has nothing to do, and at the latest at
    /// the end of this turn of the loop: one batch for all sockets that were ready.
    func collect(_ command: Command, bytes: Int, from sender: WorkerSession? = nil) {
        if commands.isEmpty {
            // NIO runs tasks after it has read from every socket that was ready.
            loop.assumeIsolated().execute { self.handOver() }
        }
        commands.append(command)
        commandBytes += bytes
        if let sender, !sender.isSender {
            sender.isSender = true
            senders.append(sender)
        }
        // An idle core need not wait for the rest: its first batch is with the device by then.
        if commands.count >= Self.firstBatch, inbox.isAwaited { handOver() }
    }

    func handOver() {
        guard !commands.isEmpty else { return }
        let answer = inbox.offer(&commands, bytes: commandBytes, whenDrained: resumption())
        commandBytes = 0
        for sender in senders {
            sender.isSender = false
            if answer == .full { sender.pauseReading() }
        }
        if answer == .full { paused += senders }
        senders.removeAll(keepingCapacity: true)
    }

    /// Runs on the core thread, and leads back to the event loop.
    private func resumption() -> @Sendable () -> Void {
        let gateway = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        return { loop.execute { gateway.value.resumeReading() } }
    }

    private func resumeReading() {
        let resumed = paused
        paused = []
        for session in resumed { session.resumeReading() }
    }

    // MARK: From the core

    /// Carries out the effects that are for workers. Call ``flush()`` after the last.
    package func carryOut(_ effect: Effect) {
        switch effect {
        case .send(let connection, let message):
            guard let session = sessions[connection.number] else { return }
            session.send(message)
            if !session.isTouched {
                session.isTouched = true
                touched.append(session)
            }
        case .probe(let connection): sessions[connection.number]?.probe()
        case .close(let connection, let code, let reason):
            sessions[connection.number]?.close(code: code, reason: reason)
        case .respond:
            break
        }
    }

    /// One write for every socket that has something.
    package func flush() {
        for session in touched {
            session.isTouched = false
            session.flush()
        }
        touched.removeAll(keepingCapacity: true)
    }
}
