import Cron
import Events
import JSON
import Primitives

/// The youngest cron slots up to one place in the log, and what became of them.
package enum PastSlots {
    /// At most `limit` of one job, or of all, with the fields of `iii cron history`.
    ///
    /// - Throws: ``ToolError/Code/unknownJob`` among others.
    package static func list(
        _ pass: LogPass,
        at moment: LogMoment,
        of job: CronJobSelector? = nil,
        limit: Int
    ) throws(ToolError) -> AnswerRows {
        var history = CronHistory(limit: limit)
        var isKnown = job == nil
        _ = try PastWork(pass, at: moment) { event, offset, firing in
            if let job, !isKnown { isKnown = job.isShown(by: event) }
            history.take(event, at: offset, firing, of: job)
        }
        if let job, !isKnown { throw unknown(job) }
        return AnswerRows(
            history.list(limit: limit) { _, _ in true }.map(\.text),
            [
                ("SLOT", { $0.shown("scheduled_time") }), ("JOB", { $0.shown("job_id") }),
                ("FUNCTION", { $0.shown("function_id") }), ("OFFSET", { $0.shown("offset") }),
                ("OUTCOME", { $0.shown("outcome") }),
                ("TOOK", { $0.member("duration_ms").map { "\($0) ms" } ?? "-" }),
                ("WHY", { $0.why }),
            ],
            numbers: [3],
            notes: try notes(pass)
        )
    }

    private static func unknown(_ job: CronJobSelector) -> ToolError {
        ToolError(
            .unknownJob,
            "no record tells of a cron job '\(job.name.visible)': it is named by its "
                + "trigger's id or by its function's, as `iii-log cron history` shows them"
        )
    }

    /// Of slots, retention leaves only those that count still.
    private static func notes(_ pass: LogPass) throws(ToolError) -> [String] {
        let complete = try StateLog(pass).complete
        guard complete > .zero else { return [] }
        return ["of what was before offset \(complete), not every slot is there any more"]
    }
}

extension CronHistory {
    /// Takes an event in, and of slots those of `job`, or all.
    fileprivate mutating func take(
        _ event: Event,
        at offset: Offset,
        _ firing: Offset?,
        of job: CronJobSelector?
    ) {
        switch event {
        case .cron(.skipped(let skipped)) where firing != nil:
            // It had fired, and was not to run after all.
            if let firing { self.skipped(firing, skipped.reason) }
        case .cron(let event):
            if job?.isMeant(by: event) ?? true { add(event, at: offset) }
        case .invoked(let invoked) where !invoked.isCondition:
            if let firing { began(firing) }
        case .completed(let completed):
            if let firing { ended(firing, completed.result, took: completed.duration) }
        case .started: interrupt()
        default: break
        }
    }
}

extension JSONText {
    /// What was wrong with a slot's run, or why there was none.
    fileprivate var why: String {
        guard let error = member("error") else { return shown("reason") }
        return "\(error.shown("code")): \(error.shown("message"))"
    }
}
