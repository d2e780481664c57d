import Engine
import JSON
import NIOCore
import NetServer
import Primitives

/// The calls that users of the dashboard make on one event loop, from the request to its reply.
/// Confined to that event loop.
final class OperatorCalls {
    private struct Pending {
        let exchange: HTTPExchange
        /// Nil: it only reads, and leaves no trace.
        let trace: TraceID?
        let isBuiltin: Bool
        let patience: Scheduled<Void>
    }

    private let inbox: Inbox
    private let loop: any EventLoop
    private let connection: ConnectionID
    private var entropy = SystemEntropy()
    private var pending: [UUID128: Pending] = [:]
    private var commands: [Command] = []
    private var commandBytes = 0

    /// How many may be under way on one event loop.
    private static let limit = 256

    init(inbox: Inbox, loop: any EventLoop, loopNumber: Int) {
        self.inbox = inbox
        self.loop = loop
        connection = .operators(ofLoop: loopNumber)
    }

    // MARK: To the engine

    func make(_ request: CallRequest, _ exchange: HTTPExchange) {
        guard pending.count < Self.limit else {
            return exchange.respond(
                DashboardReply.failure(
                    503,
                    "BUSY",
                    "\(Self.limit) calls of the dashboard are under way; try again"
                )
            )
        }
        let id = UUID128(from: &entropy)
        let trace = request.onlyReads ? nil : TraceID(from: &entropy)
        let timeout = request.timeout
        let patience = loop.assumeIsolated().scheduleTask(in: .milliseconds(timeout)) {
            () -> Void in
            self.expire(id, timeout, request.function)
        }
        pending[id] = Pending(
            exchange: exchange,
            trace: trace,
            isBuiltin: OperatorCall.isBuiltin(request.function),
            patience: patience
        )
        exchange.onAbandoned = { [weak self] in self?.forget(id) }
        commands.append(.call(connection, call(request, id, trace)))
        commandBytes += request.payload.count + 512
    }

    private func call(_ request: CallRequest, _ id: UUID128, _ trace: TraceID?) -> Call {
        Call(
            id: .uuid(id),
            function: request.function.id,
            namespace: request.function.namespace,
            payload: request.payload,
            metadata: nil,
            action: request.queue.map { .enqueue(queue: $0) } ?? .await,
            propagation: Propagation(
                traceparent: trace.map { TraceParent(trace: $0, span: 1).description }
            )
        )
    }

    /// Calls leave in one batch a turn of the event loop.
    func handOver() {
        guard !commands.isEmpty else { return }
        // As many as there may be under way: the inbox is not flooded from here.
        _ = inbox.offer(&commands, bytes: commandBytes)
        commandBytes = 0
    }

    private func forget(_ id: UUID128) {
        pending.removeValue(forKey: id)?.patience.cancel()
    }

    private func expire(_ id: UUID128, _ timeout: Int64, _ function: FunctionName) {
        guard let call = pending.removeValue(forKey: id) else { return }
        let error = ErrorBody(
            code: "TIMEOUT",
            message: "\(function.id) has not answered within \(timeout) ms; it may still do so, "
                + "and its trace will say"
        )
        call.exchange.respond(DashboardReply.failure(504, error, trace: call.trace))
    }

    // MARK: From the engine

    func carryOut(_ message: Effect.Message) {
        switch message {
        case .answer(.uuid(let id), _, let result, _): answer(id, result)
        case .receipt(let call, let receipt):
            guard case .uuid(let id)? = call.id, let waiting = take(id) else { return }
            var json = JSONBuilder()
            json.beginObject()
            json.key("receipt")
            json.string(receipt.description)
            json.add("trace_id", waiting.trace?.description)
            json.endObject()
            waiting.exchange.respond(DashboardReply.json(json.finish()))
        // Nobody sends an operator anything else.
        default: break
        }
    }

    private func answer(_ id: UUID128, _ result: FunctionResult) {
        guard let call = take(id) else { return }
        if case .failure(let error) = result {
            let status = CallStatus.of(error.code, isBuiltin: call.isBuiltin)
            let reply = DashboardReply.failure(status, error, trace: call.trace)
            return call.exchange.respond(reply)
        }
        var value = JSONText.null.bytes
        if case .value(let bytes) = result { value = bytes }
        var json = JSONBuilder(capacity: value.count + 128)
        json.beginObject()
        json.key("result")
        json.raw(bytes: value)
        json.add("trace_id", call.trace?.description)
        json.endObject()
        call.exchange.respond(DashboardReply.json(json.finish()))
    }

    private func take(_ id: UUID128) -> Pending? {
        guard let call = pending.removeValue(forKey: id) else { return nil }
        call.patience.cancel()
        return call
    }
}
