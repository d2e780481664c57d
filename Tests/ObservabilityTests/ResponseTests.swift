import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Responses that records tell of")
struct ResponseTests {
    private let bench: FollowBench

    init() { self.init(FollowBench()) }

    private init(_ bench: FollowBench) { self.bench = bench }

    private func respond(
        _ request: Offset,
        _ form: Responded.Form,
        status: UInt16 = 0,
        reason: String = ""
    ) {
        let event = Responded(
            form,
            status: status,
            duration: .milliseconds(1),
            reason: reason
        )
        bench.write(.responded(event), cause: request)
    }

    private func value(_ text: String) -> FunctionResult { .value(Array(text.utf8)) }

    /// `error 504 why`: of each, its status, that of the response, and what is told of an error.
    private func spans() throws -> [String] {
        let context = TelemetryContext(now: bench.now, version: "1", baggage: nil)
        let input = #"{"search_all_spans":true,"include_internal":true}"#
        let result = try bench.log.answer(
            .listTraces,
            JSONText(validating: Array(input.utf8)),
            context
        )
        guard case .value(let bytes) = result.result else { return [] }
        let spans = try JSONText(validating: bytes).member("spans")?.elements ?? []
        return spans.filter { $0.member("name")?.stringValue == "GET /hello" }.map { span in
            var status = "-"
            for pair in span.member("attributes")?.elements ?? [] {
                guard let elements = pair.elements,
                    elements[0].stringValue == "http.response.status_code"
                else { continue }
                status = elements[1].stringValue ?? "?"
            }
            let told = span.member("status_description")?.stringValue ?? ""
            return "\(span.member("status")?.stringValue ?? "") \(status) \(told)"
        }
    }

    @Test("the status is what the client gets: as its reply is made, and 5xx is an error")
    func statuses() throws {
        let answers: [(value: String, span: String)] = [
            (#"{"status_code":404}"#, "ok 404 "),
            (#"{"statusCode":404}"#, "ok 200 "),
            (#"{"status_code":1000}"#, "ok 200 "),
            (#"{"status_code":"404"}"#, "ok 200 "),
            (#"{"status_code":503}"#, "error 503 answered 503"),
        ]
        for (answer, span) in answers {
            let bench = FollowBench()
            let root = bench.request()
            bench.complete(bench.invoke("hello", cause: root), 1, value(answer))
            let tests = ResponseTests(bench)
            #expect(try tests.spans() == [span], "\(answer)")
            let status: RequestRow.Status = span.hasPrefix("ok") ? .ok : .failed
            #expect(bench.row()?.status == status, "\(answer)")
        }
    }

    @Test("a timeout is the end of its request, whatever its function still returns")
    func slow() throws {
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        respond(root, .engine, status: 504, reason: "its function has not answered")
        let span = "error 504 answered 504: its function has not answered"
        #expect(try spans() == [span])
        bench.complete(run, 1, value(#"{"status_code":200}"#))
        #expect(try spans() == [span])
        #expect(bench.row()?.status == .failed)
        #expect(bench.row()?.error == "answered 504: its function has not answered")
    }

    @Test("a request is not over when its function returned nothing, but when that is told of")
    func nothing() throws {
        let ends: [(form: Responded.Form, status: UInt16, span: String)] = [
            (.engine, 504, "error 504 answered 504: why"), (.stream, 201, "ok 201 "),
            (.abandoned, 0, "ok - "),
        ]
        for end in ends {
            let tests = ResponseTests(FollowBench())
            let root = tests.bench.request()
            let run = tests.bench.invoke("hello", cause: root)
            tests.respond(root, .awaited)
            tests.bench.complete(run)
            #expect(try tests.spans() == [])
            #expect(tests.bench.row()?.status == .running)
            let reason = end.form == .engine ? "why" : ""
            tests.respond(root, end.form, status: end.status, reason: reason)
            #expect(try tests.spans() == [end.span])
            let status: RequestRow.Status = end.status == 504 ? .failed : .ok
            #expect(tests.bench.row()?.status == status)
        }
    }

    @Test("a stream has its status, and ends with its function")
    func stream() throws {
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        respond(root, .stream, status: 413)
        #expect(try spans() == [])
        #expect(bench.row()?.status == .running)
        bench.complete(run)
        #expect(try spans() == ["ok 413 "])
        #expect(bench.row()?.status == .ok)
    }

    @Test("a response that no record holds is its request's end, and its run's failure is not")
    func large() throws {
        let root = bench.request()
        let run = bench.invoke("hello", cause: root)
        respond(root, .engine, status: 201, reason: "its value is too large to be recorded")
        bench.complete(run, 1, .failure(ErrorBody(code: "payload_too_large", message: "m")))
        #expect(try spans() == ["ok 201 "])
        #expect(bench.row()?.status == .ok)
    }

    @Test("what nothing ran for has a span, too")
    func refused() throws {
        respond(bench.request(), .engine, status: 422, reason: "its condition c answered false")
        #expect(try spans() == ["ok 422 "])
        #expect(bench.row()?.status == .ok)
    }

    @Test("in logs of before there were such records, a request ends with its function")
    func old() throws {
        let root = bench.request()
        bench.complete(bench.invoke("hello", cause: root))
        #expect(try spans() == ["ok - "])
        #expect(bench.row()?.status == .ok)
    }
}
