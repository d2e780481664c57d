import JSON
import Testing

@Suite("What comes out is what went in")
struct JSONFidelityTests {
    @Test(
        "parsing and writing keeps numbers exactly",
        arguments: [
            "0", "1", "-1", "1.0", "-0.0", "0.1", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "18446744073709551615", "18446744073709551616",
            "-9223372036854775809", "123456789012345678901234567890",
            "9007199254740993", "0.30000000000000004", "5e-324",
            "1.7976931348623157e+308", "2.5",
        ]
    )
    func numbers(_ source: String) throws {
        #expect(try parse(source).text.description == source)
    }

    @Test(
        "what is no JSON is text",
        arguments: [(" [1] ", "[1]"), ("a\"b", #""a\"b""#), ("", #""""#)]
    )
    func orText(_ source: String, _ written: String) {
        #expect(JSONText(orText: Array(source.utf8)).description == written)
    }

    @Test(
        "a double is written in its shortest form, never as an integer",
        arguments: [
            ("1.00", "1.0"), ("1e0", "1.0"), ("1E5", "100000.0"), ("0.10", "0.1"),
            ("1e20", "1e+20"), ("1e-7", "1e-07"), ("1e-999", "0.0"), ("-0", "0"),
        ]
    )
    func doubles(_ source: String, _ written: String) throws {
        #expect(try parse(source).text.description == written)
        #expect(try parse(written).text.description == written)
    }

    @Test("numbers fall into their kind")
    func kinds() throws {
        #expect(try text("9223372036854775807").numberValue == .integer(.max))
        #expect(try text("-9223372036854775808").numberValue == .integer(.min))
        #expect(try text("9223372036854775808").numberValue == .unsigned(1 << 63))
        #expect(try text("18446744073709551615").numberValue == .unsigned(.max))
        #expect(try text("18446744073709551616").numberValue == .raw("18446744073709551616"))
        #expect(try text("1.0").numberValue == .double(1))
        #expect(try text("1").numberValue == .integer(1))
        #expect(JSONNumber(UInt64(7)) == .integer(7))
        #expect(JSONNumber(Double.infinity) == nil)
        #expect(JSONNumber(Double.nan) == nil)
        #expect(try parse("1") != parse("1.0"))
        #expect(JSONNumber.raw("18446744073709551616").isInteger)
        #expect(JSONNumber.raw("18446744073709551616").doubleValue == 18_446_744_073_709_551_616)
        #expect(!JSONNumber.raw("1e999").isInteger)
        #expect(JSONNumber.raw("1e999").doubleValue == nil)
        #expect(try text("\"1\"").numberValue == nil)
    }

    @Test("sums stay integers up to UInt64.max, doubles stay doubles, the rest has no sum")
    func arithmetic() {
        #expect(JSONNumber.integer(4).adding(2) == .integer(6))
        #expect(JSONNumber.integer(.max).adding(1) == .unsigned(1 << 63))
        #expect(JSONNumber.integer(.max).adding(.max) == .unsigned(.max - 1))
        #expect(JSONNumber.integer(.max).subtracting(.min) == .unsigned(.max))
        #expect(JSONNumber.integer(.min).adding(-1) == nil)
        #expect(JSONNumber.integer(.min).subtracting(1) == nil)
        #expect(JSONNumber.integer(0).subtracting(.min) == .unsigned(1 << 63))
        #expect(JSONNumber.unsigned(.max).adding(1) == nil)
        #expect(JSONNumber.unsigned(.max).adding(0) == .unsigned(.max))
        #expect(JSONNumber.unsigned(1 << 63).adding(-1) == .integer(.max))
        #expect(JSONNumber.unsigned(1 << 63).subtracting(1) == .integer(.max))
        #expect(JSONNumber.unsigned(.max).subtracting(1) == .unsigned(.max - 1))
        #expect(JSONNumber.double(1.5).adding(1) == .double(2.5))
        #expect(JSONNumber.double(1).adding(1) == .double(2))
        #expect(JSONNumber.double(1.5).subtracting(2) == .double(-0.5))
        // An integer beyond 64 bits counts as a double.
        let power = 18_446_744_073_709_551_616.0
        #expect(JSONNumber.raw("18446744073709551616").adding(0) == .double(power))
        #expect(JSONNumber.raw("18446744073709551616").subtracting(1) == .double(power))
        #expect(JSONNumber.raw("1e400").adding(1) == nil)
        #expect(JSONNumber.double(.greatestFiniteMagnitude).adding(.max) != nil)
    }

    @Test("nulls, duplicate names, order and empty containers survive parsing")
    func structure() throws {
        let source = #"{"z":null,"a":[null,{"b":null},[],{}],"":{"\n":false}}"#
        #expect(try parse(source).text.description == source)
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#).text.description == #"{"a":3,"b":2}"#)
    }

    @Test("strings are written with the fewest escapes")
    func strings() {
        let source = "\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é😀\u{2028}"
        let written = #""\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7F}é😀\u{2028}\""
        #expect(JSONText(string: source).description == written)
        #expect(JSONText(string: source).stringValue == source)
        #expect(JSONText(string: "").description == #""""#)
    }

    @Test(
        "what only Python writes is repaired, and nothing else is touched",
        arguments: [
            ("NaN", "null"), ("Infinity", "null"), ("-Infinity", "null"),
            ("[NaN, -Infinity,Infinity ]", "[null, null,null ]"),
            (
                #"{"a":NaN,"b":"NaN -Infinity","c":-1e5}"#,
                #"{"a":null,"b":"NaN -Infinity","c":-1e5}"#
            ),
            (#""\ud800""#, #""\ufffd""#), (#""\uDFFF x""#, #""\ufffd x""#),
            (#""\ud800\ud83d\ude00""#, #""\ufffd\ud83d\ude00""#),
            (#""\ud83d\u0041""#, #""\ufffd\u0041""#), (#""\ude00\ud83d""#, #""\ufffd\ufffd""#),
            (#""\\ud800 \ud800""#, #""\\ud800 \ufffd""#),
            (#"{"\udc00":"\"NaN"}"#, #"{"\ufffd":"\"NaN"}"#),
            (
                #"[ 1.0,1 ,"\u00e9\/",123456789012345678901234567890,NaN]"#,
                #"[ 1.0,1 ,"\u00e9\/",123456789012345678901234567890,null]"#
            ),
        ]
    )
    func repairs(_ source: String, _ repaired: String) throws {
        #expect(try text(source).description == repaired)
        #expect(try fromBuffer(Array(source.utf8)).description == repaired)
        #expect(try parse(source) == parse(repaired))
        #expect(try text(repaired).description == repaired)
    }

    @Test(
        "names and strings that differ only in Unicode form are different",
        arguments: [("\u{E9}", "e\u{301}"), ("a\u{323}\u{301}", "a\u{301}\u{323}")]
    )
    func unicodeForms(_ composed: String, _ decomposed: String) throws {
        #expect(composed == decomposed)
        #expect(JSONValue.string(composed) != .string(decomposed))
        let source = "{\"\(composed)\":1,\"\(decomposed)\":2}"
        guard case .object(let object) = try parse(source) else {
            Issue.record("no object")
            return
        }
        #expect(object.count == 2)
        #expect(object[composed] == .integer(1))
        #expect(object[decomposed] == .integer(2))
        #expect(try text(source).member(composed) == text("1"))
        #expect(try text(source).member(decomposed) == text("2"))
        #expect(try JSONFields(text(source)).optionalInteger(composed) == 1)
    }
}
