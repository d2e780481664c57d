import JSON
import Testing

@Suite("Scanning in place")
struct JSONScannerTests {
    private let frame = #"""
        {"invocation_id": "4f0e", "data": {"a": [1, {"b": "}"}], "s": "\"{"}, "action": null,
         "function_id": "orders::create", "retries" : 3 , "ty\u0070e":"invoke\u0066unction"}
        """#

    @Test("an envelope is read key by key, and its payload is a slice of the text")
    func envelope() throws {
        var type: String?
        var action: String? = "unread"
        var data: JSONText?
        var names: [String] = []
        try scanning(Array(frame.utf8)) { (scanner) throws(JSONError) in
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                names.append(scanner.name(key))
                if scanner.matches(key, "type") {
                    type = try scanner.string()
                } else if scanner.matches(key, "action") {
                    action = try scanner.optionalString()
                } else if scanner.matches(key, "data") {
                    data = scanner.text(try scanner.skipValue())
                } else {
                    _ = try scanner.skipValue()
                }
            }
            try scanner.end()
        }
        #expect(names == ["invocation_id", "data", "action", "function_id", "retries", "type"])
        #expect(type == "invokefunction")
        #expect(action == nil)
        #expect(data?.description == #"{"a": [1, {"b": "}"}], "s": "\"{"}"#)
    }

    @Test("nested objects and arrays are entered and left")
    func nested() throws {
        let bytes = Array(#"{"a":{},"b":[],"c":{"d":[[1,2],{"e":null}]},"f":true}"#.utf8)
        var trail: [String] = []
        func walk(_ scanner: inout JSONScanner) throws(JSONError) {
            switch scanner.peek() {
            case .object:
                trail.append("{")
                try scanner.beginObject()
                while let key = try scanner.nextMember() {
                    trail.append(scanner.name(key))
                    try walk(&scanner)
                }
                trail.append("}")
            case .array:
                trail.append("[")
                try scanner.beginArray()
                while try scanner.nextElement() { try walk(&scanner) }
                trail.append("]")
            default: trail.append(scanner.text(try scanner.skipValue()).description)
            }
        }
        try scanning(bytes) { (scanner) throws(JSONError) in
            try walk(&scanner)
            try scanner.end()
            #expect(scanner.position == bytes.count)
        }
        #expect(
            trail.joined(separator: " ") == "{ a { } b [ ] c { d [ [ 1 2 ] { e null } ] } f true }"
        )
    }

    @Test("a value of the wrong type is an error at its place")
    func wrongTypes() {
        func error(
            _ source: String,
            _ body: (inout JSONScanner) throws(JSONError) -> Void
        ) -> String? {
            do {
                try scanning(Array(source.utf8), body)
                return nil
            } catch { return error.description }
        }
        #expect(
            error(" [1]") { (scanner) throws(JSONError) in try scanner.beginObject() }
                == "byte 1: expected an object, found '['"
        )
        #expect(
            error("{}") { (scanner) throws(JSONError) in try scanner.beginArray() }
                == "byte 0: expected an array, found '{'"
        )
        #expect(
            error("12") { (scanner) throws(JSONError) in _ = try scanner.string() }
                == "byte 0: expected a string, found '1'"
        )
        #expect(
            error("nul") { (scanner) throws(JSONError) in _ = try scanner.optionalString() }
                == "byte 0: expected a string or null, found 'n'"
        )
        #expect(
            error("") { (scanner) throws(JSONError) in _ = try scanner.skipValue() }
                == "byte 0: expected a value, but the text ends"
        )
    }

    @Test("names are matched as wholes")
    func matching() throws {
        try scanning(Array(#"{"type":1,"\u0074ype":2,"types":3,"typ":4,"":5}"#.utf8)) {
            (scanner) throws(JSONError) in
            var hits: [Bool] = []
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                hits.append(scanner.matches(key, "type"))
                #expect(scanner.matches(key, dynamic: "type") == hits.last)
                _ = try scanner.skipValue()
            }
            #expect(hits == [true, true, false, false, false])
        }
    }

    @Test("the containers that are entered count towards the depth")
    func depth() throws {
        let inner = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)
        for (source, fits) in [("{\"a\":\(inner)}", true), ("{\"a\":[\(inner)]}", false)] {
            let reached: Bool
            do {
                try scanning(Array(source.utf8)) { (scanner) throws(JSONError) in
                    try scanner.beginObject()
                    _ = try scanner.nextMember()
                    _ = try scanner.skipValue()
                }
                reached = true
            } catch { reached = false }
            #expect(reached == fits)
        }
    }

    @Test("text answers for its members and type without parsing the rest")
    func members() throws {
        let object = try text(#"{"a":1,"b":{"a":2},"\u0061":[3, "x"],"s":"\u00e9","t":true}"#)
        #expect(object.isObject)
        #expect(object.member("a")?.description == #"[3, "x"]"#)
        #expect(object.member("a")?.elements == [try text("3"), try text(#""x""#)])
        #expect(object.member("b")?.member("a") == (try text("2")))
        #expect(object.member("s")?.stringValue == "é")
        #expect(object.member("t")?.boolValue == true)
        #expect(object.member("x") == nil)
        #expect(object.stringValue == nil)
        #expect(object.elements == nil)
        #expect(JSONText.null.isNull)
        #expect(JSONText.null.member("a") == nil)
        #expect(JSONText.emptyObject.member("a") == nil)
        #expect(JSONText.emptyArray.elements == [])
        #expect(JSONText.true.boolValue == true)
        #expect(JSONText.false.boolValue == false)
        #expect(JSONText.false.isBool)
        #expect(try text("-1").isNumber)
    }

    @Test("text that grew deeper than what is accepted from outside is still read completely")
    func deepTrustedText() {
        let levels = 1000
        var value = JSONValue.integer(1)
        for _ in 0..<levels { value = .object(["a": .array([value])]) }
        let text = value.text
        #expect(text.value() == value)
        #expect(text.member("a")?.bytes.count == text.bytes.count - 6)
    }
}
