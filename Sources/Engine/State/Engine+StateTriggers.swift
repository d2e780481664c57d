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
    let trace: TraceID
    var waiting: Deque<Step>
    /// One of them runs.
    var isBusy = false
    var isPumping = false

    enum Step {
        case fired(Offset, Triggered)
        /// In an earlier life, or before all that it needs was back; the rest, its condition too,
        /// is in its record.
        case left(Offset, FunctionName)
    }

    init(trace: TraceID, _ steps: [Step]) {
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

    /// A write that triggers wait for.
    struct TriggeringWrite {
        /// The number of its change among those that are made together.
        let change: Int
        /// What is recorded of each trigger, and the bytes of all that.
        let firings: [Triggered]
        let bytes: Int
    }

    /// What has to be told of `changes`, found before they are made: no two are of one key.
    /// `refusal` is set where the disk does not give an old value for the moment, which would then
    /// be told as null.
    mutating func triggering(
        _ changes: [StateChange],
        _ refusal: inout ErrorBody?
    ) -> [TriggeringWrite] {
        guard options.stateTriggers, !stateTriggers.isEmpty else { return [] }
        var writes: [TriggeringWrite] = []
        for (number, change) in changes.enumerated() {
            let matching = stateTriggers.matching(scope: change.scope, key: change.key)
            guard !matching.isEmpty else { continue }
            let write = StateWrite(
                scope: change.scope,
                key: change.key,
                old: valueBefore(change, &refusal),
                new: change.new
            )
            let payload = write.payload.bytes
            var firings: [Triggered] = []
            var bytes = 0
            for trigger in standing(of: matching) {
                guard let (fired, size) = firing(of: trigger, write, payload) else { continue }
                firings.append(fired)
                bytes += size
            }
            writes.append(TriggeringWrite(change: number, firings: firings, bytes: bytes))
        }
        return writes
    }

    private mutating func valueBefore(
        _ change: StateChange,
        _ refusal: inout ErrorBody?
    ) -> [UInt8]? {
        guard let entry = views.state.entry(scope: change.scope, key: change.key) else {
            return nil
        }
        if let value = entry.value { return value }
        do throws(ErrorBody) {
            return try Self.stored(at: entry.version, in: &log).value
        } catch {
            if error.isReadRefusal {
                refusal = error
            } else {
                // The write goes on; its triggers are told of null, and the operator of this.
                notice(.error, "state triggers miss an old value: \(error.message)")
            }
            return nil
        }
    }

    /// Without those that replicas of a worker ask for as well: they fire once.
    private func standing(of matching: [StateTrigger]) -> [StateTrigger] {
        guard matching.count > 1 else { return matching }
        let registry = registry
        return matching.filter { !registry.isStandby($0.id, options.duplicates) }
    }

    /// What is recorded of a trigger that a write fires, and its bytes; nil: the trigger is gone,
    /// or no record can hold that. The old value is left out where both do not fit: no write goes
    /// untold because of what it replaced.
    private mutating func firing(
        of trigger: StateTrigger,
        _ write: StateWrite,
        _ payload: [UInt8]
    ) -> (Triggered, bytes: Int)? {
        guard let bound = registry.triggers[trigger.id] else { return nil }
        func told(_ payload: [UInt8]) -> Triggered {
            Triggered(
                type: ReactionView.type,
                trigger: trigger.id,
                summary: "\(write.kind) \(write.scope)/\(write.key)",
                function: bound.function,
                event: payload,
                condition: trigger.condition,
                metadata: bound.request.metadata?.bytes ?? []
            )
        }
        var fired = told(payload)
        var bytes = Event.triggered(fired).byteCount
        if bytes > options.recordBytes, write.old != nil {
            fired = told(write.payloadWithoutOld.bytes)
            bytes = Event.triggered(fired).byteCount
        }
        guard bytes <= options.recordBytes else {
            notice(
                .error,
                "state trigger \(trigger.id) did not run for \(write.scope)/\(write.key): the new "
                    + "value, with its metadata, has \(bytes) bytes; at most "
                    + "\(options.recordBytes) can be recorded"
            )
            return nil
        }
        return (fired, bytes)
    }

    /// Records that the triggers of writes fire, and then has them run: what runs may fill the
    /// batch. `records` are those of the changes; nil: there was nothing to delete. With
    /// `awaitingFunctions` one whose function or condition is not there waits for it, as what was
    /// left does.
    mutating func fire(
        _ writes: [TriggeringWrite],
        _ records: [Offset?],
        _ origin: Origin,
        awaitingFunctions: Bool
    ) throws(LogError) {
        var fired: [Reactions] = []
        for write in writes {
            var steps: [Reactions.Step] = []
            for firing in write.firings {
                let offset = try record(
                    .triggered(firing),
                    trace: origin.trace,
                    cause: records[write.change] ?? origin.cause
                )
                if awaitingFunctions, unserved(firing.function, firing.condition) != nil {
                    // By itself: the others do not wait for what it waits for.
                    let step = Reactions.Step.left(offset, firing.function)
                    fired.append(Reactions(trace: origin.trace, [step]))
                    continue
                }
                steps.append(.fired(offset, firing))
            }
            guard !steps.isEmpty else { continue }
            fired.append(Reactions(trace: origin.trace, steps))
        }
        for reactions in fired { try pump(reactions) }
    }

    // MARK: Runs

    /// Runs the next function of a write, unless one runs. What ends at once asks for the next one
    /// from within: the loop that is under way gives it.
    mutating func pump(_ reactions: Reactions) throws(LogError) {
        // What has not begun when the engine drains is done by its next life.
        guard !isDraining, !reactions.isPumping else { return }
        reactions.isPumping = true
        defer { reactions.isPumping = false }
        while !reactions.isBusy, let step = reactions.waiting.first {
            // Without a look at its record, which may be one of many.
            if case .left(_, let function) = step, !isThere(function) {
                waitingReactions[function, default: []].append(reactions)
                return
            }
            let run: Run
            do throws(LogError) {
                run = try self.run(of: step, in: reactions)
            } catch {
                if error.leavesRecord { return rest(reactions, error) }
                notice(.error, "a state trigger cannot be read, and is not run: \(error.line)")
                reactions.waiting.removeFirst()
                continue
            }
            if case .left = step, case .condition(let condition)? = run.gatekeepers.first,
                !isThere(condition)
            {
                wait(reactions, for: condition)
                return
            }
            reactions.waiting.removeFirst()
            reactions.isBusy = true
            try start(run)
        }
    }

    private mutating func run(
        of step: Reactions.Step,
        in reactions: Reactions
    ) throws(LogError) -> Run {
        let offset: Offset
        let fired: Triggered
        var trace = reactions.trace
        switch step {
        case .fired(let firing, let known): (offset, fired) = (firing, known)
        case .left(let firing, _):
            let found: (Triggered, TraceID?)? = try log.event(at: firing) { event, _, trace in
                guard case .triggered(let fired) = event else { return nil }
                return (fired, trace)
            }
            guard let found else { throw Self.strange(firing, "a trigger's record") }
            (offset, fired) = (firing, found.0)
            trace = found.1 ?? trace
        }
        return Run(
            function: fired.function,
            payload: fired.event,
            metadata: fired.metadata.isEmpty ? nil : JSONText(trusted: fired.metadata),
            purpose: .react(reactions),
            trace: trace,
            cause: offset,
            causeHoldsPayload: true,
            condition: fired.condition
        )
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

    /// Lets what a write led to wait for a condition. One that does not come is told of: its
    /// functions are there, and do not run.
    private mutating func wait(_ reactions: Reactions, for condition: FunctionName) {
        if waitingReactions[condition] == nil {
            let patience = UInt64(Limits.workersReturn)
            timers.set(.lateCondition(condition), at: now.monotonic + patience)
        }
        waitingReactions[condition, default: []].append(reactions)
    }

    /// Whoever serves a condition has had the time to come.
    mutating func tellOfLateCondition(_ condition: FunctionName) {
        guard let waiting = waitingReactions[condition],
            case .left(let offset, let function)? = waiting.first?.waiting.first
        else { return }
        notice(
            .warning,
            "state trigger function \(function) waits, with what fired it in record \(offset): "
                + "nobody serves its condition \(condition) (waiting for it: \(waiting.count))"
        )
    }

    /// Takes up what an earlier life left: it runs when its functions and conditions are there.
    mutating func restoreReactions() throws(LogError) {
        var last: (cause: Offset?, reactions: Reactions)?
        var all: [Reactions] = []
        for firing in views.work.reactions.firings {
            let step = Reactions.Step.left(firing.offset, firing.function)
            if let last, last.cause == firing.cause, firing.cause != nil {
                last.reactions.waiting.append(step)
                continue
            }
            let reactions = Reactions(trace: TraceID(from: &random), [step])
            last = (firing.cause, reactions)
            all.append(reactions)
        }
        for reactions in all {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.pump(reactions) }
        }
    }

    /// A function, or a condition, is there that earlier writes waited for.
    mutating func takeUpReactions(of function: FunctionName) throws(LogError) {
        for reactions in waitingReactions.removeValue(forKey: function) ?? [] {
            try pump(reactions)
        }
    }
}
