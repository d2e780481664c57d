import Foundation
import Testing

extension Programs {
    /// `iii logs`, `iii traces` and `iii top`.
    @Suite("Watching from the command line")
    struct WatchCommandTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["shop::order"])
        }
    }
}

extension Programs.WatchCommandTests {
    private func iii(_ arguments: String...) throws -> Outcome {
        try run(
            [Project.engine] + arguments + ["--engine", engine.url],
            in: engine.scratch
        )
    }

    private func log(_ level: String, _ message: String, _ more: Envelope = [:]) throws {
        let line: Envelope = ["message": message, "service_name": "shop"]
        _ = try worker.ask("engine::log::\(level)", line.merging(more) { $1 })
    }

    private func bodies(_ output: String) -> [String] {
        output.split(separator: "\n").compactMap { JSON.object(String($0))["body"] as? String }
    }

    @Test("Logs are printed, the youngest last, by level and by trace")
    func logs() throws {
        let trace = "0af7651916cd43dd8448eb211c80319c"
        try log("info", "first")
        try log("error", "second", ["trace_id": trace])
        try log("debug", "third \u{1B}[31m")
        #expect(bodies(try iii("logs").output) == ["first", "second", "third "])
        #expect(bodies(try iii("logs", "--level", "info").output) == ["first", "second"])
        for id in [trace, "0AF765"] {
            #expect(bodies(try iii("logs", "--trace", id).output) == ["second"])
        }
        #expect(bodies(try iii("logs", "-n", "1").output) == ["third "])
        #expect(try iii("logs", "-n", "0").output.isEmpty)
        let none = try iii("logs", "--trace", String(repeating: "1", count: 32))
        #expect(none.ending == .exit(0) && none.output.isEmpty, "\(none.all)")
        #expect(none.errors.hasPrefix("note: "), "\(none.all)")
        for wrong in [
            ["--level", "loud"], ["-n", "-1"], ["-n", "10001"], ["--trace", "0af76"],
            ["--trace", "no trace"],
        ] {
            let refused = try run([Project.engine, "logs"] + wrong, in: engine.scratch)
            #expect(refused.ending == .exit(2), "\(refused.all)")
        }
        let nobody = try run(
            [Project.engine, "logs", "--engine", "ws://127.0.0.1:1"],
            in: engine.scratch
        )
        #expect(nobody.ending == .exit(3), "\(nobody.all)")
    }

    @Test("Logs are followed: each line once, in order, also those that come in a crowd")
    func follow() throws {
        try log("info", "before")
        let child = try ChildProcess(
            [Project.engine, "logs", "--follow", "-n", "1", "--engine", engine.url],
            label: "follow",
            in: engine.scratch
        )
        defer { child.kill9() }
        try eventually("the line before is printed") {
            bodies(child.output) == ["before"] ? () : nil
        }
        let count = 1500
        for number in 1...count {
            // The same words twice are two lines.
            let line: Envelope = ["message": "line \(number / 2)", "service_name": "shop"]
            _ = try worker.call("engine::log::info", line, action: ["type": "void"])
        }
        try eventually("all lines are printed") {
            bodies(child.output).count >= count + 1 ? () : nil
        }
        #expect(bodies(child.output) == ["before"] + (1...count).map { "line \($0 / 2)" })
        #expect(child.errors.isEmpty, "\(child.errors)")
    }

    @Test("Traces are listed, and one is printed with its spans; an unknown one is told")
    func traces() throws {
        try worker.send([
            "type": "registertrigger", "id": "order", "trigger_type": "http",
            "function_id": "shop::order",
            "config": ["api_path": "order", "http_method": "GET"],
        ])
        try eventually("the route is there") { () -> Void? in
            let all = try worker.ask("engine::registered-triggers::list", [String: Any]())
            return JSON.text(all).contains("shop::order") ? () : nil
        }
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("GET", "/order", ["Connection: close"])
        try worker.answer(try worker.dispatch("shop::order"), ["status_code": 200, "body": 1])
        let response = try peer.response()
        let trace = try #require(response["x-iii-trace-id"])
        let row = try eventually("it is listed") { () -> Envelope? in
            let lines = try iii("traces", "--name", "GET").output.split(separator: "\n")
            return lines.map { JSON.object(String($0)) }.first {
                $0["trace_id"] as? String == trace
            }
        }
        #expect(row["name"] as? String == "GET /order")
        let none = try iii("traces", "--name", "nothing")
        #expect(none.output.isEmpty && none.errors.hasPrefix("note: "), "\(none.all)")
        let tree = try iii("traces", trace)
        #expect(JSON.object(tree.output)["children"] is [Any], "\(tree.all)")
        #expect(try iii("traces", String(trace.prefix(12))).output == tree.output)
        #expect(try iii("traces", "ffffff").ending == .exit(4))
        #expect(try iii("traces", "xyz").ending == .exit(2))
        let unknown = try iii("traces", String(repeating: "0", count: 31) + "1")
        #expect(unknown.ending == .exit(4) && unknown.errors.contains("NOT_FOUND"))
        #expect(try iii("traces", trace, "--status", "ok").ending == .exit(2))
    }

