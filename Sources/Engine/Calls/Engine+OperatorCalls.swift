import CommitLog
import ConfigurationEntries
import Cron
import Disk
import Events
import Folding
import JSON
import Observability
package import Primitives
import Queue
import State
import Stream

// Calls of an operator, by way of the dashboard: somebody who is no worker and may do everything.

extension ConnectionID {
    /// In whose name the operators of one event loop call. Workers are counted from 1.
    package static func operators(ofLoop loop: Int) -> ConnectionID {
        ConnectionID(loop: loop, number: 0)
    }

    package var isOfOperators: Bool { number == 0 }
}

/// What is known of a function before it is called.
package enum OperatorCall {
    /// Whether calling it changes nothing: it is one of the engine's own that only read. What a
    /// worker's function does nobody knows.
    package static func onlyReads(_ function: FunctionName) -> Bool {
        Builtin.named(function)?.onlyReads ?? false
    }

    /// Whether the engine itself serves it.
    package static func isBuiltin(_ function: FunctionName) -> Bool {
        Builtin.named(function) != nil
    }

    /// What a `triggered` record says of an operator's call.
    package static let triggerType = "dashboard"
}

extension Engine where Store: ~Copyable {
    /// Makes an operator's call. Whatever may change something begins with a record of its own,
    /// so that the history says who wanted it; what only reads leaves none.
    mutating func callByOperator(
        _ connection: ConnectionID,
        _ call: Call
    ) throws(LogError) {
        let target = FunctionName(
            namespace: call.namespace ?? FunctionName.defaultNamespace,
            id: call.function
        )
        if let refusal = refusal(of: call, namespace: target.namespace) {
            return answer(call, on: connection, .failure(refusal), after: nil)
        }
        let trace =
            call.propagation.traceparent.flatMap { TraceParent($0) }?.trace
            ?? TraceID(from: &random)
        if case .enqueue(let queue) = call.action {
            let origin = try begin(call, of: target, trace, "\(target.id) to queue \(queue)")
            let refusal = try enqueue(call, to: queue, target, connection, origin)
            let result = refusal.map { FunctionResult.failure($0) } ?? .none
            _ = try end(call, origin, Outcome(result: result))
            return
        }
        let builtin = Builtin.named(target)
        if let builtin, builtin.onlyReads || builtin.isAboutTelemetry {
            let origin = Origin(trace: trace, cause: nil)
            guard let outcome = try run(builtin, for: call, connection, origin) else { return }
            return answer(call, on: connection, outcome)
        }
        guard builtin != nil || registry.isServed(target) else {
            metrics.missed()
            return answer(call, on: connection, .failure(notFound(target)), after: nil)
        }
        let origin = try begin(call, of: target, trace, target.id)
        if let builtin {
            guard var outcome = try run(builtin, for: call, connection, origin) else { return }
            outcome.after = try end(call, origin, outcome)
            return answer(call, on: connection, outcome)
        }
        let run = Run(
            function: target,
            payload: call.payload,
            purpose: purpose(of: call, on: connection),
            trace: trace,
            cause: origin.cause,
            causeHoldsPayload: true
        )
        if case .uuid(let id)? = call.id { run.invocation = id }
        try start(run)
    }

    private mutating func begin(
        _ call: Call,
        of target: FunctionName,
        _ trace: TraceID,
        _ summary: String
    ) throws(LogError) -> Origin {
        let triggered = Triggered(
            type: OperatorCall.triggerType,
            trigger: "",
            summary: summary,
            function: target,
            event: call.payload
        )
        let offset = try record(.triggered(triggered), trace: trace)
        return Origin(trace: trace, cause: offset)
    }

    /// Records what a builtin that may have changed something has answered.
    private mutating func end(
        _ call: Call,
        _ origin: Origin,
        _ outcome: Outcome
    ) throws(LogError) -> Offset? {
        guard case .ready(let result) = outcome.reply, case .uuid(let id)? = call.id else {
            return outcome.after
        }
        let completed = Completed(
            invocation: id,
            result: recordable(result),
            duration: Timestamp.Span(nanoseconds: 0)
        )
        return try record(.completed(completed), trace: origin.trace, cause: origin.cause)
    }

    /// Runs a builtin for an operator, who is answered as a worker is: now, or when what the
    /// answer needs has been read.
    ///
    /// - Returns: nil: the answer comes later.
    private mutating func run(
        _ builtin: Builtin,
        for call: Call,
        _ connection: ConnectionID,
        _ origin: Origin
    ) throws(LogError) -> Outcome? {
        let input = JSONText(trusted: call.payload)
        if case .bindTrigger = builtin {
            return try bindTrigger(input, for: (call, connection), nil, origin)
        }
        if case .queue(.explain) = builtin {
            explain(input, for: call, on: connection)
            return nil
        }
        if case .segments(let function) = builtin {
            readSegments(function, input, nil, for: call, on: connection)
            return nil
        }
        if case .telemetry(let function) = builtin {
            try queryTelemetry(function, input, nil, for: .call(call, connection), origin)
            return nil
        }
        if case .stream(let function) = builtin, let custom = customStream(function, input) {
            try ask(custom, function, input, for: .call(call, connection), origin)
            return nil
        }
        return try run(builtin, input: input, nil, origin, baggage: nil)
    }
}

extension Builtin {
    /// What of telemetry is kept in memory: nobody records that it was looked at, or cleared.
    fileprivate var isAboutTelemetry: Bool {
        if case .telemetry = self { true } else { false }
    }

    /// Whether a call leaves everything as it was.
    fileprivate var onlyReads: Bool {
        switch self {
        case .state(let function): !function.writes
        case .stream(let function): !function.writes
        case .queue(let function): !function.writes
        case .cron(let function): !function.changesJob
        case .configuration(let function): !function.writes
        case .listing, .segments: true
        case .telemetry(.clearTraces), .telemetry(.clearLogs), .telemetry(.evaluateAlerts): false
        case .telemetry: true
        case .publish, .publishToSubscribers, .enqueue, .log, .registerWorker, .createChannel,
            .bindTrigger, .unbindTrigger, .replay:
            false
        }
    }
}
