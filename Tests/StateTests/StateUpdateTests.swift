import JSON
import Primitives
import State
import Testing

@Suite("The operations of state::update")
struct StateUpdateTests {
    @Test(
        "the vectors of the interface",
        arguments: [
            (nil, "[]", "{}", []),
            (nil, #"[{"type":"increment","path":"n","by":2}]"#, #"{"n":2}"#, []),
            (nil, #"[{"type":"increment","path":"","by":2}]"#, "2", []),
            (nil, #"[{"type":"decrement","path":"","by":3}]"#, "-3", []),
            (nil, #"[{"type":"append","value":"a"}]"#, #""a""#, []),
            (nil, #"[{"type":"append","value":{"k":1}}]"#, #"[{"k":1}]"#, []),
            (
                nil, #"[{"type":"set","path":"__proto__","value":1}]"#, "{}",
                ["0 set.path.proto_polluted"]
            ),
            (
                #"{"n":null}"#, #"[{"type":"increment","path":"n","by":1}]"#, #"{"n":null}"#,
                ["0 increment.not_number"]
            ),
            (#"{"n":1.5}"#, #"[{"type":"increment","path":"n","by":1}]"#, #"{"n":2.5}"#, []),
            (
                #"{"n":9223372036854775807}"#, #"[{"type":"increment","path":"n","by":1}]"#,
                #"{"n":9223372036854775808}"#, []
            ),
            (
                "5", #"[{"type":"set","path":"a","value":1}]"#, "5",
                ["0 set.target_not_object"]
            ),
            ("5", #"[{"type":"merge","value":{"a":1}}]"#, "5", []),
            (
                "5", #"[{"type":"merge","path":["a"],"value":{"b":1}}]"#, #"{"a":{"b":1}}"#, []
            ),
            (
                #"{"a":[1]}"#, #"[{"type":"merge","path":["a","b"],"value":{"c":1}}]"#,
                #"{"a":{"b":{"c":1}}}"#, []
            ),
            (
                #"{"a.b":{"x":1}}"#, #"[{"type":"merge","path":"a.b","value":{"y":2}}]"#,
                #"{"a.b":{"x":1,"y":2}}"#, []
            ),
            (
                "{}", #"[{"type":"merge","path":["a",""],"value":{"b":1}}]"#, "{}",
                ["0 merge.path.empty_segment"]
            ),
            (
                "{}", #"[{"type":"merge","value":[1]}]"#, "{}", ["0 merge.value.not_an_object"]
            ),
            ("{}", #"[{"type":"append","path":"log","value":"x"}]"#, #"{"log":"x"}"#, []),
            ("{}", #"[{"type":"append","path":["log"],"value":"x"}]"#, #"{"log":"x"}"#, []),
            (
                "{}", #"[{"type":"append","path":["s","log"],"value":"x"}]"#,
                #"{"s":{"log":["x"]}}"#, []
            ),
            (
                #"{"t":"ab"}"#, #"[{"type":"append","path":"t","value":"c"}]"#, #"{"t":"abc"}"#,
                []
            ),
            (
                #"{"t":"ab"}"#, #"[{"type":"append","path":"t","value":1}]"#, #"{"t":"ab"}"#,
                ["0 append.type_mismatch"]
            ),
            (
                #"{"l":[1]}"#, #"[{"type":"append","path":"l","value":[2,3]}]"#,
                #"{"l":[1,[2,3]]}"#, []
            ),
            (
                #"{"o":{}}"#, #"[{"type":"append","path":"o","value":1}]"#, #"{"o":{}}"#,
                ["0 append.type_mismatch"]
            ),
            (
                "[1]", #"[{"type":"append","path":["a","b"],"value":1}]"#, "[1]",
                ["0 append.target_not_object"]
            ),
            (#"{"a":1}"#, #"[{"type":"remove","path":"b"}]"#, #"{"a":1}"#, []),
            (#"{"a":1}"#, #"[{"type":"remove","path":""}]"#, "null", []),
            (#"{"a":1}"#, #"[{"type":"set","path":""}]"#, "null", []),
            (
                #"{"a":"s"}"#,
                #"[{"type":"increment","path":"a","by":1},{"type":"set","path":"b","value":2}]"#,
                #"{"a":"s","b":2}"#, ["0 increment.not_number"]
            ),
        ] as [(String?, String, String, [String])]
    )
    func vectors(stored: String?, ops: String, expected: String, errors: [String]) throws {
        try check(stored, ops, expected, errors)
    }

    @Test(
        "the rest of the rules",
        arguments: [
            // set
            (#"{"a":1,"b":2}"#, #"[{"type":"set","path":"a","value":0}]"#, #"{"a":0,"b":2}"#, []),
            (#"{"a":1}"#, #"[{"type":"set","path":"a"}]"#, #"{"a":null}"#, []),
            (#"{"a":1}"#, #"[{"type":"set","path":"a.b","value":1}]"#, #"{"a":1,"a.b":1}"#, []),
            // increment, decrement
            ("4", #"[{"type":"increment","path":"","by":-6}]"#, "-2", []),
            ("4", #"[{"type":"decrement","path":"","by":6}]"#, "-2", []),
            (#"{"n":1}"#, #"[{"type":"decrement","path":"n","by":3}]"#, #"{"n":-2}"#, []),
            ("{}", #"[{"type":"decrement","path":"n","by":3}]"#, #"{"n":-3}"#, []),
            ("1.0", #"[{"type":"increment","path":"","by":1}]"#, "2.0", []),
            (
                "18446744073709551614", #"[{"type":"increment","path":"","by":1}]"#,
                "18446744073709551615", []
            ),
            (
                "18446744073709551615", #"[{"type":"increment","path":"","by":1}]"#,
                "18446744073709551615", ["0 increment.not_number"]
            ),
            (
                "-9223372036854775808", #"[{"type":"decrement","path":"","by":1}]"#,
                "-9223372036854775808", ["0 decrement.not_number"]
            ),
            (
                nil, #"[{"type":"decrement","path":"","by":-9223372036854775808}]"#,
                "9223372036854775808", []
            ),
            (
                "null", #"[{"type":"increment","path":"","by":0}]"#, "null",
                ["0 increment.not_number"]
            ),
            (
                #"{"n":"1"}"#, #"[{"type":"decrement","path":"n","by":0}]"#, #"{"n":"1"}"#,
                ["0 decrement.not_number"]
            ),
            (
                "[]", #"[{"type":"increment","path":"n","by":1}]"#, "[]",
                ["0 increment.target_not_object"]
            ),
            (
                "null", #"[{"type":"decrement","path":"n","by":1}]"#, "null",
                ["0 decrement.target_not_object"]
            ),
            // remove
            (#"{"a":1,"b":2}"#, #"[{"type":"remove","path":"a"}]"#, #"{"b":2}"#, []),
            (
                "7", #"[{"type":"remove","path":"a"}]"#, "7", ["0 remove.target_not_object"]
            ),
            (nil, #"[{"type":"remove","path":""}]"#, "null", []),
            // merge
            (
                #"{"a":1,"b":{"x":1}}"#,
                #"[{"type":"merge","path":[],"value":{"b":{"y":2},"c":3}}]"#,
                #"{"a":1,"b":{"y":2},"c":3}"#, []
            ),
            (#"{"a":5}"#, #"[{"type":"merge","path":"a","value":{"b":1}}]"#, #"{"a":{"b":1}}"#, []),
            ("{}", #"[{"type":"merge","path":"","value":{"b":1}}]"#, #"{"b":1}"#, []),
            ("{}", #"[{"type":"merge","path":null,"value":{"b":1}}]"#, #"{"b":1}"#, []),
            ("null", #"[{"type":"merge","path":["a","b"],"value":{}}]"#, #"{"a":{"b":{}}}"#, []),
            ("[1]", #"[{"type":"merge","value":{}}]"#, "[1]", []),
            // append
            ("null", #"[{"type":"append","value":"a"}]"#, #""a""#, []),
            ("null", #"[{"type":"append","value":null}]"#, "[null]", []),
            ("[]", #"[{"type":"append","value":"a"}]"#, #"["a"]"#, []),
            (#""a""#, #"[{"type":"append","path":"","value":"b"}]"#, #""ab""#, []),
            (#""a""#, #"[{"type":"append","value":1}]"#, #""a""#, ["0 append.type_mismatch"]),
            ("5", #"[{"type":"append","value":1}]"#, "5", ["0 append.type_mismatch"]),
            ("{}", #"[{"type":"append","value":1}]"#, "{}", ["0 append.type_mismatch"]),
            ("{}", #"[{"type":"append","path":"l","value":[1]}]"#, #"{"l":[[1]]}"#, []),
            (#"{"l":null}"#, #"[{"type":"append","path":"l","value":1}]"#, #"{"l":[1]}"#, []),
            (
                #"{"l":null}"#, #"[{"type":"append","path":"l","value":"x"}]"#, #"{"l":"x"}"#, []
            ),
            (
                #"{"a":{"l":null}}"#, #"[{"type":"append","path":["a","l"],"value":"x"}]"#,
                #"{"a":{"l":"x"}}"#, []
            ),
            (
                #"{"a":{"l":[1]}}"#, #"[{"type":"append","path":["a","l"],"value":2}]"#,
                #"{"a":{"l":[1,2]}}"#, []
            ),
            (
                #"{"a":5}"#, #"[{"type":"append","path":["a","b","c"],"value":1}]"#,
                #"{"a":{"b":{"c":[1]}}}"#, []
            ),
            (
                #"{"a":{"l":7}}"#, #"[{"type":"append","path":["a","l"],"value":1}]"#,
                #"{"a":{"l":7}}"#, ["0 append.type_mismatch"]
            ),
            (
                "5", #"[{"type":"append","path":"a","value":1}]"#, "5",
                ["0 append.target_not_object"]
            ),
        ] as [(String?, String, String, [String])]
    )
    func rules(stored: String?, ops: String, expected: String, errors: [String]) throws {
        try check(stored, ops, expected, errors)
    }

    @Test(
        "an absent value counts as missing until an operation has made one",
        arguments: [
            (#"{"type":"set","path":"constructor","value":1}"#, #""a""#, []),
            (#"{"type":"remove","path":"x"}"#, #""a""#, []),
            (#"{"type":"merge","value":{}}"#, #""a""#, []),
            (#"{"type":"remove","path":""}"#, #""a""#, []),
            (#"{"type":"set","path":"","value":{}}"#, "{}", ["1 append.type_mismatch"]),
            (#"{"type":"merge","value":{"k":1}}"#, #"{"k":1}"#, ["1 append.type_mismatch"]),
            (#"{"type":"merge","path":"k","value":{}}"#, #"{"k":{}}"#, ["1 append.type_mismatch"]),
            (#"{"type":"increment","path":"n","by":0}"#, #"{"n":0}"#, ["1 append.type_mismatch"]),
        ]
    )
    func missing(first: String, expected: String, errors: [String]) throws {
        let ops = #"[\#(first),{"type":"append","value":"a"}]"#
        let all = first.contains("constructor") ? ["0 set.path.proto_polluted"] : errors
        try check(nil, ops, expected, all)
    }

    /// Runs `ops` on a key that holds `stored` and checks all of the answer.
    private func check(
        _ stored: String?,
        _ ops: String,
        _ expected: String,
        _ errors: [String]
    ) throws {
        var state = StateHarness()
        if let stored { try state.call(.set, #"{"scope":"s","key":"k","value":\#(stored)}"#) }
        let answer = try state.call(.update, #"{"scope":"s","key":"k","ops":\#(ops)}"#)
        let fields = try JSONFields(JSONText(validating: Array(try #require(answer).utf8)))
        #expect(fields.optionalValue("old_value")?.description == stored ?? "null")
        #expect(fields.optionalValue("new_value")?.description == expected)
        #expect(try state.call(.get, #"{"scope":"s","key":"k"}"#) == expected)
        var found: [String] = []
        for error in try fields.optionalArray("errors") ?? [] {
            let error = try JSONFields(error)
            found.append(
                "\(try error.requiredInteger("op_index")) \(try error.requiredString("code"))"
            )
            #expect(try !error.requiredString("message").isEmpty)
            #expect(
                try error.requiredString("doc_url")
                    == "https://iii.dev/docs/workers/iii-state#error-codes"
            )
        }
        #expect(found == errors)
        #expect(fields.has("errors") == !errors.isEmpty)
    }
}

// MARK: Limits of paths and merged values

extension StateUpdateTests {
    @Test("every operation holds its path to the limits, each with its own code")
    func pathLimits() throws {
        let long = String(repeating: "é", count: 128) + "x"
        let fits = String(repeating: "é", count: 128)
        for (type, rest) in [
            ("set", #","value":{}"#), ("merge", #","value":{}"#), ("append", #","value":1"#),
            ("increment", #","by":1"#), ("decrement", #","by":1"#), ("remove", ""),
        ] {
            let op = { (path: String) in #"[{"type":"\#(type)","path":"\#(path)"\#(rest)}]"# }
            for key in ["__proto__", "constructor", "prototype"] {
                #expect(try codes(op(key)) == ["\(type).path.proto_polluted"])
            }
            #expect(try codes(op(long)) == ["\(type).path.segment_too_long"])
            #expect(try codes(op(fits)) == [])
            #expect(try codes(op("Constructor")) == [])
        }
    }

    @Test("paths of several keys are checked key by key, their length first")
    func arrayPaths() throws {
        for (type, value) in [("merge", "{}"), ("append", "1")] {
            let op = { (keys: [String]) in
                let path = keys.map { "\"\($0)\"" }.joined(separator: ",")
                return #"[{"type":"\#(type)","path":[\#(path)],"value":\#(value)}]"#
            }
            let keys = Array(repeating: "k", count: 32)
            #expect(try codes(op(keys)) == [])
            #expect(try codes(op(keys + [""])) == ["\(type).path.too_deep"])
            #expect(try codes(op([""])) == ["\(type).path.empty_segment"])
            #expect(
                try codes(op(["a", "prototype", ""])) == ["\(type).path.proto_polluted"]
            )
            #expect(try codes(op(["a", "", "prototype"])) == ["\(type).path.empty_segment"])
        }
    }

    @Test("merged values are held to their limits, after the path")
    func mergedValues() throws {
        let op = { (value: String) in #"[{"type":"merge","value":\#(value)}]"# }
        let object = { (count: Int) in
            "{" + (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
        }
        let nested = { (depth: Int) in
            String(repeating: #"{"a":"#, count: depth) + "0" + String(repeating: "}", count: depth)
        }
        for value in ["1", "null", "[]", #""x""#, "true"] {
            #expect(try codes(op(value)) == ["merge.value.not_an_object"])
        }
        #expect(try codes(op(object(1024))) == [])
        #expect(try codes(op(object(1025))) == ["merge.value.too_many_keys"])
        #expect(try codes(op(#"{"__proto__":1}"#)) == ["merge.value.proto_polluted"])
        #expect(try codes(op(#"{"a":{"__proto__":1}}"#)) == [])
        #expect(try codes(op(nested(16))) == [])
        #expect(try codes(op(nested(17))) == ["merge.value.too_deep"])
        #expect(
            try codes(#"[{"type":"merge","path":"prototype","value":5}]"#)
                == ["merge.path.proto_polluted"]
        )
    }

    /// The error codes of an update of a missing key.
    private func codes(_ ops: String) throws -> [String] {
        var state = StateHarness()
        let answer = try state.call(.update, #"{"scope":"s","key":"k","ops":\#(ops)}"#)
        let fields = try JSONFields(JSONText(validating: Array(try #require(answer).utf8)))
        var codes: [String] = []
        for error in try fields.optionalArray("errors") ?? [] {
            codes.append(try JSONFields(error).requiredString("code"))
        }
        return codes
    }
}

// MARK: Many operations

extension StateUpdateTests {
    @Test("each of many operations takes as long as the first one", .timeLimit(.minutes(1)))
    func many() throws {
        var state = StateHarness()
        let count = 120_000
        let kinds = [
            #"{"type":"append","path":["a","l"],"value":7}"#,
            #"{"type":"append","path":"t","value":"x"}"#,
            #"{"type":"increment","path":"n","by":1}"#,
        ]
        for kind in kinds {
            let ops = Array(repeating: kind, count: count).joined(separator: ",")
            try state.call(.update, #"{"scope":"s","key":"k","ops":[\#(ops)]}"#)
        }
        let answer = try #require(try state.call(.get, #"{"scope":"s","key":"k"}"#))
        let value = JSONText(trusted: Array(answer.utf8))
        #expect(value.member("a")?.member("l")?.elements?.count == count)
        #expect(value.member("t")?.stringValue?.utf8.count == count)
        #expect(value.member("n")?.description == "\(count)")
    }

    @Test("a number that no 64 bits hold is a double, and counts on as one")
    func largeNumbers() throws {
        var state = StateHarness()
        let number = "123456789012345678901234567890"
        try state.call(.set, #"{"scope":"s","key":"k","value":{"n":\#(number)}}"#)
        try state.call(
            .update,
            #"{"scope":"s","key":"k","ops":[{"type":"decrement","path":"n","by":1}]}"#
        )
        let answer = try #require(try state.call(.get, #"{"scope":"s","key":"k"}"#))
        let value = JSONText(trusted: Array(answer.utf8)).member("n")?.numberValue
        #expect(value == .double(1.2345678901234568e29))
    }
}

// MARK: Golden answer

extension StateUpdateTests {
    @Test("the answer of an update with an error, byte for byte")
    func golden() throws {
        var state = StateHarness()
        try state.call(.set, #"{"scope":"s","key":"k","value":{"n":4,"tag":"x"}}"#)
        let ops =
            #"[{"type":"increment","path":"n","by":2},{"type":"increment","path":"tag","by":1}]"#
        #expect(
            try state.call(.update, #"{"scope":"s","key":"k","ops":\#(ops)}"#)
                == #"{"old_value":{"n":4,"tag":"x"},"new_value":{"n":6,"tag":"x"},"#
                + #""errors":[{"op_index":1,"code":"increment.not_number","#
                + #""message":"\"tag\" is a string, not a number","#
                + #""doc_url":"https://iii.dev/docs/workers/iii-state#error-codes"}]}"#
        )
        #expect(state.log.count == 2)
        #expect(state.log.last?.function == "state::update")
    }
}
