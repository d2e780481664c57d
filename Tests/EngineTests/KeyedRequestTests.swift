import Events
import Folding
import HTTP
import LogTools
import Observability
import Primitives
import Testing

@testable import Engine

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
        #expect(try lab.settle(.requestStreams(first, status: 200)).lines == ["stream or channel"])
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
        try lab.settle(.requestStreams(first, status: 200))
        try lab.settle(.answer(worker, call.invocation))
        lab.disk.crash(keepingWrite: false)
        let (second, other) = try self.lab(disk: lab.disk, at: lab.now.wall, life: 2)
        #expect(try send(post(1), second, other).dispatches.map(\.function) == ["f"])
    }

    /// What ends a stream before it is whole, in the order in which it is heard of.
    enum Cut: CaseIterable {
        case writerThenFunction, functionThenWriter, returnedThenWriter, failureThenClient
        case clientThenWorker
    }

    @Test(
        "a stream that breaks off frees the key when its function does no more",
        arguments: Cut.allCases
    )
    func cutStream(cut: Cut) throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        try lab.settle(.requestStreams(first, status: 200))
        #expect(try send(post(2), lab, worker).lines == [])
        let writer = Command.responseStreamed(first, succeeded: false)
        let failure = Command.fail(worker, call.invocation)
        let both: [Command] =
            switch cut {
            case .writerThenFunction: [writer, failure]
            case .functionThenWriter: [failure, writer]
            case .returnedThenWriter: [.answer(worker, call.invocation), writer]
            case .failureThenClient: [failure, .requestAbandoned(first)]
            case .clientThenWorker:
                [.requestAbandoned(first), .workerLeft(worker.connection, reason: "gone")]
            }
        let isToldFirst = cut == .functionThenWriter || cut == .failureThenClient
        let told = isToldFirst ? ["stream of \(first.number) failed"] : []
        #expect(try lab.settle(both[0]).lines == told)
        let reply = try #require(try lab.settle(both[1]).compactMap(\.reply).first)
        #expect(reply.status == 500)
        #expect(String(decoding: reply.body, as: UTF8.self).contains("error_id"))
        #expect(lab.engine.views.work.requests.count == 0)
    }

    @Test(
        "a client that leaves a stream does not undo what its function then has done",
        arguments: [false, true]
    )
    func leftStream(fails: Bool) throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        try lab.settle(.requestStreams(first, status: 200))
        try lab.settle(.requestAbandoned(first))
        #expect(try send(post(2), lab, worker).lines == [])
        // Functions fail for having no reader any more.
        let end = fails ? Command.fail(worker, call.invocation) : .answer(worker, call.invocation)
        let left = try lab.settle(end)
        #expect(left.compactMap(\.reply).map(\.status) == [409])
        #expect(try send(post(3), lab, worker).compactMap(\.reply).map(\.status) == [409])
        let notices = lab.engine.takeNotices().map(\.text)
        #expect(!notices.contains { $0.contains("request failed") })
        #expect(notices.contains { $0.contains("Idempotency-Key is kept as used") } == fails)
        #expect(lab.isQuiet)
    }

    @Test(
        "nor does one that leaves before a stream, if its function is refused one or says nothing",
        arguments: [false, true]
    )
    func leftEarly(isTimeout: Bool) throws {
        let (lab, worker) = try lab()
        let key = UUID128(high: 1, low: 2)
        for (number, isRefused) in [(1, true), (2, false)] as [(UInt64, Bool)] {
            let request = post(number, key: "\(number)").with(channelKey: key)
            let call = try #require(try send(request, lab, worker).dispatches.first)
            if isTimeout {
                lab.pass(seconds: 31)
                try lab.settle()
            } else {
                try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: number)))
            }
            try lab.settle(.responseUnheard(key: UUID128(high: 3, low: 4)))
            if isRefused { try lab.settle(.responseUnheard(key: key)) }
            // Some SDKs' functions fail then, and some return as ever.
            let returned = Command.answer(worker, call.invocation)
            try lab.settle(isTimeout ? returned : .fail(worker, call.invocation))
            let again = try send(post(number + 2, key: "\(number)"), lab, worker)
            let isUsed = isRefused || isTimeout
            #expect(again.compactMap(\.reply).map(\.status) == (isUsed ? [409] : []))
            #expect(again.dispatches.count == (isUsed ? 0 : 1))
        }
    }

    @Test(
        "nor one that leaves where nothing is returned, for that may come before the stream",
        arguments: [false, true]
    )
    func leftSilence(isReturnedFirst: Bool) throws {
        let (lab, worker) = try lab()
        let key = UUID128(high: 1, low: 2)
        let request = post(1).with(channelKey: key)
        let call = try #require(try send(request, lab, worker).dispatches.first)
        #expect(try send(post(2), lab, worker).lines == [])
        let both: [Command] = [.requestAbandoned(first), .answer(worker, call.invocation)]
        #expect(try lab.settle(both[isReturnedFirst ? 1 : 0]).lines == [])
        let left = try lab.settle(both[isReturnedFirst ? 0 : 1])
        #expect(left.compactMap(\.reply).map(\.status) == [409])
        try lab.settle(.responseUnheard(key: key))
        #expect(try send(post(3), lab, worker).compactMap(\.reply).map(\.status) == [409])
        #expect(lab.isQuiet)
    }

    @Test("those that wait and leave are forgotten, however many come")
    func waiting() throws {
        let (lab, worker) = try lab()
        #expect(try send(post(1), lab, worker).dispatches.count == 1)
        for number in UInt64(2)...200 {
            #expect(try send(post(number), lab, worker).lines == [])
            try lab.settle(.requestAbandoned(ExchangeID(loop: 0, number: number)))
        }
        let place = try lab.recordedEvents().firstIndex { event in
            if case .request(.keyed) = event { true } else { false }
        }
        let request = Offset(UInt64(try #require(place)))
        let run = lab.engine.keyedRuns[request]
        #expect(try #require(run).waiting.count < 100)
    }

    @Test("what it returns is kept all the same, and that its worker goes frees the key")
    func refusedAndEnded() throws {
        let (lab, worker) = try lab()
        let key = UUID128(high: 1, low: 2)
        let one = try send(post(1).with(channelKey: key), lab, worker).dispatches[0]
        try lab.settle(.requestAbandoned(first), .responseUnheard(key: key))
        try lab.settle(.answer(worker, one.invocation, created))
        #expect(show(try send(post(2), lab, worker)) == [#"201 again {"id":1}"#])

        let request = post(3, key: "s").with(channelKey: key)
        #expect(try send(request, lab, worker).dispatches.count == 1)
        let third = ExchangeID(loop: 0, number: 3)
        try lab.settle(.requestAbandoned(third), .responseUnheard(key: key))
        try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        #expect(lab.engine.views.work.requests.count == 1)
    }

    @Test("a head that can be none frees the key when its function does no more")
    func spoilt() throws {
        let (lab, worker) = try lab()
        let call = try #require(try send(post(1), lab, worker).dispatches.first)
        let defect = ErrorBody(code: "response_headers_too_large", message: "m")
        let told = try lab.settle(.responseSpoilt(first, defect))
        #expect(told.compactMap(\.reply).map(\.status) == [500])
        #expect(try send(post(2), lab, worker).lines == [])
        let left = try lab.settle(.answer(worker, call.invocation, created))
        #expect(left.compactMap(\.reply).map(\.status) == [500])
        #expect(lab.engine.views.work.requests.count == 0)
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

extension Command {
    /// The same request with channels of that key.
    fileprivate func with(channelKey key: UUID128) -> Command {
        guard case .request(let exchange, var request, let propagation) = self else { return self }
        let (number, loop) = (exchange.number, exchange.loop)
        request.channels = HTTPChannels(
            requestBody: ChannelID(.requestBody, ofExchange: number, onLoop: loop),
            response: ChannelID(.response, ofExchange: number, onLoop: loop),
            key: key
        )
        return .request(exchange, request, propagation)
    }
}
