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
    /// Of the request's channels; nil: it has none.
    let channelKey: UUID128?

    init(route: String, key: String, fingerprint: UInt64, channelKey: UUID128?) {
        self.route = route
        self.key = key
        self.fingerprint = fingerprint
        self.channelKey = channelKey
    }
}

/// The run of a request with a key.
final class KeyedRun {
    /// How its function has ended, where that did not decide over the key.
    enum End { case returned, failed }

    /// What has become of a response that is a stream.
    enum Stream {
        case open
        /// The client has all of it, and it says of no failure.
        case whole
        /// It broke off, or says of a failure.
        case cut
        /// The client has gone in the middle of it, or before, and its function was refused it.
        case unheard
    }

    /// Of the request's channels; nil: it has none.
    let channelKey: UUID128?
    /// Whether its function was refused the writing of its response, for nobody waits for that any
    /// more.
    var isRefused = false
    /// Requests with the same key that wait for its response.
    var waiting: [ExchangeID] = []
    /// Nil: it goes on.
    var end: End?
    /// Nil: there is none, and may be one.
    var stream: Stream?

    init(channelKey: UUID128?) { self.channelKey = channelKey }

    /// What a function has come to. One that says of a failure when it was refused its response may
    /// have done all else, and failed at that: it is taken for one that returned, since to do work
    /// twice is worse than to leave it to a client to look.
    func end(with result: FunctionResult) -> End {
        guard case .failure(let error) = result else { return .returned }
        return isRefused && !Self.unsaid.contains(error.code) ? .returned : .failed
    }

    /// Codes of failures that no function says of: its worker has gone, or is silent.
    private static let unsaid: Set<String> = ["invocation_stopped", "invocation_timeout"]
}

/// The runs of requests with a key, each until it is known what becomes of that.
struct KeyedRuns {
    /// By their `keyed` records.
    private var runs: [Offset: KeyedRun] = [:]
    /// By the keys of their requests' channels, where there are any. Anybody may have one looked
    /// for; it takes no time to speak of, and that tells nothing of other keys: hashes are seeded.
    private var byChannelKey: [UUID128: KeyedRun] = [:]

    subscript(request: Offset) -> KeyedRun? { runs[request] }

    func run(byChannelKey key: UUID128) -> KeyedRun? { byChannelKey[key] }

    mutating func add(_ run: KeyedRun, of request: Offset) {
        runs[request] = run
        if let key = run.channelKey { byChannelKey[key] = run }
    }

