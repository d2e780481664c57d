import CommitLog
import Disk
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

    /// Unless it was answered: what comes first is the response. What the function returns comes to
    /// nothing then, and it may take any time (services 1, A.7 and A.13).
    mutating func stream(_ exchange: ExchangeID) {
        guard let open = takeOpen(exchange) else { return }
        if !open.hasReturned { streaming.insert(exchange) }
        if let keyed = open.keyed { beginStream(keyed, exchange, trace: open.trace) }
        gate.hold(.stream(exchange, trace: open.trace), after: nil)
    }

    /// In place of a function's stream, which can be no response; unless it was answered.
    mutating func refuse(_ exchange: ExchangeID, because defect: ErrorBody) throws(LogError) {
        guard let open = takeOpen(exchange) else { return }
        gate.hold(.respond(exchange, failure(defect), trace: open.trace), after: nil)
        guard let keyed = open.keyed else { return }
        beginStream(keyed, exchange, trace: open.trace)
        try streamEnded(exchange, .cut)
    }
}
