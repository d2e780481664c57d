import AccessControl
import CommitLog
import Disk
import Events
import Folding
import JSON
import Observability
import Primitives
import Queue
import State
import Stream

extension Engine where Store: ~Copyable {
    /// A builtin's answer, and the record that must be durable before anybody hears it.
    struct Outcome {
        let reply: StateReply
        var after: Offset?

        init(reply: StateReply, after: Offset? = nil) {
            self.reply = reply
            self.after = after
        }

        init(result: FunctionResult, after: Offset? = nil) {
            self.init(reply: .ready(result), after: after)
        }

        static func failure(_ error: ErrorBody) -> Outcome { Outcome(result: .failure(error)) }
    }

    /// A list shows what all records so far have made.
    private func list(
        _ function: ListingFunction,
        _ input: JSONText,
        for worker: Worker?
    ) -> Outcome {
        do throws(ErrorBody) {
            return Outcome(
                result: .value(try catalogue(for: worker?.access).answer(function, input).bytes),
                after: newest
            )
        } catch {
            return .failure(error)
        }
    }

    /// What there is, as far as a worker of that access may know of it; nil: everything.
    func catalogue(for access: Access?) -> Catalogue {
        let gauges = gauges
        let registry = registry
        let now = now.wall
        return Catalogue(
            registry: registry,
            version: options.version,
            started: started.wall,
            addresses: access == nil ? addresses : [:],
            latestMetrics: { worker in
                gauges.latestMetrics(of: worker.id, runtime: worker.runtime, now: now)
            },
            isShown: { Self.shows($0, to: access, registry) }
        )
    }

    /// Runs a builtin for a worker's call.
    ///
    /// - Returns: nil: the answer comes later.
    mutating func run(
        _ builtin: Builtin,
        for call: Call,
        _ worker: Worker,
        _ origin: Origin
    ) throws(LogError) -> Outcome? {
        let input = JSONText(trusted: call.payload)
        let asker = call.action == .await && call.id != nil ? worker : nil
        switch builtin {
        case .registerWorker:
            guard let answer = try describe(worker, call) else { return nil }
            // It tells that what the worker had registered stands, subscriptions included.
            return Outcome(result: answer, after: newest)
        case .bindTrigger:
            let caller = (call: call, connection: worker.connection)
            let isAwaited = call.action == .await && call.id != nil
            return try bindTrigger(input, for: isAwaited ? caller : nil, worker.access, origin)
        case .unbindTrigger: return try unbindTrigger(input, worker)
        case .replay: return try replay(input, for: call, worker)
        case .queue(.explain):
            explain(input, for: call, on: worker.connection)
            return nil
        case .segments(let function):
            readSegments(function, input, worker.access, for: call, on: worker.connection)
            return nil
        case .log(let function): return try log(function, input, origin, for: (call, worker))
        case .telemetry(let function):
            let caller = TelemetryCaller.call(call, worker.connection)
            try queryTelemetry(function, input, call.propagation.baggage, for: caller, origin)
            return nil
        case .stream(let function):
            if let custom = customStream(function, input) {
                let awaits = StreamQuestion.Asker.call(call, worker.connection)
                try ask(custom, function, input, for: awaits, origin)
                return nil
            }
            return try runStream(function, input, origin, for: asker)
        default:
            return try run(
                builtin,
                input: input,
                worker,
                origin,
                baggage: call.propagation.baggage,
                for: asker
            )
        }
    }

    /// Runs a builtin for the worker that calls it and is answered at once, or for a trigger where
    /// there is none. `asker` is that worker where it waits for the answer.
    mutating func run(
        _ builtin: Builtin,
        input: JSONText,
        _ worker: Worker?,
        _ origin: Origin,
        baggage: String?,
        for asker: Worker? = nil
    ) throws(LogError) -> Outcome {
        switch builtin {
        case .state(let function): return try runState(function, input, origin, for: asker)
        case .stream(let function): return try runStream(function, input, origin)
        case .queue(let function): return try runQueue(function, input, worker, origin)
        case .publishToSubscribers: return try publishToSubscribers(input, origin)
        case .publish(let function): return try publish(input, function, origin, baggage)
        case .enqueue:
            if let refusal = refusal(ofEnqueueing: input, by: worker) { return .failure(refusal) }
            return try enqueue(input, origin)
        case .log(let function): return try log(function, input, origin)
        case .cron(let function): return try runCron(function, input, worker?.access, origin)
        case .configuration(let function):
            return try runConfiguration(function, input, origin)
        case .telemetry: preconditionFailure("the log's follower is asked by whoever waits")
        case .segments: return .failure(Self.segmentsNeedCaller)
        case .registerWorker:
            return .failure(
                ErrorBody(
                    code: "INVALID_ARGUMENTS",
                    message: "engine::workers::register is called by workers only"
                )
            )
        case .createChannel: return createChannel(input, for: worker)
        case .listing(let function): return list(function, input, for: worker)
        case .bindTrigger:
            guard let outcome = try bindTrigger(input, for: nil, nil, origin) else {
                preconditionFailure("where nobody waits the outcome is there at once")
            }
            return outcome
        case .unbindTrigger: return try unbindTrigger(input, nil)
        case .replay: return .failure(Replay.needsWorker)
        }
    }

