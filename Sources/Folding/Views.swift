package import Cron
package import Events
package import Primitives
package import Queue
package import RecordFormat
package import State

/// Everything that is folded from the log. Live work, recovery and replay all run this `apply`.
package struct Views {
    package var queue: QueueView
    package var state: StateView
    package var cron = CronView()
    /// Cron slots that fired and whose run has not ended.
    var openFirings: Set<Offset> = []
    /// The `invoked` records of those runs.
    var firingRuns: [Offset: Offset] = [:]

    /// Views of an empty log; `cacheBytes` is what they may keep of what the log holds.
    package init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
        let share = Self.share(of: cacheBytes)
        state = StateView(maxValueBytes: maxValueBytes, cacheBytes: share)
        queue = QueueView(budget: MemoryBudget(bytes: share))
    }

    /// Queues and state get a half each.
    static func share(of cacheBytes: Int) -> Int {
        cacheBytes == .max ? .max : cacheBytes / 2
    }

    /// Folds one record of the log; a kind that this version does not know changes nothing.
    package mutating func apply(_ record: borrowing RecordView) throws(DecodeError) {
        guard let event = try Event(record) else { return }
        apply(
            event,
            at: record.offset,
            time: record.time,
            trace: record.trace,
            cause: record.cause
        )
    }

    package mutating func apply(
        _ event: Event,
        at offset: Offset,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?
    ) {
        switch event {
        case .queue(let event):
            queue.apply(event, at: offset, time: time, trace: trace)
        case .state(let event):
            state.apply(event, at: offset)
        case .cron(let event):
            cron.apply(event, at: offset)
            switch event {
            case .fired: openFirings.insert(offset)
            case .skipped: endFiring(cause, at: time)
            }
        case .invoked(let event):
            if let cause, !event.isCondition, openFirings.contains(cause) {
                firingRuns[offset] = cause
            }
        case .completed:
            guard let cause else { return }
            endFiring(firingRuns.removeValue(forKey: cause) ?? cause, at: time)
        case .started:
            queue.applyRestart()
            firingRuns = [:]
        case .stopped, .workerJoined, .workerDescribed, .workerLeft, .functionRegistered,
            .functionUnregistered, .triggerRegistered, .triggerUnregistered, .triggered, .logged:
            break
        }
    }

    private mutating func endFiring(_ firing: Offset?, at time: Timestamp) {
        guard let firing, openFirings.remove(firing) != nil else { return }
        cron.ended(firing: firing, now: time)
    }
}
