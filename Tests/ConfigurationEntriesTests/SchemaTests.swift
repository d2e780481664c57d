import JSON
import Testing

@testable import ConfigurationEntries

@Suite("JSON Schema")
struct SchemaTests {
    struct Case: Sendable {
        let schema: String
        let valid: [String]
        let invalid: [String]
    }

    static let cases = [
        Case(schema: "true", valid: ["1", "null"], invalid: []),
        Case(schema: "false", valid: [], invalid: ["1", "null"]),
        Case(schema: "{}", valid: ["1", "{}"], invalid: []),
        Case(
            schema: #"{"type":"integer"}"#,
            valid: ["1", "1.0", "-3"],
            invalid: ["1.5", "\"1\""]
        ),
        Case(schema: #"{"type":["string","null"]}"#, valid: ["\"\"", "null"], invalid: ["1"]),
        Case(schema: #"{"type":"number"}"#, valid: ["1", "1.5"], invalid: ["true"]),
        Case(schema: #"{"enum":[1,"a"]}"#, valid: ["1", "1.0", "\"a\""], invalid: ["2", "null"]),
        Case(schema: #"{"const":{"a":[1]}}"#, valid: [#"{"a":[1.0]}"#], invalid: [#"{"a":[]}"#]),
        Case(
            schema: #"{"minimum":2,"maximum":4}"#,
            valid: ["2", "4", "\"x\""],
            invalid: ["1", "5"]
        ),
        Case(
            schema: #"{"exclusiveMinimum":2,"exclusiveMaximum":4}"#,
            valid: ["3"],
            invalid: ["2", "4"]
        ),
        Case(schema: #"{"minimum":2,"exclusiveMinimum":true}"#, valid: ["3"], invalid: ["2"]),
        Case(schema: #"{"multipleOf":0.1}"#, valid: ["0.3", "2"], invalid: ["0.25"]),
        Case(
            schema: #"{"minimum":18446744073709551615}"#,
            valid: ["18446744073709551615"],
            invalid: ["18446744073709551614"]
        ),
        Case(
            schema: #"{"minLength":2,"maxLength":3}"#,
            valid: ["\"äö\""],
            invalid: ["\"ä\"", "\"abcd\""]
        ),
        Case(schema: #"{"pattern":"^a+$"}"#, valid: ["\"aa\"", "1"], invalid: ["\"ab\"", "\"\""]),
        Case(schema: #"{"items":{"type":"string"}}"#, valid: ["[]", "[\"a\"]"], invalid: ["[1]"]),
        Case(
            schema: #"{"prefixItems":[{"type":"string"}],"items":false}"#,
            valid: ["[]", "[\"a\"]"],
            invalid: ["[1]", "[\"a\",1]"]
        ),
        Case(
            schema: #"{"items":[{"type":"string"}],"additionalItems":{"type":"null"}}"#,
            valid: ["[\"a\",null]"],
            invalid: ["[\"a\",1]"]
        ),
        Case(schema: #"{"minItems":1,"maxItems":2}"#, valid: ["[1]"], invalid: ["[]", "[1,2,3]"]),
        Case(
            schema: #"{"uniqueItems":true}"#,
            valid: ["[1,2]", #"[1,"1",true,null,[1],{"a":1}]"#, #"[{"a":1},{"b":1},["a"],"a"]"#],
            invalid: [
                "[1,2,1.0]", "[0.0,0]", "[[1],[1.0]]", #"["a","b","a"]"#,
                #"[{"a":1,"b":[2]},{"b":[2.0],"a":1}]"#,
                "[18446744073709551615,1,18446744073709551615]",
            ]
        ),
        Case(schema: #"{"contains":{"type":"null"}}"#, valid: ["[1,null]"], invalid: ["[1]"]),
        Case(
            schema: #"{"contains":{"type":"null"},"minContains":0,"maxContains":1}"#,
            valid: ["[]", "[null]"],
            invalid: ["[null,null]"]
        ),
        Case(
            schema: #"{"properties":{"a":{"type":"integer"}},"required":["a"]}"#,
            valid: [#"{"a":1}"#, #"{"a":1,"b":2}"#],
            invalid: ["{}", #"{"a":"x"}"#]
        ),
        Case(
            schema: #"{"properties":{"a":{}},"additionalProperties":false}"#,
            valid: [#"{"a":1}"#],
            invalid: [#"{"b":1}"#]
        ),
        Case(
            schema:
                #"{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#,
            valid: [#"{"x-a":"1"}"#],
            invalid: [#"{"x-a":1}"#, #"{"y":1}"#]
        ),
        Case(
            schema: #"{"propertyNames":{"maxLength":2}}"#,
            valid: [#"{"ab":1}"#],
            invalid: [#"{"abc":1}"#]
        ),
        Case(
            schema: #"{"minProperties":1,"maxProperties":1}"#,
            valid: [#"{"a":1}"#],
            invalid: ["{}"]
        ),
        Case(
            schema: #"{"dependentRequired":{"a":["b"]}}"#,
            valid: ["{}", #"{"a":1,"b":1}"#],
            invalid: [#"{"a":1}"#]
        ),
        Case(
            schema: #"{"dependencies":{"a":{"required":["b"]}}}"#,
            valid: ["{}", #"{"a":1,"b":1}"#],
            invalid: [#"{"a":1}"#]
        ),
        Case(
            schema: #"{"allOf":[{"minimum":1},{"maximum":3}]}"#,
            valid: ["2"],
            invalid: ["0", "4"]
        ),
        Case(schema: #"{"anyOf":[{"const":1},{"const":2}]}"#, valid: ["1", "2"], invalid: ["3"]),
        Case(
            schema: #"{"oneOf":[{"minimum":1},{"maximum":3}]}"#,
            valid: ["0", "4"],
            invalid: ["2"]
        ),
        Case(schema: #"{"not":{"type":"null"}}"#, valid: ["1"], invalid: ["null"]),
        Case(
            schema: #"{"if":{"const":1},"then":false,"else":{"type":"string"}}"#,
            valid: ["\"a\""],
            invalid: ["1", "2"]
        ),
        Case(
            schema: ##"{"$defs":{"n":{"type":"null"}},"items":{"$ref":"#/$defs/n"}}"##,
            valid: ["[null]"],
            invalid: ["[1]"]
        ),
        Case(
            schema: ##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##,
            valid: [#"{"v":1,"next":{"v":2}}"#],
            invalid: [#"{"v":1,"next":{}}"#]
        ),
        Case(
            schema: ##"{"$defs":{"a/b%":{"type":"null"}},"$ref":"#/$defs/a~1b%25"}"##,
            valid: ["null"],
            invalid: ["1"]
        ),
        Case(schema: #"{"format":"email","title":"x"}"#, valid: ["\"none\""], invalid: []),
    ]

    @Test("every keyword takes what it should, and nothing else", arguments: cases)
    func keywords(sample: Case) throws {
        let schema = try Schema(JSONText(validating: Array(sample.schema.utf8)))
        for text in sample.valid {
            let value = try JSONText(validating: Array(text.utf8)).value()
            #expect(schema.violation(of: value) == nil, "\(sample.schema) takes \(text)")
        }
        for text in sample.invalid {
            let value = try JSONText(validating: Array(text.utf8)).value()
            #expect(schema.violation(of: value) != nil, "\(sample.schema) refuses \(text)")
        }
    }

    @Test(
        "what is no schema is refused, with its place",
        arguments: [
            (#"1"#, "#"), (#"{"type":"strin"}"#, "#/type"), (#"{"type":[]}"#, "#/type"),
            (#"{"properties":{"a":3}}"#, "#/properties/a"), (#"{"required":"a"}"#, "#/required"),
            (#"{"minLength":-1}"#, "#/minLength"), (#"{"multipleOf":0}"#, "#/multipleOf"),
            (#"{"pattern":"(a"}"#, "#/pattern"), (#"{"allOf":[]}"#, "#/allOf"),
            (##"{"$ref":"#/nowhere"}"##, "#/$ref"), (#"{"$ref":"http://x/y"}"#, "#/$ref"),
            (#"{"items":{"anyOf":[{"enum":1}]}}"#, "#/items/anyOf/0/enum"),
            (#"{"unevaluatedProperties":false}"#, "#/unevaluatedProperties"),
            (##"{"$ref":"#/x","x":{"multipleOf":0}}"##, "#/x/multipleOf"),
            (##"{"x":[{"$ref":"#/y"}],"$ref":"#/x/0","y":{"type":1}}"##, "#/y/type"),
        ]
    )
    func refused(text: String, place: String) throws {
        let text = try JSONText(validating: Array(text.utf8))
        let error = #expect(throws: SchemaError.self) { try Schema(text) }
        #expect(error?.place == place)
    }

    @Test("what is wrong is told with its place")
    func told() throws {
        let text = #"{"properties":{"ports":{"items":{"maximum":65535}}}}"#
        let schema = try Schema(JSONText(validating: Array(text.utf8)))
        let value = JSONText(trusted: Array(#"{"ports":[80,70000]}"#.utf8)).value()
        #expect(schema.violation(of: value) == "/ports/1 must be at most 65535")
        let choice = try Schema(JSONText(trusted: Array(#"{"enum":[1,"a"]}"#.utf8)))
        #expect(choice.violation(of: .null) == #"the value must be one of [1,"a"]"#)
        let needy = try Schema(JSONText(trusted: Array(#"{"required":["a"]}"#.utf8)))
        #expect(needy.violation(of: .object([:])) == #"the value needs "a""#)
    }

    @Test("a schema that leads in circles, or doubles at every step, ends")
    func endless() throws {
        let circle = try Schema(JSONText(trusted: Array(##"{"$ref":"#"}"##.utf8)))
        #expect(circle.violation(of: .null) == "the schema is too costly to check")
        let text = ##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##
        let doubling = try Schema(JSONText(trusted: Array(text.utf8)))
        #expect(doubling.violation(of: .null) == "the schema is too costly to check")
        let any = ##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}"##
        let choice = try Schema(JSONText(trusted: Array(any.utf8)))
        #expect(choice.violation(of: .null) == "the schema is too costly to check")
    }

    private static func list(_ element: String, _ count: Int) -> String {
        Array(repeating: element, count: count).joined(separator: ",")
    }

    /// A schema that asks for the same `count` times.
    private static func schema(_ rule: String, times count: Int) -> String {
        let references = list(##"{"$ref":"#/$defs/r"}"##, count)
        return #"{"allOf":[\#(references)],"$defs":{"r":\#(rule)}}"#
    }

    private static let zeros = list("0", 1199)
    private static let manyZeros = "[\(list("0", 20_000))]"
    private static let longText = "\"\(String(repeating: "a", count: 100_000))\""
    /// Schemas that take no time for each value, and values that take no time for each rule.
    static let costly: [(schema: String, value: String)] = [
        (
            #"{"allOf":[\#(list(#"{"uniqueItems":true}"#, 390))]}"#,
            "[\((0..<100).map { "[\(zeros),\($0)]" }.joined(separator: ","))]"
        ),
        (schema(#"{"enum":[\#(manyZeros)]}"#, times: 2000), manyZeros),
        (schema(#"{"const":\#(manyZeros)}"#, times: 2000), manyZeros),
        (schema(#"{"const":\#(longText)}"#, times: 2000), longText),
        (schema(#"{"const":{\#(longText):1}}"#, times: 2000), "{\(longText):1}"),
        (schema(#"{"maxLength":200000}"#, times: 2000), longText),
        (schema(#"{"required":[\#(list(#""a""#, 20_000))]}"#, times: 2000), #"{"a":1}"#),
        (schema(#"{"dependencies":{"a":[\#(list(#""a""#, 20_000))]}}"#, times: 2000), #"{"a":1}"#),
        (schema(#"{"type":[\#(list(#""null""#, 20_000))]}"#, times: 2000), "null"),
    ]

    @Test(
        "whatever is looked at counts, so that no small schema takes minutes",
        .timeLimit(.minutes(1)),
        arguments: costly.indices
    )
    func tooCostly(number: Int) throws {
        let (schema, value) = Self.costly[number]
        let held = try Schema(JSONText(validating: Array(schema.utf8)))
        let wrong = held.violation(of: try JSONText(validating: Array(value.utf8)).value())
        #expect(wrong == "the schema is too costly to check")
    }

    @Test("elements are told apart without comparing each with each", .timeLimit(.minutes(1)))
    func manyElements() throws {
        let schema = try Schema(JSONText(trusted: Array(#"{"uniqueItems":true}"#.utf8)))
        let numbers = (0..<100_000).map { JSONValue.integer($0) }
        #expect(schema.violation(of: .array(numbers)) == nil)
        let twice = schema.violation(of: .array(numbers + [.integer(7)]))
        #expect(twice == "the value has the same element twice")
    }

    @Test("long names on the way to a value are not written out for each", .timeLimit(.minutes(1)))
    func longNames() throws {
        let name = String(repeating: "n", count: 8 << 20)
        let members = (0..<50_000).map { #""\#($0)":{}"# }.joined(separator: ",")
        let text = #"{"properties":{"\#(name)":{"properties":{\#(members)}}}}"#
        let schema = try Schema(JSONText(validating: Array(text.utf8)))
        let value = #"{"\#(name)":{\#(members)}}"#
        #expect(schema.violation(of: try JSONText(validating: Array(value.utf8)).value()) == nil)
    }

    @Test(
        "expressions match what ECMA-262 says",
        arguments: [
            ("a|bc", "xbcx", true), ("^(a|bc)$", "abc", false), ("^[a-c]+$", "abcabc", true),
            ("^[^a-c]$", "d", true), ("^[^a-c]$", "b", false), (#"^\d{2,3}$"#, "12", true),
            (#"^\d{2,3}$"#, "1234", false), (#"^\d{2,}$"#, "12345", true), ("^a?b$", "b", true),
            (#"\bcat\b"#, "a cat!", true), (#"\bcat\b"#, "concat", false), ("^.$", "\n", false),
            ("^.$", "é", true), (#"^\u00e9$"#, "é", true), (#"^\x41$"#, "A", true),
            (#"^[\w.-]+@[\w-]+\.\w+$"#, "a.b@c-d.org", true), ("", "", true), ("^$", "a", false),
            ("(?:ab)+c", "ababc", true), ("(?<year>[0-9]{4})", "in 2031", true),
            ("^(a*)*$", "aaab", false), (#"^[\]\-]$"#, "-", true), (#"^[\d_]+?$"#, "1_2", true),
            ("^(){3}a(b{0}){2,}c()*$", "ac", true), ("^a{0}$", "a", false),
            ("^(|a){2}$", "a", true),
        ]
    )
    func expressions(pattern: String, text: String, isMatch: Bool) throws {
        var budget = 100_000
        #expect(try Pattern(pattern).matches(text, budget: &budget) == isMatch)
    }

    @Test("an expression that backtracks for ever elsewhere takes no time here")
    func linear() throws {
        var budget = 2_000_000
        let text = String(repeating: "a", count: 20_000) + "b"
        #expect(try Pattern("^(a+)+$").matches(text, budget: &budget) == false)
        #expect(budget > 0)
        var little = 1000
        #expect(try Pattern("^(a+)+$").matches(text, budget: &little) == nil)
    }

    @Test("the length of a class counts")
    func longClass() throws {
        let members = (UInt32(0x4E00)..<0x8E00).compactMap { Unicode.Scalar($0).map { "\($0)" } }
        let pattern = try Pattern("[\(members.joined())]")
        let text = String(repeating: "a", count: 1000)
        var budget = 100_000
        #expect(pattern.matches(text, budget: &budget) == nil)
        #expect(pattern.matches("a", budget: &budget) == nil, "nothing is left")
        budget = 100_000
        #expect(pattern.matches("a\u{5000}", budget: &budget) == true)
    }

    @Test(
        "what takes nothing is not written out, however often it is repeated",
        .timeLimit(.minutes(1)),
        arguments: [
            "(((((){1000}){1000}){1000}){1000}){1000}",
            "(((((a{0}){1000}){1000}){1000}){1000}){1000}",
            "((((((?:)*){1000}){1000,}()){1000}){500,1000}){1000}",
        ]
    )
    func empty(text: String) throws {
        var budget = 10
        #expect(try Pattern(text).matches("b", budget: &budget) == true)
    }

    @Test(
        "what is no expression, or not known here, is refused",
        arguments: [
            "(", ")", "[", "[b-a]", "*", "a{3,2}", "a{2000}", "(?=a)", #"\1"#, #"\p{L}"#, "\\",
            "a{x}", #"\xZ"#, #"\q"#, "^*", "(((a{1000}){1000}){1000})",
        ]
    )
    func refusedExpressions(text: String) {
        #expect(throws: PatternError.self) { try Pattern(text) }
    }

    @Test("deep groups end")
    func deep() {
        let text = String(repeating: "(", count: 10_000)
        #expect(throws: PatternError.self) { try Pattern(text) }
    }
}
