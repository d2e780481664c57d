import CommitLog
import Disk
import Events
import Folding
import HTTP
import JSON
import Primitives

// MARK: HTTP

extension Engine where Store: ~Copyable {
    mutating func request(
        _ exchange: ExchangeID,
        _ request: HTTPRequest,
        _ propagation: Propagation
    ) throws(LogError) {
        switch router.match(method: request.method, path: request.path) {
        case .notFound:
            gate.hold(.respond(exchange, .notFound, trace: nil), after: nil)
        case .methodNotAllowed(let methods):
            gate.hold(.respond(exchange, .methodNotAllowed(methods), trace: nil), after: nil)
        case .found(let trigger, let parameters):
            guard !isDraining else {
                let stopping = ErrorBody(code: "SHUTTING_DOWN", message: "The engine is stopping")
                let reply = HTTPReply(status: 503, error: stopping)
                return gate.hold(.respond(exchange, reply, trace: nil), after: nil)
            }
            try run(
                trigger,
                HTTPEvent(request, trigger: trigger, parameters: parameters),
                exchange,
                request,
                propagation
            )
        }
    }

    private mutating func run(
        _ trigger: HTTPTrigger,
        _ event: HTTPEvent,
        _ exchange: ExchangeID,
        _ request: HTTPRequest,
        _ propagation: Propagation
    ) throws(LogError) {
        let trace =
            propagation.traceparent.flatMap { TraceParent($0) }?.trace
            ?? TraceID(from: &random)
        let offset = try record(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: trigger.id,
                    summary: "\(request.method) \(request.path)",
                    function: trigger.function,
                    event: event.logged.bytes
                )
            ),
            trace: trace
        )
        exchanges[exchange] = trace
        timers.set(.responseDeadline(exchange), at: now.monotonic + options.responseTimeout)
        let run = Run(
            function: trigger.function,
            payload: event.input.bytes,
            metadata: trigger.metadata,
            purpose: .respond(exchange),
            trace: trace,
            cause: offset,
            causeHoldsPayload: true,
            baggage: Baggage.naming(trigger.function.id, in: propagation.baggage),
            condition: trigger.condition
        )
        run.logged = event.logged.bytes
        try start(run)
    }

    mutating func respond(
        _ exchange: ExchangeID,
        to result: FunctionResult,
        after offset: Offset?
    ) {
        switch result {
        case .value(let bytes):
            // Null answers nothing: the client waits for the timeout (services 1, A.7).
            if let reply = HTTPReply(value: JSONText(trusted: bytes)) {
                respond(exchange, with: reply, after: offset)
            }
        case .none:
            break
        case .failure(let error):
            let errorID = UInt32(truncatingIfNeeded: random.next())
            notice(
                .warning,
                "request failed, error \(String(errorID, radix: 16)): "
                    + "\(error.code): \(error.message)"
            )
            respond(
                exchange,
                with: HTTPReply(status: 500, error: error, errorID: errorID),
                after: offset
            )
        }
    }

    /// Once for each exchange; one whose client has gone, or has been told 504, gets nothing.
    mutating func respond(_ exchange: ExchangeID, with reply: HTTPReply, after offset: Offset?) {
        guard let trace = exchanges.removeValue(forKey: exchange) else { return }
        gate.hold(.respond(exchange, reply, trace: trace), after: offset)
    }

    /// Unless it was answered: what comes first is the response. What the function returns comes to
    /// nothing then, and it may take any time (services 1, A.7 and A.13).
    mutating func stream(_ exchange: ExchangeID) {
        guard let trace = exchanges.removeValue(forKey: exchange) else { return }
        gate.hold(.stream(exchange, trace: trace), after: nil)
    }

    mutating func expire(_ exchange: ExchangeID) {
        respond(exchange, with: HTTPReply(status: 504), after: nil)
    }
}
