import JSON
import Primitives
import State
import Testing

@Suite("What the state worker refuses")
struct StateErrorTests {
    @Test(
        "an input that is not what the function takes",
        arguments: [
            (StateFunction.set, "{}", #"missing field "scope""#),
            (.set, "null", #"missing field "scope""#),
            (.set, "[]", "expected an object, found an array"),
            (.set, #""x""#, "expected an object, found a string"),
            (.set, #"{"scope":"s"}"#, #"missing field "key""#),
            (.set, #"{"scope":"s","key":"k"}"#, #"missing field "value""#),
            (
                .set, #"{"scope":"s","key":"k","value":1,"data":1}"#,
                #""value" and "data" are one field; send one"#
            ),
            (
                .set, #"{"scope":"s","key":"k","value":null,"data":null}"#,
                #""value" and "data" are one field; send one"#
            ),
            (
                .set, #"{"scope":5,"key":"k","value":1}"#,
                #"field "scope": expected a string, found an integer"#
            ),
            (
                .set, #"{"scope":"s","key":null,"value":1}"#,
                #"field "key": expected a string, found null"#
            ),
            (.get, #"{"key":"k"}"#, #"missing field "scope""#),
            (.get, #"{"scope":"s"}"#, #"missing field "key""#),
            (.delete, #"{"scope":"s"}"#, #"missing field "key""#),
            (.list, "{}", #"missing field "scope""#),
            (.listGroups, "7", "expected an object, found an integer"),
            (.update, #"{"scope":"s","key":"k"}"#, #"missing field "ops""#),
            (
                .update, #"{"scope":"s","key":"k","ops":{}}"#,
                #"field "ops": expected an array, found an object"#
            ),
            (
                .update, #"{"scope":"s","key":"k","ops":null}"#,
                #"field "ops": expected an array, found null"#
            ),
        ] as [(StateFunction, String, String)]
    )
    func input(function: StateFunction, input: String, reason: String) {
        var state = StateHarness()
        let message = "Failed to deserialize input for \(function.rawValue): \(reason)"
        #expect(throws: ErrorBody(code: "deserialization_error", message: message)) {
            try state.call(function, input)
        }
    }

    @Test(
        "a misspelt field of a function that only this engine has",
        arguments: [
            (
                StateFunction.transact, #"{"check":[],"writes":[]}"#,
                #"unknown field "check"; did you mean "checks"?"#
            ),
            (
                .transact, #"{"checks":[{"scope":"s","key":"k","if_revison":1}]}"#,
                #"unknown field "checks[0].if_revison"; did you mean "if_revision"?"#
            ),
            (
                .transact, #"{"writes":[{"scope":"s","key":"k","if_version":1}]}"#,
                #"unknown field "writes[0].if_version"; did you mean "if_revision"?"#
            ),
            (
                .changes, #"{"since":1}"#,
                #"unknown field "since"; allowed: scope, prefix, key_prefix, after, limit, wait_ms"#
            ),
            (
                .changes, #"{"prefix":"a","key_prefix":"a"}"#,
                #""prefix" and "key_prefix" are one field; send one"#
            ),
            (
                .entries, #"{"scope":"s","curser":"a"}"#,
                #"unknown field "curser"; did you mean "cursor"?"#
            ),
            (
                .history, #"{"scope":"s","key":"k","after":1}"#,
                #"unknown field "after"; allowed: scope, key, before, limit"#
            ),
            (
                .getMany, #"{"scope":"s","keys":[],"key":"k"}"#,
                #"unknown field "key"; did you mean "keys"?"#
            ),
        ] as [(StateFunction, String, String)]
    )
    func misspelt(function: StateFunction, input: String, reason: String) {
        self.input(function: function, input: input, reason: reason)
    }

    @Test("what is put into an input on the way is no misspelt field, nor is what is told anyway")
    func foreignFields() throws {
        var state = StateHarness()
        let id = #""_caller_worker_id":"9b2d""#
        for (function, fields) in [
            (StateFunction.transact, #""writes":[]"#), (.changes, #""after":0"#),
            (.entries, #""scope":"s""#), (.history, #""scope":"s","key":"k""#),
            (.getMany, #""keys":[]"#),
        ] {
            try state.decide(function, "{\(id),\"with_revision\":true,\(fields)}")
        }
    }

    @Test(
        "an operation that cannot be read fails the whole update",
        arguments: [
            ("5", #"field "ops[1]": expected an object, found an integer"#),
            ("{}", #"missing field "ops[1].type""#),
            (
                #"{"type":"incr","path":"a"}"#,
                #"field "ops[1].type": expected one of set, increment, decrement, remove, merge, "#
                    + #"append, found "incr""#
            ),
            (
                #"{"type":"SET","path":"a"}"#,
                #"field "ops[1].type": expected one of set, increment, decrement, remove, merge, "#
                    + #"append, found "SET""#
            ),
            (#"{"type":"set"}"#, #"missing field "ops[1].path""#),
            (
                #"{"type":"set","path":["a"]}"#,
                #"field "ops[1].path": expected a string, found an array"#
            ),
            (
                #"{"type":"remove","path":null}"#,
                #"field "ops[1].path": expected a string, found null"#
            ),
            (#"{"type":"increment","by":1}"#, #"missing field "ops[1].path""#),
            (#"{"type":"increment","path":"a"}"#, #"missing field "ops[1].by""#),
            (
                #"{"type":"increment","path":"a","by":1.0}"#,
                #"field "ops[1].by": expected an integer, "#
                    + "found a number with a fraction or an exponent"
            ),
            (
                #"{"type":"decrement","path":"a","by":9223372036854775808}"#,
                #"field "ops[1].by": expected an integer, found a number beyond 64 bits"#
            ),
            (
                #"{"type":"decrement","path":"a","by":"1"}"#,
                #"field "ops[1].by": expected an integer, found a string"#
            ),
            (#"{"type":"merge","path":"a"}"#, #"missing field "ops[1].value""#),
            (#"{"type":"append","path":"a"}"#, #"missing field "ops[1].value""#),
            (
                #"{"type":"append","path":7,"value":1}"#,
                #"field "ops[1].path": expected a string, an array of strings or null, "#
                    + "found an integer"
            ),
            (
                #"{"type":"merge","path":["a",1],"value":{}}"#,
                #"field "ops[1].path": expected a string, an array of strings or null, "#
                    + "found an array"
            ),
        ]
    )
    func operations(operation: String, reason: String) throws {
        var state = StateHarness()
        let message = "Failed to deserialize input for state::update: \(reason)"
        let ops = #"[{"type":"set","path":"a","value":1},\#(operation)]"#
        #expect(throws: ErrorBody(code: "deserialization_error", message: message)) {
            try state.call(.update, #"{"scope":"s","key":"k","ops":\#(ops)}"#)
        }
        #expect(state.view.keyCount == 0)
    }

    @Test("names beyond the limit, with the function's own code")
    func longNames() throws {
        var state = StateHarness()
        let longest = String(repeating: "k", count: Limits.nameBytes)
        let tooLong = longest + "k"
        try state.call(.set, #"{"scope":"\#(longest)","key":"\#(longest)","value":1}"#)
        for (function, code) in [
            (StateFunction.set, "SET_ERROR"), (.get, "GET_ERROR"), (.delete, "DELETE_ERROR"),
            (.update, "UPDATE_ERROR"),
        ] {
            let error = ErrorBody(
                code: code,
                message: "the key is 4097 bytes long; at most 4096 are allowed"
            )
            #expect(throws: error) {
                try state.call(function, #"{"scope":"s","key":"\#(tooLong)","value":1,"ops":[]}"#)
            }
        }
        let error = ErrorBody(
            code: "LIST_ERROR",
            message: "the scope is 4097 bytes long; at most 4096 are allowed"
        )
        #expect(throws: error) { try state.call(.list, #"{"scope":"\#(tooLong)"}"#) }
    }

    @Test("values beyond max_value_bytes of compact JSON, in state::set alone")
    func valueTooLarge() throws {
        var state = StateHarness(maxValueBytes: 10)
        try state.call(.set, #"{"scope":"s","key":"k","value":[ 1, 2, 3, 45 ]}"#)
        let error = ErrorBody(
            code: "VALUE_TOO_LARGE",
            message: #"the value of "k" in scope "s" is 11 bytes of compact JSON; "#
                + "max_value_bytes is 10"
        )
        #expect(throws: error) {
            try state.call(.set, #"{"scope":"s","key":"k","value":[1,2,3,456]}"#)
        }
        #expect(try state.call(.get, #"{"scope":"s","key":"k"}"#) == "[1,2,3,45]")
        try state.call(
            .update,
            #"{"scope":"s","key":"k","ops":[{"type":"set","path":"","value":"longer than ten"}]}"#
        )
        #expect(try state.call(.get, #"{"scope":"s","key":"k"}"#) == #""longer than ten""#)
    }

    @Test("values that no record could hold, with the function's own code")
    func valueBeyondRecord() throws {
        var state = StateHarness()
        let half = String(repeating: "x", count: Limits.recordBytes / 2)
        let append = #"{"scope":"s","key":"k","ops":[{"type":"append","value":"\#(half)"}]}"#
        try state.call(.update, append)
        #expect(throws: ErrorBody.self) { try state.call(.update, append) }
        let codes = try codes(of: [
            (.update, append), (.set, #"{"scope":"s","key":"k","value":"\#(half)\#(half)"}"#),
        ])
        #expect(codes == ["UPDATE_ERROR", "SET_ERROR"])

        func codes(of calls: [(StateFunction, String)]) throws -> [String] {
            var codes: [String] = []
            for (function, input) in calls {
                let text = try JSONText(validating: Array(input.utf8))
                do throws(ErrorBody) {
                    _ = try state.view.decide(
                        function,
                        input: text,
                        at: state.moment,
                        read: state.value(at:)
                    )
                } catch {
                    codes.append(error.code)
                }
            }
            return codes
        }
    }

    @Test("values that are nested too deeply to be sent and read back")
    func tooDeepValue() throws {
        var state = StateHarness()
        func set(_ levels: Int) -> String {
            let open = String(repeating: "[", count: levels)
            let value = open + String(repeating: "]", count: levels)
            return #"{"scope":"s","key":"k","value":\#(value)}"#
        }
        let error = ErrorBody(
            code: "SET_ERROR",
            message: #"the new value of "k" in scope "s" would be nested deeper than 124 levels"#
        )
        #expect(throws: error) { try state.call(.set, set(125)) }
        try state.call(.set, set(124))
    }

    @Test("updates that nest a value too deeply to be sent and read back")
    func tooDeep() throws {
        var state = StateHarness()
        let deep = String(repeating: "[", count: 110) + String(repeating: "]", count: 110)
        let path = (0..<20).map { #""p\#($0)""# }.joined(separator: ",")
        let ops = #"[{"type":"append","path":[\#(path)],"value":\#(deep)}]"#
        let error = ErrorBody(
            code: "UPDATE_ERROR",
            message: #"the new value of "k" in scope "s" would be nested 131 levels deep; "#
                + "at most 124 are allowed"
        )
        #expect(throws: error) {
            try state.call(.update, #"{"scope":"s","key":"k","ops":\#(ops)}"#)
        }
    }
}
