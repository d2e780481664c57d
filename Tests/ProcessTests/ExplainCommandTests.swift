import Foundation
import Testing

extension Programs {
    /// `iii explain` and `iii queue purge`.
    @Suite("Explaining and purging from the command line")
    struct ExplainCommandTests {
        let engine: EngineProcess
        let caller: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            caller = try RawWorker.ready(engine)
        }
    }
}

extension Programs.ExplainCommandTests {
    private func iii(_ arguments: String...) throws -> Outcome {
        try run(
            [Project.engine] + arguments + ["--engine", engine.url],
            in: engine.scratch
        )
    }

    private func json(_ told: Outcome) -> Envelope { JSON.object(told.output) }

    /// - Returns: the receipt.
    private func enqueue(_ function: String, _ data: Any, to queue: String) throws -> String {
        let action: Envelope = ["type": "enqueue", "queue": queue]
        let reply = try caller.ask(function, data, action: action)
        let result = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        return try #require(result["messageReceiptId"] as? String)
    }

    /// What is told of a message, once it is so.
    private func explained(_ id: String, is state: String) throws -> Envelope {
        try eventually("\(id) is \(state)") { () -> Envelope? in
            let told = try iii("explain", id)
            #expect(told.ending == .exit(0), "\(told.all)")
            let job = json(told)
            return job["state"] as? String == state ? job : nil
        }
    }

    @Test("A job is explained from its enqueue to its end: by receipt, by trace, by offset")
    func explains() throws {
        _ = try iii("queue", "define", "mails", "--max-retries", "2", "--backoff", "30s")
        _ = try iii("queue", "define", "once", "--max-retries", "1")
        let slow = try enqueue("mail::send", ["n": 1], to: "mails")
        let alone = try explained(slow, is: "waiting")
        #expect(alone["reason"] as? String == "unserved")
        #expect(alone["why"] as? String == "no worker serves mail::send")
        #expect((alone["way_out"] as? String)?.contains("iii functions") == true)

        let worker = try RawWorker.ready(engine, functions: ["mail::send"])
        let first = try worker.dispatch("mail::send")
        #expect(try explained(slow, is: "running")["attempt"] as? Int == 1)
        try worker.fail(first, "mailbox full")
        let delayed = try explained(slow, is: "delayed")
        #expect((delayed["why"] as? String)?.contains("attempt 2 of 2") == true)
        #expect((delayed["why"] as? String)?.contains("mailbox full") == true)

        let id = try enqueue("mail::send", ["n": 2], to: "once")
        try worker.fail(worker.dispatch("mail::send"), "no")
        let dead = try explained(id, is: "dead")
        #expect((dead["way_out"] as? String)?.contains("iii queue redrive once \(id)") == true)
        #expect(json(try iii("queue", "redrive", "once", id))["redriven"] as? Int == 1)
        try worker.answer(worker.dispatch("mail::send"), ["sent": true])
        let done = try explained(id, is: "done")
        #expect(JSON.text(done["result"]) == #"{"sent":true}"#)
        let trace = try #require(done["trace_id"] as? String)
        let offset = try #require(done["offset"] as? Int)
        for other in [trace, "@\(offset)"] {
            #expect(try explained(other, is: "done")["id"] as? String == id)
        }
        let story = (done["story"] as? [Envelope] ?? []).compactMap { $0["text"] as? String }
        #expect(story.contains { $0.hasSuffix("invocation_failed: no") }, "\(story)")

        let client = DashboardClient(engine)
        let seen = try client.call("engine::queue::explain", ["id": id])
        #expect(seen.status == 200 && JSON.text(seen.body["result"]).contains(#""done""#))
    }

