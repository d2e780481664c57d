import JSON
import Testing

@Suite("The grammar of RFC 8259")
struct JSONGrammarTests {
    @Test(
        "accepts every form of the grammar and keeps its bytes",
        arguments: [
            "null", "true", "false", "0", "-0", "1", "-1", "10", "1234567890", "0.5", "-0.0",
            "1.25", "1e5", "1E5", "1e+5", "1e-5", "1.5E-07", "0e0", "0E+1", "0e999", "-1e-999",
            "123456789012345678901234567890", #""""#, #""a""#, #"" ""#, #""\"""#, #""\\""#,
            #""\/""#, #""\b\f\n\r\t""#, #""\u0041""#, #""\u00e9\u00E9""#, #""\u0000""#,
            #""\ud83d\ude00""#, #""\uD83D\uDE00""#, #""\ufffd\uFFFF""#, "\"\u{7F}\"", "\"é\"",
            "\"\u{800}\"", "\"\u{FFFF}\"", "\"\u{10000}\"", "\"\u{10FFFF}\"", "\"\u{2028}\"",
            "\"0123456é\"", "\"01234567é89012345\"", "[]", "[ ]", "[1]", "[1,2,3]", "[1 , 2]",
            "[[]]", "[[],[[]]]", "[null,true,false]", "{}", "{ }", #"{"a":1}"#, #"{"":""}"#,
            #"{"a":1,"a":2}"#, #"{ "a" : 1 , "b" : [ ] }"#, #"{"a":{"b":{}}}"#,
            "[\n\t1,\r\n2 ]", #"{"\u0061":1}"#, #"[1.0,1,"1"]"#,
        ]
    )
    func accepts(_ text: String) throws {
        let bytes = Array(text.utf8)
        #expect(try JSONText(validating: bytes).bytes == bytes)
        #expect(try fromBuffer(bytes).bytes == bytes)
        #expect(throws: Never.self) { try parse(bytes) }
    }

    @Test(
        "refuses what is not one value",
        arguments: [
            "", " ", "nul", "nulll", "True", "tru", "fals", "FALSE", "undefined", "'a'", "a",
            "+1", "01", "-01", "00", "1.", ".5", "-.5", "-", "--1", "1e", "1e+", "1e-", "1.e5",
            "0x10", "1_000", "1a", "1 2", "- 1", "1,", "inf", "-Inf", "nan", "-NaN", "+Infinity",
            "Infinit", "-Infinit", "Na", "NaNa", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"",
            "\"\\u\"", "\"\\u12\"", "\"\\u123g\"", "\"\\u 123\"", "\"\\U0041\"", "\"\\ud83d\\u12\"",
            "\"a\u{0}\"", "\"a\nb\"", "\"\t\"", "\"\u{1F}\"", "\"0123456789\u{1F}\"", "[", "]",
            "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1,,2]", "[1]]", "[}", "{", "}", "{]", "{,}",
            "{1:1}", "{a:1}", "{'a':1}", #"{"a"}"#, #"{"a":}"#, #"{"a",1}"#, #"{"a":1"#,
            #"{"a":1,}"#, #"{"a":1,,"b":2}"#, #"{"a":1 "b":2}"#, #"{"a"::1}"#, #"{"a":1]"#,
            #"["a":1]"#, #"{"a":[}"#, #"{"a":{"b":1}"#, "[1]x", "{}{}", "// c", "[1/**/]",
            "\u{FEFF}1", "\u{A0}1", "\u{C}1", "null\u{0}", #"{NaN:1}"#, #"{null:1}"#,
        ]
    )
    func refuses(_ text: String) {
        refusesAlike(Array(text.utf8))
    }

