import AccessControl
package import Engine
import JSON
package import NIOCore
package import NetServer
import Observability
import Primitives
import WorkerProtocol

/// The worker sockets of one event loop: frames to commands, effects to frames.
///
/// Confined to its event loop. Commands leave in one batch per turn of the loop, effects come in
/// one batch per turn of the core and leave in one write per socket.
package final class WorkerGateway {
    let inbox: Inbox
    let loop: any EventLoop
    let loopNumber: Int
    let notify: @Sendable (Notice) -> Void
    /// Makes of a payload that a span tells of what the log may hold of it.
    package var hidePayload: @Sendable (_ payload: String) -> String
    let clock = SystemClock()
    var telemetryTime: TelemetryAllowance
    private var sessions: [UInt64: WorkerSession] = [:]
    private var nextNumber: UInt64 = 0
    /// Sockets that ask the core to be let in.
    private var admissions: [UInt64: (Effect.Verdict) -> Void] = [:]
    private var nextAdmission: UInt64 = 0
    private var droppedAdmissions = NoticeLimit()
    private var touched: [WorkerSession] = []

    /// What came in this turn of the loop.
    private var commands: [Command] = []
    private var commandBytes = 0
    /// As many commands are worth waking the core for.
    private static let firstBatch = 16
    /// Who sent it.
    private let senders: BatchSenders

    package init(
        inbox: Inbox,
        loop: any EventLoop,
        loopNumber: Int,
        hidePayload: @escaping @Sendable (_ payload: String) -> String,
        notify: @escaping @Sendable (Notice) -> Void
    ) {
        self.hidePayload = hidePayload
        self.inbox = inbox
        self.loop = loop
        self.loopNumber = loopNumber
        self.notify = notify
        senders = BatchSenders(loop: loop)
        telemetryTime = TelemetryAllowance(now: clock.now().monotonic)
    }

    /// Which socket a request gets: a worker's at `/`, one for telemetry at `/otel`.
    ///
    /// `listener` is the number of the one that it came to, and trusted where every peer that gets
    /// here may do everything.
    package func route(
        _ request: UpgradeRequest,
        listener: Int = 0,
        isTrusted: Bool = true
    ) -> UpgradeDecision {
        let notFound = UpgradeDecision.refuse(
            status: 404,
            body: "no worker socket here; workers connect to /\n"
        )
        let make: (Access?) -> any WebSocketSession
        switch request.path {
        case "/":
            // An old SDK whose address has a query appends the channel's path behind it.
            if request.query?.contains("/ws/channels/") == true { return notFound }
            let address = request.remoteAddress
            make = { self.makeSession(address: address, access: $0, listener: listener) }
        case "/otel":
            let address = request.remoteAddress
            make = { _ in TelemetrySession(gateway: self, address: address) }
        default:
            return notFound
        }
        if isTrusted { return .accept { make(nil) } }
        if let refusal = request.refusalOfParameters { return refusal }
        return .later { decided in self.ask(request, listener, make, decided) }
    }

    private func ask(
        _ request: UpgradeRequest,
        _ listener: Int,
        _ make: @escaping (Access?) -> any WebSocketSession,
        _ decided: @escaping (UpgradeDecision) -> Void
    ) {
        guard admissions.count < Limits.admissions else {
            tellOfDropped()
            return decided(.drop)
        }
        nextAdmission += 1
        admissions[nextAdmission] = { verdict in
            switch verdict {
            case .admitted(let access): decided(.accept { make(access) })
            case .refused(let status, let reason):
                decided(.refuse(status: status, body: reason + "\n"))
            case .dropped: decided(.drop)
            }
        }
        let admission = Admission(
            listener: listener,
            headers: request.headers,
            query: request.query,
            address: request.remoteAddress
        )
        let id = AdmissionID(loop: loopNumber, number: nextAdmission)
        collect(.admit(id, admission), bytes: 1024)
    }

    /// A worker's socket is closed without an answer.
    private func tellOfDropped() {
        guard let untold = droppedAdmissions.pass(at: clock.now().monotonic) else { return }
        let text =
            "a worker was not let in: \(Limits.admissions) connections wait for the auth function "
            + "already" + (untold == 0 ? "" : "; nor were \(untold) more since this was told last")
        notify(Notice(severity: .warning, text: text))
    }

    private func makeSession(
        address: String,
        access: Access?,
        listener: Int
    ) -> any WebSocketSession {
        nextNumber += 1
        let id = ConnectionID(loop: loopNumber, number: nextNumber)
        let session = WorkerSession(
            id: id,
            address: address,
            access: access,
            listener: listener,
            gateway: self
        )
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
        if let sender { senders.add(sender) }
        // An idle core need not wait for the rest: its first batch is with the device by then.
        if commands.count >= Self.firstBatch, inbox.isAwaited { handOver() }
    }

    func handOver() {
        guard !commands.isEmpty else { return }
        let answer = inbox.offer(
            &commands,
            bytes: commandBytes,
            whenDrained: senders.resumption()
        )
        commandBytes = 0
        senders.handedOver(isFull: answer == .full)
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
        case .admit(let id, let verdict):
            admissions.removeValue(forKey: id.number)?(verdict)
        case .respond, .readBody, .stream, .streamFailed, .open, .fetch, .readLog, .queryTelemetry,
            .began,
            .watchTraces, .watchSpans, .notify, .picture, .toSubscribers:
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
