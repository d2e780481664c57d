import Events
import HTTP
import Primitives
import Testing

@testable import Engine

@Suite("What clients got, where no end of a function's run tells")
struct RespondedTests {
    private let first = ExchangeID(loop: 0, number: 1)

    private func lab(_ config: String = #"{"api_path":"/f"}"#) throws -> (Lab, Peer) {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "m")
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        return (lab, worker)
    }

    private func ask(_ lab: Lab, exchange: UInt64 = 1) throws -> Effect.Dispatch {
        try #require(try lab.settle(.get("/f", exchange: exchange)).dispatches.first)
    }

    /// `engine 504 in 30000 ms: reason`.
    private func responses(_ lab: Lab) throws -> [String] {
        // What a record says that was behind the last effect is on the disk after one more turn.
        try lab.settle()
        return try lab.recordedEvents().compactMap { event in
            guard case .responded(let event) = event else { return nil }
            let time = "\(event.duration.milliseconds) ms"
            return "\(event.form) \(event.status) in \(time): \(event.reason)"
        }
    }

    @Test("a normal answer needs no more records")
    func normal() throws {
        let (lab, worker) = try lab()
        for answer in [#"{"status_code":201}"#, #"{"status_code":503}"#, #"{"body":1}"#] {
            let call = try ask(lab)
            try lab.settle(.answer(worker, call.invocation, answer))
        }
        let call = try ask(lab)
        try lab.settle(.fail(worker, call.invocation))
        #expect(try responses(lab).isEmpty)
    }

