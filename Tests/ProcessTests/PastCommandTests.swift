import Foundation
import Testing

extension Programs {
    /// `iii-log queue`, `iii-log cron` and `iii-log state diff`.
    @Suite("The past from the command line")
    struct PastCommandTests {
        private let engine: EngineProcess
        private let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["mail::send", "often::f"])
        }
    }
}

extension Programs.PastCommandTests {
    private func live(_ arguments: [String]) throws -> Outcome {
        try run([Project.engine] + arguments + ["--engine", engine.url], in: engine.scratch)
    }

    private func past(_ arguments: [String]) throws -> Outcome {
        try run([Project.log, "-D", engine.data] + arguments, in: engine.scratch)
    }

    /// What a command told that was to succeed.
    private func rows(_ told: Outcome) -> [Envelope] {
        #expect(told.ending == .exit(0), "\(told.all)")
        return told.output.split(separator: "\n").map { JSON.object(String($0)) }
    }

    /// The log tells all that the engine tells, but for what only live workers know.
    private func expectSame(_ verb: String...) throws {
        let engines = rows(try live(verb))
        let logs = rows(try past(verb))
        #expect(!engines.isEmpty && engines.count == logs.count, "\(verb)")
        for (engine, log) in zip(engines, logs) {
            for (key, value) in engine where key != "why" {
                #expect(JSON.text(log[key]) == JSON.text(value), "\(verb): \(key)")
            }
        }
    }

    private func expectRefused(_ told: Outcome, _ status: Int32, _ code: String) {
        #expect(told.ending == .exit(status), "\(told.all)")
        #expect(told.errors.contains("error[\(code)]"), "\(told.all)")
    }

    private func expectNothing(_ told: Outcome, note: String) {
        #expect(told.ending == .exit(0), "\(told.all)")
        #expect(told.output.isEmpty && told.errors.contains("note: \(note)"), "\(told.all)")
    }

    private func enqueue(_ function: String, _ number: Int) throws {
        let action: Envelope = ["type": "enqueue", "queue": "mails"]
        let reply = try worker.ask(function, ["n": number], action: action)
        #expect(reply["error"] == nil, "\(JSON.text(reply))")
    }

    private func mails() throws -> Envelope {
        rows(try past(["queue", "ls"])).first { $0["name"] as? String == "mails" } ?? [:]
    }

