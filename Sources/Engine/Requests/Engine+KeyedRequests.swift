import CommitLog
import Disk
import Events
import Folding
import HTTP
import JSON
import Primitives

// Requests with an `Idempotency-Key`: one of those with the same key runs, behind all who decide
// over it, and the others get what it got. A failure frees the key, and so does a crash in the
// middle: the next one runs again, as a message would.

/// A request's key, and what its record says.
final class RequestKey {
    let route: String
    let key: String
    let fingerprint: UInt64

    init(route: String, key: String, fingerprint: UInt64) {
        self.route = route
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// The run of a request with a key, by its `keyed` record.
struct KeyedRun {
    /// How its function has ended, where that did not decide over the key.
    enum End { case returned, failed }

    /// What has become of a response that is a stream.
    enum Stream {
        case open
        /// The client has all of it, and it says of no failure.
        case whole
        /// It broke off, or says of a failure.
        case cut
        /// The client has gone in the middle of it.
        case unheard
    }

    /// Requests with the same key that wait for its response.
    var waiting: [ExchangeID] = []
    /// Nil: it goes on.
    var end: End?
    /// Nil: there is none, and may be one.
    var stream: Stream?
}

/// A request with a key whose response is a stream that goes on.
struct KeyedStream {
    /// Its `keyed` record.
    let request: Offset
    let trace: TraceID
}

extension Engine where Store: ~Copyable {
    /// Whether a request, which everybody has let pass, is to run. If not it is answered, or waits.
    mutating func claims(
        _ key: RequestKey,
        for run: Run,
        _ exchange: ExchangeID
    ) throws(LogError) -> Bool {
        guard let trace = exchanges[exchange]?.trace else { return false }
        let decision = views.work.requests.decide(
            route: key.route,
            key: key.key,
            fingerprint: key.fingerprint,
            now: now.wall
        )
        switch decision {
        case .fresh: return try begin(key, run, exchange)
        case .mismatch:
            respond(exchange, with: .keyReused, after: run.cause)
        case .running(let request):
            try recordRepeat(of: request, run, trace)
            keyedRuns[request, default: KeyedRun()].waiting.append(exchange)
        case .kept(let request, let response):
            try answer(exchange, from: response, after: recordRepeat(of: request, run, trace))
        case .lost(let request):
            respond(exchange, with: .notKept, after: try recordRepeat(of: request, run, trace))
        }
        return false
    }

    @discardableResult
    private mutating func recordRepeat(
        of request: Offset,
        _ run: Run,
        _ trace: TraceID
    ) throws(LogError) -> Offset {
        let repeated = RequestRepeated(request: request)
        return try record(.request(.repeated(repeated)), trace: trace, cause: run.cause)
    }

    private mutating func begin(
        _ key: RequestKey,
        _ run: Run,
        _ exchange: ExchangeID
    ) throws(LogError) -> Bool {
        if views.work.requests.count >= options.http.idempotencyKeys {
            guard let oldest = views.work.requests.oldestAnswered() else {
                respond(exchange, with: .keysExhausted, after: run.cause)
                return false
            }
            let reason = "there were more than \(options.http.idempotencyKeys) keys"
            try release(oldest, reason, cause: nil, trace: nil)
        }
        let span = Timestamp.Span(nanoseconds: Int64(clamping: options.http.idempotencyExpiry))
        let request = try record(
            .request(
                .keyed(
                    RequestKeyed(
                        route: key.route,
                        key: key.key,
                        fingerprint: key.fingerprint,
                        expires: now.wall.advanced(by: span)
                    )
                )
            ),
            trace: run.trace,
            cause: run.cause
        )
        keyedRuns[request] = KeyedRun()
        exchanges[exchange]?.keyed = request
        run.keyed = request
        return true
    }

    // MARK: The end

    /// What the end of a run records where a `kept` record, right behind it, has all that its
    /// function returned: the status alone, as once in the log is enough. Nil: there will be none.
    func endOfKept(_ run: Run) -> FunctionResult? {
        guard let request = run.keyed, let keyed = keyedRuns[request], keyed.stream == nil,
            let reply = run.reply, reply.status < 500,
            reply.kept(without: options.http.secrets).byteCount <= options.payloadBytes
        else { return nil }
        let status = JSONValue.object(["status_code": .integer(Int64(reply.status))])
        return .value(status.text.bytes)
    }

    /// The function of a request with a key has ended, whether or not its client is still there.
    mutating func settle(
        _ request: Offset,
        _ run: Run,
        _ exchange: ExchangeID,
        _ result: FunctionResult,
        after end: Offset?
    ) throws(LogError) {
        let answer = self.reply(of: run, result)
        if keyedRuns[request]?.stream != nil {
            keyedRuns[request]?.end = result.isFailure ? .failed : .returned
            return try settleStream(request, trace: run.trace)
        }
        guard let reply = answer else {
            // Its response may be a stream.
            guard exchanges[exchange] == nil else {
                keyedRuns[request]?.end = .returned
                return
            }
            return try abandonKey(request, trace: run.trace)
        }
        guard let keyed = keyedRuns.removeValue(forKey: request) else {
            // It was answered by a stream.
            return respond(exchange, with: reply, after: end)
        }
        guard reply.status < 500 else {
            let reason = "it was answered with \(reply.status)"
            let offset = try release(request, reason, cause: end, trace: run.trace)
            for one in [exchange] + keyed.waiting { respond(one, with: reply, after: offset) }
            return
        }
        let kept = reply.kept(without: options.http.secrets)
        let isTooLarge = kept.byteCount > options.payloadBytes
        let offset = try record(
            .request(.kept(RequestKept(request: request, response: isTooLarge ? nil : kept))),
            trace: run.trace,
            cause: end ?? request
        )
        respond(exchange, with: reply, after: offset)
        let repeated = isTooLarge ? .notKept : HTTPReply(repeating: kept)
        for one in keyed.waiting { respond(one, with: repeated, after: offset) }
    }

    /// The response of a request with a key is a stream, whose end may decide over the key: nobody
    /// can have it again. Until then, others with the key wait.
    mutating func beginStream(_ request: Offset, _ exchange: ExchangeID, trace: TraceID) {
        guard keyedRuns[request] != nil else { return }
        keyedRuns[request]?.stream = .open
        keyedStreams[exchange] = KeyedStream(request: request, trace: trace)
    }

    /// A response that was a stream has ended; of a request without a key, that is nothing.
    mutating func streamEnded(
        _ exchange: ExchangeID,
        _ ending: KeyedRun.Stream
    ) throws(LogError) {
        guard let stream = keyedStreams.removeValue(forKey: exchange) else { return }
        keyedRuns[stream.request]?.stream = ending
        try settleStream(stream.request, trace: stream.trace)
    }

    /// Decides over the key of a request whose response was a stream, as soon as all is known: a
    /// whole one was the request, carried out; one that was cut off frees the key when its function
    /// does no more; and where its client has gone, the function's end tells.
    private mutating func settleStream(_ request: Offset, trace: TraceID) throws(LogError) {
        guard let keyed = keyedRuns[request], let stream = keyed.stream else { return }
        let offset: Offset
        let reply: HTTPReply
        switch (stream, keyed.end) {
        case (.open, _), (.cut, nil), (.unheard, nil): return
        case (.whole, _), (.unheard, .returned?):
            let lost = RequestKept(request: request, response: nil)
            offset = try record(.request(.kept(lost)), trace: trace, cause: request)
            reply = .notKept
        case (.cut, _), (.unheard, .failed?):
            let reason = "its response, a stream, was cut off or failed"
            offset = try release(request, reason, cause: request, trace: trace)
            let error = ErrorBody(
                code: "invocation_stopped",
                message: "The response to the request with this Idempotency-Key was cut off or "
                    + "failed; a request with it runs again"
            )
            reply = HTTPReply(status: 500, error: error)
        }
        keyedRuns[request] = nil
        for one in keyed.waiting { respond(one, with: reply, after: offset) }
    }

    /// Nobody waits for the first response any more: if its function has said all that it has to
    /// say, the key is free. Those that wait have a timeout of their own.
    mutating func abandonKey(_ request: Offset, trace: TraceID) throws(LogError) {
        guard keyedRuns.removeValue(forKey: request) != nil else { return }
        try release(request, "it had no response", cause: request, trace: trace)
    }

    @discardableResult
    private mutating func release(
        _ request: Offset,
        _ reason: String,
        cause: Offset?,
        trace: TraceID?
    ) throws(LogError) -> Offset {
        let released = RequestReleased(request: request, reason: reason)
        return try record(.request(.released(released)), trace: trace, cause: cause)
    }

    // MARK: From the log

    /// Answers with a response that the log has, now or when it has been read.
    private mutating func answer(
        _ exchange: ExchangeID,
        from response: Offset,
        after offset: Offset
    ) throws(LogError) {
        lastRead += 1
        guard !log.beginRead(response, name: lastRead) else {
            waitingReplies[lastRead] = WaitingReply(
                exchange: exchange,
                response: response,
                after: offset
            )
            return
        }
        answerNow(exchange, from: response, after: offset)
    }

    /// The response has been read, or is in memory, or is waited for.
    mutating func answerNow(_ exchange: ExchangeID, from response: Offset, after offset: Offset) {
        let found: RequestKept.Response?
        do throws(LogError) {
            found = try log.event(at: response) { event, _ in
                guard case .request(.kept(let kept)) = event else { return nil }
                return kept.response
            }
        } catch {
            let unreadable = Self.unreadable("the response in record \(response)", error)
            let reply =
                error.leavesRecord
                ? HTTPReply(status: 503, error: unreadable) : failure(unreadable)
            return respond(exchange, with: reply, after: offset)
        }
        respond(exchange, with: found.map { HTTPReply(repeating: $0) } ?? .notKept, after: offset)
    }
}

/// A request that gets a response that is being read from the log.
struct WaitingReply {
    let exchange: ExchangeID
    let response: Offset
    /// What must be durable before.
    let after: Offset
}

extension RequestKept.Response {
    /// About as many as its record has.
    fileprivate var byteCount: Int {
        headers.reduce(body.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 8 }
    }
}
