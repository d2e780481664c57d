import NIOCore
import Primitives
import WorkerProtocol

/// A function of this worker.
struct ServedFunction {
    let registration: FunctionRegistration
    let handler: Handler

    enum Handler: Sendable {
        /// Runs in a task of its own.
        case task(@Sendable (RawJSON, Context) async throws -> RawJSON?)
        /// Runs on the event loop and must not block it.
        case inline(@Sendable (RawJSON, Reply) -> Void)
    }
}

/// How far a worker has come that wants to end (protocol 1.3: the pong comes after all that the
/// engine sent before it read the unregistrations).
enum DrainPhase {
    case none
    /// Functions and triggers are taken back; what was on its way still comes in.
    case announced
    /// Nothing new comes; what was begun is finished.
    case settling
}

// Functions that this worker runs.
extension Link {
    func register(_ function: ServedFunction) {
        let id = function.registration.id
        if functions.updateValue(function, forKey: id) == nil { functionOrder.append(id) }
        if case .online(let socket) = phase {
            socket.send(.registerFunction(function.registration))
        }
    }

    func unregister(_ id: String) {
        guard functions.removeValue(forKey: id) != nil else { return }
        functionOrder.removeAll { $0 == id }
        if case .online(let socket) = phase { socket.send(.unregisterFunction(id: id)) }
    }

    func register(_ trigger: TriggerRegistration) {
        triggers.append(trigger)
        if case .online(let socket) = phase { socket.send(.registerTrigger(trigger)) }
    }

    func unregister(_ trigger: TriggerID) {
        triggers.removeAll { $0.id == trigger.rawValue }
        if case .online(let socket) = phase {
            socket.send(.unregisterTrigger(id: trigger.rawValue, type: trigger.type))
        }
    }

    func serve(_ call: InvokeFrame) {
        let ticket = Ticket(
            invocationID: call.invocationID,
            functionID: call.functionID,
            epoch: epoch,
            number: nextTicket()
        )
        guard let function = functions[call.functionID] else {
            let message = "Function '\(call.functionID)' not found"
            let error = SDKError(code: .functionNotFound, message: message)
            return answer(ticket, .failure(error))
        }
        running += 1
        switch function.handler {
        case .inline(let run):
            run(RawJSON(trusted: call.data), Reply(ticket, mailbox))
        case .task(let run):
            let context = Context(call, mailbox: mailbox)
            tasks[ticket.number] = task(ticket, RawJSON(trusted: call.data), context, run)
        }
    }

    func finished(_ ticket: Ticket, _ outcome: Result<RawJSON?, SDKError>) {
        running -= 1
        tasks[ticket.number] = nil
        answer(ticket, outcome)
        endDrainIfSettled()
    }

    /// Sends an answer, if the connection that asked is still there: the engine has ended the
    /// invocations of any other.
    private func answer(_ ticket: Ticket, _ outcome: Result<RawJSON?, SDKError>) {
        guard let id = ticket.invocationID, ticket.epoch == epoch,
            case .online(let socket) = phase
        else { return }
        var result = ResultFrame(
            invocationID: id,
            functionID: ticket.functionID,
            result: outcome.functionResult
        )
        let count = WorkerFrame.result(result).byteCount
        guard count <= Limits.messageBytes else {
            let error = Self.tooLarge("the result of \(ticket.functionID)", count)
            result.result = .failure(error.body)
            return socket.send(.result(result))
        }
        socket.send(.result(result), count: count)
    }

    // MARK: Ending

    /// Takes no new work, finishes what was begun, then closes.
    func beginDrain() {
        guard drain == .none else { return }
        if case .closed = phase { return }
        drain = .announced
        drainTimer = loop.scheduleTask(in: TimeAmount(options.drainTimeout)) { [self] in
            warn("\(running) functions and \(calls.count) calls did not end in time; closing")
            finishDrain()
        }
        guard case .online(let socket) = phase else { return settleDrain() }
        // To take a subscription back is to give up its messages: those wait for the next worker.
        for trigger in triggers where !Trigger.subscriptionTypes.contains(trigger.type) {
            socket.send(.unregisterTrigger(id: trigger.id, type: trigger.type))
        }
        for id in functionOrder { socket.send(.unregisterFunction(id: id)) }
        socket.send(.ping)
    }

    func settleDrain() {
        drain = .settling
        endDrainIfSettled()
    }

    func endDrainIfSettled() {
        if drain == .settling, running == 0, calls.isEmpty { finishDrain() }
    }

    private func finishDrain() {
        close(SDKError(code: .shutdown, message: "the worker \"\(identity.name)\" was closed"))
    }
}

/// Runs a function in a task of its own, which brings its outcome back to the event loop.
private func task(
    _ ticket: Ticket,
    _ data: RawJSON,
    _ context: Context,
    _ run: @escaping @Sendable (RawJSON, Context) async throws -> RawJSON?
) -> Task<Void, Never> {
    Task {
        let outcome: Result<RawJSON?, SDKError>
        do {
            outcome = .success(try await run(data, context))
        } catch let error as SDKError {
            outcome = .failure(error)
        } catch {
            outcome = .failure(SDKError(code: .invocationFailed, message: "\(error)"))
        }
        context.route.mailbox.post { $0.finished(ticket, outcome) }
    }
}

/// What an answer needs to find its way.
struct Ticket: Sendable {
    let invocationID: InvocationID?
    let functionID: String
    let epoch: Int
    let number: UInt64
}

extension Result<RawJSON?, SDKError> {
    fileprivate var functionResult: FunctionResult {
        switch self {
        case .success(let value?): .value(value.bytes)
        case .success(nil): .none
        case .failure(let error): .failure(error.body)
        }
    }
}
