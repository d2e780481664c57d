import CommitLog
import Cron
import Disk
import Events
import Folding
import HTTP
import JSON
import Observability
import Primitives
import Queue

extension Engine where Store: ~Copyable {
    // MARK: Start

    /// Runs a function, after those have been asked that decide whether it may.
    mutating func start(_ run: Run) throws(LogError) {
        switch run.gatekeepers.popFirst() {
        case .condition(let condition): try ask(condition, whether: run)
        case .middleware(let middleware): try ask(middleware, about: run)
        case .body(let request): awaitBody(of: run, request)
        case nil:
            if let key = run.key, case .respond(let exchange) = run.purpose,
                try !claims(key, for: run, exchange)
            {
                return
            }
            if case .respond(let exchange) = run.purpose {
                exchanges[exchange]?.awaited = .function
            }
            try dispatch(run)
        }
    }

    mutating func dispatch(_ run: Run) throws(LogError) {
        if registry.functions[run.function] == nil, let builtin = Builtin.named(run.function) {
            return try dispatch(run, to: builtin)
        }
        // While a condition was asked, the worker may have gone.
        let chosen = run.worker.flatMap { $0.functions.contains(run.function) ? $0 : nil }
        guard let worker = chosen ?? registry.pick(run.function, bytes: run.bytes) else {
            // Who left while the engine stops may be back behind it.
            if isDraining, run.isRepeated { return }
            run.isUnanswered = true
            return try finish(run, record: nil, .failure(notFound(run.function)), took: 0)
        }
        if !worker.endpoints.isEmpty, let endpoint = worker.endpoints[run.function] {
            return try fetch(run, endpoint, worker)
        }
        let baggage = run.baggage?.utf8.count ?? 0
        if let obstacle = obstacle(to: run.payload, run.metadata, and: baggage, for: worker) {
            if case .nobody = run.purpose {
                let caller = run.caller.map { Self.name(ofCaller: registry.worker($0)) }
                reportLostFailure(run.function.id, by: caller ?? "the engine", obstacle)
            }
            return try finish(run, record: nil, .failure(obstacle), took: 0)
        }
        var id = run.invocation ?? UUID128(from: &random)
        // A caller may use an id again, or that of a call to the same worker by another caller, and
        // one that says of its calls what they are not.
        if worker.serving[id] != nil || (run.replay == nil && ReplayMark.isOn(invocation: id)) {
            id = UUID128(from: &random)
        }
        run.invocation = id
        let record: Offset
        if let own = run.record {
            record = own
        } else {
            record = try recordInvoked(run, id, worker)
        }
        worker.begin(Invocation(id: id, run: run, record: record, started: now.monotonic))
        runningCount += 1
        expectAnswer(to: run)
        send(
            .invoke(message(for: run, id, record, at: worker)),
            to: worker.connection,
            after: run.after ?? record
        )
    }

    func message(
        for run: Run,
        _ id: UUID128,
        _ record: Offset,
        at worker: Worker
    ) -> Effect.Dispatch {
        Effect.Dispatch(
            invocation: id,
            function: worker.known(run.function),
            payload: run.payload,
            metadata: run.metadata,
            traceparent: context(of: run, record),
            baggage: run.baggage,
            caller: run.caller,
            observation: worker.observes ? observation(of: run) : nil,
            isOfQueue: run.isOfQueue
        )
    }

    private mutating func dispatch(_ run: Run, to builtin: Builtin) throws(LogError) {
        let origin = Origin(
            trace: run.trace,
            cause: run.record ?? run.cause,
            depth: run.depth,
            chain: run.chain
        )
        if case .telemetry(let function) = builtin {
            let input = JSONText(trusted: run.payload)
            return try queryTelemetry(
                function,
                input,
                run.baggage,
                for: .run(run, origin.cause),
                origin
            )
        }
        if case .stream(let function) = builtin,
            let custom = customStream(function, JSONText(trusted: run.payload))
        {
            let input = JSONText(trusted: run.payload)
            return try ask(custom, function, input, for: .run(run), origin)
        }
        let outcome = try self.run(
            builtin,
            input: JSONText(trusted: run.payload),
            nil,
            origin,
            baggage: run.baggage
        )
        let result = resolve(outcome.reply)
        try finish(run, record: nil, result, took: 0)
        if !observers.isEmpty {
            try observed(run, result, took: Timestamp.Span(nanoseconds: 0), at: origin.cause)
        }
    }

