import CommitLog
import Disk
import Folding
import HTTP
import Primitives

// Requests that come between a start of the engine and the return of its workers. That there is no
// such path, or no such function, would be the wrong answer: clients and load balancers take it as
// final.

extension Engine where Store: ~Copyable {
    /// Remembers the routes of the life before. Called ahead of the record of this life's start,
    /// with which the view forgets them.
    mutating func expectRoutes() {
        expectedRoutes = ExpectedRoutes(views.work.routes.all)
        awaitRoutes()
    }

    /// Has them forgotten when the time for them is over. It counts from the start, also where it
    /// has been edited since.
    mutating func awaitRoutes() {
        guard !expectedRoutes.isEmpty else { return }
        timers.set(.reconnectGrace, at: started.monotonic + options.http.reconnectGrace)
    }

    /// The time is over, unless an edit has put off its end.
    mutating func forgetExpectedRoutes() {
        guard now.monotonic >= started.monotonic + options.http.reconnectGrace else { return }
        expectedRoutes = ExpectedRoutes()
    }

    /// Whether workers of the life before may not be back yet: they have `time` nanoseconds from
    /// the start.
    func awaitsWorkers(for time: UInt64) -> Bool {
        hasPast && now.monotonic - started.monotonic < time
    }

    /// Whether a request, whose route is there, comes before one that goes first may be back, or
    /// before the function that it is for, or one that is asked about it.
    func comesEarly(_ request: HTTPRequest, to trigger: HTTPTrigger) -> Bool {
        guard awaitsWorkers(for: options.http.reconnectGrace) else { return false }
        if expectedRoutes.precede(trigger, method: request.method, path: request.path) {
            return true
        }
        if !isThere(trigger.function), runs(request, trigger) { return true }
        return gatekeepers(of: trigger).contains { gatekeeper in
            switch gatekeeper {
            case .condition(let asked), .middleware(let asked): !isThere(asked)
            case .body: false
            }
        }
    }

    /// Whether the request is the first one with its key: others get what that one got, and need no
    /// function for it.
    private func runs(_ request: HTTPRequest, _ trigger: HTTPTrigger) -> Bool {
        // What is no key is refused when somebody serves the function.
        guard let key = try? self.key(of: request, trigger) else { return true }
        let decision = views.work.requests.decide(
            route: key.route,
            key: key.key,
            fingerprint: key.fingerprint,
            now: now.wall
        )
        if case .fresh = decision { return true }
        return false
    }

    /// Answers a request that no trigger serves with `reply`, or, where one is expected back that
    /// would, with what has it sent again.
    mutating func turnAway(
        _ exchange: ExchangeID,
        _ request: HTTPRequest,
        with reply: HTTPReply
    ) {
        let isExpected = expectedRoutes.contains(method: request.method, path: request.path)
        gate.hold(.respond(exchange, isExpected ? .routeNotReady : reply, trace: nil), after: nil)
    }
}