    @Test("a function that is too slow, and one that returned nothing, are told apart")
    func timeouts() throws {
        let (lab, worker) = try lab()
        let slow = try ask(lab)
        lab.pass(seconds: 31)
        #expect(try lab.settle().lines == ["http 504 "])
        try lab.settle(.answer(worker, slow.invocation, #"{"body":1}"#))
        let time = "31000 ms"
        let late = "engine 504 in \(time): its function has not answered"
        #expect(try responses(lab) == [late])

        let silent = try ask(lab, exchange: 2)
        try lab.settle(.answer(worker, silent.invocation))
        lab.pass(seconds: 31)
        #expect(try lab.settle().lines == ["http 504 "])
        let told = try responses(lab)
        try #require(told.count == 3)
        #expect(told[1] == "awaited 0 in 0 ms: ")
        #expect(
            told[2] == "engine 504 in \(time): its function returned null, and no stream followed"
        )
        let kinds = try lab.recordedEvents().map(\.kind)
        let place = try #require(kinds.lastIndex(of: .completed))
        #expect(kinds[place - 1] == .responded, "so that nobody takes that end for the request's")
    }

    @Test("one line tells of each function that returns nothing, and few tell of slow ones")
    func lines() throws {
        let (lab, worker) = try lab()
        for exchange in UInt64(1)...4 {
            let call = try ask(lab, exchange: exchange)
            if exchange < 3 { try lab.settle(.answer(worker, call.invocation)) }
        }
        lab.pass(seconds: 31)
        #expect(try lab.settle().lines.count == 4)
        let lines = lab.engine.takeNotices().filter { $0.text.contains(" 504 after 31000 ms") }
        #expect(lines.count == 2)
        #expect(lines.count { $0.text.contains("returned null") } >= 1)
        #expect(lines.allSatisfy { $0.trace != nil })
        let call = try ask(lab, exchange: 5)
        #expect(call.function == "f")
        lab.pass(seconds: 31)
        try lab.settle()
        let more = lab.engine.takeNotices().filter { $0.text.contains(" 504 after ") }
        #expect(more.map { $0.text.contains("so were 2 more") } == [true])
    }

    @Test("a stream's status is told, whether it begins before its function returns or behind that")
    func streams() throws {
        let (lab, worker) = try lab()
        let early = try ask(lab)
        try lab.settle(.requestStreams(first, status: 413))
        try lab.settle(.answer(worker, early.invocation))
        let late = try ask(lab, exchange: 2)
        try lab.settle(.answer(worker, late.invocation))
        try lab.settle(.requestStreams(ExchangeID(loop: 0, number: 2), status: 201))
        let left = try ask(lab, exchange: 3)
        try lab.settle(.answer(worker, left.invocation))
        try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 3)))
        #expect(
            try responses(lab) == [
                "stream 413 in 0 ms: ", "awaited 0 in 0 ms: ", "stream 201 in 0 ms: ",
                "awaited 0 in 0 ms: ", "abandoned 0 in 0 ms: ",
            ]
        )
    }

    @Test("what can be no stream, and what middleware says, are told")
    func refusals() throws {
        let (lab, worker) = try lab(#"{"api_path":"/f","middleware_function_ids":["m"]}"#)
        let asked = try ask(lab)
        let verdict = #"{"action":"respond","response":{"status_code":403}}"#
        try lab.settle(.answer(worker, asked.invocation, verdict))
        let failing = try ask(lab, exchange: 2)
        try lab.settle(.fail(worker, failing.invocation, "broken"))
        let passed = try ask(lab, exchange: 3)
        let proceed = #"{"action":"continue"}"#
        #expect(try lab.settle(.answer(worker, passed.invocation, proceed)).dispatches.count == 1)
        let defect = ErrorBody(code: "response_status_invalid", message: "m")
        try lab.settle(.responseSpoilt(ExchangeID(loop: 0, number: 3), defect))
        #expect(
            try responses(lab) == [
                "engine 403 in 0 ms: middleware m did so",
                "engine 500 in 0 ms: middleware m failed: broken",
                "engine 500 in 0 ms: its stream can be no response: m",
            ]
        )
    }

    @Test("a response that no record holds has its status told, before its run is told as failed")
    func large() throws {
        let (lab, worker) = try lab()
        lab.engine.options.payloadBytes = 1000
        let call = try ask(lab)
        let answer = "{\"status_code\":201,\"body\":\"\(String(repeating: "x", count: 2000))\"}"
        let left = try lab.settle(.answer(worker, call.invocation, answer))
        #expect(left.first?.reply?.status == 201)
        let told = "engine 201 in 0 ms: its value is too large to be recorded"
        #expect(try responses(lab) == [told])
        let kinds = try lab.recordedEvents().map(\.kind)
        let place = try #require(kinds.lastIndex(of: .completed))
        #expect(kinds[place - 1] == .responded)
    }

    @Test("that a client left is told where its function does not run, and else its end tells all")
    func left() throws {
        let (lab, worker) = try lab(#"{"api_path":"/f","condition_function_id":"m"}"#)
        let asked = try ask(lab)
        #expect(asked.function == "m")
        try lab.settle(.requestAbandoned(first))
        let told = ["abandoned 0 in 0 ms: "]
        #expect(try responses(lab) == told)
        #expect(try lab.settle(.answer(worker, asked.invocation, "true")).dispatches.isEmpty)
        let next = try ask(lab, exchange: 2)
        let passed = try lab.settle(.answer(worker, next.invocation, "true"))
        let call = try #require(passed.dispatches.first)
        try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 2)))
        try lab.settle(.answer(worker, call.invocation, "1"))
        #expect(try responses(lab) == told)
    }

    private func post(_ exchange: UInt64, _ body: String) -> Command {
        .get(
            "/f",
            exchange: exchange,
            method: "POST",
            headers: [("content-type", "application/json"), ("idempotency-key", "k")],
            body: body
        )
    }

    @Test("a request that waits for another with its key waits for no function")
    func twins() throws {
        let (lab, _) = try lab(#"{"api_path":"/f","http_method":"POST"}"#)
        for exchange in UInt64(1)...3 { try lab.settle(post(exchange, "1")) }
        try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: 3)))
        lab.pass(seconds: 31)
        try lab.settle()
        let told = try responses(lab)
        #expect(told.first == "abandoned 0 in 0 ms: ")
        let late = "engine 504 in 31000 ms: "
        #expect(
            told.dropFirst().sorted() == [
                "\(late)its function has not answered",
                "\(late)the request whose Idempotency-Key it has was not answered",
            ]
        )
    }

    @Test("so is what other requests with an Idempotency-Key get")
    func keys() throws {
        let (lab, worker) = try lab(#"{"api_path":"/f","http_method":"POST"}"#)
        let call = try #require(try lab.settle(post(1, "1")).dispatches.first)
        try lab.settle(post(2, "2"))
        try lab.settle(post(3, "1"))
        try lab.settle(.answer(worker, call.invocation, #"{"status_code":201}"#))
        try lab.settle(post(4, "1"))
        let told = try responses(lab)
        try #require(told.count == 3)
        #expect(told[0] == "engine 422 in 0 ms: a different request had its Idempotency-Key")
        for repetition in told[1...] {
            #expect(repetition.hasPrefix("engine 201 in 0 ms: it repeats the request of record "))
        }
    }

    @Test("a function whose value was probably meant as another response is told of, once")
    func oddities() throws {
        let (lab, worker) = try lab()
        func told(_ answer: String) throws -> [String] {
            let call = try ask(lab)
            #expect(try lab.settle(.answer(worker, call.invocation, answer)).first?.reply != nil)
            return lab.engine.takeNotices().map(\.text).filter { $0.contains(" returned ") }
        }
        for fine in [#"{"status_code":404}"#, #"{"body":1}"#, "{}"] {
            #expect(try told(fine).isEmpty, "\(fine)")
        }
        let odd = #"{"statusCode":404,"body":1}"#
        let line = try told(odd)
        #expect(line.count == 1)
        #expect(line.first?.contains("which is not status_code: its client got 200") == true)
        #expect(try told(odd).isEmpty)
    }
}