    mutating func recordInvoked(
        _ run: Run,
        _ id: UUID128,
        _ worker: Worker
    ) throws(LogError) -> Offset {
        let isAwaited: Bool
        if case .nobody = run.purpose { isAwaited = false } else { isAwaited = true }
        let isCondition =
            switch run.purpose {
            case .condition, .middleware: true
            default: false
            }
        return try record(
            .invoked(
                Invoked(
                    invocation: id,
                    function: run.function,
                    worker: worker.id,
                    caller: run.caller ?? UUID128(high: 0, low: 0),
                    awaited: isAwaited,
                    isCondition: isCondition,
                    input: run.causeHoldsPayload ? [] : run.logged ?? run.payload,
                    parent: run.remote?.span ?? 0,
                    flags: run.remote?.flags
                )
            ),
            trace: run.trace,
            cause: run.cause
        )
    }

    /// The trace context that a function is handed: its caller's, or else the span of what made it
    /// run, as who follows the log derives it (``EngineSpans``).
    private func context(of run: Run, _ record: Offset) -> TraceParent {
        if let parent = run.parent { return parent }
        let origin = run.caller == nil ? run.record ?? run.cause : nil
        let span = EngineSpans.id(of: origin ?? record)
        let parent = TraceParent(trace: run.trace, span: span, flags: run.flags)
        run.parent = parent
        return parent
    }

    // MARK: End

    /// A worker answers. Only what it was asked counts.
    mutating func complete(
        _ connection: ConnectionID,
        _ result: CallResult
    ) throws(LogError) {
        guard let worker = registry.workers[connection], case .uuid(let id) = result.id,
            let invocation = worker.end(id)
        else { return }
        try finish(invocation, result.result)
        if invocation.run.isOfQueue { try pumpCrowded() }
    }

    /// Whoever ran it is gone. While the engine stops, that is no failure of what its next life
    /// runs again: as in a crash, no record tells of an end.
    mutating func interrupt(_ invocation: Invocation) throws(LogError) {
        if isDraining, invocation.run.isRepeated {
            runningCount -= 1
            return
        }
        invocation.run.isUnanswered = true
        let stopped = ErrorBody(code: "invocation_stopped", message: "Invocation stopped")
        try finish(invocation, .failure(stopped))
    }

    mutating func finish(
        _ invocation: Invocation,
        _ result: FunctionResult
    ) throws(LogError) {
        runningCount -= 1
        let run = invocation.run
        // A call of its own that was cut off may be why: as in a crash, no record tells of an end.
        if isCutOff, run.isRepeated, result.isFailure { return }
        if case .respond(let exchange) = run.purpose, result.isFailure, exchanges[exchange] == nil {
            // Whoever was to end the stream may not do so any more.
            gate.hold(.streamFailed(exchange), after: nil)
        }
        let took = now.monotonic - invocation.started
        let outcome = answerable(result, of: run)
        metrics.ran(run.function, failed: outcome.isFailure, took: took)
        try finish(run, record: invocation.record, outcome, took: took)
    }