    @Test(
        "refuses strings that are not UTF-8",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x20], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE],
            [0xF1, 0x80, 0x80, 0xC0], [0xC3, 0xC3, 0xA9],
        ] as [[UInt8]]
    )
    func refusesBrokenUTF8(_ content: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        refusesAlike([quote] + content + [quote])
        refusesAlike([quote] + content)
        refusesAlike(Array(#"{"key":1,"0123456"#.utf8) + content + Array(#"":1}"#.utf8))
    }

    @Test("every scalar value passes, as UTF-8 and as an escape, and reads as itself")
    func everyScalar() throws {
        for code in stride(from: UInt32(0x20), through: 0x10FFFF, by: 97) {
            guard let scalar = UnicodeScalar(code), scalar != "\"", scalar != "\\" else { continue }
            let plain = try JSONText(validating: Array("\"\(scalar)\"".utf8))
            #expect(plain.stringValue == String(Character(scalar)))
            let units = Array(String(Character(scalar)).utf16)
            let escapes = units.map { "\\u" + hexadecimal4($0) }.joined()
            let escaped = try JSONText(validating: Array("\"\(escapes)\"".utf8))
            #expect(escaped.stringValue == String(Character(scalar)))
        }
    }

    @Test("a special byte is found at every place of a word", arguments: 0..<40)
    func specialBytesAnywhere(_ count: Int) throws {
        let plain = String(repeating: "x", count: count)
        for tail in ["", "y", "yyyyyyyyyyyyyyyyyyyy"] {
            let quoted = "\"\(plain)\\n\(tail)\""
            #expect(try JSONText(validating: Array(quoted.utf8)).stringValue == "\(plain)\n\(tail)")
            #expect(
                try JSONText(validating: Array("\"\(plain)é\(tail)\"".utf8)).stringValue?.utf8.count
                    == count + 2 + tail.utf8.count
            )
            refusesAlike(Array("\"\(plain)\u{1}\(tail)\"".utf8))
            refusesAlike(Array("\"\(plain)\"\(tail)\"".utf8))
            refusesAlike(Array("\"\(plain)\(tail)".utf8))
        }
    }

    @Test("128 levels are accepted, 129 are not, mixed or not")
    func depth() throws {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}"), (#"[{"b":"#, "}]")] {
            let levels = open.contains("[{") ? 64 : 128
            let text =
                String(repeating: open, count: levels) + "1"
                + String(repeating: close, count: levels)
            #expect(try JSONText(validating: Array(text.utf8)).bytes.count == text.utf8.count)
            refusesAlike(Array("[\(text)]".utf8))
            #expect(throws: JSONError.tooDeep(at: open.utf8.count * levels, limit: 128)) {
                let inner = "[1]"
                let deeper =
                    String(repeating: open, count: levels) + inner
                    + String(repeating: close, count: levels)
                _ = try JSONText(validating: Array(deeper.utf8))
            }
        }
        let empty = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(throws: Never.self) { try JSONText(validating: Array(empty.utf8)) }
        refusesAlike(Array("[\(empty)]".utf8))
        refusesAlike(Array(repeating: UInt8(ascii: "["), count: 1_000_000))
    }

    @Test("closing brackets are matched to their own opening at any depth", arguments: 1...300)
    func nesting(_ depth: Int) throws {
        let kinds = (0..<depth).map { ($0 * $0 / 3 + $0 / 64) % 2 == 0 }
        let opening = kinds.map { $0 ? #"{"a":"# : "[" }.joined()
        let closing = kinds.reversed().map { $0 ? "}" : "]" }
        let text = Array((opening + "0" + closing.joined()).utf8)
        #expect(try JSONText(validating: text, depthLimit: 300).bytes == text)
        for wrong in Set([0, depth / 2, depth - 1]) {
            var broken = closing
            broken[wrong] = broken[wrong] == "}" ? "]" : "}"
            #expect(throws: JSONError.self) {
                try JSONText(
                    validating: Array((opening + "0" + broken.joined()).utf8),
                    depthLimit: 300
                )
            }
        }
    }

    @Test("what is nested too deep for what is around it is told as a text")
    func flattened() {
        let text = JSONText(trusted: Array(#"[{"a":["b",[]]}]"#.utf8))
        #expect(text.isNested(within: 4) && !text.isNested(within: 3))
        #expect(text.flattened(beyond: 4) == text)
        #expect(text.flattened(beyond: 3).stringValue == text.description)
    }

    @Test("numbers that are doubles are accepted, with all their digits; others are not")
    func numbers() throws {
        let nines = String(repeating: "9", count: 308)
        let tiny = "0." + String(repeating: "0", count: 400) + "1"
        let accepted = [
            nines, "-\(nines)", "\(nines).\(nines)", "\(nines)e-5", "1e308", "-1.5E+308", tiny,
            "1.7976931348623157e308", "\(tiny)e700", "12e00000000000000000000000000307",
        ]
        for text in accepted {
            #expect(try JSONText(validating: Array("[\(text)]".utf8)).description == "[\(text)]")
        }
        let long = String(repeating: "1", count: 5000)
        let refused = [
            "\(nines)0", "-\(nines)0", long, "\(long)e-4999", "\(long).5", "1e309", "-1e400",
            "1.8e308", "1e999", "0.01E+311", "\(nines)e1", "1e\(long)", #"{"a":[1,{"b":-1e999}]}"#,
        ]
        for text in refused { refusesAlike(Array(text.utf8)) }
        #expect(
            message(of: "[1,1e999]")
                == "byte 3: a number beyond ±1.8e308, or of more than 308 digits"
        )
    }

    @Test("what was taken before numbers were bounded is read as it is, and known")
    func oldNumbers() {
        let long = String(repeating: "1", count: 5000)
        let old = JSONText(trusted: Array(#"{"a":[1e999,\#(long)],"b":7}"#.utf8))
        #expect(old.member("a")?.description == "[1e999,\(long)]")
        #expect(old.member("b")?.numberValue == .integer(7))
        #expect(old.value().text == old)
        func isReadable(_ text: String) -> Bool { JSONText.isReadable(Array(text.utf8)) }
        for before in [0, 1, 4299, 4300, 4301, 9000] {
            let space = String(repeating: " ", count: before)
            let number = String(repeating: "1", count: 4301)
            #expect(!isReadable("[\(space)\(number)]"))
            #expect(!isReadable("[\(space)-\(number),\(space)0]"))
            #expect(isReadable("[\(space)\(number.dropLast()),\(space)0]"))
            #expect(isReadable("[\(space)\"\(long)\",0.\(long)]"))
        }
        #expect(!isReadable(long))
        #expect(isReadable(""))
    }

    @Test("surrounding white space is dropped, inner white space kept")
    func whiteSpace() throws {
        let text = try JSONText(validating: Array(" \t\r\n { \"a\" : 1 } \n".utf8))
        #expect(text.description == #"{ "a" : 1 }"#)
        #expect(try fromBuffer(Array(" 1 ".utf8)).description == "1")
    }

    @Test("errors name the byte, what was expected and what was found")
    func errors() {
        #expect(message(of: "[1,]") == "byte 3: expected a value, found ']'")
        #expect(message(of: #"{"a" 1}"#) == "byte 5: expected ':' after the key, found '1'")
        #expect(message(of: #"{"a":1"#) == "byte 6: expected ',' or '}', but the text ends")
        #expect(
            message(of: "{\"a\u{1}\":1}") == "byte 3: control character 0x01 in a string; escape it"
        )
        #expect(message(of: "1 x") == "byte 2: expected nothing after the value, found 'x'")
        #expect(message(of: "-a") == "byte 1: expected a digit, found 'a'")
        #expect(
            message(of: #""\x""#)
                == #"byte 2: expected one of " \ / b f n r t u after the backslash, found 'x'"#
        )
        let bytes: [UInt8] = [0x22, 0x61, 0xFF, 0x22]
        #expect(throws: JSONError.invalidUTF8(at: 2)) { try JSONText(validating: bytes) }
        #expect(JSONError.invalidUTF8(at: 2).position == 2)
    }
}

/// Both ways in, and the full parser, refuse at the same byte.
private func refusesAlike(_ bytes: [UInt8]) {
    let shown = String(decoding: bytes.prefix(80), as: UTF8.self)
    let array = #expect(throws: JSONError.self, "\(shown)") { try JSONText(validating: bytes) }
    let buffer = #expect(throws: JSONError.self, "\(shown)") { try fromBuffer(bytes) }
    let parser = #expect(throws: JSONError.self, "\(shown)") { try parse(bytes) }
    #expect(array == buffer, "\(shown)")
    #expect(array?.position == parser?.position, "\(shown)")
}

private func message(of text: String) -> String? {
    do {
        _ = try JSONText(validating: Array(text.utf8))
        return nil
    } catch { return error.description }
}

private func hexadecimal4(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
}
