package import Channels
package import Engine
package import HTTP
package import NIOCore
package import NetServer
package import Primitives

/// The HTTP requests of one event loop: requests to commands, effects to responses.
///
/// Confined to its event loop. Requests leave in one batch per turn of the loop.
package final class HTTPGateway: HTTPService {
    /// A request that has no whole response yet.
    private struct Pending {
        let exchange: HTTPExchange
        /// Of its two channels.
        let key: UUID128
        var body: [UInt8]
        let asker: CORS.Asker
        let propagation: Propagation
        /// Made when somebody asks for either channel: most requests need none.
        var streams: ExchangeStreams?
    }

    private let inbox: Inbox
    private let loop: any EventLoop
    private let loopNumber: Int
    package var cors: CORS
    /// Whether an `Idempotency-Key` means something to the engine.
    private let keepsKeys: Bool
    private var entropy = SystemEntropy()
    private var pending: [UInt64: Pending] = [:]
    private var nextNumber: UInt64 = 0
    private var commands: [Command] = []
    private var commandBytes = 0

    package init(
        inbox: Inbox,
        loop: any EventLoop,
        loopNumber: Int,
        cors: CORS = CORS(),
        keepsKeys: Bool = true
    ) {
        self.cors = cors
        self.keepsKeys = keepsKeys
        self.inbox = inbox
        self.loop = loop
        self.loopNumber = loopNumber
    }

    // MARK: Requests

    /// JSON is part of the function's input; anything else is read from the channel, unless it has
    /// to be compared with that of another request.
    package func wantsWholeBody(header: (String) -> String?) -> Bool {
        Self.hasJSON(header) || keepsKeys && header("idempotency-key") != nil
    }

    private static func hasJSON(_ header: (String) -> String?) -> Bool {
        header("content-type").map(HTTPEvent.isJSON) ?? false
    }

    /// Who guards a route may refuse a request before its body is read (services 1, A.11).
    package var takesHeadsFirst: Bool { true }

    package func receive(_ request: NetServer.HTTPRequest, _ exchange: HTTPExchange) {
        nextNumber += 1
        let id = ExchangeID(loop: loopNumber, number: nextNumber)
        let key = UUID128(from: &entropy)
        let propagation = Propagation(
            traceparent: request.header("traceparent"),
            baggage: request.header("baggage")
        )
        pending[id.number] = Pending(
            exchange: exchange,
            key: key,
            body: request.body,
            asker: CORS.Asker(
                origin: request.header("origin"),
                isPreflight: request.method == "OPTIONS"
            ),
            propagation: propagation
        )
        exchange.onAbandoned = { [weak self] in self?.abandon(id) }
        var translated = HTTP.HTTPRequest(
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: request.body,
            channels: HTTPChannels(
                requestBody: ChannelID(.requestBody, ofExchange: id.number, onLoop: id.loop),
                response: ChannelID(.response, ofExchange: id.number, onLoop: id.loop),
                key: key
            )
        )
        translated.awaitsBody = exchange.awaitsBody
        commands.append(.request(id, translated, propagation))
        commandBytes += request.body.count + 512
    }

    /// As every other error of the engine's own (services 1, A.10), for pages of others, too.
    package func reply(
        to refusal: Refusal,
        of head: RequestHead?,
        trace: TraceID?
    ) -> NetServer.HTTPReply {
        let code =
            switch refusal.status {
            case 408: "REQUEST_TIMEOUT"
            case 413: "BODY_TOO_LARGE"
            case 414: "TARGET_TOO_LONG"
            case 417: "EXPECTATION_FAILED"
            case 431: "HEADERS_TOO_LARGE"
            case 501: "NOT_IMPLEMENTED"
            case 503: "BUSY"
            default: "BAD_REQUEST"
            }
        var message = refusal.reason
        if refusal.status == 413, let head, !Self.hasJSON(head.header) {
            message += " where the request has an Idempotency-Key"
        }
        let error = ErrorBody(code: code, message: message)
        return reply(
            HTTP.HTTPReply(status: refusal.status, error: error),
            to: CORS.Asker(
                origin: head?.header("origin"),
                isPreflight: head?.method == "OPTIONS"
            ),
            trace ?? Self.trace(head?.header("traceparent"))
        )
    }

    package func readCompleted() {
        guard !commands.isEmpty else { return }
        // One request per connection is under way, so that what waits is bounded by connections.
        _ = inbox.offer(&commands, bytes: commandBytes)
        commandBytes = 0
    }

    private func abandon(_ id: ExchangeID) {
        guard let request = pending.removeValue(forKey: id.number) else { return }
        tell(.requestAbandoned(id))
        abandonStreams(of: request)
    }

    /// The channels of a request are over. The core hears of it before whoever was to write its
    /// response, and may fail for that.
    private func abandonStreams(of request: Pending) {
        guard let streams = request.streams else { return }
        if keepsKeys, streams.isUnbegun { tell(.responseUnheard(key: request.key)) }
        streams.abandon()
    }

    /// Has the body received that is part of the function's input.
    private func readBody(of id: ExchangeID, _ trace: TraceID?) {
        pending[id.number]?.exchange.trace = trace
        pending[id.number]?.exchange.collectBody { [weak self] body in
            self?.pending[id.number]?.body = body
            self?.commandBytes += body.count
            self?.tell(.requestBody(id, body))
        }
    }

    /// Behind its request, which may not have been handed over yet.
    private func tell(_ command: Command) {
        commands.append(command)
        readCompleted()
    }

    // MARK: Channels

    /// The channel of a request, for as long as that is not answered.
    ///
    /// - Returns: nil: there is no such request any more, or this is not its key.
    package func find(_ id: ChannelID, key: UUID128) -> DataChannel? {
        loop.assertInEventLoop()
        guard let (number, stream) = id.exchange else { return nil }
        guard let request = pending[number] else {
            // The core knows whether there was a request with that key, if there can have been.
            if stream == .response, keepsKeys, number <= nextNumber {
                tell(.responseUnheard(key: key))
            }
            return nil
        }
        guard request.key.isSecretly(key) else { return nil }
        let streams = request.streams ?? open(number, request)
        switch stream {
        case .requestBody: return streams.requestBody
        case .response:
            streams.isAskedFor = true
            return streams.response
        }
    }

    private func open(_ number: UInt64, _ request: Pending) -> ExchangeStreams {
        let id = ExchangeID(loop: loopNumber, number: number)
        let streams = ExchangeStreams(
            request.exchange,
            body: request.body,
            started: { [weak self] status, defect in
                self?.tell(
                    defect.map { Command.responseSpoilt(id, $0) }
                        ?? .requestStreams(id, status: status)
                )
            },
            finished: { [weak self] succeeded in
                self?.pending[number] = nil
                self?.tell(.responseStreamed(id, succeeded: succeeded))
            }
        )
        pending[number]?.streams = streams
        // What was there of the body may have been no HTTP: its request was answered just now.
        if pending[number] == nil { streams.abandon() }
        return streams
    }

    // MARK: Responses

    /// Carries out the effects that are for HTTP clients.
    package func carryOut(_ effect: Effect) {
        switch effect {
        case .respond(let id, let reply, let trace):
            guard let request = pending.removeValue(forKey: id.number) else { return }
            let known = trace ?? Self.trace(request.propagation.traceparent)
            request.exchange.respond(self.reply(reply, to: request.asker, known))
            abandonStreams(of: request)
        case .readBody(let id, let trace): readBody(of: id, trace)
        case .stream(let id, let trace):
            guard let request = pending[id.number] else { return }
            request.streams?.begin { [cors] reply in
                reply.vouched = cors.headers(for: request.asker, over: &reply.headers)
                reply.headers.removeAll(where: Self.namesTrace)
                reply.vouched.append(Self.header(naming: trace))
            }
        case .streamFailed(let id): cutWhenSilent(id)
        case .send, .close, .open, .fetch, .admit, .probe, .readLog, .queryTelemetry, .began,
            .watchTraces,
            .watchSpans, .notify,
            .picture, .toSubscribers:
            break
        }
    }

    /// Breaks a response off whose function has failed, once it has written nothing for a while:
    /// the failure does not end the body (services 1, A.7), since it may overtake the body's end,
    /// but whom it kept from ending that would keep the client for ever.
    private func cutWhenSilent(_ id: ExchangeID) {
        guard let written = pending[id.number]?.streams?.written else { return }
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(Limits.failedStreamRest)) {
            [weak self] in
            guard let self, let streams = self.pending[id.number]?.streams else { return }
            if streams.isSilent(since: written) {
                streams.cut()
            } else {
                self.cutWhenSilent(id)
            }
        }
    }

    private func reply(
        _ reply: HTTP.HTTPReply,
        to asker: CORS.Asker,
        _ trace: TraceID?
    ) -> NetServer.HTTPReply {
        var headers = reply.headers
        var own = reply.isBare ? [] : cors.headers(for: asker, over: &headers)
        if let trace {
            headers.removeAll(where: Self.namesTrace)
            own.append(Self.header(naming: trace))
        }
        return NetServer.HTTPReply(
            status: reply.status,
            headers: headers,
            vouched: own,
            body: reply.body
        )
    }

    /// That of the caller: where nothing is recorded of a request, there is no other.
    private static func trace(_ traceparent: String?) -> TraceID? {
        traceparent.flatMap { TraceParent($0) }?.trace
    }

    private static let traceHeader = "x-iii-trace-id"

    private static func header(naming trace: TraceID) -> (name: String, value: String) {
        (traceHeader, trace.description)
    }

    /// Whether a function says which trace this is, which is not its to say.
    private static func namesTrace(_ header: (name: String, value: String)) -> Bool {
        header.name.utf8.count == traceHeader.utf8.count && header.name.lowercased() == traceHeader
    }
}
