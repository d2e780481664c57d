import CommitLog
import Disk
import Events
import HTTP
import JSON
import Primitives

// Who is asked before a function runs: middleware and conditions.

extension Engine where Store: ~Copyable {
    /// Global middleware, the condition, the route's own middleware (services 1, A.11); all of them
    /// live where the function lives.
    func gatekeepers(of trigger: HTTPTrigger) -> ArraySlice<Run.Gatekeeper> {
        let global = options.http.middleware
        if global.isEmpty, trigger.condition == nil, trigger.middleware.isEmpty { return [] }
        let namespace = trigger.function.namespace
        var all = global.map {
            Run.Gatekeeper.middleware(FunctionName(namespace: namespace, id: $0))
        }
        if let condition = trigger.condition { all.append(.condition(condition)) }
        all += trigger.middleware.map { .middleware($0) }
        return all[...]
    }

    mutating func ask(_ condition: FunctionName, whether run: Run) throws(LogError) {
        let question = Run(
            function: condition,
            payload: run.question?.plain ?? run.payload,
            purpose: .condition(of: run),
            trace: run.trace,
            cause: run.record ?? run.cause,
            causeHoldsPayload: run.causeHoldsPayload && run.record == nil,
            baggage: run.baggage
        )
        question.after = run.after
        question.logged = run.logged
        question.flags = run.flags
        try dispatch(question)
    }

    /// A condition has answered: exactly `false` skips the run, an error fails it where it is a
    /// request's or a message's, and skips it otherwise (services 1, 0.4; services 2, A.9).
    /// `offset` is the youngest record that the answer rests on.
    mutating func proceed(
        with run: Run,
        condition: FunctionName,
        _ answer: FunctionResult,
        after offset: Offset?
    ) throws(LogError) {
        // The client has a response already, or has gone.
        if case .respond(let exchange) = run.purpose, exchanges[exchange] == nil { return }
        let isRefused = answer == .value(JSONText.false.bytes)
        var failure: ErrorBody?
        if case .failure(let error) = answer { failure = error }
        guard isRefused || failure != nil else { return try start(run) }
        // What is told of it must not pass for the function's own failure; the client of a request
        // gets the condition's error as it is (services 1, A.10).
        let told: FunctionResult = failure.map { .failure($0.told(of: condition)) } ?? .none
        switch run.purpose {
        case .respond(let exchange):
            let name = "its condition \(condition.id.cut)"
            if let failure {
                let reason = "\(name) failed: \(failure.shortened.message)"
                let reply = self.failure(failure)
                try respond(exchange, with: reply, because: reason, after: offset)
            } else {
                let reason = "\(name) answered false"
                try respond(exchange, with: .conditionNotMet, because: reason, after: offset)
            }
        case .deliver(let queue, let message):
            try settle(message, of: queue, run, told, Timestamp.Span(nanoseconds: 0), nil)
        case .react: try finish(run, record: nil, told, took: 0)
        case .cron(let firing):
            if let failure {
                notice(
                    .warning,
                    "cron function \(run.function) did not run: its condition \(condition) failed: "
                        + failure.message
                )
            }
            try skipFiring(firing, failure?.message ?? "its condition answered false")
        case .notify(let notice): try notified(notice, by: run, told)
        case .answer, .nobody, .cronByHand, .condition, .middleware, .admit, .screen,
            .keepsStream, .joinsStream, .admitStream:
            break
        }
    }
}

extension ErrorBody {
    /// The failure of a condition, told where that of the function would be.
    fileprivate func told(of condition: FunctionName) -> ErrorBody {
        ErrorBody(
            code: code,
            message: "its condition \(condition) failed: \(message)",
            stacktrace: stacktrace
        )
    }
}
