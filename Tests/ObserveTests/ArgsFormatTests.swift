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
            (#"{"properties":{"a":{"pattern":"^x"}}}"#, #"{"a":"y"}"#, true),
        ]
    )
    func formats(format: String, args: String, isFit: Bool) {
        let violation = ArgsFormat(json(format)).violation(by: json(args))
        #expect((violation == nil) == isFit, "\(violation ?? "fits")")
    }
}
