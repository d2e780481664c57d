import JSON
import Primitives
import Testing
import WorkerProtocol

@Suite("What peers really send")
struct HazardTests {
    private func invoke(_ text: String) throws -> InvokeFrame {
        guard case .invoke(let frame) = try WorkerFrame(decoding: Array(text.utf8)) else {
            throw Unexpected(text: text)
        }
        return frame
    }

    private func result(_ members: String) throws -> ResultFrame {
        let text = #"{"invocation_id":"i","function_id":"f",\#(members)"type":"invocationresult"}"#
        guard case .result(let frame) = try WorkerFrame(decoding: Array(text.utf8)) else {
            throw Unexpected(text: text)
        }
        return frame
    }

    private struct Unexpected: Error { let text: String }

    @Test("an absent payload and a null payload are null")
    func absentPayload() throws {
        for members in ["", #""data":null,"#, #""data":NaN,"#, #""data":-Infinity,"#] {
            let frame = try invoke(#"{\#(members)"function_id":"f","type":"invokefunction"}"#)
            #expect(frame.data == Array("null".utf8), "\(members)")
        }
    }

    @Test("a payload keeps every byte, and what Python alone can write is replaced")
    func payloads() throws {
        let kept = #"{ "a" : [9223372036854775808, 18446744073709551615, 1.0, 1, null], "b":null}"#
        let repaired: [(String, String)] = [
            (kept, kept),
            (#"{"n":NaN,"i":[Infinity,-Infinity]}"#, #"{"n":null,"i":[null,null]}"#),
            (#""\ud800""#, #""\ufffd""#),
            (#"{"\udc00x":"😀 é \u00e9"}"#, #"{"\ufffdx":"😀 é \u00e9"}"#),
        ]
        for (sent, read) in repaired {
            let frame = try invoke(
                #"{"data":\#(sent),"function_id":"f","type":"invokefunction"}"#
            )
            #expect(String(decoding: frame.data, as: UTF8.self) == read)
        }
    }

    @Test("escapes are resolved in names, ids, types and keys")
    func escapes() throws {
        let frame = try invoke(
            #"{"\u0064ata":1,"function_id":"\u006da\u00efl::\"x\"","type":"\u0069nvokefunction"}"#
        )
        #expect(frame.data == [0x31])
        #expect(frame.functionID == "maïl::\"x\"")
        let echoed = WorkerFrame.invoke(frame).bytes
        #expect(
            String(decoding: echoed, as: UTF8.self)
                == #"{"type":"invokefunction","function_id":"maïl::\"x\"","data":1}"#
        )
    }

    @Test("of members with the same name the last counts")
    func duplicates() throws {
        let frame = try invoke(
            #"{"type":"ping","type":"invokefunction","data":1,"data":2,"function_id":"f","#
                + #""traceparent":"t","traceparent":null}"#
        )
        #expect(frame.data == [0x32])
        #expect(frame.traceparent == nil)
    }

    @Test("every action gets an answer: broken ones reach the engine as what they are")
    func actions() throws {
        func action(_ text: String) throws -> InvokeFrame.Action {
            try invoke(#"{"action":\#(text),"function_id":"f","type":"invokefunction"}"#).action
        }
        #expect(try action("null") == .call)
        #expect(try action(#"{"type":"void"}"#) == .void)
        #expect(try action(#"{"queue":"q","type":"enqueue"}"#) == .enqueue(queue: "q"))
        #expect(try action(#"{"type":"enqueue"}"#) == .enqueue(queue: ""))
        #expect(try action(#"{"type":"enqueue","queue":7}"#) == .enqueue(queue: ""))
        #expect(try action(#"{"type":"observe"}"#) == .unknown("observe"))
        #expect(try action(#"{}"#) == .unknown("{}"))
        #expect(try action(#""void""#) == .unknown(#""void""#))
    }

    @Test("an error wins over a result, in whatever form it comes")
    func errors() throws {
        func error(_ text: String) throws -> FunctionResult {
            try result(#""result":1,"error":\#(text),"#).result
        }
        #expect(try error("null") == .value([0x31]))
        #expect(
            try error(#"{"code":"c","message":"m","stacktrace":"s"}"#)
                == .failure(ErrorBody(code: "c", message: "m", stacktrace: "s"))
        )
        #expect(try error(#""boom""#) == .failure(ErrorBody(code: "UNKNOWN", message: "boom")))
        #expect(try error("{}") == .failure(ErrorBody(code: "UNKNOWN", message: "{}")))
        #expect(
            try error(#"{"code":7,"message":"m"}"#)
                == .failure(ErrorBody(code: "UNKNOWN", message: "m"))
        )
        #expect(try error("false") == .failure(ErrorBody(code: "UNKNOWN", message: "false")))
    }

    @Test("an absent result and a null result are no value; other falsy values are values")
    func noValue() throws {
        #expect(try result("").result == .none)
        #expect(try result(#""result":null,"#).result == .none)
        #expect(try result(#""result":false,"#).result == .value(Array("false".utf8)))
        #expect(try result(#""result":"","#).result == .value(Array("\"\"".utf8)))
        #expect(
            try result(#""result":{"a":null},"#).result == .value(Array(#"{"a":null}"#.utf8))
        )
    }

    @Test("a blank namespace is kept, because it has to be answered with an error")
    func blankNamespace() throws {
        let frame = try invoke(
            #"{"namespace":" ","function_id":"f","type":"invokefunction"}"#
        )
        #expect(frame.namespace == " ")
    }

    @Test("an invocation id is echoed as it came, UUID or not")
    func invocationIDs() throws {
        for id in [sampleIDText, sampleIDText.uppercased(), "7", "", "a\\u0000b"] {
            let frame = try invoke(
                #"{"invocation_id":"\#(id)","function_id":"f","type":"invokefunction"}"#
            )
            let text = String(decoding: WorkerFrame.invoke(frame).bytes, as: UTF8.self)
            #expect(text.contains(#""invocation_id":"\#(id)","#), "\(text)")
        }
        #expect(InvocationID(sampleIDText) == .uuid(sampleID))
        #expect(InvocationID(sampleIDText.uppercased()) != .uuid(sampleID))
    }

    @Test("UUIDs are written and read as Primitives writes and reads them")
    func uuids() {
        var entropy = SeededEntropy(seed: 0x1D)
        for _ in 0..<1000 {
            let id = UUID128(high: entropy.next(), low: entropy.next())
            #expect(InvocationID(id.description) == .uuid(id))
            let frame = ResultFrame(invocationID: .uuid(id), functionID: "", result: .none)
            let text = String(decoding: EngineFrame.result(frame).bytes, as: UTF8.self)
            #expect(text.contains("\"\(id)\""), "\(text) \(id)")
        }
        for wrong in ["g", "G", "/", ":", "`", "-"] {
            var text = Array(sampleIDText)
            text[35] = Character(wrong)
            #expect(InvocationID(String(text)) == .text(String(text)))
        }
    }

    @Test("text that needs escapes is written as standard JSON, and counted right")
    func escapedOutput() throws {
        let nasty = String((0..<0x30).compactMap { UnicodeScalar($0).map(Character.init) }) + "\\é😀"
        let frame = EngineFrame.error(ErrorBody(code: nasty, message: nasty, stacktrace: nasty))
        #expect(frame.bytes.count == frame.byteCount)
        #expect(try EngineFrame(decoding: frame.bytes) == frame)
        #expect(try JSONText(validating: frame.bytes).bytes == frame.bytes)
    }

    @Test("what is no message is named, with its place")
    func refused() {
        let deep = String(repeating: "[", count: 200)
        let cases: [(String, FrameError)] = [
            ("", .blank),
            (" \r\n\t", .blank),
            ("[1]", .notAnObject(position: 0)),
            (" \"x\"", .notAnObject(position: 1)),
            ("{}", .missing(field: "type", message: "")),
            (#"{"type":null}"#, .missing(field: "type", message: "")),
            (#"{"type":5}"#, .wrongType(field: "type", message: "", position: 8)),
            (#"{"type":"ping"} x"#, .notJSON(.unexpected(at: 16, found: 0x78, expected: .end))),
            (
                #"{"type":"invokefunction"}"#,
                .missing(field: "function_id", message: "invokefunction")
            ),
            (
                #"{"type":"invocationresult","function_id":"f"}"#,
                .missing(field: "invocation_id", message: "invocationresult")
            ),
            (
                #"{"type":"registertrigger","id":"a","function_id":"f"}"#,
                .missing(field: "trigger_type", message: "registertrigger")
            ),
            (
                #"{"type":"invokefunction","function_id":1}"#,
                .wrongType(field: "function_id", message: "invokefunction", position: 39)
            ),
            (#"{"type":"x","a":\#(deep)"#, .notJSON(.tooDeep(at: 143, limit: 128))),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text)") { try WorkerFrame(decoding: Array(text.utf8)) }
        }
    }

    @Test("128 levels are accepted")
    func depth() throws {
        let open = String(repeating: "[", count: 127)
        let close = String(repeating: "]", count: 127)
        let frame = try invoke(
            #"{"data":\#(open)\#(close),"function_id":"f","type":"invokefunction"}"#
        )
        #expect(frame.data == Array((open + close).utf8))
    }

    @Test("the errors say what is wrong in words")
    func descriptions() {
        #expect(
            FrameError.missing(field: "id", message: "registerfunction").description
                == #"registerfunction has no "id""#
        )
        #expect(
            FrameError.wrongType(field: "type", message: "", position: 8).description
                == #"the message: "type" at byte 8 holds a value of the wrong type"#
        )
        #expect(
            FrameError.missing(field: "type", message: "").description
                == #"the message has no "type""#
        )
    }
}
