import Foundation
import Glibc
import JSON
import LogTools
import Testing

@Suite struct ExportTests {
    private func export(
        _ log: StoredLog,
        _ paths: String...,
        of term: String? = nil
    ) throws -> (text: String, outcome: Export.Outcome) {
        var filter = RecordFilter()
        if let term { try filter.add(term) }
        let output = Output()
        let outcome = try Export(log.pass, filter, Redaction(paths)).run(to: output)
        return (output.collected, outcome)
    }

    /// What is left of `payload` without what is at `paths`.
    private func payload(_ payload: String, without paths: String) throws -> String {
        var story = Story()
        _ = story.enqueue("default", "f", at: 0, cause: nil, payload: payload)
        let (text, _) = try export(StoredLog(story), paths)
        let record = try JSONText(validating: Array(text.utf8))
        #expect(record.member("event")?.member("queue")?.stringValue == "default")
        return try #require(record.member("event")?.member("payload")).description
    }

    private func refusal(_ paths: String...) -> ToolError.Code? {
        codeOf { () throws(ToolError) in _ = try Redaction(paths) }
    }

    @Test("an export is what show prints as JSON, whole or in part")
    func lines() throws {
        let log = try StoredLog(.hello())
        let (text, outcome) = try export(log)
        let shown = try log.show { $0.style = .json }
        #expect(text == shown)
        #expect(outcome.records == 13)
        let (some, few) = try export(log, of: "queue=default")
        #expect(few.records == 3)
        let part = try log.show { options in
            options.style = .json
            try options.filter.add("queue=default")
        }
        #expect(some == part)
    }

