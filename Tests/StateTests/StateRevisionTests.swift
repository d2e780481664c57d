import Events
import JSON
import Primitives
import Testing

@testable import State

@Suite("Revisions of the state")
struct StateRevisionTests {
    private static let place = #""scope":"s","key":"k""#

    private func harness() throws -> StateHarness {
        var state = StateHarness()
        // A log begins with the engine's start: no key has revision 0.
        try state.call(.set, #"{"scope":"first","key":"f","value":0}"#)
        return state
    }

    private func set(_ value: String, _ more: String) -> String {
        "{\(Self.place),\"value\":\(value),\(more)}"
    }

    @Test("a write that expects a revision is made at that one only")
    func conditionalSet() throws {
        var state = try harness()
        let steps = [
            (set("1", #""if_revision":7"#), #"{"outcome":"not_found","revision":0}"#),
            (
                set("1", #""if_revision":0"#),
                #"{"outcome":"applied","revision":1,"old_value":null,"new_value":1}"#
            ),
            (set("1", #""if_revision":null"#), #"{"old_value":1,"new_value":1}"#),
            (set("2", #""if_revision":3"#), #"{"outcome":"conflict","revision":2}"#),
            (
                set("2", #""if_revision":2"#),
                #"{"outcome":"applied","revision":3,"old_value":1,"new_value":2}"#
            ),
            (set("3", #""with_revision":false"#), #"{"old_value":2,"new_value":3}"#),
            (
                set("4", #""with_revision":true"#),
                #"{"outcome":"applied","revision":5,"old_value":3,"new_value":4}"#
            ),
        ]
        for (input, answer) in steps { #expect(try state.call(.set, input) == answer, "\(input)") }
        #expect(state.log.count == 6)
    }

    @Test("so are an update and a deletion")
    func conditionalChange() throws {
        var state = try harness()
        try state.call(.set, set("1", #""x":0"#))
        let ops = #""ops":[{"type":"increment","path":"","by":1}]"#
        #expect(
            try state.call(.update, "{\(Self.place),\(ops),\"if_revision\":9}")
                == #"{"outcome":"conflict","revision":1}"#
        )
        #expect(
            try state.call(.update, "{\(Self.place),\(ops),\"if_revision\":1}")
                == #"{"outcome":"applied","revision":2,"old_value":1,"new_value":2}"#
        )
        #expect(
            try state.call(.delete, "{\(Self.place),\"if_revision\":1}")
                == #"{"outcome":"conflict","revision":2}"#
        )
        #expect(
            try state.call(.delete, "{\(Self.place),\"if_revision\":2}")
                == #"{"outcome":"applied","revision":3,"old_value":2}"#
        )
        for more in [#""if_revision":2"#, #""if_revision":0"#, #""with_revision":true"#] {
            #expect(
                try state.call(.delete, "{\(Self.place),\(more)}")
                    == #"{"outcome":"not_found","revision":0}"#
            )
        }
        #expect(state.log.count == 4)
        #expect(try state.call(.delete, "{\(Self.place)}") == nil, "plain answers stay as they are")
    }

    @Test("a key that came back has another revision than before")
    func noABA() throws {
        var state = try harness()
        try state.call(.set, set("1", #""x":0"#))
        try state.call(.delete, "{\(Self.place)}")
        try state.call(.set, set("1", #""x":0"#))
        let answer = try state.call(.set, set("2", #""if_revision":1"#))
        #expect(answer == #"{"outcome":"conflict","revision":3}"#)
    }

    @Test(
        "get tells the revision where that is asked for, in memory or not",
        arguments: [0, Int.max]
    )
    func get(cacheBytes: Int) throws {
        var state = StateHarness(cacheBytes: cacheBytes)
        try state.call(.set, #"{"scope":"first","key":"f","value":0}"#)
        let ask = "{\(Self.place),\"with_revision\":true}"
        #expect(try state.call(.get, ask) == #"{"value":null,"revision":0}"#)
        try state.call(.set, set("null", #""x":0"#))
        #expect(try state.call(.get, ask) == #"{"value":null,"revision":1}"#)
        try state.call(.set, set("[1]", #""ttl_ms":1500"#))
        #expect(
            try state.call(.get, ask)
                == #"{"value":[1],"revision":2,"expires_at":1900000001500}"#
        )
        #expect(try state.call(.get, "{\(Self.place)}") == "[1]")
        #expect(
            try state.call(.set, set("5", #""with_revision":true"#))
                == #"{"outcome":"applied","revision":3,"old_value":[1],"new_value":5}"#
        )
    }

    @Test("what a key was since its last write is what it is", arguments: [0, Int.max])
    func sinceLastWrite(cacheBytes: Int) throws {
        var state = StateHarness(cacheBytes: cacheBytes)
        try state.call(.set, #"{"scope":"first","key":"f","value":0}"#)
        try state.call(.set, set("1", #""x":0"#))
        try state.call(.set, set("[2]", #""ttl_ms":1500"#))
        try state.call(.set, #"{"scope":"first","key":"f","value":3}"#)
        for offset in [2, 3] {
            let decision = try state.decide(.get, "{\(Self.place),\"at\":\(offset)}")
            #expect(decision.after == Offset(UInt64(offset)))
            #expect(try state.call(.get, "{\(Self.place),\"at\":\(offset)}") == "[2]")
            #expect(
                try state.call(.get, "{\(Self.place),\"at\":\(offset),\"with_revision\":true}")
                    == #"{"value":[2],"revision":2,"expires_at":1900000001500}"#
            )
        }
        // Anything else the log has to tell: what is before, behind the end, or of another key.
        for (key, offset) in [("k", 1), ("k", 4), ("none", 3)] {
            let input = #"{"scope":"s","key":"\#(key)","at":\#(offset)}"#
            let question = StateQuestion.Value(
                scope: "s",
                key: key,
                at: .offset(Offset(UInt64(offset))),
                withRevision: false
            )
            #expect(try state.decide(.get, input).reply == .log(.value(question)))
        }
    }

    @Test(
        "what is no revision is refused",
        arguments: ["-1", "1.0", "\"1\"", "true", "[]", "9223372036854775807"]
    )
    func malformed(revision: String) throws {
        var state = try harness()
        #expect(throws: ErrorBody.self) {
            try state.call(.set, set("1", "\"if_revision\":\(revision)"))
        }
        #expect(state.log.count == 1)
    }

    // MARK: Several keys

    @Test("entries of a scope come page by page, by the bytes of their keys")
    func entries() throws {
        var state = try harness()
        for key in ["b2", "a", "b1", "c", "b3"] {
            try state.call(.set, #"{"scope":"s","key":"\#(key)","value":"\#(key)"}"#)
        }
        func row(_ key: String, _ revision: Int) -> String {
            #"{"key":"\#(key)","value":"\#(key)","revision":\#(revision)}"#
        }
        func page(_ rows: [String], _ cursor: String) -> String {
            #"{"entries":[\#(rows.joined(separator: ","))],"cursor":\#(cursor)}"#
        }
        #expect(
            try state.call(.entries, #"{"scope":"s","limit":2}"#)
                == page([row("a", 2), row("b1", 3)], "\"b1\"")
        )
        #expect(
            try state.call(.entries, #"{"scope":"s","limit":3,"cursor":"b1"}"#)
                == page([row("b2", 1), row("b3", 5), row("c", 4)], "null")
        )
        #expect(
            try state.call(.entries, #"{"scope":"s","prefix":"b","limit":3}"#)
                == page([row("b1", 3), row("b2", 1), row("b3", 5)], "null")
        )
        #expect(
            try state.call(.entries, #"{"scope":"s","key_prefix":"c","prefix":null}"#)
                == page([row("c", 4)], "null")
        )
        #expect(try state.call(.entries, #"{"scope":"none"}"#) == page([], "null"))
        #expect(throws: ErrorBody.self) {
            try state.call(.entries, #"{"scope":"s","limit":1001}"#)
        }
    }

    @Test("pages list every key once, whatever their size", arguments: [1, 2, 7, 100])
    func pages(limit: Int) throws {
        var state = StateHarness()
        let keys = (0..<57).map { "k\($0 * 7919 % 101)" }
        for key in keys { try state.call(.set, #"{"scope":"s","key":"\#(key)","value":1}"#) }
        var found: [String] = []
        var cursor = ""
        repeat {
            let answer = try #require(
                try state.call(.entries, #"{"scope":"s","limit":\#(limit)\#(cursor)}"#)
            )
            let page = JSONText(trusted: Array(answer.utf8))
            found +=
                page.member("entries")?.elements?.compactMap {
                    $0.member("key")?.stringValue
                } ?? []
            cursor = page.member("cursor")?.stringValue.map { #","cursor":"\#($0)""# } ?? ""
        } while !cursor.isEmpty
        #expect(found == keys.sorted())
    }

    @Test("get_many answers in the order of the question")
    func getMany() throws {
        var state = try harness()
        try state.call(.set, set("1", #""x":0"#))
        #expect(
            try state.call(.getMany, #"{"scope":"s","keys":["x","k",{"scope":"first","key":"f"}]}"#)
                == #"{"values":[{"value":null,"revision":0},{"value":1,"revision":1},"#
                + #"{"value":0,"revision":0}]}"#
        )
        #expect(throws: ErrorBody.self) { try state.call(.getMany, #"{"keys":["x"]}"#) }
    }

    @Test("a transaction writes all, with revisions that follow each other")
    func transact() throws {
        var state = try harness()
        try state.call(.set, set("1", #""x":0"#))
        try state.call(.set, #"{"scope":"s","key":"gone","value":2}"#)
        let input = """
            {"checks":[{"scope":"s","key":"new","if_revision":0}],"writes":[
            {"type":"set","scope":"s","key":"new","value":3},
            {"type":"update","scope":"s","key":"k","if_revision":1,
             "ops":[{"type":"increment","path":"","by":5}]},
            {"type":"delete","scope":"s","key":"gone"},
            {"type":"delete","scope":"s","key":"never"}]}
            """
        #expect(
            try state.call(.transact, input)
                == #"{"outcome":"applied","revision":5,"results":["#
                + #"{"scope":"s","key":"new","revision":3},"#
                + #"{"scope":"s","key":"k","revision":4,"new_value":6},"#
                + #"{"scope":"s","key":"gone","revision":5},"#
                + #"{"scope":"s","key":"never","revision":0}]}"#
        )
        #expect(state.log.count == 6)
        #expect(
            try state.call(.transact, input)
                == #"{"outcome":"conflict","conflicts":["#
                + #"{"check":0,"scope":"s","key":"new","revision":3},"#
                + #"{"write":1,"scope":"s","key":"k","revision":4}]}"#
        )
        #expect(state.log.count == 6)
        let replayed = state.replayed().digest()
        #expect(replayed == state.view.digest())
    }

    @Test(
        "one bad write fails the whole transaction",
        arguments: [
            #"{"type":"set","scope":"s","key":"a","value":1}"#,
            #"{"type":"merge","scope":"s","key":"b"}"#, #"{"type":"set","scope":"s","key":"b"}"#,
            #"{"type":"update","scope":"s","key":"b","ops":[{"type":"x"}]}"#, "1",
        ]
    )
    func badWrite(write: String) throws {
        var state = try harness()
        let good = #"{"type":"set","scope":"s","key":"a","value":1}"#
        #expect(throws: ErrorBody.self) {
            try state.call(.transact, #"{"writes":[\#(good),\#(write)]}"#)
        }
        #expect(throws: ErrorBody.self) {
            try state.call(.transact, #"{"checks":[{"scope":"s","key":"a"}]}"#)
        }
        #expect(state.log.count == 1)
    }

    // MARK: Expiry

    private func expire(_ state: inout StateHarness, after milliseconds: Int64) -> [String] {
        state.now = state.now.advanced(by: .milliseconds(milliseconds))
        let changes = state.view.takeExpired(now: state.now, limit: 100)
        for event in changes.compactMap(\.event) { state.record(event) }
        return changes.map(\.key)
    }

    @Test("a value goes when its time is over, unless it was written again")
    func expiry() throws {
        var state = StateHarness()
        for (key, more) in [
            ("a", #","ttl_ms":1000"#), ("b", #","expires_at":1900000002000"#), ("c", ""),
            ("d", #","ttl_ms":1000"#), ("e", #","ttl_ms":1000"#),
        ] {
            try state.call(.set, #"{"scope":"s","key":"\#(key)","value":1\#(more)}"#)
        }
        // A set forgets the time, an update keeps it.
        try state.call(.set, #"{"scope":"s","key":"d","value":2}"#)
        try state.call(.update, #"{"scope":"s","key":"e","ops":[]}"#)
        #expect(state.view.nextExpiry == state.now.advanced(by: .milliseconds(1000)))
        #expect(expire(&state, after: 999) == [])
        #expect(expire(&state, after: 1) == ["a", "e"])
        #expect(expire(&state, after: 1000) == ["b"])
        #expect(try state.call(.list, #"{"scope":"s"}"#) == "[1,2]")
        #expect(state.view.nextExpiry == nil)
        guard case .deleted(let last)? = state.log.last else { return #expect(Bool(false)) }
        #expect(last == StateDeleted(scope: "s", key: "b", reason: .expired, previous: Offset(1)))
        #expect(state.replayed().digest() == state.view.digest())
    }

    @Test("an update that says when its value goes sets that anew, alone and among others")
    func updatedExpiry() throws {
        var state = StateHarness()
        let add = #""ops":[{"type":"increment","path":"","by":1}]"#
        try state.call(.update, "{\(Self.place),\(add),\"ttl_ms\":1000}")
        #expect(state.view.nextExpiry == state.now.advanced(by: .milliseconds(1000)))
        try state.call(.update, "{\(Self.place),\(add),\"ttl_ms\":null}")
        #expect(state.view.nextExpiry == state.now.advanced(by: .milliseconds(1000)))
        let write = #"{"type":"update",\#(Self.place),\#(add),"ttl_ms":5000}"#
        try state.call(.transact, #"{"writes":[\#(write)]}"#)
        #expect(try state.call(.get, "{\(Self.place)}") == "3")
        #expect(expire(&state, after: 4999) == [])
        #expect(throws: ErrorBody.self) {
            try state.call(.update, "{\(Self.place),\(add),\"ttl_ms\":0}")
        }
        #expect(expire(&state, after: 1) == ["k"])
        #expect(state.replayed().digest() == state.view.digest())
    }

    @Test("a key that is written again and again leaves no heap of times behind")
    func tidiness() throws {
        var state = StateHarness()
        for _ in 0..<5000 { try state.call(.set, set("1", #""ttl_ms":100000"#)) }
        #expect(state.view.expiryCount < 2048)
        #expect(expire(&state, after: 100_000) == ["k"])
    }

    @Test(
        "what is no time is refused",
        arguments: [
            #""ttl_ms":0"#, #""ttl_ms":-1"#, #""ttl_ms":1.5"#, #""ttl_ms":9223372036854775807"#,
            #""expires_at":-1"#, #""expires_at":9223372036854775807"#,
            #""ttl_ms":1,"expires_at":1"#,
        ]
    )
    func noTime(fields: String) throws {
        var state = StateHarness()
        #expect(throws: ErrorBody.self) { try state.call(.set, set("1", fields)) }
    }
}
