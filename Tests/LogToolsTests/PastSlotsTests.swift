import Events
import LogTools
import Primitives
import Testing

/// What became of cron slots, told from the log alone.
@Suite struct PastSlotsTests {
    private func slot(_ minute: Int64) -> Timestamp {
        Story.start.advanced(by: .seconds(60 * minute))
    }

    private func fired(
        _ minute: Int64,
        by trigger: String = "nightly",
        _ function: String = "job::f"
    ) -> Event {
        .cron(
            .fired(
                CronFired(
                    trigger: trigger,
                    function: FunctionName(id: function),
                    expression: "0 * * * * *",
                    scheduled: slot(minute),
                    actual: slot(minute).advanced(by: .milliseconds(5))
                )
            )
        )
    }

    private func registered(_ trigger: String, _ function: String) -> Event {
        .triggerRegistered(
            TriggerRegistered(
                worker: Story.worker,
                trigger: trigger,
                type: "cron",
                function: FunctionName(id: function),
                config: Story.json("{}"),
                metadata: []
            )
        )
    }

    /// Slots of `nightly` fire by the records 2 (and run), 5 (and fail), 8 (and are refused) and 11
    /// (and are cut off by the start of 13, and run again by 14); that of 10 was missed. `hourly`
    /// fires by record 16. `idle` never does.
    private func story() -> Story {
        var story = Story()
        story.add(.started(Started(version: "1", process: 1)), at: 0, trace: nil)
        story.add(registered("idle", "idle::f"), trace: nil)
        let first = story.add(fired(1), at: 60_000)
        let run = story.invoke("job::f", by: Story.worker, at: 60_001, cause: first)
        story.complete(run, at: 60_013, .none, took: 12)
        let second = story.add(fired(2), at: 120_000)
        let bad = story.invoke("job::f", by: Story.worker, at: 120_001, cause: second)
        let error = ErrorBody(code: "c", message: "m")
        story.complete(bad, at: 120_004, .failure(error), took: 3)
        let third = story.add(fired(3), at: 180_000)
        story.add(skipped(3, "its condition answered false"), at: 180_001, cause: third)
        story.add(skipped(4, "missed"), at: 240_000, trace: nil)
        let last = story.add(fired(5), at: 300_000)
        _ = story.invoke("job::f", by: Story.worker, at: 300_001, cause: last)
        story.add(.started(Started(version: "1", process: 2)), at: 310_000, trace: nil)
        let again = story.invoke("job::f", by: Story.worker, at: 310_001, cause: last)
        story.complete(again, at: 310_008, .none, took: 7)
        story.add(fired(6, by: "hourly", "other::f"), at: 360_000)
        return story
    }

    private func skipped(_ minute: Int64, _ reason: String) -> Event {
        let schedule = CronSkipped.Schedule(
            function: FunctionName(id: "job::f"),
            expression: "0 * * * * *"
        )
        let skipped = CronSkipped(
            trigger: "nightly",
            scheduled: slot(minute),
            reason: reason,
            schedule: schedule
        )
        return .cron(.skipped(skipped))
    }

    private func at(_ offset: Int) -> LogMoment { .offset(Offset(UInt64(offset))) }

    /// Each slot's offset and outcome.
    private func outcomes(
        _ log: StoredLog,
        _ moment: LogMoment = .end,
        of job: CronJobSelector? = nil,
        limit: Int = 20
    ) throws -> [String] {
        try PastSlots.list(log.pass, at: moment, of: job, limit: limit).rows.map {
            "\($0.cells[3]) \($0.cells[4])"
        }
    }