    /// - Returns: nil: it was removed before.
    @discardableResult
    mutating func remove(_ request: Offset) -> KeyedRun? {
        guard let run = runs.removeValue(forKey: request) else { return nil }
        if let key = run.channelKey { byChannelKey[key] = nil }
        return run
    }
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
            let reason = "a different request had its Idempotency-Key"
            try respond(exchange, with: .keyReused, because: reason, after: run.cause)
        case .running(let request):
            try recordRepeat(of: request, run, trace)
            exchanges[exchange]?.awaited = .twin
            wait(for: request, exchange)
        case .kept(let request, let response):
            let offset = try recordRepeat(of: request, run, trace)
            exchanges[exchange]?.awaited = .keptResponse
            try answer(exchange, to: request, from: response, after: offset)
        case .lost(let request):
            let offset = try recordRepeat(of: request, run, trace)
            try respond(exchange, with: .notKept, because: Self.repeats(request), after: offset)
        }
        return false
    }

    /// Those whose time has passed, or whose clients have gone, are dropped before they are many.
    private func wait(for request: Offset, _ exchange: ExchangeID) {
        guard let keyed = keyedRuns[request] else { return }
        keyed.waiting.append(exchange)
        guard keyed.waiting.count > 2 * exchanges.count + 64 else { return }
        keyed.waiting.removeAll { exchanges[$0] == nil }
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
                let reason = "as many requests with an Idempotency-Key are under way as may be"
                try respond(exchange, with: .keysExhausted, because: reason, after: run.cause)
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
        keyedRuns.add(KeyedRun(channelKey: key.channelKey), of: request)
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
        guard let keyed = keyedRuns[request] else {
            // It was answered by a stream.
            return tellOfCutStream(exchange, result)
        }
        let ending = keyed.end(with: result)
        // It has said what it would have, to nobody.
        let isUnheard = ending == .returned && result.isFailure
        if keyed.stream != nil || isUnheard {
            keyed.stream = keyed.stream ?? .unheard
            keyed.end = ending
            tellOfCutStream(exchange, result)
            if isUnheard, case .failure(let error) = result { tell(of: request, failed: error) }
            return try settleStream(request, trace: run.trace)
        }
        guard let reply = self.reply(of: run, result) else {
            keyed.end = .returned
            guard exchanges[exchange] == nil else {
                // Its response may be a stream.
                exchanges[exchange]?.hasReturned = true
                return
            }
            return try keepUnheard(request, trace: run.trace)
        }
        keyedRuns.remove(request)
        guard reply.status < 500 else {
            let reason = "it was answered with \(reply.status)"
            let offset = try release(request, reason, cause: end, trace: run.trace)
            respond(exchange, with: reply, after: offset)
            return try respond(keyed.waiting, with: reply, asTo: request, after: offset)
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
        try respond(keyed.waiting, with: repeated, asTo: request, after: offset)
    }

    /// The response of a request with a key is a stream, whose end may decide over the key: nobody
    /// can have it again. Until then, others with the key wait.
    mutating func beginStream(_ request: Offset, _ exchange: ExchangeID, trace: TraceID) {
        guard let keyed = keyedRuns[request] else { return }
        keyed.stream = .open
        keyedStreams[exchange] = KeyedStream(request: request, trace: trace)
    }

    /// A response that was a stream has ended; of a request without a key, that is nothing.
    mutating func streamEnded(
        _ exchange: ExchangeID,
        _ ending: KeyedRun.Stream
    ) throws(LogError) {
        if ending == .unheard { streaming.remove(exchange) }
        guard let stream = keyedStreams.removeValue(forKey: exchange) else { return }
        let keyed = keyedRuns[stream.request]
        keyed?.stream = ending
        if ending == .unheard { keyed?.isRefused = true }
        try settleStream(stream.request, trace: stream.trace)
    }

    /// A function is refused the channel of its response, since its client has left or was told 504
    /// before there was any.
    mutating func refuseResponse(byChannelKey key: UUID128) {
        guard let keyed = keyedRuns.run(byChannelKey: key), keyed.stream == nil else { return }
        keyed.isRefused = true
    }

    /// A function has returned nothing, and its client has gone, or was told 504 before. What it
    /// has to say it may be writing just now, in vain: writers connect behind its result as well as
    /// before. The request was carried out.
    mutating func keepUnheard(_ request: Offset, trace: TraceID) throws(LogError) {
        keyedRuns[request]?.stream = .unheard
        try settleStream(request, trace: trace)
    }

    /// A failure that may be for nothing but that nobody reads, and need not: no other line tells.
    private mutating func tell(of request: Offset, failed error: ErrorBody) {
        notice(
            .warning,
            "the function of request \(request) failed after its client had left, or was told 504: "
                + "its Idempotency-Key is kept as used: \(error.code): \(error.message)"
        )
    }

    /// Decides over the key of a request whose response was a stream, as soon as all is known: a
    /// whole one was the request, carried out; one that was cut off frees the key when its function
    /// does no more; and where its client has gone, the function's end tells.
    private mutating func settleStream(_ request: Offset, trace: TraceID) throws(LogError) {
        guard let keyed = keyedRuns[request], let stream = keyed.stream else { return }
        let isCarriedOut: Bool
        switch (stream, keyed.end) {
        case (.open, _), (.cut, nil), (.unheard, nil): return
        case (.whole, _), (.unheard, .returned?): isCarriedOut = true
        case (.cut, _), (.unheard, .failed?): isCarriedOut = false
        }
        let offset: Offset
        if isCarriedOut {
            let lost = RequestKept(request: request, response: nil)
            offset = try record(.request(.kept(lost)), trace: trace, cause: request)
        } else {
            let reason = "its response, a stream, was cut off or failed"
            offset = try release(request, reason, cause: request, trace: trace)
        }
        keyedRuns.remove(request)
        guard !keyed.waiting.isEmpty else { return }
        let reply = isCarriedOut ? .notKept : failure(Self.cutOff)
        try respond(keyed.waiting, with: reply, asTo: request, after: offset)
    }

    private static var cutOff: ErrorBody {
        ErrorBody(
            code: "invocation_stopped",
            message: "The response to the request with this Idempotency-Key was cut off or "
                + "failed; a request with it runs again"
        )
    }

    /// The time of a request has passed whose function has returned nothing, and written nothing
    /// since: the key is free. Those that wait have a timeout of their own.
    mutating func abandonKey(_ request: Offset, trace: TraceID) throws(LogError) {
        guard keyedRuns.remove(request) != nil else { return }
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
}

extension RequestKept.Response {
    /// About as many as its record has.
    fileprivate var byteCount: Int {
        headers.reduce(body.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 8 }
    }
}
