import CommitLog
import Disk
import Folding
import HTTP
import Primitives

// Requests that come between a start of the engine and the return of its workers. That there is no
// such path would be the wrong answer: clients and load balancers take it as final.

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
