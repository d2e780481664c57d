import Primitives
import Testing

@testable import Engine

@Suite("Responses that functions stream")
struct StreamedResponseTests {
    private let exchange = ExchangeID(loop: 0, number: 1)

    private func lab() throws -> (Lab, Peer, Effect.Dispatch) {
        let lab = try Lab()
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
