import JSON
import Primitives
import Testing

@testable import HTTPFunctions

@Suite("What goes out and what comes back")
struct ExchangeTests {
    @Test(
        "a response answers by its status and its body",
        arguments: [
            (200, "", "nothing"), (204, "", "nothing"), (200, " \n", "nothing"),
            (200, "{\"a\":1}", "{\"a\":1}"), (201, "null", "null"), (299, "[1]", "[1]"),
            (200, "<html>", "invalid_response: the body of HTTP 200 is not JSON"),
            (302, "", "nothing"), (302, "<html>", "nothing"), (304, "{\"a\":1}", "{\"a\":1}"),
            (400, "", "http_error: HTTP 400 Reason"),
            (500, "<html>", "http_error: HTTP 500 Reason"),
            (404, "{\"error\":\"x\"}", "http_error: HTTP 404 Reason"),
            (422, "{\"error\":{\"code\":\"c\",\"message\":\"m\"}}", "c: m"),
            (422, "{\"error\":{\"message\":\"m\"}}", "http_error: m"),
            (422, "{\"error\":{\"code\":\"c\"}}", "c: HTTP request failed"),
            (422, "{\"error\":{}}", "http_error: HTTP request failed"),
        ]
    )
    func response(_ status: Int, _ body: String, _ expected: String) {
        let result = FunctionResult(status: status, reason: "Reason", body: Array(body.utf8))
        let line =
            switch result {
            case .none: "nothing"
            case .value(let bytes): String(decoding: bytes, as: UTF8.self)
            case .failure(let error): "\(error.code): \(error.message)"
            }
        #expect(line == expected)
    }

    @Test("a value is taken that the message to the caller has room for", arguments: [127, 128])
    func deep(levels: Int) {
        let body = Array(nesting(levels).utf8)
        let result = FunctionResult(status: 200, reason: "OK", body: body)
        #expect((result == .value(body)) == (levels == 127))
    }

    private func nesting(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    @Test("a status without a name is told by its number")
    func unnamed() {
        let result = FunctionResult(status: 599, reason: "", body: [])
        #expect(result == .failure(ErrorBody(code: "http_error", message: "HTTP 599")))
    }

    @Test("an object says which worker called, last")
    func caller() throws {
        let caller = UUID128(high: 1, low: 2)
        func body(_ text: String, _ caller: UUID128?) -> String {
            String(decoding: Endpoint.body(Array(text.utf8), caller: caller), as: UTF8.self)
        }
        #expect(body("{\"a\":1}", nil) == "{\"a\":1}")
        #expect(body("[1]", caller) == "[1]")
        #expect(body("{ }", caller) == "{ \"_caller_worker_id\":\"\(caller)\"}")
        #expect(
            body("{\"_caller_worker_id\":\"x\", \"a\":1}", caller)
                == "{\"a\":1,\"_caller_worker_id\":\"\(caller)\"}"
        )
    }

    @Test("headers of a function come behind the engine's own, and no id breaks a line")
    func headers() throws {
        let trace = try #require(TraceID(high: 1, low: 2))
        let endpoint = try Endpoint(
            JSONText(
                trusted: Array(#"{"url":"https://a.example","headers":{"x-app":"1"}}"#.utf8)
            ),
            OutboundPolicy()
        )
        let headers = endpoint.headers(
            function: "a\r\nb: ü%",
            invocation: UUID128(high: 0, low: 1),
            seconds: 1_700_000_000,
            traceparent: TraceParent(trace: trace, span: 3)
        )
        #expect(headers.map(\.name).last == "x-app")
        let values = Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) })
        #expect(values["x-iii-function-path"] == "a%0D%0Ab: %C3%BC%25")
        #expect(values["x-iii-timestamp"] == "1700000000")
        #expect(values["x-iii-invocation-id"] == "00000000-0000-0000-0000-000000000001")
        #expect(values["content-type"] == "application/json")
    }
}
