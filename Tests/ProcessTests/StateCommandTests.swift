import Foundation
import Testing

extension Programs {
    /// `iii state` and `iii-log state`.
    @Suite("The state from the command line")
    struct StateCommandTests {}
}

extension Programs.StateCommandTests {
    @Test("Times are given as people write them, also those that begin with a minus")
    func times() throws {
        let engine = try EngineProcess.started()
        func get(_ time: String) throws -> Outcome {
            try run(
                [Project.engine, "state", "get", "s", "k", "--at", time, "--engine", engine.url],
                in: engine.scratch
            )
        }
        _ = try RawWorker(engine).ask("state::set", ["scope": "s", "key": "k", "value": 1])
        #expect(try get("now").output == "1\n")
        for time in ["-1h", "-1d12h", "yesterday", "2020-01-01 12:00", "2020-01-01T12:00:00Z"] {
            let past = try get(time)
            #expect(past.ending == .exit(4), "\(time): \(past.all)")
            #expect(past.errors.contains("state.not_found"), "\(time): \(past.all)")
            let logged = try engine.log("state", "get", "s", "k", "--at", time)
            #expect(logged.ending == .exit(4), "\(time): \(logged.all)")
        }
        let difference = try engine.log("state", "diff", "--from", "-1h", "--to", "now")
        #expect(difference.ending == .exit(0), "\(difference.all)")
        #expect(try get("2999-01-01").errors.contains("1678 to 2261"))
        let wrong = try get("tomorrow")
        #expect(wrong.ending == .exit(2), "\(wrong.all)")
        #expect(wrong.errors.contains("yesterday"), "\(wrong.all)")
    }

    @Test("A value may be a negative number, and is never a misspelt option")
    func values() throws {
        let engine = try EngineProcess.started()
        func state(_ arguments: String...) throws -> Outcome {
            try run(
                [Project.engine, "state"] + arguments + ["--engine", engine.url],
                in: engine.scratch
            )
        }
        for (words, value) in [
            (["-1"], "-1"), (["-12.5"], "-12.5"), (["[-1]"], "[-1]"), (["--", "-1"], "-1"),
            (["--", "-text"], "\"-text\""), (["a b"], "\"a b\""), (["--ttl", "5m", "-7"], "-7"),
        ] {
            let outcome = try run(
                [Project.engine, "state", "set", "--engine", engine.url, "s", "n"] + words,
                in: engine.scratch
            )
            #expect(outcome.ending == .exit(0), "\(words): \(outcome.all)")
            #expect(try state("get", "s", "n").output == "\(value)\n")
        }
        // JSON, but for its depth.
        let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        for wrong in [
            [], ["--ttk"], ["-text"], ["1", "2"], ["-1", "--if-revison", "3"],
            ["1", "--ttl", "0s"], [deep],
        ] {
            let outcome = try run(
                [Project.engine, "state", "set", "--engine", engine.url, "s", "wrong"] + wrong,
                in: engine.scratch
            )
            #expect(outcome.ending == .exit(2), "\(wrong): \(outcome.all)")
        }
        #expect(try state("get", "s", "wrong").ending == .exit(4))
        for limit in ["0", "1001"] {
            let outcome = try state("history", "s", "n", "-l", limit)
            #expect(outcome.ending == .exit(2), "\(limit): \(outcome.all)")
        }
        let tail = [Project.engine, "stream", "tail", "s", "g", "--count", "0"]
        #expect(try run(tail, in: engine.scratch).ending == .exit(2))
        #expect(try state("set", "--help").output.contains("--if-revision"))
    }

    @Test("Lists are JSON in a pipe, tables on a terminal, and say where there is nothing")
    func lists() throws {
        let engine = try EngineProcess.started()
        func state(_ arguments: String...) throws -> Outcome {
            try run(
                [Project.engine, "state"] + arguments + ["--engine", engine.url],
                in: engine.scratch
            )
        }
        for arguments in [["ls"], ["ls", "s"], ["history", "s", "k"]] {
            let none = try run(
                [Project.engine, "state"] + arguments + ["--engine", engine.url],
                in: engine.scratch
            )
            #expect(none.ending == .exit(0), "\(none.all)")
            #expect(none.output.isEmpty && none.errors.hasPrefix("note: "), "\(none.all)")
        }
        #expect(try state("set", "s", "k", "1").ending == .exit(0))
        #expect(try state("ls", "--json").output == "{\"scope\":\"s\"}\n")
        #expect(JSON.object(try state("history", "s", "k").output)["kind"] as? String == "set")
        let line = "\(Project.engine) state ls s --engine \(engine.url)"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: engine.scratch)
        #expect(shown.output.contains(/KEY +REVISION +VALUE/), "\(shown.all)")
        #expect(shown.output.contains(/k +[0-9]+ +1/), "\(shown.all)")
    }

    @Test("It is written, read, listed and deleted, and looked back at with and without the engine")
    func story() throws {
        let engine = try EngineProcess.started()
        func state(_ arguments: String...) throws -> Outcome {
            try run(
                [Project.engine, "state"] + arguments + ["--engine", engine.url],
                in: engine.scratch
            )
        }
        let first = try state("set", "s", "k", #"{"a":1}"#)
        #expect(first.ending == .exit(0), "\(first.all)")
        let revision = try #require(Int(first.output.trimmingCharacters(in: .newlines)))
        #expect(
            try state("set", "s", "k", "text", "--if-revision", "\(revision)").ending == .exit(0)
        )
        let late = try state("set", "s", "k", "1", "--if-revision", "\(revision)")
        #expect(late.ending == .exit(1))
        #expect(late.errors.contains("state.conflict"))
        #expect(try state("get", "s", "k").output == "\"text\"\n")
        #expect(try state("get", "s", "k", "--at", "\(revision)").output == "{\"a\":1}\n")
        #expect(try state("get", "s", "none").ending == .exit(4))
        #expect(try state("ls").output == "{\"scope\":\"s\"}\n")
        #expect(try state("ls", "s").output.hasPrefix(#"{"key":"k","value":"text","revision":"#))
        #expect(try state("delete", "s", "k").ending == .exit(0))
        #expect(try state("delete", "s", "k").ending == .exit(4))
        let history = try state("history", "s", "k").output.split(separator: "\n")
        #expect(history.count == 3)

        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        let past = try engine.log("state", "get", "s", "k", "--at", "\(revision)")
        #expect(past.output == "{\"value\":{\"a\":1},\"revision\":\(revision)}\n", "\(past.all)")
        #expect(try engine.log("state", "get", "s", "k").ending == .exit(4))
        let list = try engine.log("state", "ls", "s", "--at", "\(revision)")
        #expect(list.output.hasPrefix(#"{"scope":"s","key":"k","value":{"a":1}"#), "\(list.all)")
        let scopes = try engine.log("state", "ls", "--at", "\(revision)")
        #expect(scopes.output == "{\"scope\":\"s\",\"keys\":1}\n")
        let difference = try engine.log("state", "diff", "--from", "\(revision)")
        #expect(difference.output.contains(#""old":{"a":1}"#), "\(difference.all)")
        #expect(difference.output.contains(#""new":null,"new_revision":0"#))
        let lines = try engine.log("state", "history", "s", "k").output.split(separator: "\n")
        #expect(lines.count == 3)
    }
}