    @Test("A job that is not there ends with 4, what is no id with 2, no engine with 3")
    func refuses() throws {
        let unknown = try iii("explain", "00000000-0000-4000-8000-000000000001")
        #expect(
            unknown.ending == .exit(4) && unknown.errors.contains("NOT_FOUND"),
            "\(unknown.all)"
        )
        let wrong = try iii("explain", "no-id")
        #expect(wrong.ending == .exit(2) && wrong.errors.contains("MALFORMED_ID"), "\(wrong.all)")
        let id = try enqueue("nobody::home", [:], to: "default")
        let elsewhere = try iii("explain", id, "--queue", "other")
        #expect(elsewhere.ending == .exit(4), "\(elsewhere.all)")
        let nobody = try run(
            [Project.engine, "explain", id, "--engine", "ws://127.0.0.1:1"],
            in: engine.scratch
        )
        #expect(nobody.ending == .exit(3), "\(nobody.all)")
    }

    @Test("On a terminal a job is told in words")
    func words() throws {
        let id = try enqueue("nobody::home", [:], to: "default")
        let line = "\(Project.engine) explain \(id) --engine \(engine.url)"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: engine.scratch)
        #expect(shown.ending == .exit(0), "\(shown.all)")
        for words in ["in queue default", "no worker serves nobody::home", "what helps: start"] {
            #expect(shown.output.contains(words), "\(shown.all)")
        }
    }

    @Test("A queue is purged of what waits, for good: what runs goes on, also in the next life")
    func purges() throws {
        _ = try iii("queue", "define", "mails", "--concurrency", "1")
        let worker = try RawWorker.ready(engine, functions: ["mail::send"])
        let running = try enqueue("mail::send", 1, to: "mails")
        let dropped = try enqueue("mail::send", 2, to: "mails")
        _ = try enqueue("mail::send", 3, to: "mails")
        _ = try worker.dispatch("mail::send")
        let told = try iii("queue", "purge", "mails")
        #expect(told.ending == .exit(0) && json(told)["purged"] as? Int == 2, "\(told.all)")
        #expect(json(try iii("queue", "purge", "mails"))["purged"] as? Int == 0)
        let rows = try iii("queue", "peek", "mails").output.split(separator: "\n")
        #expect(rows.count == 1 && rows[0].contains(running), "\(rows)")
        let purged = try explained(dropped, is: "purged")
        #expect((purged["why"] as? String)?.contains("queue mails was purged") == true)
        let unknown = try iii("queue", "purge", "malls")
        #expect(
            unknown.ending == .exit(4) && unknown.errors.contains("malls"),
            "\(unknown.all)"
        )

        engine.kill9()
        try engine.start()
        let next = try RawWorker.ready(engine, functions: ["mail::send"])
        let again = try next.dispatch("mail::send")
        #expect(JSON.text(again["data"]) == "1")
        try next.answer(again, NSNull())
        try eventually("the queue is empty") {
            try iii("queue", "peek", "mails").output.isEmpty ? () : nil
        }
        let replay = try engine.log("replay", dropped)
        #expect(replay.output.contains("purged: 2 messages of queue mails"), "\(replay.all)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    @Test("On a terminal a purge asks first, unless it is told not to")
    func asks() throws {
        _ = try enqueue("nobody::home", 1, to: "default")
        func purge(_ answer: String, _ more: String = "") throws -> Outcome {
            let line = "\(Project.engine) queue purge default \(more) --engine \(engine.url)"
            let script = "echo \(answer) | exec /usr/bin/script -qec \"$0\" /dev/null"
            return try run(["/bin/sh", "-c", script, line], in: engine.scratch)
        }
        let denied = try purge("no")
        #expect(denied.output.contains("1 message waits or run"), "\(denied.all)")
        #expect(denied.output.contains("nothing was dropped"), "\(denied.all)")
        #expect(denied.ending == .exit(1), "\(denied.all)")
        let done = try purge("no", "--yes")
        #expect(done.output.contains("1 message dropped from queue default"), "\(done.all)")
        _ = try enqueue("nobody::home", 2, to: "default")
        let wanted = try purge("y")
        #expect(wanted.output.contains("1 message dropped from queue default"), "\(wanted.all)")
    }
}
