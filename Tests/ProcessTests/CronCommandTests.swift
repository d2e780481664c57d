import Foundation
import Testing

extension Programs {
    /// `iii cron`.
    @Suite("Cron from the command line")
    struct CronCommandTests {}
}

extension Programs.CronCommandTests {
    @Test("Jobs are listed, looked ahead of, run, paused and resumed, and have a history")
    func story() throws {
        let engine = try EngineProcess.started()
        func cron(_ arguments: String...) throws -> Outcome {
            try run(
                [Project.engine, "cron"] + arguments + ["--engine", engine.url],
                in: engine.scratch
            )
        }
        #expect(try cron("ls").output.isEmpty)
        let worker = try RawWorker.ready(engine, functions: ["job::f"])
        try worker.send([
            "type": "registertrigger", "id": "nightly", "trigger_type": "cron",
            "function_id": "job::f",
            "config": ["expression": "30 2 * * *", "timezone": "Europe/Berlin"],
        ])
        try eventually("the job is listed") { () -> Void? in
            try cron("ls", "--json").output.contains(#""job_id":"nightly""#) ? () : nil
        }
        let row = JSON.object(try cron("ls").output)
        #expect(row["expression"] as? String == "30 2 * * *")
        #expect(row["paused"] as? Bool == false)

        let next = try cron("next", "job::f", "-n", "3").output.split(separator: "\n")
        #expect(next.count == 3)
        #expect(next.allSatisfy { $0.contains("T02:30:00+") && $0.contains("Europe/Berlin") })
        let free = try cron("next", "-e", "0 0 29 2 *", "-t", "UTC", "-n", "1")
        #expect(free.output.contains("-02-29T00:00:00"), "\(free.all)")
        #expect(try cron("next").ending == .exit(2))
        let wrong = try cron("next", "-e", "61 * * * *")
        #expect(wrong.ending == .exit(1) && wrong.errors.contains("61"), "\(wrong.all)")

        let ran = try cron("run", "nightly")
        #expect(JSON.object(ran.output)["trace_id"] is String, "\(ran.all)")
        try worker.answer(try worker.dispatch("job::f"), 1)
        #expect(try cron("pause", "nightly").output.contains(#""paused":true"#))
        #expect(JSON.object(try cron("ls").output)["paused"] as? Bool == true)
        #expect(try cron("resume", "nightly").output.contains(#""paused":false"#))

        let unknown = try cron("run", "nothing")
        #expect(
            unknown.ending == .exit(4) && unknown.errors.contains("NOT_FOUND"),
            "\(unknown.all)"
        )

        try worker.register("often::f")
        try worker.send([
            "type": "registertrigger", "id": "often", "trigger_type": "cron",
            "function_id": "often::f", "config": ["expression": "* * * * * *"],
        ])
        try worker.fail(try worker.dispatch("often::f"), "no luck")
        let told = try eventually("the failure is in the history") { () -> String? in
            let lines = try cron("history", "often").output.split(separator: "\n")
            return lines.first { $0.contains(#""outcome":"failed""#) }.map(String.init)
        }
        #expect(told.contains("no luck"))
        let byHand = JSON.object(try cron("history", "nightly").output)
        #expect(byHand["by_hand"] as? Bool == true && byHand["outcome"] as? String == "done")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(try cron("ls").ending == .exit(3))
    }

    @Test("On a terminal it is a table")
    func table() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine, functions: ["job::f"])
        try worker.send([
            "type": "registertrigger", "id": "nightly", "trigger_type": "cron",
            "function_id": "job::f", "config": ["expression": "30 2 * * *"],
        ])
        _ = try worker.ask("engine::cron::list", [:])
        let line = "\(Project.engine) cron ls --engine \(engine.url)"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: engine.scratch)
        #expect(shown.ending == .exit(0), "\(shown.all)")
        #expect(shown.output.contains("JOB"))
        #expect(shown.output.contains("nightly  job::f    30 2 * * *  UTC"), "\(shown.all)")
        #expect(shown.output.contains("waiting"))
    }
}
