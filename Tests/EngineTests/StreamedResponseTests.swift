import HTTP
import Primitives
import Testing

@testable import Engine

@Suite("Responses that functions stream")
struct StreamedResponseTests {
    private let exchange = ExchangeID(loop: 0, number: 1)

    private func lab(
        _ adjust: (inout EngineOptions) -> Void = { _ in }
    ) throws -> (Lab, Peer, Effect.Dispatch) {
        let lab = try Lab(adjust)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "http", #"{"api_path":"/f"}"#, to: "f"))
        let dispatch = try #require(try lab.settle(.get("/f")).dispatches.first)
        return (lab, worker, dispatch)
    }

    @Test("a stream that begins is the response; what else would be one comes to nothing")
    func first() throws {
        let (lab, worker, dispatch) = try lab()
        let effects = try lab.settle(.requestStreams(exchange, status: 200))
        #expect(effects.lines == ["stream or channel"])
        guard case .stream(exchange, let trace) = effects[0] else { return }
        #expect(trace == dispatch.traceparent.trace)
        #expect(try lab.settle(.requestStreams(exchange, status: 200)).lines == [])
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "1")).lines == [])
        lab.pass(seconds: 60)
        #expect(try lab.settle().lines == [])
        #expect(lab.isQuiet)
    }

    @Test("that the function of a stream fails is told to whoever sends it: it may be left open")
    func failed() throws {
        let (lab, worker, dispatch) = try lab()
        try lab.settle(.requestStreams(exchange, status: 200))
        let effects = try lab.settle(.fail(worker, dispatch.invocation))
        #expect(effects.lines == ["stream of 1 failed"])
        #expect(lab.isQuiet)
    }

    @Test("a failure is told of, however its stream has ended, but where its client has left it")
    func notices() throws {
        let ends: [(command: Command?, isTold: Bool)] = [
            (nil, true), (.responseStreamed(exchange, succeeded: true), true),
            (.responseStreamed(exchange, succeeded: false), true),
            (.requestAbandoned(exchange), false),
        ]
        for end in ends {
            let (lab, worker, dispatch) = try lab()
            try lab.settle(.requestStreams(exchange, status: 200))
            if let command = end.command { try lab.settle(command) }
            try lab.settle(.fail(worker, dispatch.invocation))
            let isTold = lab.engine.takeNotices().contains { $0.text.contains("request failed") }
            #expect(isTold == end.isTold)
            #expect(lab.engine.streaming.isEmpty)
        }
    }

    @Test("a head that can be none is answered as any failure is: with an id, and a line of it")
    func spoilt() throws {
        let (lab, worker, dispatch) = try lab()
        let defect = ErrorBody(code: "response_status_invalid", message: "m")
        let reply = try #require(
            try lab.settle(.responseSpoilt(exchange, defect)).compactMap(\.reply).first
        )
        #expect(reply.status == 500)
        let body = String(decoding: reply.body, as: UTF8.self)
        #expect(body.contains("response_status_invalid") && body.contains("error_id"))
        let lines = lab.engine.takeNotices().filter { $0.text.contains("request failed") }
        #expect(lines.count == 1)
        #expect(try lab.settle(.responseSpoilt(exchange, defect)).lines == [])
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "1")).lines == [])
        #expect(lab.isQuiet)
    }

    @Test(
        "so is that it ends without an answer: its worker is silent, or has gone",
        arguments: [false, true]
    )
    func unanswered(isGone: Bool) throws {
        let (lab, worker, _) = try self.lab { $0.invocationTimeout = 1_000_000_000 }
        try lab.settle(.requestStreams(exchange, status: 200))
        let effects: [Effect]
        if isGone {
            effects = try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        } else {
            lab.pass(seconds: 1.1)
            effects = try lab.settle()
        }
        #expect(effects.lines == ["stream of 1 failed"])
        #expect(lab.isQuiet)
    }

    @Test("a stream that begins after the answer, or after the timeout, is none")
    func late() throws {
        let (lab, worker, dispatch) = try lab()
        #expect(try lab.settle(.answer(worker, dispatch.invocation, #"{"body":1}"#)).count == 1)
        #expect(try lab.settle(.requestStreams(exchange, status: 200)).lines == [])
        let (other, _, _) = try self.lab()
        other.pass(seconds: 31)
        #expect(try other.settle().lines == ["http 504 "])
        #expect(try other.settle(.requestStreams(exchange, status: 200)).lines == [])
    }

    @Test("null returned is no answer: the stream may begin later")
    func null() throws {
        let (lab, worker, dispatch) = try lab()
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "null")).lines == [])
        let effects = try lab.settle(.requestStreams(exchange, status: 200))
        #expect(effects.lines == ["stream or channel"])
        #expect(lab.engine.streaming.isEmpty, "its function's end is not waited for")
    }
}
