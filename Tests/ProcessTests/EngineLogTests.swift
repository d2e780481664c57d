import Foundation
import Testing

extension Programs {
    /// `iii-log --engine`: the log of a running engine, by its address.
    @Suite("The log of a running engine")
    struct EngineLogTests {
        let engine: EngineProcess

        init() throws { engine = try EngineProcess.started() }
    }
}

extension Programs.EngineLogTests {
    private func log(_ arguments: String...) throws -> Outcome {
        try run([Project.log] + arguments, in: engine.scratch)
    }

    @Test("Its verbs answer as with the directory that it has, before the verb and behind it")
    func verbs() throws {
        let client = try RawWorker(engine)
        for number in 0..<20 {
            _ = try client.ask("state::set", ["scope": "s", "key": "k\(number)", "value": number])
        }
        let value = try log("--engine", engine.url, "state", "get", "s", "k7")
        #expect(value.ending == .exit(0), "\(value.all)")
        #expect(try engine.log("state", "get", "s", "k7").output == value.output)
        let listed = try log("ls", "--engine", engine.url)
        #expect(listed.ending == .exit(0), "\(listed.all)")
        let row = JSON.object(String(listed.output.prefix { $0 != "\n" }))
        #expect(row["first_offset"] as? Int == 0, "\(listed.all)")
        #expect(row["pinned_by"] is NSNull, "\(listed.all)")
        for verb in ["show", "verify", "stats"] {
            let told = try log("--engine", engine.url, verb)
            #expect(told.ending == .exit(0), "\(verb): \(told.all)")
            #expect(!told.output.isEmpty, "\(verb): \(told.all)")
        }
        let copy = engine.scratch("copy")
        #expect(try log("backup", copy, "--engine", engine.url).ending == .exit(0))
        #expect(try log("-D", copy, "verify", "--semantic").ending == .exit(0))
    }

    @Test("The files are handed out as they are")
    func files() throws {
        let client = try RawWorker.ready(engine)
        let list = try client.ask("engine::segments::list", [String: Any]())
        let found = try #require(list["result"] as? Envelope, "\(JSON.text(list))")
        let segments = try #require(found["segments"] as? [Envelope])
        #expect(segments.first?["segment"] as? Int == 0)
        #expect((found["data"] as? String)?.hasSuffix("/data") == true)
        let part: Envelope = ["segment": 0, "position": 0, "bytes": 4096]
        let read = try client.ask("engine::segments::read", part)
        let answer = try #require(read["result"] as? Envelope, "\(JSON.text(read))")
        let file = "\(engine.data)/log/00000000000000000000.seg"
        let bytes = try #require(FileManager.default.contents(atPath: file)?.prefix(4096))
        let digits = bytes.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        #expect(answer["bytes"] as? String == digits.joined())
    }

    @Test("Who names two logs, or an engine that is not there, is told so")
    func refused() throws {
        for wrong in [
            ["-D", engine.data, "--engine", engine.url, "ls"],
            ["--engine", "http://127.0.0.1:1", "ls"],
            ["repair", "--dry-run", "--engine", engine.url],
        ] {
            let outcome = try run([Project.log] + wrong, in: engine.scratch)
            #expect(outcome.ending == .exit(2), "\(wrong): \(outcome.all)")
        }
        let none = try log("--engine", "ws://127.0.0.1:1", "ls")
        #expect(none.ending == .exit(3), "\(none.all)")
        #expect(none.errors.contains("error[cannot_connect]"), "\(none.all)")
    }
}
