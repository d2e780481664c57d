import CommitLog
import DequeModule
import Disk
import Events
import Folding
import HTTP
import JSON
import Primitives

// HTTP requests: found their trigger, asked about by middleware and a condition, run and answered.

/// A request that has no response yet.
struct OpenExchange {
    enum Awaited {
        /// Who decides over it: middleware, a condition, or its body for those behind.
        case gatekeeper
        case function
        /// Another request with its `Idempotency-Key`, which gets the response of both.
        case twin
        /// A response of the log, which it repeats.
        case keptResponse
    }

    let trace: TraceID
    /// Its `triggered` record, and when that was written, on the monotonic clock.
    let request: Offset
    let begun: UInt64
    /// What it is for.
    let function: FunctionName
    /// When its time is over, on the monotonic clock.
    let deadline: UInt64
    /// Its `keyed` record, if it runs under an `Idempotency-Key`.
    var keyed: Offset?
    /// What it waits for.
    var awaited = Awaited.gatekeeper
    /// Whether its function has ended, and returned nothing: what is to come is a stream.
    var hasReturned = false
    /// Middleware functions that were asked about it so far.
    private var asked: UInt32 = 0
    /// The one of them that has not answered, by that count.
    private(set) var asking: UInt32?

    init(
        trace: TraceID,
        request: Offset,
        begun: UInt64,
        function: FunctionName,
        deadline: UInt64
    ) {
        self.trace = trace
        self.request = request
        self.begun = begun
        self.function = function
        self.deadline = deadline
    }

    /// One more is asked.
    mutating func ask() -> UInt32 {
        asked += 1
        asking = asked
        return asked
    }

    mutating func hear() { asking = nil }
}

/// What the functions that decide over a request are asked about it.
final class HTTPQuestion {
    /// The function's input without the channels, for a condition.
    let plain: [UInt8]
    /// For middleware, and the same for the log; empty where there is none.
    let asked: [UInt8]
    let logged: [UInt8]

    init(plain: [UInt8], asked: [UInt8], logged: [UInt8]) {
        self.plain = plain
        self.asked = asked
        self.logged = logged
    }
}

extension Engine where Store: ~Copyable {
    mutating func request(
        _ exchange: ExchangeID,
        _ request: HTTPRequest,
        _ propagation: Propagation
    ) throws(LogError) {
        guard request.method != "OPTIONS" else {
            let reply = HTTPReply.options(router.methods(of: request.path))
            return gate.hold(.respond(exchange, reply, trace: nil), after: nil)
        }
        switch router.match(method: request.method, path: request.path) {
        case .notFound: turnAway(exchange, request, with: .notFound)
        case .methodNotAllowed(let methods):
            turnAway(exchange, request, with: .methodNotAllowed(methods))
        case .found(let trigger, let parameters):
            guard !isDraining else { return refuseWhileStopping(exchange) }
            guard !comesEarly(request, to: trigger) else {
                return gate.hold(.respond(exchange, .routeNotReady, trace: nil), after: nil)
            }
            if request.awaitsBody, options.http.middleware.isEmpty {
                return awaitBody(of: exchange, request, propagation)
            }
            guard hasRoomForRequests else {
                return waitingRequests.append(
                    WaitingRequest(request: request, propagation: propagation),
                    exchange
                )
            }
            try run(trigger, parameters, exchange, request, propagation)
        }
    }

    mutating func refuseWhileStopping(_ exchange: ExchangeID) {
        let stopping = ErrorBody(code: "SHUTTING_DOWN", message: "The engine is stopping")
        let reply = HTTPReply(status: 503, error: stopping)
        gate.hold(.respond(exchange, reply, trace: nil), after: nil)
    }

    // MARK: Requests that wait for others

    /// Begins with requests that wait, as far as there is room. Called behind every command.
    mutating func beginWaitingRequests() throws(LogError) {
        while hasRoomForRequests,
            let (exchange, waiting) = waitingRequests.popFirst()
        {
            // Its trigger may have gone meanwhile, or the disk have filled up.
            try begin(.request(exchange, waiting.request, waiting.propagation))
        }
    }

    /// New work is not begun any more: what waits is told.
    mutating func refuseWaitingRequests() {
        while let (exchange, _) = waitingRequests.popFirst() { refuseWhileStopping(exchange) }
        refuseAwaitedBodies()
    }