    private mutating func runState(
        _ function: StateFunction,
        _ input: JSONText,
        _ origin: Origin,
        for asker: Worker?
    ) throws(LogError) -> Outcome {
        let decision: StateDecision
        if function == .entries { views.state.prepareEntries(input) }
        do throws(ErrorBody) {
            decision = try Self.decide(function, input, views.state, &log, now: now.wall)
        } catch {
            return .failure(error)
        }
        for name in decision.unknownMembers {
            tell(ofUnknown: name, in: function.rawValue, known: function.members)
        }
        if let refusal = tooLarge(decision.changes) { return .failure(refusal) }
        if !decision.changes.isEmpty, let refusal = obstacle(toAnswering: decision.reply, asker) {
            return .failure(refusal)
        }
        var refusal: ErrorBody?
        let triggering = triggering(decision.changes, &refusal)
        // Nothing is written: triggers would be told that there was nothing before.
        if let refusal { return .failure(refusal) }
        try keepTogether(decision.changes, triggering)
        let written = try write(
            decision.changes,
            triggering,
            origin,
            awaitingFunctions: awaitsWorkers(for: UInt64(Limits.workersReturn))
        )
        return Outcome(reply: decision.reply, after: written ?? decision.after)
    }

    private func tooLarge(_ changes: [StateChange]) -> ErrorBody? {
        if changes.count > 1, Self.bytes(of: changes) > options.payloadBytes {
            return ErrorBody(
                code: "VALUE_TOO_LARGE",
                message: "what is written together has \(Self.bytes(of: changes)) bytes; at most "
                    + "\(options.payloadBytes) can be recorded"
            )
        }
        let largest = changes.lazy.compactMap { $0.new?.count }.max() ?? 0
        guard largest > options.payloadBytes else { return nil }
        return ErrorBody(
            code: "VALUE_TOO_LARGE",
            message: "the value would have \(largest) bytes; at most \(options.payloadBytes) can "
                + "be recorded"
        )
    }

    private static func bytes(of changes: [StateChange]) -> Int {
        changes.reduce(0) { $0 + ($1.event.map { Event.state($0).byteCount } ?? 0) }
    }

    /// Sees to it that the records of `changes`, and of the triggers that they fire, come into one
    /// batch: a crash leaves all of them, or none.
    mutating func keepTogether(
        _ changes: [StateChange],
        _ triggering: [TriggeringWrite]
    ) throws(LogError) {
        guard changes.count > 1 || !triggering.isEmpty else { return }
        var records = changes.count + triggering.reduce(0) { $0 + $1.firings.count }
        var bytes = Self.bytes(of: changes) + triggering.reduce(0) { $0 + $1.bytes }
        let most = log.batchPayloadMax(records: records)
        if bytes > most {
            notice(
                .warning,
                "\(records - changes.count) state triggers are told of a write in several steps, "
                    + "and a crash between them would lose some: all has \(bytes) bytes, and "
                    + "\(most) are recorded at once"
            )
            records = changes.count
            bytes = Self.bytes(of: changes)
        }
        while !log.takes(records: records, bytes: bytes) { try waitForRoom() }
    }

    /// Records what a call changes, and has its triggers fire.
    ///
    /// - Returns: the youngest record of a change; nil: there is none.
    mutating func write(
        _ changes: [StateChange],
        _ triggering: [TriggeringWrite],
        _ origin: Origin,
        awaitingFunctions: Bool
    ) throws(LogError) -> Offset? {
        let before = newest ?? .zero
        var last: Offset?
        var records: [Offset?] = []
        for change in changes {
            var offset: Offset?
            if let event = change.event {
                offset = try record(.state(event), trace: origin.trace, cause: origin.cause)
                last = offset
            }
            if !triggering.isEmpty { records.append(offset) }
        }
        // When all is recorded: who waits is told of all of it.
        for change in changes where change.event != nil {
            tellWaiting(of: change, behind: before)
        }
        try fire(triggering, records, origin, awaitingFunctions: awaitingFunctions)
        return last
    }

    /// The youngest record: what an answer depends on that was read from many places.
    var newest: Offset? {
        log.staged == .zero ? nil : Offset(log.staged.rawValue - 1)
    }
}
