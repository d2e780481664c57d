import CommitLog
import Cron
import Disk
import Events
import Folding
import JSON
import Primitives

// MARK: Cron

extension Engine where Store: ~Copyable {
    mutating func fireCron() throws(LogError) {
        guard !isDraining else { return }
        for event in views.work.cron.decideDue(now: now.wall) {
            switch event {
            case .fired(let fired) where registry.isStandby(fired.trigger, options.duplicates):
                views.work.cron.pass(fired.scheduled, of: fired.trigger, now: now.wall)
            case .fired(let fired):
                let trace = TraceID(from: &random)
                let offset = try record(.cron(event), trace: trace)
                try run(fired, at: offset, trace: trace)
            case .skipped:
                try record(.cron(event))
            }
        }
    }

    /// A slot that fired before a crash, and whose run did not end, is run again.
    mutating func rerun(_ firing: Offset) throws(LogError) {
        guard let open = views.work.cron.openFirings.first(where: { $0.offset == firing }) else {
            return
        }
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
    }
}