    mutating func abandon(_ exchange: ExchangeID) throws(LogError) {
        awaitedBodies[exchange] = nil
        guard let open = takeOpen(exchange) else {
            waitingRequests.remove(exchange)
            return try streamEnded(exchange, .unheard)
        }
        // While its function runs, its end is that of the request.
        guard open.hasReturned || open.awaited != .function else { return }
        try note(open, .abandoned)
        if let keyed = open.keyed { try keepUnheard(keyed, trace: open.trace) }
    }

    /// A request has its response, or needs none: nothing of it is awaited any more.
    ///
    /// - Returns: nil: it had before, or has not begun.
    @discardableResult
    mutating func takeOpen(_ exchange: ExchangeID) -> OpenExchange? {
        guard let open = exchanges.removeValue(forKey: exchange) else { return nil }
        if !awaitedRuns.isEmpty { awaitedRuns[exchange] = nil }
        return open
    }

    // MARK: Run

    private mutating func run(
        _ trigger: HTTPTrigger,
        _ parameters: [(name: String, value: String)],
        _ exchange: ExchangeID,
        _ request: HTTPRequest,
        _ propagation: Propagation
    ) throws(LogError) {
        let key: RequestKey?
        do throws(ErrorBody) {
            key = try self.key(of: request, trigger)
        } catch {
            let reply = HTTPReply(status: 400, error: error)
            return gate.hold(.respond(exchange, reply, trace: nil), after: nil)
        }
        let secrets = options.http.secrets
        let event = HTTPEvent(request, trigger: trigger, parameters: parameters, secrets: secrets)
        // A client does not say that its request is a replay.
        let named = propagation.traceparent.flatMap { ReplayMark.isOn(traceparent: $0) ? nil : $0 }
        let parent = named.flatMap { TraceParent($0) }
        let trace = parent?.trace ?? TraceID(from: &random)
        let offset = try record(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: trigger.id,
                    summary: "\(request.method) \(request.path)",
                    function: trigger.function,
                    event: event.logged.bytes,
                    parent: parent.map { RemoteSpan(span: $0.span, flags: $0.flags) }
                )
            ),
            trace: trace
        )
        let time = options.responseTimeout - min(request.bodyTime, options.responseTimeout)
        let open = OpenExchange(
            trace: trace,
            request: offset,
            begun: now.monotonic,
            function: trigger.function,
            deadline: now.monotonic + time
        )
        exchanges[exchange] = open
        timers.set(.responseDeadline(exchange), at: open.deadline)
        let run = Run(
            function: trigger.function,
            payload: event.input.bytes,
            metadata: trigger.metadata,
            purpose: .respond(exchange),
            trace: trace,
            cause: offset,
            causeHoldsPayload: true,
            baggage: Baggage.naming(trigger.function.id, in: propagation.baggage)
        )
        run.logged = event.logged.bytes
        run.flags = parent?.flags ?? TraceParent.sampled
        run.key = key
        arrange(run, request, event, parameters, trigger)
        try start(run)
    }

    /// Who is asked about it, and what.
    private func arrange(
        _ run: Run,
        _ request: HTTPRequest,
        _ event: HTTPEvent,
        _ parameters: [(name: String, value: String)],
        _ trigger: HTTPTrigger
    ) {
        run.gatekeepers = gatekeepers(of: trigger)
        if request.awaitsBody {
            let bodiless = BodilessRequest(request, trigger, parameters)
            run.gatekeepers.insert(.body(bodiless), at: options.http.middleware.count)
        }
        guard !run.gatekeepers.isEmpty else { return }
        run.question = question(about: request, event, parameters, trigger)
    }

    func key(
        of request: HTTPRequest,
        _ trigger: HTTPTrigger
    ) throws(ErrorBody) -> RequestKey? {
        guard options.http.idempotencyExpiry > 0, let key = try IdempotencyKey(of: request) else {
            return nil
        }
        return RequestKey(
            route: trigger.route,
            key: key.text,
            fingerprint: IdempotencyKey.fingerprint(of: request),
            channelKey: request.channels?.key
        )
    }

    func question(
        about request: HTTPRequest,
        _ event: HTTPEvent,
        _ parameters: [(name: String, value: String)],
        _ trigger: HTTPTrigger
    ) -> HTTPQuestion {
        let plain = event.plain.bytes
        guard !options.http.middleware.isEmpty || !trigger.middleware.isEmpty else {
            return HTTPQuestion(plain: plain, asked: [], logged: [])
        }
        let question = HTTPEvent.question(
            request,
            parameters: parameters,
            secrets: options.http.secrets
        )
        return HTTPQuestion(
            plain: plain,
            asked: question.asked.bytes,
            logged: question.logged.bytes
        )
    }

    // MARK: Middleware

    /// Asks a middleware function about a run; nobody is asked about a request whose client has
    /// its response, or has gone.
    mutating func ask(_ middleware: FunctionName, about run: Run) throws(LogError) {
        guard case .respond(let exchange) = run.purpose, let question = run.question,
            let number = exchanges[exchange]?.ask()
        else { return }
        let asking = Run(
            function: middleware,
            payload: question.asked,
            purpose: .middleware(of: run, exchange, number: number),
            trace: run.trace,
            cause: run.cause,
            causeHoldsPayload: false,
            baggage: run.baggage
        )
        asking.logged = question.logged
        asking.flags = run.flags
        if options.http.middlewareTimeout < options.responseTimeout {
            timers.set(
                .middlewareDeadline(exchange, number),
                at: now.monotonic + options.http.middlewareTimeout
            )
        }
        try dispatch(asking)
    }

    /// Middleware has answered. What comes too late, when its request was answered, is nothing.
    mutating func proceed(
        with run: Run,
        _ exchange: ExchangeID,
        number: UInt32,
        middleware: FunctionName,
        _ answer: FunctionResult,
        after offset: Offset?
    ) throws(LogError) {
        guard exchanges[exchange]?.asking == number else { return }
        exchanges[exchange]?.hear()
        switch answer {
        case .failure(let error): try fail(exchange, error, middleware, after: offset)
        case .none: try goOn(run, past: middleware)
        case .value(let bytes):
            switch MiddlewareVerdict(JSONText(trusted: bytes)) {
            case .proceed: try start(run)
            case .respond(let reply):
                if let defect = HTTPReply.defect(ofStatus: reply.status) {
                    return try fail(exchange, defect, middleware, after: offset)
                }
                let reason = "middleware \(middleware.id.cut) did so"
                try respond(exchange, with: reply, because: reason, after: offset)
            case .unknown: try goOn(run, past: middleware)
            }
        }
    }

    private mutating func fail(
        _ exchange: ExchangeID,
        _ error: ErrorBody,
        _ middleware: FunctionName,
        after offset: Offset?
    ) throws(LogError) {
        let reason = "middleware \(middleware.id.cut) failed: \(error.shortened.message)"
        try respond(exchange, with: failure(error), because: reason, after: offset)
    }

    private mutating func goOn(_ run: Run, past middleware: FunctionName) throws(LogError) {
        notice(
            .warning,
            "middleware \(middleware) answered neither {\"action\":\"continue\"} nor "
                + "{\"action\":\"respond\"}: the request goes on"
        )
        try start(run)
    }

    /// The middleware function that was asked as the `number`th has not answered in time.
    mutating func expireMiddleware(_ exchange: ExchangeID, number: UInt32) throws(LogError) {
        guard let open = exchanges[exchange], open.asking == number else { return }
        try timeOut(exchange, open, with: .middlewareTimeout)
    }

    mutating func expire(_ exchange: ExchangeID) throws(LogError) {
        guard let open = exchanges[exchange] else { return expireBody(of: exchange) }
        try timeOut(exchange, open, with: .timedOut)
        guard let keyed = open.keyed, open.hasReturned else { return }
        try abandonKey(keyed, trace: open.trace)
    }
}

/// A request for which there is no room at the moment.
struct WaitingRequest {
    let request: HTTPRequest
    let propagation: Propagation
}

/// Requests that wait for others to be answered, first come, first served. As many as there are
/// connections at most: each has one request under way.
struct WaitingRequests {
    private var order: Deque<ExchangeID> = []
    /// Without those whose clients have gone.
    private var requests: [ExchangeID: WaitingRequest] = [:]

    var isEmpty: Bool { requests.isEmpty }
    var count: Int { requests.count }

    mutating func append(_ request: WaitingRequest, _ exchange: ExchangeID) {
        order.append(exchange)
        requests[exchange] = request
    }

    mutating func remove(_ exchange: ExchangeID) {
        requests[exchange] = nil
        if order.count > 2 * requests.count + 64 { order.removeAll { requests[$0] == nil } }
    }

    mutating func popFirst() -> (ExchangeID, WaitingRequest)? {
        while let exchange = order.popFirst() {
            if let request = requests.removeValue(forKey: exchange) { return (exchange, request) }
        }
        return nil
    }
}
