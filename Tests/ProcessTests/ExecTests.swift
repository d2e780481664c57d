import Foundation
import Testing

extension Programs {
    /// `[[exec]]` and `iii dev`: worker processes that the engine starts and keeps running.
    @Suite("Worker processes of the engine")
    struct ExecTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension Programs.ExecTests {
    /// A worker in Python with one function, `say`, which answers with `word`; it prints its pid.
    private func writeWorker(_ word: String) throws {
        let text = """
            import os, sys, threading
            from iii import InitOptions, register_worker
            iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="echo"))
            iii.register_function("say", lambda data: {"word": "\(word)", "pid": os.getpid()})
            print("up as", os.getpid())
            threading.Event().wait()
            """
        _ = try scratch.write("echo.py.new", text)
        guard rename(scratch("echo.py.new"), scratch("echo.py")) == 0 else {
            throw Failure("rename: \(errno)")
        }
    }

    private func engine(_ configuration: String) throws -> EngineProcess {
        let file = try scratch.write("iii.toml", configuration)
        return EngineProcess(in: scratch, ["--config", file])
    }

    private func python() throws -> String { try Project.python(with: "0.25.0", in: scratch) }

    private func process(_ name: String, _ command: [String], _ more: String = "") -> String {
        let words = command.map { "\"\"\"\($0)\"\"\"" }.joined(separator: ", ")
        return "[[exec]]\nname = \"\(name)\"\ncommand = [\(words)]\n\(more)\n"
    }

    /// What `say` answers, once it is there and answers that word.
    private func say(_ word: String, at engine: EngineProcess) throws -> pid_t {
        let client = try RawWorker(engine)
        return try eventually("say answers \(word):\n\(engine.errors)") { () -> pid_t? in
            let answer = try client.ask("say", [:])
            let result = answer["result"] as? Envelope
            guard result?["word"] as? String == word, let pid = result?["pid"] as? Int else {
                usleep(20_000)
                return nil
            }
            return pid_t(pid)
        }
    }

    private func told(_ text: String, by engine: EngineProcess) throws {
        try eventually("\"\(text)\" is told; so far:\n\(engine.errors)") { () -> Void? in
            engine.errors.contains(text) ? () : nil
        }
    }

    /// The process whose number is told behind `mark`, once it is.
    private func pid(behind mark: String, told engine: EngineProcess) throws -> pid_t {
        try eventually("\"\(mark)\" is told; so far:\n\(engine.errors)") { () -> pid_t? in
            let lines = engine.errors.split(separator: "\n")
            let line = lines.first { $0.hasPrefix(mark) }
            return line.flatMap { pid_t($0.dropFirst(mark.count)) }
        }
    }

    /// Waits until the process is gone, or waits to be buried by whoever adopted it.
    private func gone(_ pid: pid_t) throws {
        try eventually("process \(pid) ends") { () -> Void? in
            let status = text(of: "/proc/\(pid)/stat")
            return status.isEmpty || status.contains(") Z ") ? () : nil
        }
    }

    @Test("A worker of the public SDK runs, starts again when killed, and ends with the engine")
    func worker() throws {
        try writeWorker("hello")
        let engine = try engine(process("echo", [try python(), "echo.py"]))
        try engine.start()
        let first = try say("hello", at: engine)
        try told("echo | up as \(first)\n", by: engine)
        kill(first, SIGKILL)
        try told("worker process \"echo\" was ended by signal 9 (Killed) after", by: engine)
        var second = first
        while second == first { second = try say("hello", at: engine) }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(kill(second, 0) != 0)
    }

    @Test("No worker outlives an engine that is killed")
    func lifeline() throws {
        let script = "trap '' TERM; echo up $$; exec sleep 999"
        let engine = try engine(process("wait", ["sh", "-c", script]))
        try engine.start()
        let pid = try pid(behind: "wait | up ", told: engine)
        engine.kill9()
        try gone(pid)
    }

    @Test("A process that does not end in time is killed, with all that it has started")
    func stubborn() throws {
        let script = "trap '' TERM; echo up; sleep 999 & echo child $!; wait; wait; sleep 999"
        let settings = process("deaf", ["sh", "-c", script], "stop_timeout = \"200ms\"")
        let engine = try engine(settings)
        try engine.start()
        let child = try pid(behind: "deaf | child ", told: engine)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(engine.errors.contains("worker process \"deaf\" did not end within 200ms"))
        try gone(child)
    }

