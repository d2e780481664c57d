import Folding
import HTTP
import LogTools
import Observability
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

@Suite("Requests with an Idempotency-Key")
struct KeyedRequestTests {
    private func lab(
        disk: SimulatedDisk = SimulatedDisk(),
        at time: Timestamp = Lab.epoch,
        life: UInt64 = 1,
        _ adjust: @escaping (inout EngineOptions) -> Void = { _ in }
    ) throws -> (Lab, Peer) {
        let lab = try Lab(disk: disk, at: time, life: life, adjust)
        let worker = try lab.join("w", serving: "f", "m")
        let config = #"{"api_path":"/f","http_method":"POST","middleware_function_ids":["m"]}"#
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        return (lab, worker)
    }

    private func post(_ exchange: UInt64, key: String = "k", body: String = "1") -> Command {
        .get(
            "/f",
            exchange: exchange,
            method: "POST",
            headers: [("content-type", "application/json"), ("idempotency-key", key)],
            body: body
        )
    }

    /// Sends a request and lets middleware let it pass.
    private func send(_ command: Command, _ lab: Lab, _ worker: Peer) throws -> [Effect] {
        let asked = try #require(try lab.settle(command).dispatches.first)
        #expect(asked.function == "m")
        return try lab.settle(.answer(worker, asked.invocation, #"{"action":"continue"}"#))
    }

    private let first = ExchangeID(loop: 0, number: 1)

    private let created =
        #"{"status_code":201,"headers":["set-cookie: s=1","x-a: b"],"body":{"id":1}}"#

    /// `201 replayed {"id":1}`
    private func show(_ effects: [Effect]) -> [String] {
        effects.compactMap(\.reply).map { reply in
            let isRepeated = reply.headers.contains { $0.name == "idempotent-replayed" }
            let hasCookie = reply.headers.contains { $0.name == "set-cookie" }
            return "\(reply.status)" + (isRepeated ? " again" : "") + (hasCookie ? " cookie" : "")
                + " \(String(decoding: reply.body, as: UTF8.self))"
        }
    }

    @Test("one of them runs; those beside it wait, and those behind it get the same from the log")
    func once() throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        #expect(call.function == "f")
        #expect(try send(post(2), lab, worker).lines == [])
        let other = try send(post(3, body: "2"), lab, worker)
        #expect(other.first?.reply?.status == 422)
        let left = try lab.settle(.answer(worker, call.invocation, created))
        #expect(show(left) == [#"201 cookie {"id":1}"#, #"201 again {"id":1}"#])
        #expect(show(try send(post(4), lab, worker)) == [#"201 again {"id":1}"#])
        #expect(try send(post(5, key: "other"), lab, worker).dispatches.count == 1)
        #expect(try lab.settle(post(6, key: "")).first?.reply?.status == 400)
    }

    @Test("the response outlives the engine; a run does not, and is made again")
    func crash() throws {
        let (first, worker) = try lab()
        let call = try #require(try send(post(1), first, worker).dispatches.first)
        try first.settle(.answer(worker, call.invocation, created))
        #expect(try send(post(2, key: "open"), first, worker).dispatches.count == 1)
        let digest = first.engine.views.work.requests.digest()
        first.disk.crash(keepingWrite: false)

        let (second, other) = try lab(disk: first.disk, at: first.now.wall, life: 2)
        #expect(second.recoveredDigest.keyed == digest)
        #expect(show(try send(post(1), second, other)) == [#"201 again {"id":1}"#])
        #expect(try send(post(2, key: "open"), second, other).dispatches.map(\.function) == ["f"])
    }

    @Test("a failure frees the key, and those that wait hear of it")
    func failure() throws {
        let (lab, worker) = try lab()
        for answer in ["fail", #"{"status_code":503}"#, #"{"status_code":100}"#] {
            let call = try #require(try send(post(1), lab, worker).dispatches.first)
            #expect(try send(post(2), lab, worker).lines == [])
            let left =
                answer == "fail"
                ? try lab.settle(.fail(worker, call.invocation))
                : try lab.settle(.answer(worker, call.invocation, answer))
            let status = answer.contains("503") ? 503 : 500
            #expect(left.compactMap(\.reply).map(\.status) == [status, status])
        }
        #expect(lab.engine.metrics.figures["iii.invocations.error"] == 2)
        #expect(try send(post(3), lab, worker).dispatches.map(\.function) == ["f"])
        // Its worker goes.
        let left = try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        #expect(left.compactMap(\.reply).map(\.status) == [500])
        #expect(lab.engine.views.work.requests.count == 0)
        #expect(lab.isQuiet)
    }

    @Test("a client that gave up gets what its request came to, when it asks again")
    func late() throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        lab.pass(seconds: 31)
        #expect(try lab.settle().lines == ["http 504 "])
        #expect(try send(post(2), lab, worker).lines == [])
        let left = try lab.settle(.answer(worker, call.invocation, created))
        #expect(show(left) == [#"201 again {"id":1}"#])
    }