    @Test("Top tells what is run, waits and is connected, as often as is asked for")
    func top() throws {
        let started = try iii("trigger", "shop::order", "--void")
        #expect(started.ending == .exit(0))
        try worker.answer(try worker.dispatch("shop::order"), 1)
        let told = try iii("top", "-n", "2", "--delay", "200ms")
        let pictures = told.output.split(separator: "\n").map { JSON.object(String($0)) }
        try #require(pictures.count == 2, "\(told.all)")
        let functions = pictures[0]["functions"] as? [Envelope] ?? []
        #expect(functions.contains { $0["function_id"] as? String == "shop::order" })
        let queues = pictures[0]["queues"] as? [Envelope] ?? []
        #expect(queues.contains { $0["name"] as? String == "default" })
        #expect(pictures[1]["workers"] is [Any])
        #expect(try iii("top", "--delay", "1ms").ending == .exit(2))
    }

    @Test("A dumb terminal gets text alone, another one a picture that is drawn anew")
    func terminals() throws {
        let line = "\(Project.engine) top -n 2 --delay 100ms --engine \(engine.url)"
        for (kind, hasControls) in [("dumb", false), ("xterm", true)] {
            let shown = try run(
                ["/usr/bin/script", "-qec", line, "/dev/null"],
                in: engine.scratch,
                environment: ["TERM": kind]
            )
            #expect(shown.ending == .exit(0), "\(shown.all)")
            #expect(shown.output.contains("/s failed"), "\(shown.all)")
            #expect(shown.output.contains("\u{1B}") == hasControls, "\(shown.all)")
        }
    }

    @Test("Who watches an engine that dies is told at once, and ends with 3")
    func gone() throws {
        func watch(_ arguments: String...) throws -> ChildProcess {
            try ChildProcess(
                [Project.engine] + arguments + ["--engine", engine.url],
                label: arguments[0],
                in: engine.scratch
            )
        }
        try log("info", "before")
        let top = try watch("top", "--delay", "100ms")
        let logs = try watch("logs", "--follow")
        defer {
            top.kill9()
            logs.kill9()
        }
        try eventually("both are connected") {
            top.output.isEmpty || logs.output.isEmpty ? nil : ()
        }
        engine.kill9()
        #expect(try top.wait(within: 10) == .exit(3), "\(top.errors)")
        try eventually("that the connection is lost is told") {
            logs.errors.contains("lines follow once it is back") ? () : nil
        }
    }

    @Test("Workers, functions and triggers are listed")
    func lists() throws {
        func rows(_ arguments: String...) throws -> [Envelope] {
            let told = try run(
                [Project.engine] + arguments + ["--engine", engine.url],
                in: engine.scratch
            )
            #expect(told.ending == .exit(0), "\(told.all)")
            return told.output.split(separator: "\n").map { JSON.object(String($0)) }
        }
        try worker.send([
            "type": "registertrigger", "id": "order", "trigger_type": "http",
            "function_id": "shop::order",
            "config": ["api_path": "order", "http_method": "GET"],
        ])
        try eventually("the trigger is listed") {
            try rows("triggers", "--type", "http").contains { $0["id"] as? String == "order" }
                ? () : nil
        }
        #expect(try rows("triggers", "--function", "nothing").isEmpty)
        let shop = try RawWorker(engine)
        try shop.register("shop::ready")
        let me: Envelope = [
            "name": "shop", "runtime": "python", "version": "0.25.0", "os": "test", "pid": 7,
        ]
        _ = try shop.ask("engine::workers::register", me)
        let workers = try rows("workers").map { $0["name"] as? String }
        #expect(workers.contains("shop"), "\(workers)")
        #expect(!workers.contains("iii-cli") && !workers.contains("iii-state"))
        #expect(try rows("workers", "--all").contains { $0["name"] as? String == "iii-state" })
        _ = shop
        let plain = try rows("functions").compactMap { $0["function_id"] as? String }
        #expect(plain.contains("shop::order") && !plain.contains("engine::workers::list"))
        let found = try rows("functions", "order").compactMap { $0["function_id"] as? String }
        #expect(found == ["shop::order"])
        let all = try rows("functions", "--all").compactMap { $0["function_id"] as? String }
        #expect(all.contains("engine::workers::list"))
    }