    @Test("It starts however many descriptors the engine has open, and has its limit of them")
    func descriptors() throws {
        let file = try scratch.write(
            "iii.toml",
            process("counts", ["sh", "-c", "ulimit -Sn; exec sleep 999"])
        )
        let engine = EngineProcess(
            in: scratch,
            ["--config", file],
            launcher: ["/usr/bin/prlimit", "--nofile=64:4096"]
        )
        try engine.start()
        try told("counts | 64\n", by: engine)
        let workers = try (0..<80).map { _ in try RawWorker(engine) }
        let pid = try eventually("its number is told") { () -> pid_t? in
            let lines = engine.errors.split(separator: "\n")
            let line = lines.first { $0.contains("\"counts\" runs as process ") }
            return line.flatMap { $0.split(separator: " ").last }.flatMap { pid_t($0) }
        }
        kill(pid, SIGKILL)
        try eventually("it runs again:\n\(engine.errors)") { () -> Void? in
            engine.errors.components(separatedBy: "counts | 64\n").count == 3 ? () : nil
        }
        withExtendedLifetime(workers) {}
    }

    @Test("Who stops the engine at once stops all that its processes have started")
    func secondSignal() throws {
        let script = "trap '' TERM; sleep 999 & echo child $!; wait; wait"
        let engine = try engine(process("deaf", ["sh", "-c", script], "stop_timeout = \"1h\""))
        try engine.start()
        let child = try pid(behind: "deaf | child ", told: engine)
        engine.terminate()
        try told("SIGTERM: beginning no new requests", by: engine)
        // Too soon after the first it is the same one.
        usleep(600_000)
        engine.terminate()
        #expect(try engine.wait() == .exit(1), "\(engine.errors)")
        try gone(child)
    }

    @Test("An edit of the configuration starts, ends and replaces processes while others stay")
    func edits() throws {
        let loop = "echo up $MODE $$; exec sleep 999"
        func settings(_ name: String, _ mode: String) -> String {
            process(name, ["sh", "-c", loop], "env = { MODE = \"\(mode)\" }")
        }
        func number(_ name: String, _ mode: String, _ engine: EngineProcess) throws -> pid_t {
            try eventually("\(name) is up as \(mode)") { () -> pid_t? in
                let lines = engine.errors.split(separator: "\n")
                let mark = "\(name) | up \(mode) "
                let line = lines.last { $0.hasPrefix(mark) }
                return line.flatMap { pid_t($0.dropFirst(mark.count)) }
            }
        }
        let engine = try engine(settings("stays", "a") + settings("goes", "a"))
        try engine.start()
        let stays = try number("stays", "a", engine)
        let goes = try number("goes", "a", engine)
        _ = try scratch.write("edit.tmp", settings("comes", "a") + settings("stays", "a"))
        rename(scratch("edit.tmp"), scratch("iii.toml"))
        let comes = try number("comes", "a", engine)
        try gone(goes)
        _ = try scratch.write("edit.tmp", settings("comes", "b") + settings("stays", "a"))
        rename(scratch("edit.tmp"), scratch("iii.toml"))
        let replaced = try number("comes", "b", engine)
        try gone(comes)
        #expect(try number("stays", "a", engine) == stays)
        #expect(kill(stays, 0) == 0)
        #expect(!engine.errors.contains("needs a restart"), "\(engine.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        for pid in [stays, replaced] { #expect(kill(pid, 0) != 0) }
    }

