import CommitLog
import Disk
import Events
import JSON
import Observability
import Primitives

// What workers report about their work. It is recorded, and nobody waits for it; the follower of
// the log keeps the newest, and answers the functions that query it: ``Effect/queryTelemetry(_:)``.

/// Who waits for what a follower of the log knows.
enum TelemetryCaller {
    case call(Call, ConnectionID)
    /// And the record that led to it.
    case run(Run, Offset?)
    /// Nobody: what is found about alerts is acted on.
    case alerts
}

extension Engine where Store: ~Copyable {
    mutating func report(_ batch: TelemetryBatch) throws(LogError) {
        var dropped = batch.dropped
        var begun: [ReportedSpan] = []
        for item in batch.items where options.telemetry.takes(item) {
            let event = item.event
            guard event.byteCount < options.payloadBytes, !item.isTooLarge else {
                if case .span = item { dropped.spans += 1 } else { dropped.others += 1 }
                continue
            }
            // What only begins is told again when it ends.
            if case .span(let span) = item, item.isPending {
                begun.append(span)
            } else {
                let offset = try record(event, trace: item.trace)
                if case .log(let line) = item,
                    !(line.trace.map(telemetryTriggers.isOwn) ?? false)
                {
                    try fireLogTriggers(line, at: offset)
                }
            }
            if case .metric(let metric) = item { gauges.apply(metric, at: now.wall) }
        }
        if !begun.isEmpty { gate.hold(.began(begun), after: nil) }
        tell(dropped)
    }

    private mutating func tell(_ dropped: DroppedFrames) {
        guard dropped != DroppedFrames() else { return }
        droppedSpans += UInt64(dropped.spans)
        droppedFrames += dropped.spans + dropped.others
        guard dropNotices.pass(at: now.monotonic) != nil else { return }
        notice(
            .warning,
            "telemetry was too large to be recorded, or came too fast: \(droppedFrames) messages "
                + "of spans, metrics or logs were dropped since the start"
        )
    }

    /// `engine::log::…`: a line like those that workers report, but for whom it belongs to.
    /// `call`: the one that wants it written; nil: a trigger does.
    mutating func log(
        _ function: LogFunction,
        _ input: JSONText,
        _ origin: Origin,
        for call: (call: Call, worker: Worker)? = nil
    ) throws(LogError) -> Outcome {
        let line: LogLine
        do throws(ErrorBody) {
            line = try function.decide(input, version: options.version)
        } catch {
            return .failure(error)
        }
        guard options.telemetry.takes(.log(line)) else { return Outcome(result: .none) }
        let trace = line.trace ?? origin.trace
        let offset = try record(.logged(line.record), trace: trace, cause: origin.cause)
        let isOfOwn =
            telemetryTriggers.isOwn(origin.trace)
            || (call.map { isOfTelemetryTrigger($0.call, $0.worker) } ?? false)
        if !isOfOwn, !(line.trace.map(telemetryTriggers.isOwn) ?? false) {
            try fireLogTriggers(line, at: offset)
        }
        return Outcome(result: .none)
    }

    // MARK: Queries

    /// Has a function answered that looks into telemetry, for a caller with that baggage: by who
    /// follows the log, once it has seen all that was recorded before.
    mutating func queryTelemetry(
        _ function: TelemetryFunction,
        _ input: JSONText,
        _ baggage: String?,
        for waiting: TelemetryCaller,
        _ origin: Origin? = nil
    ) throws(LogError) {
        if case .call(let call, let connection) = waiting,
            telemetryCallers.count >= Limits.logQueryCalls
        {
            let busy = ErrorBody(
                code: "BUSY",
                message: "\(Limits.logQueryCalls) calls wait for telemetry already; try again"
            )
            return answer(call, on: connection, .failure(busy), after: nil)
        }
        if let content = function.clears, options.telemetry.shows(content), !isInShortage {
            // Followers of another life heed it, too.
            let cleared = Event.telemetryCleared(TelemetryCleared(content))
            try record(cleared, trace: origin?.trace, cause: origin?.cause)
        }
        lastRead += 1
        telemetryCallers[lastRead] = waiting
        let context = TelemetryContext(
            now: now.wall,
            version: options.version,
            baggage: baggage,
            logging: options.telemetry.logging,
            tracing: options.telemetry.tracing,
            droppedSpans: droppedSpans,
            droppedFrames: UInt64(droppedFrames),
            engine: function.showsEngine
                ? metrics.json(activeWorkers: registry.workers.count) : nil,
            figures: function == .evaluateAlerts ? figures : [:]
        )
        let query = Effect.TelemetryQuery(
            id: lastRead,
            function: function,
            input: input,
            context: context,
            end: log.staged
        )
        gate.hold(.queryTelemetry(query), after: newest)
    }

    /// The follower has answered, and found that about alerts.
    mutating func telemetryAnswered(
        _ id: UInt64,
        _ result: FunctionResult,
        _ changes: [AlertChange]
    ) throws(LogError) {
        for change in changes { try take(change) }
        switch telemetryCallers.removeValue(forKey: id) {
        case .call(let call, let connection): answer(call, on: connection, result, after: nil)
        case .run(let run, let cause):
            try finish(run, record: nil, result, took: 0)
            guard !observers.isEmpty else { return }
            try observed(run, result, took: Timestamp.Span(nanoseconds: 0), at: cause)
        case .alerts: alertWatch.isLooking = false
        case nil: break
        }
    }
}