    @Test("Queues are told beside the engine as it tells them, and without it as they were")
    func queues() throws {
        _ = try live(["queue", "define", "mails", "--max-retries", "1"])
        try enqueue("mail::send", 1)
        let sent = try worker.dispatch("mail::send")
        try enqueue("late::f", 2)
        try eventually("the delivery is in the log") { () -> Void? in
            try mails()["in_flight"] as? Int == 1 ? () : nil
        }
        let last = try #require(rows(try past(["show", "-n", "1", "--json"])).first)
        let place = String(try #require(last["offset"] as? Int))
        try worker.fail(sent, "no room")
        try eventually("the message is given up") { () -> Void? in
            try mails()["dlq_depth"] as? Int == 1 ? () : nil
        }
        try expectSame("queue", "ls")
        try expectSame("queue", "peek", "mails")
        try expectSame("queue", "dlq", "mails")

        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let row = try mails()
        #expect(row["waiting"] as? Int == 1 && row["in_flight"] as? Int == 0, "\(JSON.text(row))")
        let letter = try #require(rows(try past(["queue", "dlq", "mails"])).first)
        #expect((letter["error"] as? String)?.contains("no room") == true)
        #expect(letter["retries"] as? Int == 1)
        #expect(JSON.text(letter["payload"]) == #"{"n":1}"#)
        let earlier = rows(try past(["queue", "peek", "mails", "--at", place]))
        #expect(earlier.map { $0["state"] as? String } == ["in_flight", "waiting"])
        #expect(earlier.map { JSON.text($0["payload"]) } == [#"{"n":1}"#, #"{"n":2}"#])
        expectNothing(
            try past(["queue", "dlq", "mails", "--at", place]),
            note: "there was no dead letter"
        )
    }

    @Test("What is no queue, place or number ends with its own code")
    func refusals() throws {
        _ = try live(["queue", "define", "mails"])
        try enqueue("late::f", 1)
        expectRefused(try past(["queue", "peek", "other"]), 4, "queue.unknown_queue")
        expectRefused(try past(["queue", "peek", "mails", "--at", "0"]), 4, "queue.unknown_queue")
        expectRefused(try past(["queue", "ls", "--at", "9999999"]), 4, "digest.unknown_offset")
        expectRefused(try past(["queue", "ls", "--at", "soon"]), 2, "show.malformed_time")
        expectRefused(try past(["queue", "dlq", "mails", "-n", "0"]), 2, "usage")
        expectRefused(try past(["cron", "history", "nothing"]), 4, "cron.unknown_job")
        expectRefused(try past(["cron", "history", "-n", "1001"]), 2, "usage")
        expectRefused(try past(["state", "diff"]), 2, "usage")
        expectNothing(try past(["queue", "ls", "--at", "-1h"]), note: "there was no queue")
        expectNothing(try past(["cron", "history"]), note: "no slot had come")
        expectNothing(try past(["state", "ls", "--at", "-1h"]), note: "there was no key")
    }

    @Test("Slots are told as the engine tells them, and of any job that there was")
    func slots() throws {
        for (id, expression) in [("idle", "0 0 29 2 *"), ("often", "* * * * * *")] {
            try worker.send([
                "type": "registertrigger", "id": id, "trigger_type": "cron",
                "function_id": "often::f", "config": ["expression": expression],
            ])
        }
        try worker.fail(try worker.dispatch("often::f"), "no luck")
        let told = try eventually("the failure is told") { () -> Envelope? in
            let slots = rows(try live(["cron", "history", "often"]))
            return slots.first { $0["outcome"] as? String == "failed" }
        }
        let offset = try #require(told["offset"] as? String)
        func slot(of job: String) throws -> Envelope? {
            rows(try past(["cron", "history", job])).first { $0["offset"] as? String == offset }
        }
        #expect(try JSON.text(slot(of: "often")) == JSON.text(told))
        engine.kill9()
        #expect(try JSON.text(slot(of: "often::f")) == JSON.text(told))
        expectNothing(try past(["cron", "history", "idle"]), note: "no slot had come")
        let before = String(try #require(Int(offset)) - 1)
        expectNothing(
            try past(["cron", "history", "often", "--at", before]),
            note: "no slot had come"
        )
    }

    @Test("A difference of the state is told by key, between any two places")
    func difference() throws {
        func set(_ key: String, _ value: Int) throws -> Int {
            let input: Envelope = [
                "scope": "s", "key": key, "value": value, "with_revision": true,
            ]
            let reply = try worker.ask("state::set", input)
            return try #require((reply["result"] as? Envelope)?["revision"] as? Int)
        }
        _ = try set("b", 1)
        _ = try set("a", 1)
        let from = String(try set("c", 1))
        _ = try set("d", 1)
        _ = try worker.ask("state::delete", ["scope": "s", "key": "c"])
        let later = String(try set("b", 2))
        _ = try set("a", 2)
        _ = try set("a", 1)
        func changes(_ arguments: String...) throws -> [String] {
            rows(try past(["state", "diff"] + arguments)).map { row in
                let parts = ["key", "change", "old", "new"].map { JSON.text(row[$0]) }
                return parts.joined(separator: " ")
            }
        }
        let all = [
            #""b" "changed" 1 2"#, #""c" "removed" 1 null"#, #""d" "added" null 1"#,
        ]
        #expect(try changes("--from", from) == all)
        #expect(try changes("s", "--from", from, "--to", later) == all)
        #expect(try changes("s", "d", "--from", from) == Array(all.suffix(1)))
        #expect(try changes("--from", "-1h").count == 3)
        expectNothing(
            try past(["state", "diff", "--from", later, "--to", later]),
            note: "no key differs"
        )
        expectRefused(
            try past(["state", "diff", "--from", "9999999"]),
            4,
            "digest.unknown_offset"
        )
    }

    @Test("On a terminal it is a table")
    func table() throws {
        _ = try live(["queue", "define", "mails"])
        try enqueue("late::f", 1)
        let line = "\(Project.log) -D \(engine.data) queue ls"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: engine.scratch)
        #expect(shown.ending == .exit(0), "\(shown.all)")
        #expect(shown.output.contains("WAITING") && shown.output.contains("OLDEST"))
        let lines = shown.output.split(whereSeparator: \.isNewline)
        let row = lines.first { $0.hasPrefix("mails ") }
        let cells = (row ?? "").split(separator: " ").map(String.init)
        #expect(Array(cells.prefix(5)) == ["mails", "1", "0", "0", "0"], "\(shown.all)")
    }
}
