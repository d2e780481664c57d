import Foundation
import Testing

extension Programs {
    @Suite("Cron")
    struct CronTests {}
}

extension Programs.CronTests {
    private static func slots(_ log: String, _ job: String) -> [Int] {
        let format = ISO8601DateFormatter()
        return text(of: log).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, parts[0] == job else { return nil }
            return format.date(from: String(parts[1])).map { Int($0.timeIntervalSince1970) }
        }
    }

    /// A job's slots until the first one after `end`, as distances from that one.
    private func settled(_ log: String, _ job: String, _ end: Int) throws -> [Int] {
        try eventually("\(job) runs after \(end)") { () -> [Int]? in
            let slots = Self.slots(log, job)
            guard let next = slots.first(where: { $0 > end }) else { return nil }
            return slots.filter { $0 <= next }
        }
    }

    @Test(
        "Slots that are missed while the engine is down are caught up as the trigger says",
        arguments: ["0.11.6", "0.25.0"]
    )
    func catchUp(sdk: String) throws {
        let engine = try EngineProcess.started()
        let log = engine.scratch("runs.txt")
        let worker = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/cron_jobs.py", log],
            engine: engine
        )
        let jobs = ["skip", "one", "all", "window"]
        try eventually("every job has run", within: 90) { () -> Void? in
            try worker.check()
            return jobs.allSatisfy { !Self.slots(log, $0).isEmpty } ? () : nil
        }
        engine.kill9()
        try engine.wait()
        let down = Int(Date().timeIntervalSince1970)
        // Three slots and more pass; the worker waits for its engine meanwhile.
        try eventually("eight seconds pass") { () -> Void? in
            Int(Date().timeIntervalSince1970) >= down + 8 ? () : nil
        }
        try engine.start()
        let up = Int(Date().timeIntervalSince1970)

        // The one that was under way at the kill may have run, and runs again.
        let all = Set(try settled(log, "all", up + 4)).sorted()
        #expect(
            all == Array(stride(from: all[0], through: all[all.count - 1], by: 2)),
            "every slot, once, in order"
        )
        // A slot that fired when the engine was killed may have run and be run again.
        let missed = { (job: String) throws -> [Int] in
            try settled(log, job, up + 4).filter { $0 > down && $0 <= up }
        }
        #expect(try missed("skip").isEmpty)
        #expect(try missed("one").count <= 1)
        #expect(try missed("all").count >= 3)
        #expect(try missed("window").count <= 2)
        for job in jobs {
            let slots = Self.slots(log, job).filter { $0 > down }
            #expect(Set(slots).count == slots.count, "\(job): each slot once")
        }
        let shown = try engine.log("show", "--kind", "cron_skipped,cron_watched")
        #expect(shown.output.contains("missed slots are caught up from now on"))
        #expect(shown.output.contains("by catch_up \"one\" they do not run"))
        try engine.stop()
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("Jobs are listed, run, paused and resumed over the wire")
    func functions() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine, functions: ["job::f"])
        try worker.send([
            "type": "registertrigger", "id": "nightly", "trigger_type": "cron",
            "function_id": "job::f",
            "config": ["expression": "30 2 * * *", "timezone": "Europe/Berlin"],
        ])
        let list = try worker.ask("engine::cron::list", [:])["result"] as? Envelope
        let job = (list?["jobs"] as? [Envelope])?.first
        #expect(job?["job_id"] as? String == "nightly")
        #expect(job?["timezone"] as? String == "Europe/Berlin")
        #expect((job?["next"] as? String)?.contains("T02:30:00+") == true)

        _ = try worker.ask("engine::cron::run", ["job": "job::f"])
        let dispatch = try worker.dispatch("job::f")
        #expect((dispatch["data"] as? Envelope)?["job_id"] as? String == "nightly")
        try worker.answer(dispatch, NSNull())

        let paused = try worker.ask("engine::cron::pause", ["job": "nightly"])
        #expect((paused["result"] as? Envelope)?["paused"] as? Bool == true)
        engine.kill9()
        try engine.wait()
        try engine.start()
        let again = try RawWorker.ready(engine, functions: ["job::f"])
        try again.send([
            "type": "registertrigger", "id": "nightly", "trigger_type": "cron",
            "function_id": "job::f",
            "config": ["expression": "30 2 * * *", "timezone": "Europe/Berlin"],
        ])
        let relisted = try again.ask("engine::cron::list", [:])["result"] as? Envelope
        #expect((relisted?["jobs"] as? [Envelope])?.first?["paused"] as? Bool == true)
        let unknown = try again.ask("engine::cron::run", ["job": "nothing"])
        #expect((unknown["error"] as? Envelope)?["code"] as? String == "NOT_FOUND")
    }
}
