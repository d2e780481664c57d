import NIOCore
import Primitives
import WorkerProtocol

// Calls that this worker makes.
extension Link {
    /// Sends a call, or keeps it for the next connection. `completion` runs exactly once, on the
    /// event loop, unless it is nil.
    func call(
        _ frame: InvokeFrame,
        timeout: Duration?,
        completion: CallTable.Completion?
    ) {
        let message = WorkerFrame.invoke(frame)
        let count = message.byteCount
        guard count <= Limits.messageBytes else {
            completion?(.failure(Self.tooLarge("the call of \(frame.functionID)", count)))
            return
        }
        var id: UUID128?
        if case .uuid(let sent)? = frame.invocationID { id = sent }
        switch phase {
        case .online(let socket):
            add(id, frame.functionID, timeout, completion)
            socket.send(message, count: count)
        case .closed(let reason): completion?(.failure(reason))
        case .dialing, .waiting:
            if let refusal = offlineRefusal {
                completion?(.failure(refusal))
                return
            }
            add(id, frame.functionID, timeout, completion)
            waiting.append(WaitingMessage(id: id, frame: message))
        }
    }

    /// Why a call cannot be kept for later.
    private var offlineRefusal: SDKError? {
        if drain != .none {
            return SDKError(
                code: .connectionLost,
                message: "the connection was lost while the worker was draining"
            )
        }
        guard waiting.count >= options.callsKeptOffline else { return nil }
        if options.callsKeptOffline == 0 {
            let away = "the connection to the engine at \(identity.address) is lost"
            return lastFailure ?? SDKError(code: .connectionLost, message: away)
        }
        return SDKError(
            code: .tooManyWaiting,
            message: "the engine at \(identity.address) is away and \(waiting.count) calls wait "
                + "for it already"
        )
    }

    private func add(
        _ id: UUID128?,
        _ functionID: String,
        _ timeout: Duration?,
        _ completion: CallTable.Completion?
    ) {
        guard let id, let completion else { return }
        let deadline = NIODeadline.now() + TimeAmount(timeout ?? options.callTimeout)
        calls.add(
            id,
            CallTable.Call(completion: completion, deadline: deadline, functionID: functionID)
        )
        watchDeadlines(from: deadline)
    }

    func sendWaiting(on socket: Socket) {
        let messages = waiting
        waiting = []
        for message in messages {
            // Whoever gave up in the meantime does not want it to happen any more.
            if let id = message.id, !calls.has(id) { continue }
            socket.send(message.frame)
        }
    }

    func answered(_ frame: ResultFrame) {
        guard case .uuid(let id) = frame.invocationID, let call = calls.remove(id) else { return }
        switch frame.result {
        case .value(let value): call.completion(.success(RawJSON(trusted: value)))
        case .none: call.completion(.success(nil))
        case .failure(let error): call.completion(.failure(SDKError(error)))
        }
        endDrainIfSettled()
    }

    /// Nobody waits any more.
    func cancel(_ id: UUID128) {
        guard let call = calls.remove(id) else { return }
        let message = "the task that called \(call.functionID) was cancelled"
        call.completion(.failure(SDKError(code: .cancelled, message: message)))
        endDrainIfSettled()
    }

    private func watchDeadlines(from deadline: NIODeadline) {
        if let timer = deadlineTimer {
            if timer.deadline <= deadline { return }
            timer.task.cancel()
        }
        let task = loop.scheduleTask(deadline: deadline) { [self] in
            deadlineTimer = nil
            batch {
                for call in calls.takeExpired(at: .now()) {
                    call.completion(.failure(Self.timedOut(call.functionID)))
                }
            }
            endDrainIfSettled()
            if let next = calls.earliestDeadline { watchDeadlines(from: next) }
        }
        deadlineTimer = (deadline, task)
    }

    private static func timedOut(_ functionID: String) -> SDKError {
        SDKError(
            code: .timeout,
            message: "no answer from \(functionID) in time; it may still run"
        )
    }

    static func tooLarge(_ what: String, _ count: Int) -> SDKError {
        SDKError(
            code: .payloadTooLarge,
            message: "\(what) takes \(count) bytes; a message may have \(Limits.messageBytes)"
        )
    }
}

extension SDKError {
    init(_ error: ErrorBody) {
        self.init(
            code: .init(rawValue: error.code),
            message: error.message,
            stacktrace: error.stacktrace
        )
    }

    var body: ErrorBody {
        ErrorBody(code: code.rawValue, message: message, stacktrace: stacktrace)
    }
}
