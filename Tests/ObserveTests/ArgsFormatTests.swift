import JSON
import Observe
import Testing

@Suite("The format of args")
struct ArgsFormatTests {
    @Test(
        "what fits and what does not",
        arguments: [
            (#"{}"#, #"{"a":1}"#, true),
            ("true", "{}", true),
            ("false", "{}", false),
            (#"{"type":"object"}"#, "{}", true),
            (#"{"type":"array"}"#, "{}", false),
            (#"{"type":["array","object"]}"#, "{}", true),
            (#"{"required":["a"]}"#, #"{"a":null}"#, true),
            (#"{"required":["a"]}"#, "{}", false),
            (#"{"properties":{"a":{"type":"integer"}}}"#, #"{"a":1.0}"#, true),
            (#"{"properties":{"a":{"type":"integer"}}}"#, #"{"a":1.5}"#, false),
            (#"{"properties":{"a":{"type":"number"}}}"#, #"{"a":"1"}"#, false),
            (#"{"properties":{"a":{}},"additionalProperties":false}"#, #"{"a":1}"#, true),
            (#"{"properties":{"a":{}},"additionalProperties":false}"#, #"{"b":1}"#, false),
            (#"{"additionalProperties":{"type":"string"}}"#, #"{"b":1}"#, false),
            (#"{"properties":{"a":{"enum":["x","y"]}}}"#, #"{"a":"z"}"#, false),
            (#"{"properties":{"a":{"const":2}}}"#, #"{"a":2}"#, true),
            (#"{"properties":{"a":{"minimum":2,"maximum":3}}}"#, #"{"a":2}"#, true),
            (#"{"properties":{"a":{"exclusiveMinimum":2}}}"#, #"{"a":2}"#, false),
            (#"{"properties":{"a":{"exclusiveMaximum":2}}}"#, #"{"a":2}"#, false),
            (#"{"properties":{"a":{"maximum":3}}}"#, #"{"a":4}"#, false),
            (#"{"properties":{"a":{"multipleOf":3}}}"#, #"{"a":4}"#, false),
            (#"{"properties":{"a":{"minLength":2}}}"#, #"{"a":"é"}"#, false),
            (#"{"properties":{"a":{"maxLength":1}}}"#, #"{"a":"é"}"#, true),
            (#"{"properties":{"a":{"minItems":1}}}"#, #"{"a":[]}"#, false),
            (#"{"properties":{"a":{"items":{"type":"string"}}}}"#, #"{"a":["x",1]}"#, false),
            (
                #"{"properties":{"a":{"prefixItems":[{"type":"string"}],"items":false}}}"#,
                #"{"a":["x"]}"#, true
            ),
            (#"{"properties":{"a":{"uniqueItems":true}}}"#, #"{"a":[1,2,1]}"#, false),
            (#"{"minProperties":1}"#, "{}", false),
            (#"{"anyOf":[{"required":["a"]},{"required":["b"]}]}"#, #"{"b":1}"#, true),
            (#"{"anyOf":[{"required":["a"]},{"required":["b"]}]}"#, #"{"c":1}"#, false),
            (#"{"oneOf":[{"required":["a"]},{"required":["b"]}]}"#, #"{"a":1,"b":1}"#, false),
            (#"{"allOf":[{"required":["a"]},{"required":["b"]}]}"#, #"{"a":1}"#, false),
            (#"{"not":{"required":["a"]}}"#, #"{"a":1}"#, false),
            (
                ##"{"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n"}}}"##,
                #"{"a":"x"}"#, false
            ),
            (
                ##"{"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n"}}}"##,
                #"{"a":3}"#, true
            ),
            (##"{"$ref":"#"}"##, "{}", false),
            (##"{"anyOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]}"##, "{}", false),
            (##"{"not":{"$ref":"#"}}"##, "{}", false),
            (#"{"properties":{"a":{"pattern":"^x"}}}"#, #"{"a":"y"}"#, true),
            (#"{"properties":{"a":{"uniqueItems":true}}}"#, #"{"a":[1,2,1.0]}"#, false),
            (#"{"properties":{"a":{"const":2}}}"#, #"{"a":2.0}"#, true),
            (#"{"properties":{"a":{"enum":[1,2]}}}"#, #"{"a":2.0}"#, true),
        ]
    )
    func formats(format: String, args: String, isFit: Bool) {
        let violation = ArgsFormat(json(format)).violation(by: json(args))
        #expect((violation == nil) == isFit, "\(violation ?? "fits")")
    }

    private static func list(_ element: String, _ count: Int) -> String {
        Array(repeating: element, count: count).joined(separator: ",")
    }

    @Test("elements are told apart without comparing each with each", .timeLimit(.minutes(1)))
    func manyElements() {
        let format = ArgsFormat(json(#"{"properties":{"a":{"uniqueItems":true}}}"#))
        let numbers = (0..<100_000).map(String.init).joined(separator: ",")
        #expect(format.violation(by: json(#"{"a":[\#(numbers)]}"#)) == nil)
        #expect(format.violation(by: json(#"{"a":[\#(numbers),7]}"#)) != nil)
    }

    /// Formats that ask for the same again and again, and args that take no time for each.
    static let costly: [(format: String, args: String)] = [
        (again(#"{"enum":[\#(list("0", 2000))]}"#), "{}"),
        (again(#"{"required":[\#(list(#""a""#, 2000))]}"#), #"{"a":1}"#),
        (again(#"{"type":[\#(list(#""null""#, 2000)),"object"]}"#), "{}"),
        (again(#"{"properties":{"a":{"maxLength":1000000}}}"#), #"{"a":"\#(long)"}"#),
        (again(#"{"properties":{"a":{"uniqueItems":true}}}"#), #"{"a":[[\#(list("0", 2000))]]}"#),
        (again(#"{"properties":{"\#(long)":{}}}"#), #"{"\#(long)":1}"#),
    ]

    private static let long = String(repeating: "a", count: 60_000)

    private static func again(_ rule: String) -> String {
        let references = list(##"{"anyOf":[true,{"$ref":"#/$defs/r"}]}"##, 1000)
        return #"{"allOf":[\#(references)],"$defs":{"r":\#(rule)}}"#
    }

    @Test(
        "whatever is looked at counts, so that no small format takes minutes",
        .timeLimit(.minutes(1)),
        arguments: costly.indices
    )
    func tooCostly(number: Int) {
        let (format, args) = Self.costly[number]
        let violation = ArgsFormat(json(format)).violation(by: json(args))
        #expect(violation?.hasSuffix("takes too long to check") == true, "\(violation ?? "fits")")
    }
}
