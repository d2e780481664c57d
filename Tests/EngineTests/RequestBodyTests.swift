import CommitLog
import HTTP
import Primitives
import Testing

@testable import Engine

@Suite("Requests that come before their bodies")
struct RequestBodyTests {
    private let proceed = #"{"action":"continue"}"#

    private func lab(
        middleware: [String] = [],
        _ adjust: @escaping (inout EngineOptions) -> Void = { _ in }
    ) throws -> (Lab, Peer) {
        let lab = try Lab { options in
            options.http.middleware = middleware
            adjust(&options)
        }
        let worker = try lab.join("w", serving: "f", "c", "g")
        let config = #"{"api_path":"/f","http_method":"POST","condition_function_id":"c"}"#
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        return (lab, worker)
    }

    private func head(_ exchange: UInt64 = 1, path: String = "/f", key: String? = nil) -> Command {
        var request = HTTPRequest(
            method: "POST",
            path: path,
            query: nil,
            headers: [("content-type", "application/json"), ("cookie", "hunter2")],
            body: []
        )
        if let key { request.headers.append(("idempotency-key", key)) }
        request.awaitsBody = true
        return .request(ExchangeID(loop: 0, number: exchange), request, Propagation())
    }

    private func body(_ text: String, _ exchange: UInt64 = 1) -> Command {
        .requestBody(ExchangeID(loop: 0, number: exchange), Array(text.utf8))
    }

    /// Answers what was asked, one after the other.
    private func answer(
        _ effects: [Effect],
        _ value: String,
        _ lab: Lab,
        _ worker: Peer
    ) throws -> [Effect] {
        let call = try #require(effects.dispatches.first)
        return try lab.settle(.answer(worker, call.invocation, value))
    }

    private func payload(_ effects: [Effect]) -> String {
        String(decoding: effects.dispatches.first?.payload ?? [], as: UTF8.self)
    }

    @Test("a path without a route is told so, and no body is read")
    func noRoute() throws {
        let (lab, _) = try lab(middleware: ["g"])
        #expect(try lab.settle(head(path: "/x")).compactMap(\.reply).map(\.status) == [404])
        #expect(try lab.settle(body("1")).lines == [])
        #expect(lab.isQuiet)
    }

    @Test("global middleware is asked first; behind it the body is read, and all see it")
    func middleware() throws {
        let (lab, worker) = try lab(middleware: ["g"])
        var left = try lab.settle(head())
        #expect(left.dispatches.map(\.function) == ["g"])
        left = try answer(left, proceed, lab, worker)
        #expect(left.lines == ["read body of 1"])
        // Something is recorded of it: who is refused from now on is told its trace.
        let isTraced = left.contains { effect in
            if case .readBody(_, .some) = effect { true } else { false }
        }
        #expect(isTraced)
        left = try lab.settle(body(#"{"n":1}"#))
        #expect(left.dispatches.map(\.function) == ["c"])
        #expect(payload(left).contains(#""body":{"n":1}"#))
        left = try answer(left, "true", lab, worker)
        #expect(left.dispatches.map(\.function) == ["f"])
        #expect(payload(left).contains(#""body":{"n":1}"#))
        left = try answer(left, #"{"body":"ok"}"#, lab, worker)
        #expect(left.lines == [#"http 200 "ok""#])
        #expect(lab.isQuiet)
        // The record of the request was written before the body came: that of the run has it.
        let log = lab.disk.segments.values.map { String(decoding: $0, as: UTF8.self) }.joined()
        #expect(log.contains(#""body":{"n":1}"#))
        #expect(!log.contains("hunter2"))
    }

    @Test("what global middleware answers is the response, and no body is read")
    func refused() throws {
        let (lab, worker) = try lab(middleware: ["g"])
        let refusal = #"{"action":"respond","response":{"status_code":401}}"#
        let left = try answer(try lab.settle(head()), refusal, lab, worker)
        #expect(left.lines == ["http 401 null"])
        #expect(lab.isQuiet)
    }

    @Test("a stop refuses those whose bodies have not come, in the order in which they came")
    func stopped() throws {
        let (lab, _) = try lab()
        for number in 1...50 { try lab.settle(head(UInt64(number))) }
        let refused = try lab.settle(.drain).compactMap { effect -> UInt64? in
            guard case .respond(let exchange, let reply, _) = effect, reply.status == 503 else {
                return nil
            }
            return exchange.number
        }
        #expect(refused == Array(1...50))
    }

    @Test("without it nothing is recorded before the body is there", arguments: [0, 1, 2, 3])
    func awaited(how: Int) throws {
        let (lab, worker) = try lab()
        let before = lab.engine.log.staged
        #expect(try lab.settle(head()).lines == ["read body of 1"])
        #expect(lab.engine.log.staged == before)
        switch how {
        case 0:
            let left = try lab.settle(body("7"))
            #expect(payload(left).contains(#""body":7"#))
            #expect(try answer(left, "false", lab, worker).first?.reply?.status == 422)
        case 1:
            lab.pass(seconds: 31)
            #expect(try lab.settle().lines == ["http 504 "])
        case 2: try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 1)))
        default: #expect(try lab.settle(.drain).compactMap(\.reply).map(\.status) == [503])
        }
        #expect(try lab.settle(body("8")).lines == [])
        #expect(lab.isQuiet)
    }