    @Test("A queue is defined, looked into and mended")
    func queues() throws {
        func json(_ told: Outcome) -> Envelope { JSON.object(told.output) }
        func row(_ queue: String) throws -> Envelope {
            let rows = try iii("queue", "ls").output.split(separator: "\n")
                .map { JSON.object(String($0)) }
            return try #require(rows.first { $0["name"] as? String == queue })
        }
        let defined = try iii("queue", "define", "mails", "--max-retries", "1", "--backoff", "1s")
        #expect(json(defined)["changed"] as? Bool == true, "\(defined.all)")
        _ = try worker.ask(
            "shop::order",
            ["n": 1],
            action: ["type": "enqueue", "queue": "mails"]
        )
        let invoked = try worker.dispatch("shop::order")
        let peeked = json(try iii("queue", "peek", "mails"))
        #expect(peeked["state"] as? String == "in_flight")
        #expect(JSON.text(peeked["payload"]) == #"{"n":1}"#)
        let running = try row("mails")
        #expect(running["depth"] as? Int == 1 && running["in_flight"] as? Int == 1)
        #expect(running["waiting"] as? Int == 0 && running["delayed"] as? Int == 0)
        try worker.fail(invoked, "no")
        let letter = try eventually("a dead letter is listed") { () -> Envelope? in
            let letter = json(try iii("queue", "dlq", "mails"))
            return letter.isEmpty ? nil : letter
        }
        #expect((letter["error"] as? String)?.contains("no") == true)
        let id = try #require(letter["id"] as? String)
        #expect(try row("mails")["dlq_depth"] as? Int == 1)
        #expect(json(try iii("queue", "redrive", "mails", id))["redriven"] as? Int == 1)
        try worker.fail(worker.dispatch("shop::order"), "no")
        try eventually("it is a dead letter again") {
            try iii("queue", "discard", "mails", id).ending == .exit(0) ? () : nil
        }
        let gone = try iii("queue", "discard", "mails", id)
        #expect(gone.ending == .exit(4) && gone.errors.contains("NOT_FOUND"), "\(gone.all)")
        #expect(json(try iii("queue", "redrive", "mails"))["redriven"] as? Int == 0)
        #expect(try iii("queue", "discard", "mails").ending == .exit(2), "one, or all")
        #expect(json(try iii("queue", "discard", "mails", "--all"))["discarded"] as? Int == 0)
        #expect(try iii("queue", "discard", "nosuch", "--all").ending == .exit(4))
        let empty = try iii("queue", "dlq", "mails")
        #expect(empty.ending == .exit(0) && empty.output.isEmpty, "\(empty.all)")
        #expect(empty.errors.hasPrefix("note: "), "\(empty.all)")
        for verb in ["peek", "dlq", "redrive", "purge"] {
            let unknown = try iii("queue", verb, "nosuch")
            #expect(unknown.ending == .exit(4), "\(verb): \(unknown.all)")
            #expect(unknown.errors.contains("NOT_FOUND"), "\(verb): \(unknown.all)")
            #expect(unknown.output.isEmpty, "\(verb): \(unknown.all)")
        }
    }

    @Test("Output that cannot be written ends with 74, and nothing goes on that nobody reads")
    func unwritten() throws {
        let commands = [
            "functions --all", "queue ls", "trigger state::list_groups", "top --delay 100ms",
        ]
        for command in commands {
            let script = "exec \"$0\" \(command) --engine \"$1\" > /dev/full"
            let told = try run(
                ["/bin/sh", "-c", script, Project.engine, engine.url],
                in: engine.scratch
            )
            #expect(told.ending == .exit(74), "\(command): \(told.all)")
            #expect(told.errors.contains("error[output.not_written]"), "\(command): \(told.all)")
        }
        let script = "\"$0\" top --delay 100ms --engine \"$1\" | head -n 1"
        let read = try run(
            ["/bin/sh", "-c", script, Project.engine, engine.url],
            in: engine.scratch
        )
        #expect(read.ending == .exit(0) && read.errors.isEmpty, "\(read.all)")
    }
}
