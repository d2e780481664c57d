import Foundation
import Testing

extension Programs {
    /// `iii state` and `iii-log state`.
    @Suite("The state from the command line")
    struct StateCommandTests {}
}

extension Programs.StateCommandTests {
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
        #expect(try state("ls").output == "s\n")
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
