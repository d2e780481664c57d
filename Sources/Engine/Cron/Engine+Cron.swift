import CommitLog
import Cron
import Disk
import Events
import Folding
import JSON
import Primitives

extension Engine where Store: ~Copyable {
    mutating func fireCron() throws(LogError) {
        guard !isDraining else { return }
        for event in views.work.cron.decideDue(now: now.wall) {
            switch event {
            case .fired(let fired) where registry.isStandby(fired.trigger, options.duplicates):
                views.work.cron.pass(fired.scheduled, of: fired.trigger, now: now.wall)
            case .fired(let fired):
                if rests(fired.trigger) { continue }
                let trace = TraceID(from: &random)
                let offset = try recordCron(event, trace: trace)
                try run(fired, at: offset, trace: trace)
            case .skipped(let skipped):
                // The run that it would overlap may wait for the same; one that goes on does not.
                if hasWaitingRun(skipped.trigger), rests(skipped.trigger) { continue }
                try recordCron(event)
            default:
                try recordCron(event)
            }
        }
    }

    /// Whether a trigger, of which a slot has come, waits from now on until its function, or its
    /// condition, is served.
    private mutating func rests(_ id: String) -> Bool {
        guard let trigger = views.work.cron.trigger(id),
            let missing = unserved(trigger.function, trigger.condition)
        else { return false }
        return views.work.cron.rest(id, until: missing)
    }

    /// Whether a run of a trigger, which a crash cut off, has not begun again.
    private func hasWaitingRun(_ id: String) -> Bool {
        guard !waitingFirings.isEmpty else { return false }
        let waiting = Set(waitingFirings.values.joined())
        return views.work.cron.openFirings.contains { open in
            open.fired.trigger == id && waiting.contains(open.offset)
        }
    }

    /// Triggers that outlive their workers go on, with the slots that were missed meanwhile.
    mutating func wakeCron(of function: FunctionName) throws(LogError) {
        for id in views.work.cron.resting(for: function) {
            guard let trigger = registry.triggers[id] else { continue }
            do throws(ErrorBody) {
                try bindInEngine(trigger)
            } catch {
                notice(.warning, "the cron trigger \(id) does not go on: \(error.message)")
                continue
            }
            try subscribe(trigger)
        }
    }

    @discardableResult
    mutating func recordCron(
        _ event: CronEvent,
        trace: TraceID? = nil,
        cause: Offset? = nil
    ) throws(LogError) -> Offset {
        let offset = try record(.cron(event), trace: trace, cause: cause)
        cronHistory.add(event, at: offset)
        return offset
    }

    // MARK: Runs that a crash cut off

    /// Slots that fired before a crash, and whose runs did not end, are run again; not at once:
    /// their trigger, which knows the metadata, and what it asks first may be about to be
    /// registered.
    mutating func awaitTriggers(of function: FunctionName) {
        guard waitingFirings[function] != nil else { return }
        timers.set(.cronRuns(function), at: now.monotonic + UInt64(CronView.settling.nanoseconds))
    }

    /// A trigger of a function was registered: what the function's runs ask first may be another
    /// condition now, or none. Those that wait for one look at their trigger again.
    mutating func reviseRuns(of function: FunctionName) {
        let others = Set(waitingFirings.filter { $0.key != function }.values.joined())
        guard !others.isEmpty else { return }
        let revised = views.work.cron.openFirings
            .filter { $0.fired.function == function && others.contains($0.offset) }
            .map(\.offset)
        guard !revised.isEmpty else { return }
        for awaited in waitingFirings.keys {
            waitingFirings[awaited]?.removeAll { revised.contains($0) }
            if waitingFirings[awaited]?.isEmpty == true { waitingFirings[awaited] = nil }
        }
        waitingFirings[function] = ((waitingFirings[function] ?? []) + revised).sorted()
        if registry.isServed(function) { awaitTriggers(of: function) }
    }

    mutating func repeatRuns(of function: FunctionName) throws(LogError) {
        // Who serves it next lets them wait anew.
        guard !isDraining, registry.isServed(function) else { return }
        for firing in waitingFirings.removeValue(forKey: function) ?? [] { try rerun(firing) }
    }

    private mutating func rerun(_ firing: Offset) throws(LogError) {
        guard let open = views.work.cron.openFirings.first(where: { $0.offset == firing }) else {
            return
        }
        let condition = views.work.cron.trigger(of: open.fired)?.condition
        if let missing = unserved(open.fired.function, condition) {
            waitingFirings[missing, default: []].append(firing)
            return
        }
        cronHistory.repeated(open.fired, at: firing)
        try run(open.fired, at: firing, trace: TraceID(from: &random))
    }

    // MARK: Runs

    private mutating func run(
        _ fired: CronFired,
        at offset: Offset,
        trace: TraceID
    ) throws(LogError) {
        let payload = CronView.payload(
            trigger: fired.trigger,
            scheduled: fired.scheduled,
            actual: fired.actual
        )
        let trigger = views.work.cron.trigger(of: fired)
        try start(
            Run(
                function: fired.function,
                payload: payload.bytes,
                metadata: trigger.flatMap { registry.triggers[$0.id]?.request.metadata },
                purpose: .cron(firing: offset),
                trace: trace,
                cause: offset,
                causeHoldsPayload: false,
                condition: trigger?.condition
            )
        )
    }

    mutating func skipFiring(_ firing: Offset, _ reason: String) throws(LogError) {
        guard let open = views.work.cron.openFirings.first(where: { $0.offset == firing }) else {
            return
        }
        try passSlots(with: firing)
        let skipped = CronSkipped(
            trigger: open.fired.trigger,
            scheduled: open.fired.scheduled,
            reason: reason
        )
        try record(.cron(.skipped(skipped)), cause: firing)
        cronHistory.skipped(firing, reason)
    }

    /// A run is about to end: whoever has its trigger next does not take the slots that passed with
    /// it for missed.
    mutating func passSlots(with firing: Offset) throws(LogError) {
        guard let event = views.work.cron.decideEnding(of: firing, now: now.wall) else { return }
        try recordCron(event)
    }

    /// The same of a run that somebody asked for.
    mutating func passSlots(with run: Offset, of trigger: String) throws(LogError) {
        let event = views.work.cron.decideEnding(of: run, trigger: trigger, now: now.wall)
        if let event { try recordCron(event) }
    }

    mutating func ended(
        _ run: Run,
        of firing: Offset,
        _ result: FunctionResult,
        took span: Timestamp.Span
    ) {
        cronHistory.ended(firing, result, took: span)
        guard case .failure(let error) = result else { return }
        notice(.warning, "cron function \(run.function) failed: \(error.message)")
    }

    /// A trigger was taken back, not only left by its worker: slots that it would have had are not
    /// missed by anybody.
    mutating func forgetCron(_ trigger: Registry.Trigger) throws(LogError) {
        guard trigger.type.flatMap({ EngineTriggerType($0) }) == .cron else { return }
        let request = trigger.request
        let decoded: CronTrigger
        do throws(ErrorBody) {
            decoded = try CronTrigger.decode(
                id: request.id,
                function: trigger.function,
                config: request.config,
                zones: options.timeZones
            )
        } catch {
            // It was no schedule, so that nothing was missed.
            return
        }
        if let event = views.work.cron.decideForgotten(decoded, now: now.wall) {
            try recordCron(event)
        }
    }
}
