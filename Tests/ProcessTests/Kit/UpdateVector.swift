import Testing

/// One vector of services 1, C.2: what is stored, what is done, what is there then, what failed.
struct UpdateVector: Sendable {
    let stored: String?
    let operations: String
    let new: String
    let errors: [String]

    init(_ stored: String?, _ operations: String, _ new: String, _ errors: String...) {
        self.stored = stored
        self.operations = operations
        self.new = new
        self.errors = errors
    }

    static let deep = (0..<33).map { "\"\($0)\"" }.joined(separator: ",")
    static let long = String(repeating: "x", count: 257)
    static let nested =
        String(repeating: #"{"a":"#, count: 17) + "1" + String(repeating: "}", count: 17)
    static let wide = "{" + (0..<1025).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"

    /// The table of the interface.
    static let table = [
        UpdateVector(nil, "[]", "{}"),
        UpdateVector(nil, #"[{"type":"increment","path":"n","by":2}]"#, #"{"n":2}"#),
        UpdateVector(nil, #"[{"type":"increment","path":"","by":2}]"#, "2"),
        UpdateVector(nil, #"[{"type":"decrement","path":"","by":3}]"#, "-3"),
        UpdateVector(nil, #"[{"type":"append","value":"a"}]"#, #""a""#),
        UpdateVector(nil, #"[{"type":"append","value":{"k":1}}]"#, #"[{"k":1}]"#),
        UpdateVector(
            nil,
            #"[{"type":"set","path":"__proto__","value":1}]"#,
            "{}",
            "0 set.path.proto_polluted"
        ),
        UpdateVector(
            #"{"n":null}"#,
            #"[{"type":"increment","path":"n","by":1}]"#,
            #"{"n":null}"#,
            "0 increment.not_number"
        ),
        UpdateVector(#"{"n":1.5}"#, #"[{"type":"increment","path":"n","by":1}]"#, #"{"n":2.5}"#),
        UpdateVector(
            #"{"n":9223372036854775807}"#,
            #"[{"type":"increment","path":"n","by":1}]"#,
            #"{"n":9223372036854775808}"#
        ),
        UpdateVector(
            "5",
            #"[{"type":"set","path":"a","value":1}]"#,
            "5",
            "0 set.target_not_object"
        ),
        UpdateVector("5", #"[{"type":"merge","value":{"a":1}}]"#, "5"),
        UpdateVector("5", #"[{"type":"merge","path":["a"],"value":{"b":1}}]"#, #"{"a":{"b":1}}"#),
        UpdateVector(
            #"{"a":[1]}"#,
            #"[{"type":"merge","path":["a","b"],"value":{"c":1}}]"#,
            #"{"a":{"b":{"c":1}}}"#
        ),
        UpdateVector(
            #"{"a.b":{"x":1}}"#,
            #"[{"type":"merge","path":"a.b","value":{"y":2}}]"#,
            #"{"a.b":{"x":1,"y":2}}"#
        ),
        UpdateVector(
            "{}",
            #"[{"type":"merge","path":["a",""],"value":{"b":1}}]"#,
            "{}",
            "0 merge.path.empty_segment"
        ),
        UpdateVector(
            "{}",
            #"[{"type":"merge","value":[1]}]"#,
            "{}",
            "0 merge.value.not_an_object"
        ),
        UpdateVector("{}", #"[{"type":"append","path":"log","value":"x"}]"#, #"{"log":"x"}"#),
        UpdateVector("{}", #"[{"type":"append","path":["log"],"value":"x"}]"#, #"{"log":"x"}"#),
        UpdateVector(
            "{}",
            #"[{"type":"append","path":["s","log"],"value":"x"}]"#,
            #"{"s":{"log":["x"]}}"#
        ),
        UpdateVector(
            #"{"t":"ab"}"#,
            #"[{"type":"append","path":"t","value":"c"}]"#,
            #"{"t":"abc"}"#
        ),
        UpdateVector(
            #"{"t":"ab"}"#,
            #"[{"type":"append","path":"t","value":1}]"#,
            #"{"t":"ab"}"#,
            "0 append.type_mismatch"
        ),
        UpdateVector(
            #"{"l":[1]}"#,
            #"[{"type":"append","path":"l","value":[2,3]}]"#,
            #"{"l":[1,[2,3]]}"#
        ),
        UpdateVector(
            #"{"o":{}}"#,
            #"[{"type":"append","path":"o","value":1}]"#,
            #"{"o":{}}"#,
            "0 append.type_mismatch"
        ),
        UpdateVector(
            "[1]",
            #"[{"type":"append","path":["a","b"],"value":1}]"#,
            "[1]",
            "0 append.target_not_object"
        ),
        UpdateVector(#"{"a":1}"#, #"[{"type":"remove","path":"b"}]"#, #"{"a":1}"#),
        UpdateVector(#"{"a":1}"#, #"[{"type":"remove","path":""}]"#, "null"),
        UpdateVector(#"{"a":1}"#, #"[{"type":"set","path":""}]"#, "null"),
        UpdateVector(
            #"{"a":"s"}"#,
            #"[{"type":"increment","path":"a","by":1},{"type":"set","path":"b","value":2}]"#,
            #"{"a":"s","b":2}"#,
            "0 increment.not_number"
        ),
    ]

    /// The rules beside the table.
    static let rules = [
        UpdateVector(
            "{}",
            #"[{"type":"merge","path":[\#(deep)],"value":{}}]"#,
            "{}",
            "0 merge.path.too_deep"
        ),
        UpdateVector(
            "{}",
            #"[{"type":"append","path":["\#(long)"],"value":1}]"#,
            "{}",
            "0 append.path.segment_too_long"
        ),
        UpdateVector(
            "{}",
            #"[{"type":"remove","path":"constructor"},{"type":"increment","path":"prototype","by":1}]"#,
            "{}",
            "0 remove.path.proto_polluted",
            "1 increment.path.proto_polluted"
        ),
        UpdateVector(
            "{}",
            #"[{"type":"merge","value":\#(nested)}]"#,
            "{}",
            "0 merge.value.too_deep"
        ),
        UpdateVector(
            "{}",
            #"[{"type":"merge","value":\#(wide)}]"#,
            "{}",
            "0 merge.value.too_many_keys"
        ),
        UpdateVector(
            "{}",
            #"[{"type":"merge","value":{"__proto__":1}}]"#,
            "{}",
            "0 merge.value.proto_polluted"
        ),
        UpdateVector(
            "5",
            #"[{"type":"decrement","path":"a","by":1}]"#,
            "5",
            "0 decrement.target_not_object"
        ),
        UpdateVector(
            #""s""#,
            #"[{"type":"decrement","path":"","by":1}]"#,
            #""s""#,
            "0 decrement.not_number"
        ),
        UpdateVector("5", #"[{"type":"remove","path":"a"}]"#, "5", "0 remove.target_not_object"),
        UpdateVector("null", #"[{"type":"append","value":"a"}]"#, #""a""#),
        UpdateVector(
            #"{"a":{"l":null}}"#,
            #"[{"type":"append","path":["a","l"],"value":1}]"#,
            #"{"a":{"l":[1]}}"#
        ),
        UpdateVector("4", #"[{"type":"append","value":1}]"#, "4", "0 append.type_mismatch"),
        UpdateVector(
            "18446744073709551615",
            #"[{"type":"increment","path":"","by":1}]"#,
            "18446744073709551615",
            "0 increment.not_number"
        ),
        UpdateVector(
            #"{"a":1}"#,
            #"[{"type":"merge","path":null,"value":{"b":2}}]"#,
            #"{"a":1,"b":2}"#
        ),
        UpdateVector(#"{"a":1}"#, #"[{"type":"merge","path":[],"value":{"a":2}}]"#, #"{"a":2}"#),
        UpdateVector(#"{"a":1}"#, #"[{"type":"set","path":"b","extra":1}]"#, #"{"a":1,"b":null}"#),
    ]

    /// The operations that fail a whole call.
    static let refused = [
        #"{}"#, #"[{"type":"put","path":"a"}]"#, #"[{"type":"set"}]"#,
        #"[{"type":"increment","path":"a"}]"#, #"[{"type":"increment","path":"a","by":1.5}]"#,
        #"[{"type":"increment","path":"a","by":"1"}]"#, #"[{"type":"remove"}]"#,
        #"[{"type":"merge","path":"a"}]"#, #"[{"type":"append","path":"a"}]"#,
        #"[{"type":"set","path":["a"],"value":1}]"#, #"["set"]"#, #"[{"path":"a"}]"#,
    ]

    /// What `function` has to answer, the errors as `index code`.
    func check(_ reply: Envelope, _ name: String) {
        guard let result = reply["result"] as? Envelope else {
            Issue.record("\(name) \(operations): \(JSON.text(reply))")
            return
        }
        let expected = JSON.text(JSON.value(new))
        #expect(JSON.text(result["new_value"]) == expected, "\(name) \(operations)")
        let old = stored.map { JSON.text(JSON.value($0)) } ?? "null"
        #expect(JSON.text(result["old_value"]) == old, "\(name) \(operations)")
        let found = result["errors"] as? [Envelope]
        // No error, no list.
        #expect((found == nil) == errors.isEmpty, "\(name) \(operations)")
        let codes = (found ?? []).map { "\($0["op_index"] ?? "?") \($0["code"] ?? "?")" }
        #expect(codes == errors, "\(name) \(operations)")
        #expect((found ?? []).allSatisfy { $0["message"] is String })
    }
}
