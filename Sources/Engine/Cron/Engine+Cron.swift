import CommitLog
import Cron
import Disk
import Events
import Folding
import JSON
import Primitives

extension Engine where Store: ~Copyable {
    // MARK: The time of slots

    /// What cron jobs go by: what the clock says, which may be behind the engine's time.
    var cronTime: Timestamp { views.work.cron.time(at: now.wall) }

    /// When the next slot is due, by the engine's time.
    var nextSlotDue: Timestamp? {
        views.work.cron.nextDue?.advanced(by: views.work.cron.lag)
    }

    /// Lets cron jobs go by the clock, which says `wall`.
    mutating func followClock(_ wall: Timestamp) {
        if views.work.cron.follow(wall, at: now.wall) { beginsCronAnew = true }
    }

    /// The clock was corrected: from now on jobs wait for the slots behind what it says.
    mutating func beginCronAnew() throws(LogError) {
        beginsCronAnew = false
        for job in views.work.cron.triggers {
            views.work.cron.add(job, now: cronTime)
            if let event = views.work.cron.decideAdded(job.id, now: cronTime) {
                try recordCron(event)
            }
        }
    }

    // MARK: Slots

    mutating func fireCron() throws(LogError) {
        guard !isDraining else { return }
        for event in views.work.cron.decideDue(now: cronTime) {
            switch event {
            case .fired(let fired) where registry.isStandby(fired.trigger, options.duplicates):
                views.work.cron.pass(fired.scheduled, of: fired.trigger, now: cronTime)
            case .fired(let fired):
                if rests(fired.trigger) { continue }
                let trace = TraceID(from: &random)
                let offset = try recordCron(event, trace: trace)
                try run(fired, at: offset, trace: trace)
            case .skipped(let skipped)
            where registry.isStandby(skipped.trigger, options.duplicates):
                views.work.cron.pass(skipped.scheduled, of: skipped.trigger, now: cronTime)
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
        waitingFirings.values.joined().contains { firing in
            views.work.cron.openFiring(at: firing)?.trigger == id
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
        let others = waitingFirings.filter { $0.key != function }.values.joined()
        let revised = Set(
            others.filter { views.work.cron.openFiring(at: $0)?.function == function }
        )
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
        guard let fired = views.work.cron.openFiring(at: firing) else { return }
        let condition = views.work.cron.trigger(of: fired)?.condition
        if let missing = unserved(fired.function, condition) {
            waitingFirings[missing, default: []].append(firing)
            return
        }
        cronHistory.repeated(fired, at: firing)
        try run(fired, at: firing, trace: TraceID(from: &random))
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
        guard let fired = views.work.cron.openFiring(at: firing) else { return }
        try passSlots(with: firing)
        let skipped = CronSkipped(
            trigger: fired.trigger,
            scheduled: fired.scheduled,
            reason: reason
        )
        try record(.cron(.skipped(skipped)), cause: firing)
        cronHistory.skipped(firing, reason)
    }

    /// A run is about to end: whoever has its trigger next does not take the slots that passed with
    /// it for missed.
    mutating func passSlots(with firing: Offset) throws(LogError) {
        guard let event = views.work.cron.decideEnding(of: firing, now: cronTime) else { return }
        try recordCron(event)
    }

    /// The same of a run that somebody asked for.
    mutating func passSlots(with run: Offset, of trigger: String) throws(LogError) {
        let event = views.work.cron.decideEnding(of: run, trigger: trigger, now: cronTime)
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
        if let event = views.work.cron.decideForgotten(decoded, now: cronTime) {
            try recordCron(event)
        }
    }
}