    @Test("the time of a body is part of its request's")
    func time() throws {
        let (lab, worker) = try lab(middleware: ["g"])
        #expect(try answer(try lab.settle(head()), proceed, lab, worker).lines.count == 1)
        lab.pass(seconds: 20)
        #expect(try lab.settle(body("1")).dispatches.map(\.function) == ["c"])
        lab.pass(seconds: 11)
        #expect(try lab.settle().lines == ["http 504 "])
        try lab.settle(head(2))
        lab.pass(seconds: 31)
        #expect(try lab.settle().compactMap(\.reply).map(\.status) == [504])
        #expect(try lab.settle(body("1", 2)).lines == [])
    }

    @Test("what a request waits for others behind its body is not part of its time")
    func waiting() throws {
        let (lab, worker) = try lab { $0.http.concurrency = 1 }
        try lab.settle(head())
        let first = try lab.settle(body("1"))
        try lab.settle(head(2))
        lab.pass(seconds: 5)
        #expect(try lab.settle(body("2", 2)).lines == [])
        lab.pass(seconds: 20)
        #expect(try answer(first, "false", lab, worker).dispatches.map(\.function) == ["c"])
        // 5 s for the body, 25 s for what runs, of 30 s.
        lab.pass(seconds: 24)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 2)
        #expect(try lab.settle().lines == ["http 504 "])
    }

    @Test("clients that are slow with their bodies take no place from others")
    func concurrency() throws {
        for middleware in [[], ["g"]] {
            let (lab, worker) = try lab(middleware: middleware) { $0.http.concurrency = 1 }
            for exchange in UInt64(1)...3 {
                var left = try lab.settle(head(exchange))
                if !middleware.isEmpty { left = try answer(left, proceed, lab, worker) }
                #expect(left.lines == ["read body of \(exchange)"])
            }
            #expect(try lab.settle(body("1", 2)).dispatches.map(\.function) == ["c"])
        }
    }

    @Test("an Idempotency-Key stands for the body that came")
    func key() throws {
        let (lab, worker) = try lab(middleware: ["g"])
        func run(_ exchange: UInt64, _ text: String) throws -> [Effect] {
            _ = try answer(try lab.settle(head(exchange, key: "k")), proceed, lab, worker)
            return try answer(try lab.settle(body(text, exchange)), "true", lab, worker)
        }
        let first = try run(1, "1")
        #expect(first.dispatches.map(\.function) == ["f"])
        #expect(try answer(first, #"{"body":1}"#, lab, worker).lines == ["http 200 1"])
        #expect(try run(2, "1").lines == ["http 200 1"])
        #expect(try run(3, "2").compactMap(\.reply).map(\.status) == [422])
    }
}
