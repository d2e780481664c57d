import CommitLog
import DequeModule
import Disk
import Events
import Folding
import JSON
import Primitives
import RecordFormat
import State

// State triggers (services 1, C.3). That one fires is a record behind the write's own, in the same
// batch: a write that survives a crash has fired. What it fired runs once without a crash, whatever
// comes of it, and again in the next life where the engine ended before its function did.

/// The functions that one write runs, one after another.
final class Reactions {
    /// Their input; nil where it has to be read from the firing's record, after a crash.
    let payload: [UInt8]?
    let trace: TraceID
    var waiting: Deque<Step>
    /// One of them runs.
    var isBusy = false
    var isPumping = false

    enum Step {
        case fired(Offset, FunctionName, condition: FunctionName?, metadata: JSONText?)
        /// In an earlier life; all else is in its record.
        case left(Offset, FunctionName)
    }

    init(payload: [UInt8]?, trace: TraceID, _ steps: [Step]) {
        self.payload = payload
        self.trace = trace
        waiting = Deque(steps)
    }
}

extension Engine where Store: ~Copyable {
    // MARK: Triggers come and go

    /// - Throws: why the trigger cannot be.
    mutating func bindState(_ trigger: Registry.Trigger) throws(ErrorBody) {
        let state = try StateTrigger.decode(
            id: trigger.request.id,
            function: trigger.function,
            config: trigger.request.config
        )
        for function in [trigger.function, state.condition].compactMap(\.self) {
            // It would write, and so fire, in answer to its own write, without an end.
            guard case .state(let builtin)? = Builtin.named(function), builtin.writes else {
                continue
            }
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "a state trigger cannot run \(function.id): it would fire itself; have a "
                    + "function of your own write"
            )
        }
        stateTriggers.add(state)
    }

    // MARK: Writes

    /// A write that triggers wait for: what was there before it, and who is told.
    struct TriggeringWrite {
        let write: StateWrite
        let triggers: [StateTrigger]
    }

    /// What has to be told of `change`, found before it is made; nil: nobody waits for it.
    mutating func triggering(_ change: StateChange) -> TriggeringWrite? {
        guard options.stateTriggers, !stateTriggers.isEmpty else { return nil }
        let matching = stateTriggers.matching(scope: change.scope, key: change.key)
        guard !matching.isEmpty else { return nil }
        var old: [UInt8]?
        if let entry = views.state.entry(scope: change.scope, key: change.key) {
            do throws(ErrorBody) {
                old = entry.value
                if old == nil { old = try Self.stored(at: entry.version, in: &log).value }
            } catch {
                // The write goes on; its triggers are told of null, and the operator of this.
                notice(.error, "state triggers miss an old value: \(error.message)")
            }
        }
        return TriggeringWrite(
            write: StateWrite(scope: change.scope, key: change.key, old: old, new: change.new),
            triggers: standing(of: matching)
        )
    }

    /// Without those that replicas of a worker ask for as well: they fire once.
    private func standing(of matching: [StateTrigger]) -> [StateTrigger] {
        guard matching.count > 1 else { return matching }
        let registry = registry
        return matching.filter { !registry.isStandby($0.id, options.duplicates) }
    }

    /// Records that the triggers of a write fire, and has them run. `offset` is the write's record;
    /// nil: there was nothing to delete.
    mutating func fire(
        _ triggering: TriggeringWrite,
        at offset: Offset?,
        _ origin: Origin
    ) throws(LogError) {
        let write = triggering.write
        let payload = write.payload.bytes
        guard payload.count <= options.payloadBytes else {
            let place = "\(write.scope)/\(write.key)"
            return notice(
                .error,
                "state triggers of \(place) did not run: their input of \(payload.count) bytes, "
                    + "the old and the new value, cannot be recorded"
            )
        }
        var steps: [Reactions.Step] = []
        for trigger in triggering.triggers {
            guard let bound = registry.triggers[trigger.id] else { continue }
            let metadata = bound.request.metadata
            let fired = Triggered(
                type: ReactionView.type,
                trigger: trigger.id,
                summary: "\(write.kind) \(write.scope)/\(write.key)",
                function: bound.function,
                event: payload,
                condition: trigger.condition,
                metadata: metadata?.bytes ?? []
            )
            let firing = try record(
                .triggered(fired),
                trace: origin.trace,
                cause: offset ?? origin.cause
            )
            steps.append(
                .fired(firing, bound.function, condition: trigger.condition, metadata: metadata)
            )
        }
        // What fires while the engine drains is done by its next life.
        guard !isDraining else { return }
        try pump(Reactions(payload: payload, trace: origin.trace, steps))
    }

    // MARK: Runs

    /// Runs the next function of a write, unless one runs. What ends at once asks for the next one
    /// from within: the loop that is under way gives it.
    private mutating func pump(_ reactions: Reactions) throws(LogError) {
        guard !reactions.isPumping else { return }
        reactions.isPumping = true
        defer { reactions.isPumping = false }
        while !reactions.isBusy, let step = reactions.waiting.first {
            if case .left(_, let function) = step, !isThere(function) {
                waitingReactions[function, default: []].append(reactions)
                return
            }
            reactions.waiting.removeFirst()
            guard let run = run(of: step, in: reactions) else { continue }
            reactions.isBusy = true
            try start(run)
        }
    }

    private mutating func run(of step: Reactions.Step, in reactions: Reactions) -> Run? {
        switch step {
        case .fired(let firing, let function, let condition, let metadata):
            return Run(
                function: function,
                payload: reactions.payload ?? [],
                metadata: metadata,
                purpose: .react(reactions),
                trace: reactions.trace,
                cause: firing,
                causeHoldsPayload: true,
                condition: condition
            )
        case .left(let firing, _):
            do throws(LogError) {
                let found: (Triggered, TraceID?)? = try log.event(at: firing) { event, trace in
                    guard case .triggered(let fired) = event else { return nil }
                    return (fired, trace)
                }
                guard let (fired, trace) = found else {
                    preconditionFailure("a firing is a trigger's record")
                }
                return Run(
                    function: fired.function,
                    payload: fired.event,
                    metadata: fired.metadata.isEmpty ? nil : JSONText(trusted: fired.metadata),
                    purpose: .react(reactions),
                    trace: trace ?? reactions.trace,
                    cause: firing,
                    causeHoldsPayload: true,
                    condition: fired.condition
                )
            } catch {
                notice(.error, "state trigger \(firing) cannot be read, and is not run: \(error)")
                return nil
            }
        }
    }

    /// A function that a write ran has ended, or was not to run.
    mutating func ended(
        _ run: Run,
        of reactions: Reactions,
        _ result: FunctionResult
    ) throws(LogError) {
        if case .failure(let error) = result {
            notice(.warning, "state trigger function \(run.function) failed: \(error.message)")
        }
        reactions.isBusy = false
        try pump(reactions)
    }

    // MARK: After a restart

    /// Takes up what an earlier life left: it runs when its functions are there.
    mutating func restoreReactions() throws(LogError) {
        var last: (cause: Offset?, reactions: Reactions)?
        var all: [Reactions] = []
        for firing in views.work.reactions.firings {
            let step = Reactions.Step.left(firing.offset, firing.function)
            if let last, last.cause == firing.cause, firing.cause != nil {
                last.reactions.waiting.append(step)
                continue
            }
            let reactions = Reactions(payload: nil, trace: TraceID(from: &random), [step])
            last = (firing.cause, reactions)
            all.append(reactions)
        }
        for reactions in all { try pump(reactions) }
    }

    /// A function is there that earlier writes waited for.
    mutating func takeUpReactions(of function: FunctionName) throws(LogError) {
        for reactions in waitingReactions.removeValue(forKey: function) ?? [] {
            try pump(reactions)
        }
    }
}
