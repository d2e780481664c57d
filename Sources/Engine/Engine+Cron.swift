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
                let trace = TraceID(from: &random)
                let offset = try recordCron(event, trace: trace)
                try run(fired, at: offset, trace: trace)
            default:
                try recordCron(event)
            }
        }
    }

    @discardableResult
    mutating func recordCron(
        _ event: CronEvent,
        trace: TraceID? = nil,
        cause: Offset? = nil
    ) throws(LogError) -> Offset {
        let offset = try record(.cron(event), trace: trace, cause: cause)
        var function: FunctionName?
        if case .skipped(let skipped) = event {
            function = views.work.cron.trigger(skipped.trigger)?.function
        }
        cronHistory.add(event, at: offset, of: function)
        return offset
    }

    /// A slot that fired before a crash, and whose run did not end, is run again.
    mutating func rerun(_ firing: Offset) throws(LogError) {
        guard let open = views.work.cron.openFirings.first(where: { $0.offset == firing }) else {
            return
        }
        cronHistory.fire(open.fired, at: firing)
        try run(open.fired, at: firing, trace: TraceID(from: &random))
    }

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
        try start(
            Run(
                function: fired.function,
                payload: payload.bytes,
                metadata: registry.triggers[fired.trigger]?.request.metadata,
                purpose: .cron(firing: offset),
                trace: trace,
                cause: offset,
                causeHoldsPayload: false,
                condition: views.work.cron.trigger(fired.trigger)?.condition
            )
        )
    }

    mutating func skipFiring(_ firing: Offset, _ reason: String) throws(LogError) {
        guard let open = views.work.cron.openFirings.first(where: { $0.offset == firing }) else {
            return
        }
        let skipped = CronSkipped(
            trigger: open.fired.trigger,
            scheduled: open.fired.scheduled,
            reason: reason
        )
        try record(.cron(.skipped(skipped)), cause: firing)
        cronHistory.skipped(firing, reason)
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
