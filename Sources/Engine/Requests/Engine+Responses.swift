import CommitLog
import Disk
import Events
import HTTP
import Primitives

// What requests get: a reply, or a stream of their functions.

extension Engine where Store: ~Copyable {
    /// What a request gets whose run has ended with `result`. Nil: the function answers nothing,
    /// and the client waits for a stream, or the timeout (services 1, A.7).
    mutating func reply(of run: Run, _ result: FunctionResult) -> HTTPReply? {
        if case .failure(let error) = result { failure(error) } else { run.reply }
    }

    mutating func failure(_ error: ErrorBody) -> HTTPReply {
        HTTPReply(status: 500, error: error, errorID: tell(ofFailed: error))
    }

    /// - Returns: what the client is told, to find the line by.
    @discardableResult
    private mutating func tell(ofFailed error: ErrorBody) -> UInt32 {
        let errorID = UInt32(truncatingIfNeeded: random.next())
        notice(
            .warning,
            "request failed, error \(String(errorID, radix: 16)): "
                + "\(error.code): \(error.message)"
        )
        return errorID
    }

    /// The run of a request without a key has ended.
    mutating func answer(
        _ exchange: ExchangeID,
        of run: Run,
        _ result: FunctionResult,
        after end: Offset?
    ) {
        guard exchanges[exchange] != nil else { return tellOfCutStream(exchange, result) }
        guard let reply = reply(of: run, result) else {
            exchanges[exchange]?.hasReturned = true
            return
        }
        respond(exchange, with: reply, after: end)
    }

    /// A function has ended whose request has no response of it any more but a stream: a failure is
    /// told of, whether that goes on or has ended. Where its client has left, which makes many
    /// fail, it is not.
    mutating func tellOfCutStream(_ exchange: ExchangeID, _ result: FunctionResult) {
        guard streaming.remove(exchange) != nil, case .failure(let error) = result else { return }
        tell(ofFailed: error)
    }

    /// Once for each exchange; one whose client has gone, or has been told 504, gets nothing.
    mutating func respond(_ exchange: ExchangeID, with reply: HTTPReply, after offset: Offset?) {
        guard let open = takeOpen(exchange) else { return }
        gate.hold(.respond(exchange, reply, trace: open.trace), after: offset)
    }

    /// The same where no end of a run of its function tells what the client gets. The response does
    /// not rest on the record that does: it goes out on a full disk, too.
    mutating func respond(
        _ exchange: ExchangeID,
        with reply: HTTPReply,
        because reason: String,
        after offset: Offset?
    ) throws(LogError) {
        guard let open = takeOpen(exchange) else { return }
        try note(open, .engine, status: reply.status, reason)
        gate.hold(.respond(exchange, reply, trace: open.trace), after: offset)
    }

    /// Records what is known of a response.
    mutating func note(
        _ open: OpenExchange,
        _ form: Responded.Form,
        status: Int = 0,
        _ reason: String = ""
    ) throws(LogError) {
        let responded = Responded(
            form,
            status: UInt16(clamping: status),
            duration: Timestamp.Span(nanoseconds: Int64(clamping: now.monotonic - open.begun)),
            reason: reason
        )
        try record(.responded(responded), trace: open.trace, cause: open.request)
    }

    /// The run of a request is about to be recorded as ended, with `recorded` in place of `result`.
    /// Where that does not tell what the client gets, which waits still, this does: of no response,
    /// that it is told of later; of one that is too large for a record, its status.
    mutating func noteUntold(
        _ run: Run,
        _ result: FunctionResult,
        recorded: FunctionResult
    ) throws(LogError) {
        guard case .respond(let exchange) = run.purpose, !result.isFailure,
            run.reply == nil || recorded.isFailure, let open = exchanges[exchange]
        else { return }
        guard let reply = run.reply else { return try note(open, .awaited) }
        try note(open, .engine, status: reply.status, "its value is too large to be recorded")
    }

    /// Nobody has answered a request in time.
    mutating func timeOut(
        _ exchange: ExchangeID,
        _ open: OpenExchange,
        with reply: HTTPReply
    ) throws(LogError) {
        let reason =
            if open.hasReturned {
                "its function returned null, and no stream followed"
            } else if open.asking != nil {
                "a middleware function has not answered"
            } else if awaitedRuns[exchange] != nil {
                "its body has not come"
            } else {
                switch open.awaited {
                case .gatekeeper: "its condition has not answered"
                case .function: "its function has not answered"
                case .twin: "the request whose Idempotency-Key it has was not answered"
                case .keptResponse: "the response that it repeats was not read"
                }
            }
        try respond(exchange, with: reply, because: reason, after: nil)
        tellOfTimeout(open, reason)
    }

    /// Unless it was answered: what comes first is the response. What the function returns comes to
    /// nothing then, and it may take any time (services 1, A.7 and A.13).
    mutating func stream(_ exchange: ExchangeID, status: Int) throws(LogError) {
        guard let open = takeOpen(exchange) else { return }
        try note(open, .stream, status: status)
        if !open.hasReturned { streaming.insert(exchange) }
        if let keyed = open.keyed { beginStream(keyed, exchange, trace: open.trace) }
        gate.hold(.stream(exchange, trace: open.trace), after: nil)
    }

    /// In place of a function's stream, which can be no response; unless it was answered.
    mutating func refuse(_ exchange: ExchangeID, because defect: ErrorBody) throws(LogError) {
        guard let open = exchanges[exchange] else { return }
        let reason = "its stream can be no response: \(defect.shortened.message)"
        try respond(exchange, with: failure(defect), because: reason, after: nil)
        guard let keyed = open.keyed else { return }
        beginStream(keyed, exchange, trace: open.trace)
        try streamEnded(exchange, .cut)
    }
}