    @Test("a stream is not kept, and a function that says nothing has not answered")
    func streams() throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        #expect(try send(post(2), lab, worker).lines == [])
        #expect(try lab.settle(.requestStreams(first)).lines == ["stream or channel"])
        #expect(try send(post(3), lab, worker).lines == [], "nobody knows yet what it comes to")
        #expect(try lab.settle(.answer(worker, call.invocation)).lines == [])
        let left = try lab.settle(.responseStreamed(first, succeeded: true))
        #expect(left.compactMap(\.reply).map(\.status) == [409, 409])
        #expect(try send(post(6), lab, worker).compactMap(\.reply).map(\.status) == [409])

        let silent = try #require(try send(post(4, key: "s"), lab, worker).dispatches.first)
        try lab.settle(.answer(worker, silent.invocation))
        lab.pass(seconds: 31)
        #expect(try lab.settle().lines == ["http 504 "])
        #expect(try send(post(5, key: "s"), lab, worker).dispatches.map(\.function) == ["f"])
    }

    @Test("a stream that an engine's crash cut off is a run that it cut off")
    func crashedStream() throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        try lab.settle(.requestStreams(first))
        try lab.settle(.answer(worker, call.invocation))
        lab.disk.crash(keepingWrite: false)
        let (second, other) = try self.lab(disk: lab.disk, at: lab.now.wall, life: 2)
        #expect(try send(post(1), second, other).dispatches.map(\.function) == ["f"])
    }

    /// What ends a stream before it is whole, in the order in which it is heard of.
    enum Cut: CaseIterable {
        case writerThenFunction, functionThenWriter, returnedThenWriter, clientThenFailure
    }

    @Test(
        "a stream that breaks off frees the key when its function does no more",
        arguments: Cut.allCases
    )
    func cutStream(cut: Cut) throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        try lab.settle(.requestStreams(first))
        #expect(try send(post(2), lab, worker).lines == [])
        let writer = Command.responseStreamed(first, succeeded: false)
        let failure = Command.fail(worker, call.invocation)
        let both: [Command] =
            switch cut {
            case .writerThenFunction: [writer, failure]
            case .functionThenWriter: [failure, writer]
            case .returnedThenWriter: [.answer(worker, call.invocation), writer]
            case .clientThenFailure: [.requestAbandoned(first), failure]
            }
        let told = cut == .functionThenWriter ? ["stream of \(first.number) failed"] : []
        #expect(try lab.settle(both[0]).lines == told)
        #expect(try lab.settle(both[1]).compactMap(\.reply).map(\.status) == [500])
        #expect(try send(post(3), lab, worker).dispatches.map(\.function) == ["f"])
    }

    @Test("a client that leaves a stream does not undo what its function then has done")
    func leftStream() throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        try lab.settle(.requestStreams(first))
        try lab.settle(.requestAbandoned(first))
        #expect(try send(post(2), lab, worker).lines == [])
        let left = try lab.settle(.answer(worker, call.invocation))
        #expect(left.compactMap(\.reply).map(\.status) == [409])
        #expect(lab.isQuiet)
    }

    @Test("keys expire, have a bound, and mean nothing where they are switched off")
    func bounds() throws {
        let (lab, worker) = try lab { $0.http.idempotencyKeys = 2 }
        for number in UInt64(1)...3 {
            let call = try #require(
                try send(post(number, key: "\(number)"), lab, worker).dispatches.first
            )
            try lab.settle(.answer(worker, call.invocation, created))
        }
        #expect(lab.engine.views.work.requests.count == 2)
        #expect(show(try send(post(4, key: "3"), lab, worker)) == [#"201 again {"id":1}"#])
        #expect(try send(post(5, key: "1"), lab, worker).dispatches.count == 1)
        lab.pass(seconds: 86_401)
        try lab.settle()
        #expect(try send(post(6, key: "3"), lab, worker).dispatches.count == 1)

        let (off, other) = try self.lab { $0.http.idempotencyExpiry = 0 }
        for number in UInt64(1)...2 {
            #expect(try send(post(number), off, other).dispatches.count == 1)
        }
    }
}
