import JSON
import Testing

@Suite("Fields of a builtin's input")
struct JSONFieldsTests {
    private func fields(_ source: String) throws -> JSONFields { try JSONFields(text(source)) }

    private func message(_ body: () throws(JSONFieldError) -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return error.description }
    }

    @Test("fields are read with their types")
    func reading() throws {
        let fields = try fields(
            #"{"s":"x","n":-3,"b":true,"v":{"a": 1},"z":null,"l":[1,"2"],"s":"last","o":{"i":4}}"#
        )
        #expect(try fields.requiredString("s") == "last")
        #expect(try fields.optionalString("s") == "last")
        #expect(try fields.requiredInteger("n") == -3)
        #expect(try fields.optionalInteger("n") == -3)
        #expect(try fields.requiredBool("b"))
        #expect(try fields.optionalBool("b") == true)
        #expect(try fields.requiredValue("v").description == #"{"a": 1}"#)
        #expect(try fields.requiredValue("z") == .null)
        #expect(fields.optionalValue("z") == .null)
        #expect(fields.optionalValue("none") == nil)
        #expect(try fields.requiredArray("l").map(\.description) == ["1", #""2""#])
        #expect(try fields.requiredObject("o").requiredInteger("i") == 4)
        #expect(fields.has("z"))
        #expect(!fields.has("none"))
        #expect(Array(fields.names) == ["s", "n", "b", "v", "z", "l", "s", "o"])
        #expect(fields.members.map { $0.name } == Array(fields.names))
        #expect(fields.members.last?.value.description == #"{"i":4}"#)
    }

    @Test("an optional field may be absent or null", arguments: ["z", "none"])
    func optional(_ name: String) throws {
        let fields = try fields(#"{"z":null}"#)
        #expect(try fields.optionalString(name) == nil)
        #expect(try fields.optionalInteger(name) == nil)
        #expect(try fields.optionalBool(name) == nil)
        #expect(try fields.optionalArray(name) == nil)
        #expect(try fields.optionalObject(name) == nil)
    }

    @Test("fields that are none of those that are known are refused where that is asked")
    func unknown() throws {
        let fields = try fields(#"{"o":{"a":1,"b":2,"c":null}}"#)
        let nested = try fields.requiredObject("o")
        #expect(
            message { () throws(JSONFieldError) in try nested.refuseOthers(than: ["c", "a"]) }
                == #"unknown field "o.b"; known are a, c"#
        )
        try nested.refuseOthers(than: ["a", "b", "c", "d"])
    }

    @Test("errors name the field, what was expected and what was found")
    func errors() throws {
        let fields = try fields(
            #"{"limit":"x","f":1.0,"e":1e2,"big":9223372036854775808,"z":null,"o":{"x":{"n":[]}}}"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredString("scope") }
                == #"missing field "scope""#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.optionalInteger("limit") }
                == #"field "limit": expected an integer, found a string"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredInteger("f") }
                == #"field "f": expected an integer, found a number with a fraction or an exponent"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredInteger("e") } != nil
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredInteger("big") }
                == #"field "big": expected an integer, found a number beyond 64 bits"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredString("z") }
                == #"field "z": expected a string, found null"#
        )
        #expect(
            message { () throws(JSONFieldError) in
                _ = try fields.requiredObject("o").requiredObject("x").optionalBool("n")
            } == #"field "o.x.n": expected a boolean, found an array"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredObject("f") }
                == #"field "f": expected an object, found a number with a fraction or an exponent"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try fields.requiredArray("o") }
                == #"field "o": expected an array, found an object"#
        )
        #expect(
            message { () throws(JSONFieldError) in _ = try JSONFields(.emptyArray) }
                == "expected an object, found an array"
        )
        #expect(
            message { () throws(JSONFieldError) in
                _ = try JSONFields(.emptyObject, path: "ops[1]").requiredInteger("by")
            } == #"missing field "ops[1].by""#
        )
        #expect(
            fields.mismatch("limit", expected: "1 to 100").description
                == #"field "limit": expected 1 to 100, found a string"#
        )
    }
}
