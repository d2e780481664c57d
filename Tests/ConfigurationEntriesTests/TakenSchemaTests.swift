import Events
import JSON
import Primitives
import Testing

@testable import ConfigurationEntries

@Suite("Schemas that are costly, or were taken by versions that looked at less")
struct TakenSchemaTests {
    private func json(_ text: String) throws -> JSONText {
        try JSONText(validating: Array(text.utf8))
    }

    @Test("a schema in an old log that divides by 0 forbids nothing by that")
    func divisionByZero() throws {
        var view = ConfigurationView()
        let registered = ConfigurationRegistered(
            id: "z",
            name: "x",
            description: "d",
            schema: Array(##"{"$ref":"#/x","x":{"multipleOf":0}}"##.utf8),
            metadata: [],
            value: Array(#""a""#.utf8)
        )
        view.apply(.registered(registered), at: Offset(1))
        let held = view
        let set = ConfigurationCall.set(id: "z", try json("4"))
        let placeholders = Placeholders(variables: [:], version: "1", bytesMax: 1000)
        let decided = try held.decide(set, placeholders)
        #expect(decided.event != nil)
    }

    @Test(
        "what is no schema forbids what it forbids, and stops nothing",
        arguments: [
            #"{"multipleOf":0}"#, #"{"multipleOf":-1}"#, #"{"multipleOf":0.0}"#,
            #"{"multipleOf":1e-300}"#, #"{"minimum":1e308,"maximum":-1e308}"#,
            #"{"minLength":-1,"maxLength":1e300}"#, #"{"minItems":1e308,"maxItems":1.5}"#,
            #"{"minContains":9e18,"maxContains":-9e18,"contains":{}}"#,
            #"{"minProperties":18446744073709551615,"maxProperties":"a"}"#,
            #"{"type":7,"enum":{},"const":[[]],"required":"a","uniqueItems":1}"#,
            #"{"type":[1],"required":[1],"dependentRequired":{"a":1},"dependencies":[]}"#,
            #"{"pattern":"(","patternProperties":{"[":false},"properties":[]}"#,
            #"{"pattern":5,"patternProperties":7,"propertyNames":9,"additionalProperties":9}"#,
            #"{"allOf":{},"anyOf":7,"oneOf":[],"not":1,"if":2,"then":3,"else":4}"#,
            #"{"items":7,"prefixItems":{},"additionalItems":"x","contains":1}"#,
            ##"{"$ref":"#/a/-1","a":[]}"##, ##"{"$ref":"#/a/99999999999999999999","a":[]}"##,
            #"{"$ref":5}"#, "[]", "7",
        ]
    )
    func unread(text: String) throws {
        let schema = Schema(taken: try json(text))
        let values = [
            "null", "4", "-9223372036854775808", "18446744073709551615", "1e308", "0.5", #""a""#,
            "[4,4]", #"{"a":[1],"b":{}}"#,
        ]
        for value in values {
            let value = try json(value).value()
            #expect(schema.violation(of: value) == schema.violation(of: value))
        }
    }

    /// Schemas of so many patterns, each of 4992 instructions.
    private func patterns(_ count: Int) throws -> JSONText {
        let all = (0..<count).map { #"{"pattern":"(.{998}){5}\#($0 % 10)"}"# }
        return try json(#"{"allOf":[\#(all.joined(separator: ","))]}"#)
    }

    @Test("the patterns of a schema have a bound together, each counted once")
    func patternBudget() throws {
        _ = try Schema(try patterns(4))
        let error = #expect(throws: SchemaError.self) { try Schema(try patterns(5)) }
        #expect(error?.place == "#/allOf/4/pattern")
        #expect(error?.problem.contains("(.{998}){5}4") == true)
        let same = Array(repeating: #"{"pattern":"(.{998}){5}x"}"#, count: 100)
        _ = try Schema(try json(#"{"allOf":[\#(same.joined(separator: ","))]}"#))
    }

    @Test("values are held against a schema of before there was one")
    func beyondBudget() throws {
        let schema = Schema(taken: try patterns(5))
        #expect(schema.violation(of: .null) == nil)
        #expect(schema.violation(of: .string("a")) == "the value must match (.{998}){5}0")
    }

    @Test("a reference in many spellings does not multiply the work", .timeLimit(.minutes(1)))
    func spellings() throws {
        let references = (0..<256).map { number in
            let name = (0..<8).map { number >> $0 & 1 == 0 ? "x" : "%78" }.joined()
            return ##"{"$ref":"#/$defs/\##(name)"}"##
        }
        let names = Array(repeating: #""a""#, count: 10_000).joined(separator: ",")
        let definitions = #"{"xxxxxxxx":{"required":[\#(names)]}}"#
        let text = #"{"$defs":\#(definitions),"allOf":[\#(references.joined(separator: ","))]}"#
        let error = #expect(throws: SchemaError.self) { try Schema(try json(text)) }
        #expect(error?.problem == "the schema is too costly to check")
    }
}