    @Test("What cannot start is told with its reason and tried again; the engine serves meanwhile")
    func missing() throws {
        let engine = try engine(process("lost", ["./late.sh"]))
        try engine.start()
        try told(
            "error: worker process \"lost\" cannot start: \(scratch("late.sh")): No such file or "
                + "directory; it starts again in 1 s",
            by: engine
        )
        _ = try scratch.write("late.new", "#!/bin/sh\necho here\nexec sleep 999\n")
        chmod(scratch("late.new"), 0o700)
        rename(scratch("late.new"), scratch("late.sh"))
        try told("lost | here\n", by: engine)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("What is never to start again has ended; lines are JSON objects with --json")
    func never() throws {
        let script = "printf 'a \\\\042 b\\\\n'; exit 4"
        let settings = process("once", ["sh", "-c", script], "restart = \"never\"")
        let file = try scratch.write("iii.toml", settings)
        let engine = EngineProcess(in: scratch, ["--config", file, "--json"])
        try engine.start()
        try told("it is not started again", by: engine)
        let lines = engine.errors.split(separator: "\n").map { JSON.object(String($0)) }
        let output = lines.first { $0["event"] as? String == "output" }
        #expect(output?["message"] as? String == "a \" b", "\(engine.errors)")
        #expect(output?["process"] as? String == "once")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(engine.errors.components(separatedBy: "runs as process").count == 2)
    }

    /// What `/api/processes` tells of one, once `isWanted` says so of it.
    private func row(
        _ name: String,
        of engine: EngineProcess,
        _ isWanted: (Envelope) -> Bool
    ) throws -> Envelope {
        let client = DashboardClient(engine)
        return try eventually("\(name) is told so") { () -> Envelope? in
            let told = JSON.object(try client.get("/api/processes").text)
            let rows = told["processes"] as? [Envelope] ?? []
            return rows.first { $0["name"] as? String == name && isWanted($0) }
        }
    }

    @Test("Operators are told how processes are: as a list, as metrics, and as it changes")
    func operators() throws {
        let sleep = process("stays", ["sleep", "999"])
        let once = process("once", ["sh", "-c", "exit 4"], "restart = \"never\"")
        let engine = try engine(sleep + once + process("lost", ["./none"]))
        try engine.start()
        let page = try LiveSocket(engine)
        let before = Int(Date().timeIntervalSince1970 * 1000)
        let first = try row("stays", of: engine) { $0["state"] as? String == "running" }
        let pid = try #require(first["pid"] as? Int)
        #expect(first["restarts"] as? Int == 0)
        #expect(first["last_ending"] is NSNull)
        let since = try #require(first["since_ms"] as? Int)
        #expect(abs(since - before) < 60_000)
        let ended = try row("once", of: engine) { $0["state"] as? String == "ended" }
        #expect(ended["pid"] is NSNull)
        let ending = try #require(ended["last_ending"] as? Envelope)
        #expect(ending["status"] as? Int == 4)
        #expect(ending["signal"] is NSNull)
        #expect(ending["text"] as? String == "exited with status 4")
        let lost = try row("lost", of: engine) { $0["last_ending"] is Envelope }
        let why = try #require((lost["last_ending"] as? Envelope)?["text"] as? String)
        #expect(why.hasPrefix("cannot start: \(scratch("none")): No such file"), "\(why)")

        kill(pid_t(pid), SIGKILL)
        let second = try row("stays", of: engine) { $0["restarts"] as? Int == 1 }
        #expect(second["pid"] as? Int != pid)
        let killed = try #require(second["last_ending"] as? Envelope)
        #expect(killed["status"] is NSNull)
        #expect(killed["signal"] as? Int == 9)
        try page.messages { seen in
            seen.list("processes").contains {
                $0["name"] as? String == "stays" && $0["restarts"] as? Int == 1
            }
        }
        let metrics = try DashboardClient(engine).get("/metrics").text
        for line in [
            "# TYPE iii_worker_process_running gauge",
            "iii_worker_process_running{process=\"stays\"} 1",
            "iii_worker_process_running{process=\"once\"} 0",
            "# TYPE iii_worker_process_restarts_total counter",
            "iii_worker_process_restarts_total{process=\"stays\"} 1",
            "iii_worker_process_restarts_total{process=\"lost\"} 0",
            "# TYPE iii_worker_process_last_exit_status gauge",
            "iii_worker_process_last_exit_status{process=\"stays\"} 137",
            "iii_worker_process_last_exit_status{process=\"once\"} 4",
        ] { #expect(metrics.contains("\n\(line)\n"), "\(line)") }
        #expect(!metrics.contains("last_exit_status{process=\"lost\"}"))
    }

    @Test("Where there are no processes the list is empty, and it is only read")
    func none() throws {
        let engine = try EngineProcess.started()
        let client = DashboardClient(engine)
        #expect(try client.get("/api/processes").text == #"{"processes":[]}"#)
        #expect(try client.post("/api/processes", Envelope()).status == 405)
    }

    @Test("E.1: exec of a workers: list is a pipeline of shell lines, run anew when a file changes")
    func pipeline() throws {
        let yaml = """
            workers:
              - name: iii-exec
                config:
                  exec: ["echo built >> steps; echo one $SECRET", "echo two; exec sleep 999"]
                  watch: ["src/**/*.js"]
            """
        let file = try scratch.write("config.yaml", yaml)
        mkdir(scratch("src"), 0o700)
        let engine = EngineProcess(in: scratch, ["--config", file])
        engine.environment = ["SECRET": "of mine"]
        try engine.start()
        try told("iii-exec | one of mine\niii-exec | two\n", by: engine)
        _ = try scratch.write("src/other.ts", "x")
        _ = try scratch.write("src/main.js", "x")
        try eventually("it runs again") { () -> Void? in
            text(of: scratch("steps")) == "built\nbuilt\n" ? () : nil
        }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(text(of: scratch("steps")) == "built\nbuilt\n")
    }

    @Test("iii dev runs the command behind --, and starts it anew when its source is edited")
    func dev() throws {
        try writeWorker("one")
        let engine = EngineProcess(
            in: scratch,
            ["--", try python(), "echo.py"],
            launcher: ["/usr/bin/env", "-C", scratch.path],
            verb: "dev"
        )
        try engine.start()
        let first = try say("one", at: engine)
        try writeWorker("two")
        let second = try say("two", at: engine)
        #expect(first != second)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(kill(second, 0) != 0)
    }
}
