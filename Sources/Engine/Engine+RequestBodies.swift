import CommitLog
import Disk
import HTTP
import JSON
import Primitives

// Requests that come before their bodies: global middleware is asked before a body is read, and a
// path without a route is told so (services 1, A.11). Only JSON is part of the input, and most of
// it comes along with its head: those requests go the short way.

/// What goes on when a request's body has come.
enum AwaitedBody {
    /// Nothing was recorded of it yet. The body was asked for at a time of the monotonic clock.
    case request(HTTPRequest, Propagation, asked: UInt64)
    /// Global middleware lets it pass.
    case run(Run, BodilessRequest)
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
        exchanges.count - slowRequests < options.http.concurrency
    }

    /// Requests that have begun and wait for their bodies.
    private var slowRequests: Int {
        awaitedBodies.isEmpty ? 0 : awaitedBodies.count { exchanges[$0.key] != nil }
    }

    /// The body is asked for; its time is part of the request's.
    mutating func awaitBody(of exchange: ExchangeID, _ awaited: AwaitedBody) {
        awaitedBodies[exchange] = awaited
        let trace = exchanges[exchange]?.trace
        if trace == nil {
            timers.set(.responseDeadline(exchange), at: now.monotonic + options.responseTimeout)
        }
        gate.hold(.readBody(exchange, trace: trace), after: nil)
    }

    mutating func awaitBody(of run: Run, _ request: BodilessRequest) {
        guard case .respond(let exchange) = run.purpose, exchanges[exchange] != nil else { return }
        awaitBody(of: exchange, .run(run, request))
    }

    /// The body has come.
    mutating func take(_ body: [UInt8], of exchange: ExchangeID) throws(LogError) {
        switch awaitedBodies.removeValue(forKey: exchange) {
        case nil: break
        case .request(var request, let propagation, let asked):
            request.body = body
            request.awaitsBody = false
            request.bodyTime = now.monotonic - asked
            // Its trigger may have gone meanwhile, or the disk have filled up.
            try begin(.request(exchange, request, propagation))
        case .run(let run, let bodiless): try go(on: run, exchange, bodiless, body)
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
            return respond(exchange, with: HTTPReply(status: 400, error: error), after: nil)
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
        for (exchange, awaited) in awaitedBodies {
            guard case .request = awaited else { continue }
            awaitedBodies[exchange] = nil
            refuseWhileStopping(exchange)
        }
    }

    /// The time of a request has passed that had not begun.
    mutating func expireBody(of exchange: ExchangeID) {
        guard awaitedBodies.removeValue(forKey: exchange) != nil else { return }
        gate.hold(.respond(exchange, .timedOut, trace: nil), after: nil)
    }
}
