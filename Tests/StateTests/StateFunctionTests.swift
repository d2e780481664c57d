import Events
import JSON
import Primitives
import State
import Testing

@Suite("The functions of the state worker")
struct StateFunctionTests {
    @Test("set answers the old and the new value, null where there was none")
    func set() throws {
        var state = StateHarness()
        let input = #"{"scope":"s","key":"k","value":1}"#
        #expect(try state.call(.set, input) == #"{"old_value":null,"new_value":1}"#)
        let again = #"{"scope":"s","key":"k","value":{"a":[true,null]}}"#
        #expect(
            try state.call(.set, again) == #"{"old_value":1,"new_value":{"a":[true,null]}}"#
        )
        #expect(
            state.log == [
                .set(
                    StateSet(scope: "s", key: "k", value: [0x31], function: "state::set")
                ),
                .set(
                    StateSet(
                        scope: "s",
                        key: "k",
                        value: Array(#"{"a":[true,null]}"#.utf8),
                        function: "state::set",
                        previous: Offset(0)
                    )
                ),
            ]
        )
    }

    @Test("set takes `data` for `value`, and null is a value")
    func valueAlias() throws {
        var state = StateHarness()
        try state.call(.set, #"{"scope":"s","key":"k","data":7}"#)
        #expect(try state.call(.get, #"{"scope":"s","key":"k"}"#) == "7")
        try state.call(.set, #"{"scope":"s","key":"k","value":null}"#)
        #expect(try state.call(.get, #"{"scope":"s","key":"k"}"#) == "null")
        #expect(state.view.keyCount == 1)
    }

    @Test("get and delete answer the bare value, or no value at all")
    func getAndDelete() throws {
        var state = StateHarness()
        let place = #"{"scope":"s","key":"k"}"#
        #expect(try state.decide(.get, place).reply == .ready(.none))
        #expect(try state.decide(.delete, place).reply == .ready(.none))
        #expect(state.log.isEmpty)
        try state.call(.set, #"{"scope":"s","key":"k","value":"v"}"#)
        #expect(try state.call(.get, place) == #""v""#)
        #expect(try state.call(.delete, place) == #""v""#)
        let deleted = StateDeleted(scope: "s", key: "k", previous: Offset(0))
        #expect(state.log.last == .deleted(deleted))
        #expect(try state.decide(.get, place).reply == .ready(.none))
        #expect(try state.decide(.delete, place).reply == .ready(.none))
        #expect(state.log.count == 2)
    }

    @Test("list answers the values in the order in which their keys came")
    func list() throws {
        var state = StateHarness()
        #expect(try state.call(.list, #"{"scope":"s"}"#) == "[]")
        for key in ["c", "a", "b"] {
            try state.call(.set, #"{"scope":"s","key":"\#(key)","value":"\#(key)"}"#)
        }
        #expect(try state.call(.list, #"{"scope":"s"}"#) == #"["c","a","b"]"#)
        try state.call(.set, #"{"scope":"s","key":"c","value":"C"}"#)
        #expect(try state.call(.list, #"{"scope":"s"}"#) == #"["C","a","b"]"#)
        try state.call(.update, #"{"scope":"s","key":"a","ops":[]}"#)
        #expect(try state.call(.list, #"{"scope":"s"}"#) == #"["C","a","b"]"#)
        try state.call(.delete, #"{"scope":"s","key":"c"}"#)
        try state.call(.set, #"{"scope":"s","key":"c","value":"again"}"#)
        #expect(try state.call(.list, #"{"scope":"s"}"#) == #"["a","b","again"]"#)
        #expect(try state.call(.list, #"{"scope":"t"}"#) == "[]")
    }

    @Test("list_groups answers the scopes that hold something, by their bytes")
    func listGroups() throws {
        var state = StateHarness()
        #expect(try state.call(.listGroups, "{}") == #"{"groups":[]}"#)
        for scope in ["b", "", "a", "Z", "é", "z"] {
            try state.call(.set, #"{"scope":"\#(scope)","key":"k","value":1}"#)
            try state.call(.set, #"{"scope":"\#(scope)","key":"l","value":1}"#)
        }
        #expect(
            try state.call(.listGroups, #"{"any":1}"#) == #"{"groups":["","Z","a","b","z","é"]}"#
        )
        try state.call(.delete, #"{"scope":"b","key":"k"}"#)
        #expect(state.view.scopeNames == ["", "Z", "a", "b", "z", "é"])
        try state.call(.delete, #"{"scope":"b","key":"l"}"#)
        #expect(try state.call(.listGroups, "null") == #"{"groups":["","Z","a","z","é"]}"#)
        #expect(state.view.scopeCount == 5)
        #expect(state.view.keyCount == 10)
    }

    @Test("any text is a name: empty, escaped, or differing only in its code points")
    func names() throws {
        var state = StateHarness()
        try state.call(.set, #"{"scope":"","key":"","value":0}"#)
        #expect(try state.call(.get, #"{"scope":"","key":""}"#) == "0")
        try state.call(.set, #"{"scope":"s","key":"\u00e9","value":1}"#)
        try state.call(.set, #"{"scope":"s","key":"e\u0301","value":2}"#)
        #expect(try state.call(.get, #"{"scope":"s","key":"é"}"#) == "1")
        #expect(try state.call(.list, #"{"scope":"s"}"#) == "[1,2]")
        try state.call(.set, #"{"scope":"s","key":"a\nb","value":3}"#)
        #expect(try state.call(.get, #"{"scope":"s","key":"a\u000ab"}"#) == "3")
    }

    @Test(
        "a value comes back as it went in, but for blanks between its tokens",
        arguments: [
            ("1", "1"), ("1.0", "1.0"), ("-0", "-0"), ("1e300", "1e300"), ("1.50", "1.50"),
            ("9223372036854775807", "9223372036854775807"),
            ("18446744073709551615", "18446744073709551615"),
            ("true", "true"), (#""a b\t\" \\""#, #""a b\t\" \\""#),
            ("{ \"a\" : [ 1 ,\n2 ] }", #"{"a":[1,2]}"#),
            (#"{"b":" x ", "a":"\\"}"#, #"{"b":" x ","a":"\\"}"#),
            (#"["\"", " ", "\\\" "]"#, #"["\""," ","\\\" "]"#),
            ("[ ]", "[]"), (#""é 😀""#, #""é 😀""#),
        ]
    )
    func fidelity(value: String, stored: String) throws {
        var state = StateHarness()
        let answer = try state.call(.set, #"{"scope":"s","key":"k","value":\#(value)}"#)
        #expect(answer == #"{"old_value":null,"new_value":\#(stored)}"#)
        #expect(try state.call(.get, #"{"scope":"s","key":"k"}"#) == stored)
    }

    @Test("unknown fields, such as the caller's id, are ignored")
    func unknownFields() throws {
        var state = StateHarness()
        try state.call(
            .set,
            #"{"_caller_worker_id":"9b2d","scope":"s","key":"k","value":1,"ttl":5}"#
        )
        #expect(try state.call(.get, #"{"x":{},"scope":"s","key":"k"}"#) == "1")
    }

    @Test("deciding changes nothing")
    func decidingIsPure() throws {
        var state = StateHarness()
        try state.call(.set, #"{"scope":"s","key":"k","value":1}"#)
        let digest = state.view.digest()
        for (function, input) in [
            (StateFunction.set, #"{"scope":"s","key":"k","value":2}"#),
            (.update, #"{"scope":"s","key":"n","ops":[]}"#),
            (.delete, #"{"scope":"s","key":"k"}"#),
        ] {
            let text = try JSONText(validating: Array(input.utf8))
            #expect(
                try state.view.decide(
                    function,
                    input: text,
                    at: state.moment,
                    read: state.value(at:)
                ).changes != []
            )
            #expect(state.view.digest() == digest)
        }
    }
}

// MARK: What an answer waits for

extension StateFunctionTests {
    @Test("an answer waits for the youngest record that it depends on, and for no other")
    func dependencies() throws {
        var state = StateHarness()
        let get = { (key: String, scope: String) in #"{"scope":"\#(scope)","key":"\#(key)"}"# }
        let set = { (key: String, scope: String) in
            #"{"scope":"\#(scope)","key":"\#(key)","value":1}"#
        }
        // Nothing was ever written.
        #expect(try state.decide(.get, get("a", "s")).after == nil)
        #expect(try state.decide(.list, #"{"scope":"s"}"#).after == nil)
        #expect(try state.decide(.listGroups, "{}").after == nil)

        try state.call(.set, set("a", "s"))  // 0
        try state.call(.set, set("b", "s"))  // 1
        try state.call(.set, set("a", "t"))  // 2
        try state.call(.set, set("b", "t"))  // 3
        #expect(try state.decide(.get, get("a", "s")).after == Offset(0))
        #expect(try state.decide(.get, get("z", "s")).after == Offset(1))
        #expect(try state.decide(.list, #"{"scope":"s"}"#).after == Offset(1))
        #expect(try state.decide(.listGroups, "{}").after == Offset(2))
        #expect(try state.decide(.delete, get("z", "s")).after == Offset(1))

        // What is not there may have been deleted a moment ago.
        try state.call(.delete, get("b", "s"))  // 4
        #expect(try state.decide(.get, get("b", "s")).after == Offset(4))
        #expect(try state.decide(.get, get("a", "s")).after == Offset(0))
        #expect(try state.decide(.listGroups, "{}").after == Offset(2))
        try state.call(.delete, get("a", "s"))  // 5
        #expect(try state.decide(.get, get("a", "s")).after == Offset(5))
        #expect(try state.decide(.list, #"{"scope":"s"}"#).after == Offset(5))
        #expect(try state.decide(.listGroups, "{}").after == Offset(5))
        #expect(try state.decide(.get, get("a", "t")).after == Offset(2))
    }

    @Test("a list that no message holds is refused before all of it has been read")
    func largeList() throws {
        var state = StateHarness(cacheBytes: 0)
        for number in 0..<20 {
            try state.call(.set, #"{"scope":"s","key":"\#(number)","value":1}"#)
        }
        let large = [UInt8](repeating: 0x31, count: Limits.messageBytes / 8)
        let input = JSONText(trusted: Array(#"{"scope":"s"}"#.utf8))
        var reads = 0
        var code: String?
        do throws(ErrorBody) {
            _ = try state.view.decide(.list, input: input, at: state.moment) {
                (_) throws(ErrorBody) in
                reads += 1
                return large
            }
        } catch {
            code = error.code
        }
        #expect(code == "payload_too_large")
        #expect(reads == 8)
    }

    @Test("a write waits for its own record only")
    func writes() throws {
        var state = StateHarness()
        for (function, input) in [
            (StateFunction.set, #"{"scope":"s","key":"k","value":1}"#),
            (.update, #"{"scope":"s","key":"k","ops":[]}"#),
            (.delete, #"{"scope":"s","key":"k"}"#),
        ] {
            let decision = try state.decide(function, input)
            #expect(decision.changes.count == 1)
            #expect(decision.after == nil)
        }
    }
}