    @Test("each slot is told once, the youngest first, with what became of it up to a place")
    func list() throws {
        let log = try StoredLog(story())
        let done = ["8 skipped", "5 failed", "2 done"]
        #expect(
            try outcomes(log) == ["16 running", "11 done", "10 skipped"] + done
        )
        #expect(try outcomes(log, at(14)) == ["11 running", "10 skipped"] + done)
        #expect(try outcomes(log, at(13)) == ["11 interrupted", "10 skipped"] + done)
        #expect(try outcomes(log, at(12)) == ["11 running", "10 skipped"] + done)
        #expect(try outcomes(log, at(8)) == ["8 running", "5 failed", "2 done"])
        #expect(try outcomes(log, .time(slot(2))) == ["5 running", "2 done"])
        #expect(try outcomes(log, at(1)) == [])
        #expect(try outcomes(log, limit: 2) == ["16 running", "11 done"])
    }

    @Test("a slot has the fields of `iii cron history`")
    func fields() throws {
        let log = try StoredLog(story())
        let answer = try PastSlots.list(log.pass, at: .end, limit: 20)
        #expect(
            Array(answer.rows.map(\.json).suffix(4)) == [
                #"{"offset":"10","job_id":"nightly","scheduled_time":"2026-09-01T12:04:00+00:00","#
                    + #""outcome":"skipped","function_id":"job::f","reason":"missed"}"#,
                #"{"offset":"8","job_id":"nightly","scheduled_time":"2026-09-01T12:03:00+00:00","#
                    + #""outcome":"skipped","function_id":"job::f","#
                    + #""actual_time":"2026-09-01T12:03:00.005+00:00","#
                    + #""reason":"its condition answered false"}"#,
                #"{"offset":"5","job_id":"nightly","scheduled_time":"2026-09-01T12:02:00+00:00","#
                    + #""outcome":"failed","function_id":"job::f","#
                    + #""actual_time":"2026-09-01T12:02:00.005+00:00","duration_ms":3,"#
                    + #""error":{"code":"c","message":"m"}}"#,
                #"{"offset":"2","job_id":"nightly","scheduled_time":"2026-09-01T12:01:00+00:00","#
                    + #""outcome":"done","function_id":"job::f","#
                    + #""actual_time":"2026-09-01T12:01:00.005+00:00","duration_ms":12}"#,
            ]
        )
        #expect(
            Array(answer.rows.map(\.cells).suffix(2)) == [
                [
                    "2026-09-01T12:02:00+00:00", "nightly", "job::f", "5", "failed", "3 ms", "c: m",
                ],
                ["2026-09-01T12:01:00+00:00", "nightly", "job::f", "2", "done", "12 ms", "-"],
            ]
        )
        #expect(answer.notes == [])
    }

    @Test("a job is named by its trigger or its function, and the limit is of its own slots")
    func jobs() throws {
        let log = try StoredLog(story())
        let all = ["11 done", "10 skipped", "8 skipped", "5 failed", "2 done"]
        #expect(try outcomes(log, of: CronJobSelector("nightly")) == all)
        #expect(try outcomes(log, of: CronJobSelector("job::f")) == all)
        #expect(try outcomes(log, of: CronJobSelector("job::f", namespace: "default")) == all)
        #expect(try outcomes(log, of: CronJobSelector("other::f")) == ["16 running"])
        #expect(try outcomes(log, of: CronJobSelector("nightly"), limit: 1) == ["11 done"])
        #expect(try outcomes(log, of: CronJobSelector("idle")) == [])
        func code(_ job: CronJobSelector, _ moment: LogMoment = .end) -> ToolError.Code? {
            codeOf { () throws(ToolError) in
                _ = try PastSlots.list(try log.opened(), at: moment, of: job, limit: 1)
            }
        }
        #expect(code(CronJobSelector("idle")) == nil)
        #expect(code(CronJobSelector("idle"), at(0)) == .unknownJob)
        #expect(code(CronJobSelector("nothing")) == .unknownJob)
        #expect(code(CronJobSelector("job::f", namespace: "other")) == .unknownJob)
        #expect(code(CronJobSelector("nightly"), at(17)) == .unknownOffset)
    }

    @Test("what retention left is told, and that there may have been more")
    func trimmed() throws {
        var story = Story()
        for minute in Int64(1)...3 {
            let time = Double(60_000 * minute)
            let firing = story.add(fired(minute), at: time)
            let run = story.invoke("job::f", by: Story.worker, at: time, cause: firing)
            story.complete(run, at: time, .none, took: 1)
        }
        for _ in 0..<50 { story.log("line", "s", at: 200_000) }
        let log = try StoredLog(story)
        #expect(try outcomes(log) == ["6 done", "3 done", "0 done"])
        #expect(try PastSlots.list(log.pass, at: .end, limit: 9).notes == [])
        try log.retain(below: Offset(13))
        let left = try PastSlots.list(log.pass, at: .end, limit: 9)
        #expect(left.rows.map { $0.cells[3] } == ["6"])
        #expect(left.rows.map { $0.cells[4] } == ["done"])
        #expect(left.notes.count == 1)
    }
}
