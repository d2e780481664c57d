import Foundation
import Testing

extension LongPrograms {
    @Suite("Cron")
    struct CronTests {}
}

/// An engine, and a worker with a job for each way of catching up.
private struct CronStage {
    let engine: EngineProcess
    let worker: PythonWorker
    let log: String

    static let jobs = ["skip", "one", "all", "window"]

    init(sdk: String) throws {
        engine = try EngineProcess.started()
        log = engine.scratch("runs.txt")
        worker = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/cron_jobs.py", log],
            engine: engine
        )
    }

    /// The slots that a job ran for, in the order of its runs.
    func slots(_ job: String) -> [Int] {
        let format = ISO8601DateFormatter()
        return text(of: log).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, parts[0] == job else { return nil }
            return format.date(from: String(parts[1])).map { Int($0.timeIntervalSince1970) }
        }
    }

    func awaitJobs() throws {
        try eventually("every job has run", within: 90) { () -> Void? in
            try worker.check()
            return Self.jobs.allSatisfy { !slots($0).isEmpty } ? () : nil
        }
    }

    /// A job's slots until the first one after `end`.
    func settled(_ job: String, _ end: Int) throws -> [Int] {
        try eventually("\(job) runs after \(end)") { () -> [Int]? in
            let slots = slots(job)
            guard let next = slots.first(where: { $0 > end }) else { return nil }
            return slots.filter { $0 <= next }
        }
    }

    func check(down: Int, up: Int) throws {
        // The one that was under way at the kill may have run, and runs again.
        let all = Set(try settled("all", up + 4)).sorted()
        #expect(
            all == Array(stride(from: all[0], through: all[all.count - 1], by: 2)),
            "every slot, once, in order"
        )
        // A slot that fired when the engine was killed may have run and be run again.
        let missed = { (job: String) throws -> [Int] in
            try settled(job, up + 4).filter { $0 > down && $0 <= up }
        }
        #expect(try missed("skip").isEmpty)
        #expect(try missed("one").count <= 1)
        #expect(try missed("all").count >= 3)
        #expect(try missed("window").count <= 2)
        for job in Self.jobs {
            let slots = slots(job).filter { $0 > down }
            #expect(Set(slots).count == slots.count, "\(job): each slot once")
        }
        let shown = try engine.log("show", "--kind", "cron_skipped,cron_watched")
        #expect(shown.output.contains("missed slots are caught up from now on"))
        #expect(shown.output.contains("by catch_up \"one\" they do not run"))
        try engine.stop()
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }
}

extension LongPrograms.CronTests {
    @Test("Slots that are missed while the engine is down are caught up as the trigger says")
    func catchUp() throws {
        // Side by side: it is a test of waiting.
        let stages = try ["0.11.6", "0.25.0"].map { try CronStage(sdk: $0) }
        for stage in stages { try stage.awaitJobs() }
        for stage in stages {
            stage.engine.kill9()
            try stage.engine.wait()
        }
        let down = Int(Date().timeIntervalSince1970)
        // Three slots and more pass; the workers wait for their engines meanwhile.
        try eventually("eight seconds pass") { () -> Void? in
            Int(Date().timeIntervalSince1970) >= down + 8 ? () : nil
        }
        for stage in stages { try stage.engine.start() }
        let up = Int(Date().timeIntervalSince1970)
        for stage in stages { try stage.check(down: down, up: up) }
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
