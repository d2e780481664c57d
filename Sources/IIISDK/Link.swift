import JSON
import NIOCore
import NIOPosix
import Primitives
import WorkerProtocol

/// A worker's side of the protocol: what it registered, which calls it waits for, what it runs; and
/// the connection under all that, replaced when it breaks.
///
///     dialing --101--> online --lost--> waiting --back-off--> dialing
///        any --close, drained or refused for good--> closed
///
/// Invariants:
/// * Lives on one event loop; other threads come through the ``Mailbox``.
/// * Every entry of `pending` is ended exactly once: by its answer, its deadline, or the loss of
///   the connection that it was sent on.
/// * `waiting` holds calls that no connection has seen yet.
final class Link {
    enum Phase {
        case dialing
        case online(Socket)
        case waiting(Scheduled<Void>)
        case closed(SDKError)
    }

    let mailbox: Mailbox
    let loop: NIOIsolatedEventLoop
    let identity: WorkerIdentity
    let options: WorkerOptions

    var phase = Phase.dialing
    private var failedAttempts = 0
    private var generator = SystemRandomNumberGenerator()
    /// From the last `workerregistered`: what proves on the next connection who this was.
    private var previous: (workerID: String, token: String?)?
    /// Whether the present connection has been greeted.
    private var isGreeted = false
    /// Why the last attempt to connect failed; nil: it did not, or none has ended since.
    private(set) var lastFailure: SDKError?
    private var livenessTimer: Scheduled<Void>?
    private var greetingTimer: Scheduled<Void>?
    var deadlineTimer: (deadline: NIODeadline, task: Scheduled<Void>)?
    var drainTimer: Scheduled<Void>?

    // Registrations, replayed on every connection in the order in which they were made.
    var functions: [String: ServedFunction] = [:]
    var functionOrder: [String] = []
    var triggers: [TriggerRegistration] = []

    var calls = CallTable()
    /// Messages for the next connection.
    var waiting: [WaitingMessage] = []

    /// Counts connections, so that answers do not go out on a later one.
    private(set) var epoch = 0
    /// Functions that are running.
    var running = 0
    var tasks: [UInt64: Task<Void, Never>] = [:]
    private var ticketsGiven: UInt64 = 0
    var drain = DrainPhase.none

    private var greetingWaiters: [@Sendable (Result<Void, SDKError>) -> Void] = []
    /// Closed, and no connection left.
    private var isOver = false
    private var closeWaiters: [@Sendable (SDKError) -> Void] = []

    init(mailbox: Mailbox, identity: WorkerIdentity, options: WorkerOptions) {
        self.mailbox = mailbox
        loop = mailbox.eventLoop.assumeIsolated()
        self.identity = identity
        self.options = options
    }

    func nextTicket() -> UInt64 {
        ticketsGiven += 1
        return ticketsGiven
    }

    func warn(_ message: String) { options.onWarning(message) }

    // MARK: Connecting

    func dial() {
        phase = .dialing
        Dialer.dial(identity.address, headers: identity.headers, for: mailbox)
            .assumeIsolated()
            .whenFailure { [self] error in failedToConnect(error) }
    }

    private func failedToConnect(_ error: any Error) {
        guard case .dialing = phase else { return }
        let what = "cannot connect to the engine at \(identity.address)"
        let failure = Dialer.failure(error, what)
        lastFailure = failure
        if failure.code == .unauthorized, previous == nil { return close(failure) }
        retryLater()
    }

    private func retryLater() {
        if drain != .none { return settleDrain() }
        failedAttempts += 1
        let delay = options.backoff.delay(after: failedAttempts, using: &generator)
        phase = .waiting(
            loop.scheduleTask(in: TimeAmount(delay)) { [self] in
                if case .waiting = phase { dial() }
            }
        )
    }

    /// A connection is there; the engine need not have spoken yet (protocol 1.6).
    func opened(_ socket: Socket) {
        guard case .dialing = phase else { return socket.close() }
        phase = .online(socket)
        epoch += 1
        isGreeted = false
        if let previous {
            socket.send(.reattach(previousWorkerID: previous.workerID, token: previous.token))
        }
        // First, so that the engine knows the namespace of all that follows (protocol 1.7).
        socket.send(.invoke(identity.introduction))
        for id in functionOrder {
            if let function = functions[id] {
                socket.send(.registerFunction(function.registration))
            }
        }
        for trigger in triggers { socket.send(.registerTrigger(trigger)) }
        sendWaiting(on: socket)
        watchLiveness(of: socket)
    }

    private func greeted(workerID: String, token: String?) {
        previous = (workerID, token)
        isGreeted = true
        failedAttempts = 0
        lastFailure = nil
        greetingTimer?.cancel()
        let waiters = greetingWaiters
        greetingWaiters = []
        for waiter in waiters { waiter(.success(())) }
    }

    /// Ends a connection on which nothing was heard for three pings (protocol 1.3).
    private func watchLiveness(of socket: Socket) {
        livenessTimer?.cancel()
        livenessTimer = loop.scheduleTask(in: .seconds(20)) { [self] in
            guard case .online(let current) = phase, current === socket else { return }
            if NIODeadline.now() - socket.lastHeard > .seconds(60) {
                warn("nothing heard from the engine for 60 s; reconnecting")
                return socket.abort()
            }
            socket.ping()
            watchLiveness(of: socket)
        }
    }

