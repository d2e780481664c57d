import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives
import State
import Stream

// The functions of streams, and who is told of what they did (services 1, D.1, D.5).

extension Engine where Store: ~Copyable {
    mutating func runStream(
        _ function: StreamFunction,
        _ input: JSONText,
        _ origin: Origin,
        for asker: Worker? = nil
    ) throws(LogError) -> Outcome {
        if function == .presence { return presence(input) }
        if let refusal = refusal(ofPassingBy: function, input) { return .failure(refusal) }
        let decision: StreamDecision
        do throws(ErrorBody) {
            let call = try StreamCall(function, input: input)
            decision = try Self.decide(call, views.streams, &log)
            if let event = decision.event, event.dataBytes > options.payloadBytes {
                throw call.failure(
                    "the value would have \(event.dataBytes) bytes; at most "
                        + "\(options.payloadBytes) can be recorded"
                )
            }
        } catch {
            return .failure(error)
        }
        guard let event = decision.event else {
            return Outcome(reply: decision.reply, after: decision.after)
        }
        if let refusal = obstacle(toAnswering: decision.reply, asker) { return .failure(refusal) }
        let offset = try publish(event, origin)
        return Outcome(reply: decision.reply, after: offset)
    }

    private static func decide(
        _ call: StreamCall,
        _ streams: borrowing StreamView,
        _ log: inout CommitLog<Store>
    ) throws(ErrorBody) -> StreamDecision {
        try streams.decide(call) { (version) throws(ErrorBody) in
            try stored(at: version, in: &log).value
        }
    }

    /// Records what happened to a stream, and tells of it.
    mutating func publish(_ event: StreamEvent, _ origin: Origin) throws(LogError) -> Offset {
        let offset = try record(.stream(event), trace: origin.trace, cause: origin.cause)
        let triggers = streams.triggers.matching(event)
        let loops = streams.groups.isEmpty ? [] : streams.groups[event.group]?.loops ?? []
        guard !triggers.isEmpty || !loops.isEmpty else {
            streams.recent.add(event, at: offset, time: now.wall, nil)
            return offset
        }
        let message = StreamMessage(StreamEnvelope(event, at: offset, time: now.wall))
        streams.recent.add(event, at: offset, time: now.wall, message)
        try fire(triggers, for: event, message, at: offset, origin)
        for loop in loops { gate.hold(.toSubscribers(.push(loop: loop, message)), after: offset) }
        return offset
    }

    // MARK: Triggers

    private mutating func fire(
        _ triggers: [StreamTrigger],
        for event: StreamEvent,
        _ message: StreamMessage,
        at offset: Offset,
        _ origin: Origin
    ) throws(LogError) {
        guard !triggers.isEmpty else { return }
        let item = event.item.map { "/\($0)" } ?? ""
        try notify(
            TriggerNotice(
                payload: message.json,
                summary: "\(event.verb) \(event.group.stream)/\(event.group.group)\(item)",
                trace: origin.trace,
                cause: offset,
                triggers: withoutReplicas(triggers.map(\.id))
            )
        )
    }

    /// Replicas of a worker ask for the same, and each event is to run the function once.
    func withoutReplicas(_ ids: [String]) -> [String] {
        guard options.duplicates == .balance, ids.count > 1 else { return ids }
        let triggers = ids.compactMap { registry.triggers[$0] }
        return triggers.filter { trigger in
            !triggers.contains {
                $0.number < trigger.number && $0.owner != trigger.owner
                    && $0.function == trigger.function
                    && $0.request.config == trigger.request.config
                    && $0.request.metadata == trigger.request.metadata
            }
        }.map(\.request.id)
    }

    /// Fires the next trigger of a notice that can be; those behind it wait for its end.
    mutating func notify(_ notice: TriggerNotice) throws(LogError) {
        while let id = notice.rest.popFirst() {
            guard let run = try firing(id, of: notice, purpose: .notify(notice)) else { continue }
            return try start(run)
        }
    }

    /// Records that a trigger fires.
    ///
    /// - Returns: the run of its function; nil: it is gone, or cannot fire.
    mutating func firing(
        _ id: String,
        of notice: TriggerNotice,
        purpose: Run.Purpose
    ) throws(LogError) -> Run? {
        guard !isDraining, !isInShortage, let trigger = registry.triggers[id] else { return nil }
        let function = trigger.function
        guard isThere(function) else {
            self.notice(
                .warning,
                "trigger \(id) did not run: \(notFound(function).message)",
                trace: notice.trace
            )
            return nil
        }
        guard notice.payload.count <= options.payloadBytes else {
            self.notice(.warning, "trigger \(id) did not run: its event is too large")
            return nil
        }
        let offset = try record(
            .triggered(
                Triggered(
                    type: trigger.request.type,
                    trigger: id,
                    summary: notice.summary,
                    function: function,
                    event: notice.logged ?? notice.payload
                )
            ),
            trace: notice.trace,
            cause: notice.cause
        )
        let run = Run(
            function: function,
            payload: notice.payload,
            metadata: trigger.request.metadata,
            purpose: purpose,
            trace: notice.trace,
            cause: offset,
            causeHoldsPayload: true,
            condition: notice.conditions[id] ?? streams.triggers.condition(of: id)
        )
        run.logged = notice.logged
        return run
    }

    /// A function that was told has ended, or its condition forbade it: the next one is told.
    mutating func notified(
        _ notice: TriggerNotice,
        by run: Run,
        _ result: FunctionResult
    ) throws(LogError) {
        if case .failure(let error) = result {
            self.notice(
                .warning,
                "\(run.function), told of \(notice.summary), failed: \(error.code): "
                    + error.message,
                trace: notice.trace
            )
        }
        try notify(notice)
    }
}
