import CommitLog
import Disk
import HTTP
import JSON
import Primitives

// Requests that come before their bodies: global middleware is asked before a body is read, and a
// path without a route is told so (services 1, A.11). Only JSON is part of the input, and most of
// it comes along with its head: those requests go the short way.

/// A request that begins when its body has come: nothing was recorded of it yet.
struct AwaitedRequest {
    let request: HTTPRequest
    let propagation: Propagation
    /// When the body was asked for, on the monotonic clock.
    let asked: UInt64
}

/// A request that goes on when its body has come: global middleware lets it pass.
struct AwaitedRun {
    let run: Run
    let request: BodilessRequest
}

/// What the input of a function is made of, but for the body.
final class BodilessRequest {
    let request: HTTPRequest
    let trigger: HTTPTrigger
    let parameters: [(name: String, value: String)]

    init(
        _ request: HTTPRequest,
        _ trigger: HTTPTrigger,
        _ parameters: [(name: String, value: String)]
    ) {
        self.request = request
        self.trigger = trigger
        self.parameters = parameters
    }
}

extension Engine where Store: ~Copyable {
    /// Whether one more request may begin. One whose body has not come takes no place from others:
    /// clients may be as slow as they like.
    var hasRoomForRequests: Bool {
        exchanges.count - awaitedRuns.count < options.http.concurrency
    }

    /// The body is asked for; its time is part of the request's.
    mutating func awaitBody(
        of exchange: ExchangeID,
        _ request: HTTPRequest,
        _ propagation: Propagation
    ) {
        awaitedBodies[exchange] = AwaitedRequest(
            request: request,
            propagation: propagation,
            asked: now.monotonic
        )
        timers.set(.responseDeadline(exchange), at: now.monotonic + options.responseTimeout)
        gate.hold(.readBody(exchange, trace: nil), after: nil)
    }

    mutating func awaitBody(of run: Run, _ request: BodilessRequest) {
        guard case .respond(let exchange) = run.purpose, let open = exchanges[exchange] else {
            return
        }
        awaitedRuns[exchange] = AwaitedRun(run: run, request: request)
        gate.hold(.readBody(exchange, trace: open.trace), after: nil)
    }

    /// The body has come.
    mutating func take(_ body: [UInt8], of exchange: ExchangeID) throws(LogError) {
        if let awaited = awaitedBodies.removeValue(forKey: exchange) {
            var request = awaited.request
            request.body = body
            request.awaitsBody = false
            request.bodyTime = now.monotonic - awaited.asked
            // Its trigger may have gone meanwhile, or the disk have filled up.
            try begin(.request(exchange, request, awaited.propagation))
        } else if let awaited = awaitedRuns.removeValue(forKey: exchange) {
            try go(on: awaited.run, exchange, awaited.request, body)
        }
    }

    private mutating func go(
        on run: Run,
        _ exchange: ExchangeID,
        _ bodiless: BodilessRequest,
        _ body: [UInt8]
    ) throws(LogError) {
        var request = bodiless.request
        request.body = body
        request.awaitsBody = false
        let event = HTTPEvent(
            request,
            trigger: bodiless.trigger,
            parameters: bodiless.parameters,
            secrets: options.http.secrets
        )
        do throws(ErrorBody) {
            run.key = try key(of: request, bodiless.trigger)
        } catch {
            let reply = HTTPReply(status: 400, error: error)
            return try respond(exchange, with: reply, because: error.message, after: nil)
        }
        run.complete(with: event.input.bytes, logged: event.logged.bytes)
        if !run.gatekeepers.isEmpty {
            run.question = question(
                about: request,
                event,
                bodiless.parameters,
                bodiless.trigger
            )
        }
        try start(run)
    }

    /// The engine stops: what has not begun will not.
    mutating func refuseAwaitedBodies() {
        let exchanges = awaitedBodies.keys.sorted { ($0.loop, $0.number) < ($1.loop, $1.number) }
        for exchange in exchanges { refuseWhileStopping(exchange) }
        awaitedBodies = [:]
    }

    /// The time of a request has passed that had not begun.
    mutating func expireBody(of exchange: ExchangeID) {
        guard awaitedBodies.removeValue(forKey: exchange) != nil else { return }
        gate.hold(.respond(exchange, .timedOut, trace: nil), after: nil)
    }
}