    func lost(_ socket: Socket) {
        if case .closed(let reason) = phase { return tellClosed(reason) }
        guard case .online(let current) = phase, current === socket else { return }
        livenessTimer?.cancel()
        let place = "the connection to the engine at \(identity.address)"
        if !isGreeted, lastFailure == nil {
            lastFailure = SDKError(
                code: .cannotConnect,
                message: "\(place) ended before the engine's greeting"
            )
        }
        phase = .dialing
        calls.failAll(
            SDKError(
                code: .connectionLost,
                message: "\(place) was lost before the answer; the function may have run"
            )
        )
        retryLater()
    }

    // MARK: Ending

    /// Ends everything at once: what waits fails with `reason`.
    func close(_ reason: SDKError) {
        let before = phase
        if case .closed = before { return }
        phase = .closed(reason)
        for timer in [livenessTimer, greetingTimer, drainTimer, deadlineTimer?.task] {
            timer?.cancel()
        }
        waiting = []
        calls.failAll(reason)
        for task in tasks.values { task.cancel() }
        // Users' closures may hold the worker, and through it this.
        (functions, functionOrder, triggers) = ([:], [], [])
        let waiters = greetingWaiters
        greetingWaiters = []
        for waiter in waiters { waiter(.failure(reason)) }
        if case .online(let socket) = before {
            socket.close()
        } else {
            if case .waiting(let timer) = before { timer.cancel() }
            tellClosed(reason)
        }
    }

    /// The last connection is gone too.
    private func tellClosed(_ reason: SDKError) {
        isOver = true
        let waiters = closeWaiters
        closeWaiters = []
        for waiter in waiters { waiter(reason) }
    }

    func whenGreeted(_ waiter: @escaping @Sendable (Result<Void, SDKError>) -> Void) {
        if case .closed(let reason) = phase { return waiter(.failure(reason)) }
        if isGreeted { return waiter(.success(())) }
        greetingWaiters.append(waiter)
        greetingTimer = loop.scheduleTask(in: TimeAmount(options.connectTimeout)) { [self] in
            let silence = SDKError(
                code: .cannotConnect,
                message: "no answer from the engine at \(identity.address) within "
                    + "\(options.connectTimeout)"
            )
            close(lastFailure ?? silence)
        }
    }

    func whenClosed(_ waiter: @escaping @Sendable (SDKError) -> Void) {
        if isOver, case .closed(let reason) = phase { return waiter(reason) }
        closeWaiters.append(waiter)
    }

    // MARK: Messages

    /// Runs `body`; what it sends leaves in one write.
    func batch(_ body: () -> Void) {
        guard case .online(let socket) = phase else { return body() }
        socket.batch(body)
    }

    func receive(_ message: ByteBuffer) {
        // What comes between our goodbye and the end of the connection is for nobody.
        guard case .online = phase else { return }
        let decoded = message.withUnsafeReadableBytes { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { bytes in
                Result { () throws(FrameError) in try EngineFrame(decoding: bytes) }
            }
        }
        switch decoded {
        case .success(let frame): receive(frame)
        case .failure(.blank): break
        case .failure(let error): warn("ignoring a message of the engine: \(error)")
        }
    }

    private func receive(_ frame: EngineFrame) {
        switch frame {
        case .invoke(let call): serve(call)
        case .result(let result): answered(result)
        case .workerRegistered(let workerID, let token, _):
            greeted(workerID: workerID, token: token)
        case .registrationRejected(let rejection): rejected(rejection)
        case .triggerRegistrationResult(let result):
            guard let error = result.error else { return }
            warn(
                "the \(result.type) trigger of \(result.functionID) was refused: "
                    + "\(error.code): \(error.message)"
            )
        case .registerTrigger(let registration): refuse(registration)
        case .error(let error):
            lastFailure = SDKError(code: .cannotConnect, message: "\(error.code): \(error.message)")
            warn("the engine at \(identity.address) refuses this worker: \(error.message)")
        case .ping: if case .online(let socket) = phase { socket.send(.pong) }
        case .pong: if drain == .announced { settleDrain() }
        case .unregisterTrigger, .unknown: break
        }
    }

    private func rejected(_ rejection: RegistrationRejection) {
        if rejection.code == RegistrationRejection.functionConflict {
            warn(
                "the function \(rejection.functionID ?? "?") already lives in another worker; "
                    + "this one will not be called for it"
            )
            return
        }
        close(
            SDKError(
                code: .init(rawValue: rejection.code),
                message: "the engine rejected this worker: another live one is called "
                    + "\"\(rejection.workerName ?? identity.name)\" in the namespace "
                    + "\"\(rejection.namespace)\"; stop it, or choose another name"
            )
        )
    }

    /// This worker provides no trigger types.
    private func refuse(_ registration: TriggerRegistration) {
        guard case .online(let socket) = phase else { return }
        let error = ErrorBody(
            code: "trigger_type_not_found",
            message: "this worker serves no trigger type \(registration.type)"
        )
        socket.send(
            .triggerRegistrationResult(
                TriggerRegistrationResult(
                    id: registration.id,
                    type: registration.type,
                    functionID: registration.functionID,
                    error: error
                )
            )
        )
    }
}
