import CommitLog
import Disk
import Events
import HTTP
import Primitives

// What requests get that repeat another with their `Idempotency-Key`.

extension Engine where Store: ~Copyable {
    /// Answers requests that have waited for the first with their key.
    mutating func respond(
        _ waiting: [ExchangeID],
        with reply: HTTPReply,
        asTo request: Offset,
        after offset: Offset
    ) throws(LogError) {
        for exchange in waiting {
            try respond(exchange, with: reply, because: Self.repeats(request), after: offset)
        }
    }

    static func repeats(_ request: Offset) -> String {
        "it repeats the request of record \(request)"
    }

    /// Answers with a response that the log has, now or when it has been read.
    mutating func answer(
        _ exchange: ExchangeID,
        to request: Offset,
        from response: Offset,
        after offset: Offset
    ) throws(LogError) {
        lastRead += 1
        guard !log.beginRead(response, name: lastRead) else {
            waitingReplies[lastRead] = WaitingReply(
                exchange: exchange,
                request: request,
                response: response,
                after: offset
            )
            return
        }
        try answerNow(exchange, to: request, from: response, after: offset)
    }

    /// The response has been read, or is in memory, or is waited for.
    mutating func answerNow(
        _ exchange: ExchangeID,
        to request: Offset,
        from response: Offset,
        after offset: Offset
    ) throws(LogError) {
        let reason = Self.repeats(request)
        let found: RequestKept.Response?
        do throws(LogError) {
            found = try log.event(at: response) { event, _, _ in
                guard case .request(.kept(let kept)) = event else { return nil }
                return kept.response
            }
        } catch {
            let unreadable = Self.unreadable("the response in record \(response)", error)
            let reply =
                error.leavesRecord
                ? HTTPReply(status: 503, error: unreadable) : failure(unreadable)
            return try respond(exchange, with: reply, because: reason, after: offset)
        }
        let reply = found.map { HTTPReply(repeating: $0) } ?? .notKept
        try respond(exchange, with: reply, because: reason, after: offset)
    }
}

/// A request that gets a response that is being read from the log.
struct WaitingReply {
    let exchange: ExchangeID
    /// The `keyed` record of the first.
    let request: Offset
    let response: Offset
    /// What must be durable before.
    let after: Offset
}
