import AccessControl
import CommitLog
import Cron
import Disk
import Events
import Folding
import JSON
import Primitives

// `engine::cron::*`: looking at jobs, and working on them.

extension Engine where Store: ~Copyable {
    mutating func runCron(
        _ function: CronFunction,
        _ input: JSONText,
        _ access: Access?,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        let job: CronTrigger
        do throws(ErrorBody) {
            let query = try CronQuery(function, input)
            switch function {
            case .list: return answer(["jobs": .array(jobs(for: access).map { describe($0) })])
            case .next: return answer(try nextSlots(query, access))
            case .history: return answer(try history(query, access))
            case .run, .pause, .resume: job = try self.job(query, access)
            }
            if let access, let refusal = refusal(of: job.function, for: access) { throw refusal }
        } catch {
            return .failure(error)
        }
        if function == .run { return try runNow(job) }
        return try pause(job, function == .pause, origin)
    }

    private func answer(_ object: JSONObject) -> Outcome {
        Outcome(result: .value(JSONValue.object(object).text.bytes), after: newest)
    }

    private func jobs(for access: Access?) -> [CronTrigger] {
        let registry = registry
        return views.work.cron.triggers.filter { Self.shows($0.function, to: access, registry) }
    }

    /// The job that a query names.
    private func job(_ query: CronQuery, _ access: Access?) throws(ErrorBody) -> CronTrigger {
        let name = query.job ?? ""
        let jobs = jobs(for: access)
        if let job = jobs.first(where: { $0.id == name }) { return job }
        let named = jobs.filter {
            $0.function.id == name
                && $0.function.namespace == query.namespace ?? $0.function.namespace
        }
        guard let job = named.first else {
            throw ErrorBody(
                code: "NOT_FOUND",
                message:
                    "there is no cron job \"\(name)\": it is named by its trigger's id or by its "
                    + "function's, as engine::cron::list shows them"
            )
        }
        let isOne = named.allSatisfy {
            $0.function == job.function && $0.schedule.text == job.schedule.text
        }
        guard isOne else {
            let ids = named.map(\.id).joined(separator: ", ")
            throw ErrorBody(
                code: "AMBIGUOUS",
                message: "\"\(name)\" has several cron jobs; name one by its trigger: \(ids)"
            )
        }
        return job
    }

    // MARK: Looking

    private func describe(_ job: CronTrigger) -> JSONValue {
        let cron = views.work.cron
        var object: JSONObject = [
            "job_id": .string(job.id), "function_id": .string(job.function.id),
            "namespace": .string(job.function.namespace),
            "expression": .string(job.expression.text),
            "timezone": .string(job.schedule.zone.name),
            "catch_up": .string(job.policy.catchUp.name),
            "overlap": .string(job.policy.overlap.rawValue),
            "paused": .bool(cron.isPaused(job)), "running": .bool(cron.isRunning(job.id)),
        ]
        if job.policy.jitter.nanoseconds > 0 {
            object["jitter_ms"] = .integer(job.policy.jitter.milliseconds)
        }
        if let next = cron.nextSlot(of: job.id) {
            object["next"] = .string(job.schedule.zone.text(of: next))
        }
        if let last = cron.lastSlot(of: job) {
            object["last"] = .string(job.schedule.zone.text(of: last))
        }
        return .object(object)
    }

    /// The next slots by the schedule alone: of a job, or of an expression.
    private func nextSlots(_ query: CronQuery, _ access: Access?) throws(ErrorBody) -> JSONObject {
        let schedule: CronSchedule
        if let asked = try query.schedule(options.timeZones) {
            schedule = asked
        } else {
            schedule = try job(query, access).schedule
        }
        var slots: [JSONValue] = []
        var slot = cronTime
        while slots.count < query.count, let next = schedule.next(after: slot) {
            slots.append(.string(schedule.zone.text(of: next)))
            slot = next
        }
        return [
            "expression": .string(schedule.expression.text),
            "timezone": .string(schedule.zone.name), "next": .array(slots),
        ]
    }

    private func history(_ query: CronQuery, _ access: Access?) throws(ErrorBody) -> JSONObject {
        var job: CronTrigger?
        var absence: ErrorBody?
        if query.job != nil {
            do throws(ErrorBody) {
                job = try self.job(query, access)
            } catch {
                guard error.code == "NOT_FOUND" else { throw error }
                // Its worker may be away.
                absence = error
            }
        }
        let registry = registry
        let entries = cronHistory.list(limit: query.count) { trigger, function in
            if let job { return trigger == job.id }
            let isVisible = function.map { Self.shows($0, to: access, registry) } ?? (access == nil)
            return isVisible && (absence == nil || query.names(trigger, function))
        }
        if let absence, entries.isEmpty { throw absence }
        return [
            "since": .string(started.wall.rfc3339(zone: "+00:00")), "history": .array(entries),
        ]
    }

    // MARK: Working on them

    /// Runs a job's function with the payload of a slot that is now, but beside no other run of it
    /// where those do not overlap. Nobody waits for its result, and a run that a crash cuts off is
    /// not run again: no slot was taken.
    private mutating func runNow(_ named: CronTrigger) throws(LogError) -> Outcome {
        let job = leader(of: named)
        guard isThere(job.function) else { return .failure(notFound(job.function)) }
        guard job.policy.overlap == .allow || !views.work.cron.isRunning(job.id) else {
            return .failure(
                ErrorBody(
                    code: "ALREADY_RUNNING",
                    message: "cron job \"\(job.id)\" runs already, and with overlap "
                        + "\"\(job.policy.overlap.rawValue)\" it does not run beside itself"
                )
            )
        }
        let slot = Timestamp(seconds: cronTime.seconds)
        let payload = CronView.payload(trigger: job.id, scheduled: slot, actual: cronTime)
        let trace = TraceID(from: &random)
        let offset = try record(
            .triggered(
                Triggered(
                    type: "cron",
                    trigger: job.id,
                    summary: "run now",
                    function: job.function,
                    event: payload.bytes
                )
            ),
            trace: trace
        )
        views.work.cron.began(run: offset, of: job.id)
        cronHistory.began(job, at: offset, scheduled: slot, actual: cronTime)
        try start(
            Run(
                function: job.function,
                payload: payload.bytes,
                metadata: registry.triggers[job.id]?.request.metadata,
                purpose: .cronByHand(trigger: job.id, run: offset),
                trace: trace,
                cause: offset,
                causeHoldsPayload: true
            )
        )
        let answer: JSONObject = [
            "job_id": .string(job.id), "trace_id": .string(trace.description),
        ]
        return Outcome(result: .value(JSONValue.object(answer).text.bytes), after: offset)
    }

    /// Replicas make one job of several triggers: the one of which slots fire, whichever is named.
    private func leader(of job: CronTrigger) -> CronTrigger {
        guard registry.isStandby(job.id, options.duplicates) else { return job }
        return views.work.cron.triggers.first {
            $0.function == job.function && $0.schedule.text == job.schedule.text
                && !registry.isStandby($0.id, options.duplicates)
        } ?? job
    }

    private mutating func pause(
        _ job: CronTrigger,
        _ pause: Bool,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        if let event = views.work.cron.decidePause(job, pause, now: cronTime) {
            try recordCron(event, trace: origin.trace, cause: origin.cause)
        }
        return answer(["job_id": .string(job.id), "paused": .bool(pause)])
    }
}
