import HTTP
import Primitives
import Testing

@testable import Engine

@Suite("Requests that are asked about, and that wait")
struct RequestTests {
    private let proceed = #"{"action":"continue"}"#

    /// An engine with global middleware `g`, and a route with a condition and middleware.
    private func lab(
        _ config: String,
        _ adjust: @escaping (inout EngineOptions) -> Void = { _ in }
    ) throws -> (Lab, Peer) {
        let lab = try Lab { options in
            options.http.middleware = ["g"]
            adjust(&options)
        }
        let worker = try lab.join("w", serving: "f", "c", "g", "m", "n")
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        return (lab, worker)
    }

    private static let full =
        #"{"api_path":"/f","condition_function_id":"c","middleware_function_ids":["m","n"]}"#

    @Test("those who are asked come in the order of the interface, one at a time")
    func order() throws {
        let (lab, worker) = try lab(Self.full)
        var left = try lab.settle(.get("/f", headers: [("authorization", "hunter2")]))
        for (function, answer) in [("g", proceed), ("c", "true"), ("m", proceed), ("n", proceed)] {
            #expect(left.dispatches.map(\.function) == [function])
            let call = try #require(left.dispatches.first)
            left = try lab.settle(.answer(worker, call.invocation, answer))
        }
        #expect(left.dispatches.map(\.function) == ["f"])
        let call = try #require(left.dispatches.first)
        let reply = try lab.settle(
            .answer(worker, call.invocation, #"{"headers":["set-cookie: hunter2"]}"#)
        )
        #expect(reply.first?.reply?.headers.first?.value == "hunter2")
        for segment in lab.disk.segments.values {
            #expect(!segment.contains(Array("hunter2".utf8)))
        }
        #expect(lab.isQuiet)
    }

    @Test("nobody else is asked, and nothing runs, when a request has ended", arguments: [0, 1, 2])
    func ended(how: Int) throws {
        let (lab, worker) = try lab(Self.full)
        let call = try #require(try lab.settle(.get("/f")).dispatches.first)
        switch how {
        case 0: try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 1)))
        case 1:
            lab.pass(seconds: 31)
            #expect(try lab.settle().lines == ["http 504 "])
        default:
            let respond = #"{"action":"respond","response":{"status_code":403}}"#
            let left = try lab.settle(.answer(worker, call.invocation, respond))
            #expect(left.lines == ["http 403 null"])
        }
        #expect(try lab.settle(.answer(worker, call.invocation, proceed)).lines == [])
        #expect(lab.isQuiet)
    }

    @Test("a status that ends no request fails who answered with it, a function or middleware")
    func interimStatus() throws {
        let (lab, worker) = try lab(#"{"api_path":"/f"}"#)
        let respond = #"{"action":"respond","response":{"status_code":101}}"#
        let asked = try #require(try lab.settle(.get("/f")).dispatches.first)
        let refused = try lab.settle(.answer(worker, asked.invocation, respond))
        #expect(refused.first?.reply?.status == 500)

        let again = try #require(try lab.settle(.get("/f", exchange: 2)).dispatches.first)
        let call = try #require(
            try lab.settle(.answer(worker, again.invocation, proceed)).dispatches.first
        )
        let left = try lab.settle(.answer(worker, call.invocation, #"{"status_code":100}"#))
        let reply = try #require(left.first?.reply)
        #expect(reply.status == 500)
        let body = String(decoding: reply.body, as: UTF8.self)
        #expect(body.contains("response_status_invalid") && body.contains("error_id"))
        // It is a failure for whoever reads the log, too.
        let code = Array("response_status_invalid".utf8)
        #expect(lab.disk.segments.values.contains { $0.contains(code) })
    }

    @Test("a route that no request can be for is taken, and told of")
    func doubted() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let left = try lab.settle(.trigger(worker, "http", #"{"api_path":"/a b"}"#, to: "f"))
        #expect(left.lines == [])
        #expect(lab.engine.takeNotices().contains { $0.text.contains("\"/a b\"") })
        #expect(lab.engine.router.triggerCount == 1)
    }

    @Test("middleware has a time of its own, which ends with its answer")
    func middlewareTimeout() throws {
        let (lab, worker) = try lab(#"{"api_path":"/f"}"#) {
            $0.http.middlewareTimeout = 2_000_000_000
        }
        let first = try #require(try lab.settle(.get("/f")).dispatches.first)
        lab.pass(seconds: 2.1)
        let late = try lab.settle().first?.reply
        #expect(late?.status == 504)
        #expect(late?.isBare == false)
        #expect(try lab.settle(.answer(worker, first.invocation, proceed)).lines == [])

        let second = try #require(try lab.settle(.get("/f", exchange: 2)).dispatches.first)
        let call = try lab.settle(.answer(worker, second.invocation, proceed)).dispatches
        #expect(call.map(\.function) == ["f"])
        lab.pass(seconds: 5)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 26)
        let bare = try lab.settle().first?.reply
        #expect(bare == .timedOut)
    }

    @Test("middleware that is silent beyond what any worker may take is out of time, too")
    func silence() throws {
        let (lab, _) = try lab(#"{"api_path":"/f"}"#) { $0.invocationTimeout = 1_000_000_000 }
        try lab.settle(.get("/f"))
        lab.pass(seconds: 1.1)
        let left = try lab.settle()
        #expect(left.first?.reply?.status == 504)
        #expect(lab.isQuiet)
    }

    @Test("more requests than the limit wait, in order, and not against their own time")
    func concurrency() throws {
        let (lab, worker) = try lab(#"{"api_path":"/f"}"#) {
            $0.http.middleware = []
            $0.http.concurrency = 2
        }
        var running: [UInt64: UUID128] = [:]
        for exchange in UInt64(1)...5 {
            let left = try lab.settle(.get("/f", exchange: exchange)).dispatches
            #expect(left.count == (exchange <= 2 ? 1 : 0))
            running[exchange] = left.first?.invocation
        }
        #expect(try lab.settle(.get("/nowhere", exchange: 9)).first?.reply?.status == 404)
        // The third has gone before its turn.
        try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 3)))
        lab.pass(seconds: 20)
        let one = try #require(running[1])
        let left = try lab.settle(.answer(worker, one, #"{"body":1}"#))
        #expect(left.dispatches.count == 1)
        #expect(left.compactMap(\.reply).map(\.status) == [200])
        // The second runs out of time, which makes room for the fifth; the fourth has time left.
        lab.pass(seconds: 11)
        let ended = try lab.settle()
        #expect(ended.compactMap(\.reply).map(\.status) == [504])
        #expect(ended.dispatches.count == 1)
        let fifth = try #require(ended.dispatches.first)
        try lab.settle(.get("/f", exchange: 6))
        #expect(
            try lab.settle(.drain).compactMap(\.reply).map(\.status) == [503],
            "what has not begun does not begin while the engine stops"
        )
        #expect(try lab.settle(.answer(worker, fifth.invocation, "1")).first?.reply?.status == 200)
    }
}
