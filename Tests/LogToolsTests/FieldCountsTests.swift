import LogTools
import Primitives
import Testing

@Suite struct FieldCountsTests {
    private func lines(_ write: (Output) -> Void) -> [String] {
        let output = Output()
        write(output)
        return output.collected.split(separator: "\n").map(String.init)
    }

    private func filter(_ terms: String...) throws -> RecordFilter {
        var filter = RecordFilter()
        for term in terms { try filter.add(term) }
        return filter
    }

    // MARK: Fields

    @Test("fields are listed with the kinds that have them, those of every record first")
    func fields() throws {
        let log = try StoredLog(.hello())
        let counts = try FieldCounts(log.pass, RecordFilter())
        let lines = lines { counts.writeJSON(to: $0) }
        #expect(lines.first?.hasPrefix(#"{"field":"offset","records":13,"kinds":{"#) == true)
        #expect(
            lines.contains(
                #"{"field":"queue","records":3,"kinds":{"acked":1,"delivered":1,"enqueued":1}}"#
            )
        )
        #expect(lines.contains(#"{"field":"body","records":1,"kinds":{"logged":1}}"#))
        #expect(!lines.contains { $0.contains(#""field":"scheduled""#) })
        let trace = lines.first { $0.contains(#""field":"trace""#) }
        #expect(trace?.contains(#""records":8,"#) == true)
    }

    @Test("every field that is listed can be asked for")
    func accepted() throws {
        let log = try StoredLog(.hello())
        let counts = try FieldCounts(log.pass, RecordFilter())
        let table = lines { counts.write(to: $0, palette: .plain) }
        #expect(table[0].hasPrefix("FIELD"))
        #expect(table[1].hasSuffix("  (all)"))
        #expect(table.count > 30)
        for line in table.dropFirst() {
            let name = line.prefix { $0 != " " }
            if name != "kind" { _ = try filter("\(name)=x") }
        }
    }

    @Test("what is asked for alone is looked at")
    func chosen() throws {
        let log = try StoredLog(.hello())
        let counts = try FieldCounts(log.pass, filter("kind=acked"))
        let table = lines { counts.write(to: $0, palette: .plain) }
        let names = table.map { line in line.prefix { $0 != " " } }
        #expect(
            names == [
                "FIELD", "offset", "time", "kind", "trace", "cause", "duration_ms", "message",
                "queue",
            ]
        )
        #expect(try FieldCounts(log.pass, filter("queue=other")).isEmpty)
    }

    // MARK: Values

    @Test("values are counted, the most frequent first, as many as are wanted")
    func values() throws {
        let log = try StoredLog(.hello())
        let kinds = try ValueCounts(log.pass, of: "kind", RecordFilter())
        let all = lines { kinds.writeJSON(to: $0) }
        #expect(all.count == 11)
        #expect(all[0] == #"{"value":"worker_described","records":2}"#)
        #expect(all[2] == #"{"value":"acked","records":1}"#)
        let two = lines { kinds.writeJSON(to: $0, limit: 2) }
        #expect(two == Array(all[..<2]))
        let shown = lines { kinds.write(to: $0, limit: 1) }
        #expect(shown == ["         2  worker_described"])
        let attempts = try ValueCounts(log.pass, of: "attempt", RecordFilter())
        let numbers = lines { attempts.writeJSON(to: $0) }
        #expect(numbers == [#"{"value":1,"records":1}"#])
        let chosen = try ValueCounts(log.pass, of: "function", filter("kind=enqueued"))
        let functions = lines { chosen.writeJSON(to: $0) }
        #expect(functions == [#"{"value":"greet::process","records":1}"#])
        #expect(try ValueCounts(log.pass, of: "scheduled", RecordFilter()).isEmpty)
    }

    @Test("JSON is one value however it is spaced, and no JSON is a text")
    func payloads() throws {
        var story = Story()
        for payload in [#"{"a":1}"#, #"{ "a" : 1 }"#, "{oops", "\"\""] {
            _ = story.enqueue("q", "f", at: 0, cause: nil, payload: payload)
        }
        let log = try StoredLog(story)
        let counts = try ValueCounts(log.pass, of: "payload", RecordFilter())
        let found = lines { counts.writeJSON(to: $0) }
        #expect(
            found == [
                #"{"value":{"a":1},"records":2}"#, #"{"value":"","records":1}"#,
                #"{"value":"{oops","records":1}"#,
            ]
        )
        let shown = lines { counts.write(to: $0) }
        #expect(shown[1] == "         1  \"\"")
    }

    @Test("beyond the limit values are counted together")
    func limit() throws {
        let log = try StoredLog(.hello())
        let some = try ValueCounts(log.pass, of: "offset", RecordFilter(), limit: 2)
        #expect(some.untold == 11)
        let found = lines { some.writeJSON(to: $0) }
        #expect(
            found == [
                #"{"value":0,"records":1}"#, #"{"value":1,"records":1}"#,
                #"{"value":null,"others":true,"records":11}"#,
            ]
        )
        let shown = lines { some.write(to: $0) }
        #expect(shown.last == "        11  (others)")
    }

    @Test("values of a field that there never is are refused")
    func unknown() throws {
        let log = try StoredLog(.hello())
        let code = codeOf { () throws(ToolError) in
            _ = try ValueCounts(log.opened(), of: "quue", RecordFilter())
        }
        #expect(code == .unknownField)
    }
}