    @Test("what is at a path is hidden, and nothing else is changed")
    func paths() throws {
        let text =
            #"{"card":{"number":"4111","name":"x"},"n":1.50,"#
            + #""items":[{"pin":1},{"pin":[2]},3],"pin":null,"big":12345678901234567890123}"#
        #expect(
            try payload(text, without: "payload.card.number")
                == text.replacingOccurrences(of: #""4111""#, with: #""[REDACTED]""#)
        )
        #expect(
            try payload(text, without: "payload.items.*.pin,*.pin,payload.card")
                == #"{"card":"[REDACTED]","n":1.50,"items":[{"pin":"[REDACTED]"},"#
                + #"{"pin":"[REDACTED]"},3],"pin":"[REDACTED]","big":12345678901234567890123}"#
        )
        #expect(
            try payload(text, without: "payload.items.1")
                == text.replacingOccurrences(of: #"{"pin":[2]}"#, with: #""[REDACTED]""#)
        )
        #expect(try payload(text, without: "payload.pin.deeper,input.pin") == text)
        #expect(try payload(text, without: "payload") == #""[REDACTED]""#)
        #expect(try payload(text, without: "receipt") == text)
    }

    @Test("a key that is there twice is hidden twice; with escapes it is the same key")
    func keys() throws {
        #expect(
            try payload(#"{"pin":1,"pin":2,"\u0070in":3}"#, without: "*.pin")
                == #"{"pin":"[REDACTED]","pin":"[REDACTED]","pin":"[REDACTED]"}"#
        )
    }

    @Test("what a path leads into and is no JSON is hidden whole")
    func broken() throws {
        let broken = #"{"pin": "4111"#
        #expect(try payload(broken, without: "*.pin") == #""[REDACTED]""#)
        #expect(try payload(broken, without: "input.pin").contains("4111"))
    }

    @Test("the paths that nothing was at are told")
    func unmet() throws {
        let log = try StoredLog(.hello())
        let paths = ["payload.nope", "payload.id", "result.*.message", "item"]
        var filter = RecordFilter()
        try filter.add("queue=default")
        let some = try Export(log.pass, filter, Redaction(paths)).run(to: Output())
        #expect(some.unmet == ["payload.nope", "result.*.message", "item"])
        // Of the records that were not asked for, one has a result with a message.
        let all = try export(log, "result.*.message").outcome
        #expect(all.unmet == [])
    }

    @Test("a key with points is led to as it is written, whole or in part")
    func points() throws {
        let text = #"{"user.email":"x@y","user":{"email":"x@y","a.b":{"c":1}},"n.p":[{"q.r":2}]}"#
        #expect(
            try payload(text, without: "payload.user.email")
                == text.replacingOccurrences(of: "x@y", with: "[REDACTED]")
        )
        let cases = [
            ("payload.user.a.b.c", #""c":1"#, #""c":"[REDACTED]""#),
            ("payload.n.p.0.q.r", #""q.r":2"#, #""q.r":"[REDACTED]""#),
            ("payload.*.*.q.r", #""q.r":2"#, #""q.r":"[REDACTED]""#),
            ("payload.user.*.c", #""c":1"#, #""c":"[REDACTED]""#),
            ("payload.user.a.b.d", "", ""),
            ("payload.n", "", ""),
        ]
        for (path, old, new) in cases {
            let expected = old.isEmpty ? text : text.replacingOccurrences(of: old, with: new)
            #expect(try payload(text, without: path) == expected, "\(path)")
        }
    }

    @Test("a path below one that is hidden is met where something is there")
    func hiddenBelow() throws {
        var story = Story()
        let payload = #"{"card":{"number":1}}"#
        _ = story.enqueue("q", "f", at: 0, cause: nil, payload: payload)
        let paths = "payload,payload.card,payload.card.number,payload.nope"
        let (text, outcome) = try export(StoredLog(story), paths)
        #expect(text.contains(#""payload":"[REDACTED]""#))
        #expect(outcome.unmet == ["payload.nope"])
        let deeper = try export(StoredLog(story), "payload.card,payload.card.number").outcome
        #expect(deeper.unmet == [])
    }

    @Test("what is no path, or leads nowhere ever, is refused before anything is written")
    func refused() {
        for path in ["", "payload.", ".x", "payload..x", "payload.a,"] {
            #expect(refusal(path) == .malformedPath, "'\(path)'")
        }
        for path in ["paylod.card", "event.payload.card", "offset", "payload.a, payload.b"] {
            #expect(refusal(path) == .unknownField, "'\(path)'")
        }
        #expect(refusal("payload.a,*.b", "result") == nil)
        #expect(refusal() == nil)
    }

    @Test("a file is a new one, for its owner alone, and is gone where it was not finished")
    func files() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/records.jsonl"
        func permissions() -> mode_t? {
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
        }
        func make(isFinished: Bool) throws(ToolError) {
            let file = try NewFile(path)
            let output = Output { file.write($0) }
            output.line("one")
            output.flush()
            if isFinished { try file.finish() }
        }
        try make(isFinished: false)
        #expect(permissions() == nil)
        try make(isFinished: true)
        #expect(permissions() == 0o600)
        let code = codeOf { () throws(ToolError) in try make(isFinished: true) }
        #expect(code == .fileExists)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "one\n")
        let lost = codeOf { () throws(ToolError) in
            _ = try NewFile("\(scratch.path)/none/records.jsonl")
        }
        #expect(lost == .notWritten)
    }

    @Test("a file has its name when it is whole, and never that of another")
    func names() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/records.jsonl"
        func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
        func write(_ text: String, _ file: NewFile) {
            let output = Output { file.write($0) }
            output.line(text)
            output.flush()
        }
        // As if a program had been ended.
        try "old and longer\n".write(toFile: "\(path).part", atomically: false, encoding: .utf8)
        let file = try NewFile(path)
        write("one", file)
        #expect(text(path) == nil)
        #expect(text("\(path).part") == "one\n")
        try file.finish()
        #expect(text(path) == "one\n")
        #expect(text("\(path).part") == nil)

        let other = "\(scratch.path)/other.jsonl"
        let late = try NewFile(other)
        write("two", late)
        try "here\n".write(toFile: other, atomically: false, encoding: .utf8)
        #expect(codeOf { () throws(ToolError) in try late.finish() } == .fileExists)
        #expect(text(other) == "here\n")

        let both = "\(scratch.path)/both.jsonl"
        let first = try NewFile(both)
        write("first", first)
        let second = try NewFile(both)
        write("second", second)
        #expect(codeOf { () throws(ToolError) in try first.finish() } == .notWritten)
        try second.finish()
        #expect(text(both) == "second\n")
    }
}
