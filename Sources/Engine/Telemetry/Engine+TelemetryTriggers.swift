import CommitLog
import Disk
import Events
import JSON
import Observability
import Primitives

// Functions that run for what workers report: a log line, or the spans of traces (services 2, C.8).

extension Engine where Store: ~Copyable {
    /// Whether a call is made from a run that a trigger for telemetry has led to: the handler that
    /// it names tells, or its trace. An SDK that knows of observers names one with every call of a
    /// handler's. Of any other, a call that names nothing may come from any run: that one of those
    /// is under way is enough, or a function that writes lines would run for ever.
    func isOfTelemetryTrigger(_ call: Call, _ worker: Worker) -> Bool {
        guard !telemetryTriggers.isEmpty else { return false }
        let caller = call.context.flatMap { handler(of: $0, worker) }
        let parent = call.propagation.traceparent.flatMap { TraceParent($0) }
        let named = [caller?.trace, parent?.trace].compactMap(\.self)
        if !named.isEmpty { return named.contains(where: telemetryTriggers.isOwn) }
        return !worker.observes && worker.isServing(where: telemetryTriggers.isOwn)
    }

    /// Runs the functions of triggers that want this line, which was recorded at `offset`. Lines
    /// that such runs write themselves must not come here.
    mutating func fireLogTriggers(_ line: LogLine, at offset: Offset) throws(LogError) {
        guard !telemetryTriggers.isEmpty else { return }
        let wanting = telemetryTriggers.triggers(for: line).filter { id in
            registry.triggers[id].map { isThere($0.function) } ?? false
        }
        guard !wanting.isEmpty else { return }
        let event = line.json(received: now.wall)
        for id in wanting { try fireTelemetry(id, event, summary: line.summary, cause: offset) }
    }

    /// Spans of these traces have ended; what workers want of them is matched here.
    mutating func sawTraces(_ seen: [SeenTrace]) throws(LogError) {
        let others = seen.filter { !telemetryTriggers.isOwn($0.trace) }
        for (id, traces) in telemetryTriggers.triggers(for: others) {
            let names = traces.map { JSONValue.string($0.description) }
            let event = JSONValue.object(["trace_ids": .array(names)]).text
            guard registry.triggers[id].map({ isThere($0.function) }) ?? false else { continue }
            try fireTelemetry(id, event, summary: "\(traces.count) traces", cause: nil)
        }
    }

    private mutating func fireTelemetry(
        _ id: String,
        _ event: JSONText,
        summary: String,
        cause: Offset?
    ) throws(LogError) {
        guard telemetryTriggers.mayFire(at: now.monotonic) else { return tellOfDroppedFirings() }
        let trace = TraceID(from: &random)
        telemetryTriggers.own(trace)
        try fire(id, event, summary: summary, Origin(trace: trace, cause: cause))
    }

    private mutating func tellOfDroppedFirings() {
        guard firingNotices.pass(at: now.monotonic) != nil else { return }
        notice(
            .warning,
            "triggers for log lines and traces led to more than \(TelemetryTriggers.firedLimit) "
                + "runs in a second: \(telemetryTriggers.dropped) were dropped since the start"
        )
    }

    /// Follows what the log tells of traces only while somebody wants to know.
    mutating func tellOfTraceTriggers() {
        gate.hold(.watchTraces(telemetryTriggers.wantsTraces), after: nil)
    }
}
