import JSON
import Primitives
import Testing

@testable import HTTP

@Suite("What a function's value answers")
struct HTTPReplyTests {
    private func reply(_ value: String) throws -> HTTPReply? {
        HTTPReply(value: try JSONText(validating: Array(value.utf8)))
    }

    /// `201 content-type=application/json|body`.
    private func show(_ reply: HTTPReply?) -> String {
        guard let reply else { return "nothing" }
        let headers = reply.headers.map { " \($0.name)=\($0.value)" }.joined()
        return "\(reply.status)\(headers)|\(String(decoding: reply.body, as: UTF8.self))"
    }

    /// The table of the interface's description, A.8.
    @Test(
        "the vectors of the interface",
        arguments: [
            (#"{"status_code":201,"body":{"a":1}}"#, #"201 content-type=application/json|{"a":1}"#),
            (
                #"{"status_code": 201, "body": {"a": [1, 2], "b": "c: \" d"}}"#,
                #"201 content-type=application/json|{"a":[1,2],"b":"c: \" d"}"#
            ),
            (#"{"body": " h, i"}"#, #"200 content-type=application/json|" h, i""#),
            (
                #"{"body": [1, 2], "headers": {"content-type": "a/b"}}"#,
                "200 content-type=a/b|[1,2]"
            ),
            (#"{"body":"hi"}"#, #"200 content-type=application/json|"hi""#),
            (
                #"{"body":"hi","headers":{"content-type":"text/plain"}}"#,
                "200 content-type=text/plain|hi"
            ),
            (
                #"{"body":{"a":1},"headers":{"Content-Type":"text/plain"}}"#,
                #"200 Content-Type=text/plain|{"a":1}"#
            ),
            (#"{"body":null}"#, "200 content-type=application/json|null"),
            (#"{"body":null,"headers":["Content-Type: text/css"]}"#, "200 Content-Type=text/css|"),
            (#"{"status_code":"404"}"#, "200 content-type=application/json|{}"),
            (#"{"statusCode":404,"body":[]}"#, "200 content-type=application/json|[]"),
            (
                #"{"status_code":302,"headers":{"location":"/x"}}"#,
                "302 location=/x content-type=application/json|{}"
            ),
            (
                #"{"headers":{"set-cookie":["a=1","b=2"]}}"#,
                "200 content-type=application/json|{}"
            ),
            (
                #"{"headers":["set-cookie: a=1","set-cookie: b=2"]}"#,
                "200 set-cookie=a=1 set-cookie=b=2 content-type=application/json|{}"
            ),
            (#""plain""#, "200 content-type=application/json|{}"),
            ("42", "200 content-type=application/json|{}"),
            ("[1]", "200 content-type=application/json|{}"),
            ("true", "200 content-type=application/json|{}"),
        ]
    )
    func vectors(value: String, expected: String) throws {
        #expect(show(try reply(value)) == expected)
    }

    @Test(
        "a status is a whole number of three digits, or 200",
        arguments: [
            ("100", 100), ("999", 999), ("99", 200), ("1000", 200), ("0", 200), ("-404", 200),
            ("404.0", 200), ("4e2", 200), ("\"404\"", 200), ("null", 200), ("true", 200),
            ("18446744073709551615", 200), ("99999999999999999999", 200),
        ]
    )
    func status(value: String, expected: Int) throws {
        #expect(try reply("{\"status_code\":\(value)}")?.status == expected)
    }

    @Test(
        "a value that was probably meant as another response is told from one that was not",
        arguments: [
            (#"{"status_code":1000}"#, "status_code that is no integer"),
            (#"{"status_code":"404","body":1}"#, "status_code that is no integer"),
            (#"{"statusCode":404,"body":1}"#, "statusCode, which is not status_code"),
            (#"{"status":404,"body":1}"#, "status, which is not status_code"),
            (#"{"id":1}"#, "neither status_code nor headers nor body"),
            ("[{},404]", "neither status_code nor headers nor body"),
            (#""hi""#, "neither status_code nor headers nor body"),
            (#"{"body":{"status":404}}"#, nil), (#"{"status":"paid","body":1}"#, nil),
            (#"{"headers":{}}"#, nil), ("{}", nil),
        ] as [(String, String?)]
    )
    func oddity(value: String, expected: String?) throws {
        let text = try JSONText(validating: Array(value.utf8))
        let reply = try #require(HTTPReply(value: text))
        let oddity = reply.oddity?.text
        #expect((oddity == nil) == (expected == nil), "\(oddity ?? "nothing")")
        if let expected { #expect(oddity?.contains(expected) == true) }
    }

    @Test("a status below 200 ends no request, and is said to be none")
    func interim() throws {
        for (status, isWrong) in [(100, true), (199, true), (200, false), (99, false)] {
            let value = try JSONText(validating: Array("{\"status_code\":\(status)}".utf8))
            let reply = try #require(HTTPReply(value: value))
            let code = HTTPReply.defect(ofStatus: reply.status)?.code
            #expect(code == (isWrong ? "response_status_invalid" : nil), "\(status)")
        }
    }

    @Test(
        "headers come from strings only",
        arguments: [
            (#"{"a":"1","b":2,"c":null,"d":["x"],"e":{}}"#, ["a=1"]),
            (
                #"["a: 1","b:2","no colon",": no name","c:",7,null," d : 4 "]"#,
                ["a=1", "b=2", "c=", "d=4"]
            ),
            (#"{"a":"x\ny","b":"1","content-type":"bad\nvalue"}"#, ["b=1"]),
            (#"["a: x\u0000y","b: 1","content-type: a\rb"]"#, ["b=1"]),
            (#"{"A":"1","b":"2","a":"3"}"#, ["b=2", "a=3"]), (#"["A: 1","a: 2"]"#, ["A=1", "a=2"]),
            (#"["a: b: c"]"#, ["a=b: c"]), ("7", []), ("\"a: 1\"", []), ("null", []),
        ]
    )
    func headers(value: String, expected: [String]) throws {
        let reply = try #require(try reply("{\"headers\":\(value)}"))
        let shown = reply.headers.map { "\($0.name)=\($0.value)" }
        #expect(shown == expected + ["content-type=application/json"])
    }

    @Test(
        "with a content type of its own a body is sent as it is",
        arguments: [
            (#""text""#, "text"), (#""a\"b\n€""#, "a\"b\n€"), ("null", ""), ("7.0", "7.0"),
            ("true", "true"), (#"{"a": [1]}"#, #"{"a":[1]}"#),
        ]
    )
    func typed(body: String, expected: String) throws {
        for type in ["text/html", "application/json"] {
            let reply = try reply(#"{"body":\#(body),"headers":{"CONTENT-type":"\#(type)"}}"#)
            #expect(show(reply) == "200 CONTENT-type=\(type)|\(expected)")
        }
    }

    @Test("null is no answer")
    func null() throws {
        #expect(try reply("null") == nil)
    }

    @Test("the engine's own errors are an envelope")
    func envelope() {
        let error = ErrorBody(code: "c", message: "m \"x\"")
        #expect(
            show(HTTPReply(status: 500, error: error, errorID: 0xBEEF))
                == "500 content-type=application/json|"
                + #"{"error":{"code":"c","message":"m \"x\"","error_id":"beef"}}"#
        )
        #expect(
            show(.notFound)
                == "404 content-type=application/json|"
                + #"{"error":{"code":"NOT_FOUND","message":"Not Found"}}"#
        )
        #expect(
            show(.conditionNotMet)
                == "422 content-type=application/json|"
                + #"{"error":{"code":"CONDITION_NOT_MET","message":"Condition not met"},"#
                + #""skipped":true}"#
        )
        #expect(show(.methodNotAllowed(["GET", "HEAD"])) == "405 allow=GET,HEAD|")
    }
}
