import JSON
import Primitives
import Testing

@testable import HTTP

@Suite("What a function gets for a request")
struct HTTPEventTests {
    private func event(
        _ path: String = "/a",
        method: String = "GET",
        query: String? = nil,
        headers: [(name: String, value: String)] = [],
        body: String = "",
        route: String = "/a"
    ) throws -> HTTPEvent {
        let trigger = try trigger(route, method: method)
        var router = Router()
        try router.add(trigger)
        guard case .found(_, let parameters) = router.match(method: method, path: path) else {
            throw ErrorBody(code: "NOT_FOUND", message: "\(path) is not \(route)")
        }
        let request = HTTPRequest(
            method: method,
            path: path,
            query: query,
            headers: headers,
            body: Array(body.utf8)
        )
        return HTTPEvent(request, trigger: trigger, parameters: parameters)
    }

    @Test("all of it, in its order")
    func whole() throws {
        let event = try event(
            "/accounts/u7",
            method: "POST",
            query: "page=2",
            headers: [("host", "localhost:3111"), ("content-type", "application/json")],
            body: #"{"nick": "zed"}"#,
            route: "accounts/:id"
        )
        #expect(
            event.input.description
                == #"{"query_params":{"page":"2"},"path_params":{"id":"u7"},"#
                + #""headers":{"host":"localhost:3111","content-type":"application/json"},"#
                + #""path":"accounts/:id","method":"POST","body":{"nick": "zed"},"#
                + #""trigger":{"type":"http","path":"accounts/:id","method":"POST"}}"#
        )
        #expect(event.logged == event.input)
    }

    @Test(
        "a query is read as a form",
        arguments: [
            (nil, "{}"), ("", "{}"), ("a=1&b=2", #"{"a":"1","b":"2"}"#),
            ("a=1&a=2", #"{"a":"2"}"#), ("a", #"{"a":""}"#), ("a=", #"{"a":""}"#),
            ("=v", #"{"":"v"}"#), ("a=b=c", #"{"a":"b=c"}"#), ("&&a=1&", #"{"a":"1"}"#),
            ("a+b=c+d", #"{"a b":"c d"}"#), ("a=%20%2B%26", #"{"a":" +&"}"#),
            ("a=%E2%82%AC", #"{"a":"€"}"#), ("a=%e2%82%ac", #"{"a":"€"}"#),
            ("a=%", #"{"a":"%"}"#), ("a=%4", #"{"a":"%4"}"#), ("a=%zz", #"{"a":"%zz"}"#),
            ("a=%+1", #"{"a":"% 1"}"#), ("a=%-1", #"{"a":"%-1"}"#), ("a=%41%", #"{"a":"A%"}"#),
            ("a=%FF", "{\"a\":\"\u{FFFD}\"}"), ("a=%00", #"{"a":"\u0000"}"#),
            ("a&\u{301}=1", "{\"a\":\"\",\"\u{301}\":\"1\"}"),
        ] as [(String?, String)]
    )
    func query(query: String?, expected: String) throws {
        let input = try event(query: query).input
        #expect(input.member("query_params")?.description == expected)
    }

    @Test("names are the same where their bytes are, be they few or many", arguments: [0, 20])
    func names(more: Int) throws {
        let others = (0..<more).map { "&x\($0)" }.joined()
        let query = "caf%C3%A9=1&cafe%CC%81=2&caf%C3%A9=3\(others)"
        let names = try #require(try event(query: query).input.member("query_params")).description
        #expect(names.hasPrefix("{\"caf\u{E9}\":\"3\",\"cafe\u{301}\":\"2\""), "\(names)")
    }

    @Test("of parameters of one name the last value counts")
    func doubled() throws {
        let input = try event("/d/1/2", route: "/d/:a/{a}").input
        #expect(input.member("path_params")?.description == #"{"a":"2"}"#)
    }

    @Test("of a repeated header the last value counts; what is not visible ASCII is empty")
    func headers() throws {
        let input = try event(
            headers: [("x", "1"), ("y", "a\tb"), ("x", "2"), ("z", "ü"), ("n", "a\u{7F}")]
        ).input
        #expect(
            input.member("headers")?.description == #"{"x":"2","y":"a\tb","z":"","n":""}"#
        )
    }

    @Test(
        "a body is a value where it is JSON and said to be",
        arguments: [
            ("application/json", "[1, 2.0]", "[1, 2.0]"),
            ("application/json; charset=utf-8", " 7 ", "7"),
            ("text/application/json", "1", "1"), ("application/json", "", "null"),
            ("application/json", "{", "null"), ("application/json", "1 2", "null"),
            ("application/json", "1e999", "null"),
            ("application/json", String(repeating: "1", count: 5000), "null"),
            ("Application/JSON", "1", "null"), ("text/plain", "1", "null"),
            ("application/vnd.x+json", "1", "null"), (nil, "1", "null"),
            ("application/json", String(repeating: "[", count: 5000), "null"),
        ] as [(String?, String, String)]
    )
    func body(type: String?, body: String, expected: String) throws {
        let headers = type.map { [(name: "content-type", value: $0)] } ?? []
        let input = try event(method: "POST", headers: headers, body: body).input
        #expect(input.member("body")?.description == expected)
    }

    @Test("a body is as deep as leaves a message room for it, and one with it in the answer")
    func deepBody() throws {
        for levels in [126, 127] {
            let text = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
            let headers = [(name: "content-type", value: "application/json")]
            let input = try event(method: "POST", headers: headers, body: text).input
            #expect(input.member("body")?.description == (levels == 126 ? text : "null"))
            #expect(input.isNested(within: Limits.jsonDepth - 1))
        }
    }

    @Test("parameters of the path are raw, and the path is the route's")
    func parameters() throws {
        let input = try event("/items/a%20b", route: "items/{id}").input
        #expect(input.member("path_params")?.description == #"{"id":"a%20b"}"#)
        #expect(input.member("path")?.stringValue == "items/{id}")
    }

    @Test("the function sees the client's secrets, the log does not")
    func secrets() throws {
        for name in ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"] {
            let event = try event(headers: [("a", "1"), (name, "hunter2"), (name, "hunter3")])
            #expect(event.input.member("headers")?.member(name)?.stringValue == "hunter3")
            #expect(event.logged.member("headers")?.member(name)?.stringValue == "[redacted]")
            #expect(event.logged.member("headers")?.member("a")?.stringValue == "1")
            #expect(!event.logged.description.contains("hunter"))
        }
    }
}
