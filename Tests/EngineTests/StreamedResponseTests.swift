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
        let effects = try lab.settle(.requestStreams(exchange))
        #expect(effects.lines == ["stream or channel"])
        guard case .stream(exchange, let trace) = effects[0] else { return }
        #expect(trace == dispatch.traceparent.trace)
        #expect(try lab.settle(.requestStreams(exchange)).lines == [])
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "1")).lines == [])
        lab.pass(seconds: 60)
        #expect(try lab.settle().lines == [])
        #expect(lab.isQuiet)
    }

    @Test("that the function of a stream fails is told to whoever sends it: it may be left open")
    func failed() throws {
        let (lab, worker, dispatch) = try lab()
        try lab.settle(.requestStreams(exchange))
        let effects = try lab.settle(.fail(worker, dispatch.invocation))
        #expect(effects.lines == ["stream of 1 failed"])
        #expect(lab.isQuiet)
    }

    @Test(
        "so is that it ends without an answer: its worker is silent, or has gone",
        arguments: [false, true]
    )
    func unanswered(isGone: Bool) throws {
        let (lab, worker, _) = try self.lab { $0.invocationTimeout = 1_000_000_000 }
        try lab.settle(.requestStreams(exchange))
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
        #expect(try lab.settle(.requestStreams(exchange)).lines == [])
        let (other, _, _) = try self.lab()
        other.pass(seconds: 31)
        #expect(try other.settle().lines == ["http 504 "])
        #expect(try other.settle(.requestStreams(exchange)).lines == [])
    }

    @Test("null returned is no answer: the stream may begin later")
    func null() throws {
        let (lab, worker, dispatch) = try lab()
        #expect(try lab.settle(.answer(worker, dispatch.invocation, "null")).lines == [])
        #expect(try lab.settle(.requestStreams(exchange)).lines == ["stream or channel"])
    }
}