    /// Ends a run whose start has the record `start`, or none where it never began, after `took`
    /// nanoseconds. What began comes by way of its invocation.
    mutating func finish(
        _ run: Run,
        record start: Offset?,
        _ result: FunctionResult,
        took: UInt64
    ) throws(LogError) {
        let result = start == nil ? answerable(result, of: run) : result
        let span = Timestamp.Span(nanoseconds: Int64(clamping: took))
        switch run.purpose {
        case .deliver(let queue, let message):
            return try settle(message, of: queue, run, result, span, start)
        case .cron(let firing): try passSlots(with: firing)
        case .cronByHand(let trigger, let run): try passSlots(with: run, of: trigger)
        default: break
        }
        // What never ran is recorded where something else ends with it: a request, a cron run or an
        // activation. A call's cause is its caller's own run, which goes on.
        let isRecorded =
            switch run.purpose {
            case .respond, .cron, .react: true
            // It began with a record of its own.
            case .answer(let connection, _, _, _) where connection.isOfOperators: true
            case .answer, .nobody, .cronByHand, .condition, .middleware, .deliver, .admit, .screen,
                .notify, .keepsStream, .joinsStream, .admitStream:
                start != nil || run.activation != nil
            }
        var end = run.record ?? run.cause
        if isRecorded, let cause = start ?? run.cause {
            let recorded = endOfKept(run) ?? recordable(hidden(result, of: run), of: run)
            try noteUntold(run, result, recorded: recorded)
            end = try record(
                .completed(
                    Completed(
                        invocation: run.invocation ?? UUID128(high: 0, low: 0),
                        result: recorded,
                        duration: span
                    )
                ),
                trace: run.trace,
                cause: cause
            )
        }
        try conclude(run, result, took: span, after: end)
        if let activation = run.activation { try self.end(activation) }
        guard !observers.isEmpty, start != nil, run.isObservable else { return }
        try observed(run, result, took: span, at: end)
    }

    /// What a run has come to: that of a request has failed with a value that can be no response,
    /// unless it is not the value that is the response. If it is, the run has it from now on.
    private mutating func answerable(_ result: FunctionResult, of run: Run) -> FunctionResult {
        guard case .respond(let exchange) = run.purpose, case .value(let bytes) = result else {
            return result
        }
        let isResponse =
            if let request = run.keyed {
                keyedRuns[request].map { $0.stream == nil } ?? false
            } else {
                exchanges[exchange] != nil
            }
        guard isResponse, let reply = HTTPReply(value: JSONText(trusted: bytes)) else {
            return result
        }
        if let defect = HTTPReply.defect(ofStatus: reply.status) { return .failure(defect) }
        if let oddity = reply.oddity { tell(of: oddity, by: run.function) }
        run.reply = reply
        return result
    }

    /// Does what a run was for, with its result, which rests on the record `end`.
    private mutating func conclude(
        _ run: Run,
        _ result: FunctionResult,
        took span: Timestamp.Span,
        after end: Offset?
    ) throws(LogError) {
        switch run.purpose {
        case .answer(let connection, let id, let function, let propagation):
            answer(id, function: function, result, propagation, on: connection, after: end)
        case .respond(let exchange):
            if let keyed = run.keyed {
                try settle(keyed, run, exchange, result, after: end)
            } else {
                answer(exchange, of: run, result, after: end)
            }
        case .condition(let subject):
            try proceed(with: subject, condition: run.function, result, after: end)
        case .middleware(let subject, let exchange, let number):
            try proceed(
                with: subject,
                exchange,
                number: number,
                middleware: run.function,
                result,
                after: end
            )
        case .cron(let firing): ended(run, of: firing, result, took: span)
        case .cronByHand(let trigger, let record):
            ended(run, of: record, result, took: span)
            views.work.cron.ended(run: record, of: trigger, now: now.wall)
        case .react(let reactions): try ended(run, of: reactions, result)
        case .admit(let id): try admitted(id, by: run, result, after: end)
        case .screen(let connection, let number, let registration):
            try screened(connection, number, registration, result)
        case .notify(let notice): try notified(notice, by: run, result)
        case .keepsStream(let question): try answered(question, result, after: end)
        case .joinsStream(let visit): try visited(visit, result)
        case .admitStream(let id): admitted(id, result, after: end)
        case .nobody, .deliver:
            break
        }
    }

    mutating func settle(
        _ message: Message,
        of queue: String,
        _ run: Run,
        _ result: FunctionResult,
        _ took: Timestamp.Span,
        _ start: Offset?
    ) throws(LogError) {
        let event: QueueEvent
        if case .failure(let error) = result {
            event = views.work.queue.decideFailure(
                of: message,
                in: queue,
                error: recordable(error),
                now: now.wall
            )
        } else {
            event = .acked(
                Acked(
                    queue: queue,
                    message: message.offset,
                    result: recordable(result),
                    duration: took
                )
            )
        }
        if case .deadLettered(let letter) = event { tell(of: letter) }
        let end = try record(.queue(event), trace: run.trace, cause: run.record)
        if !observers.isEmpty, start != nil { try observed(run, result, took: took, at: end) }
        try pump(queue)
    }
}
