import IIISDK
import JSON
import NIOHTTP1
import NIOWebSocket
import Primitives
import Testing
import WorkerProtocol

@Suite("A worker's connection", .timeLimit(.minutes(1)))
struct ConnectionTests {
    @Test("the handshake carries token and target; the first message introduces the worker")
    func connectSequence() async throws {
        let engine = try await FakeEngine.start()
        var options = Pair.options(engine)
        options.address = engine.address + "/workers?x=1"
        options.namespace = "shop"
        options.description = "Sells"
        let chosen = options
        async let connecting = Worker.connect("orders", options: chosen)
        let connection = await engine.accept()
        #expect(connection.request.uri == "/workers?x=1")
        #expect(connection.request.headers["Authorization"] == ["Bearer secret"])
        #expect(connection.request.headers["Host"] == ["127.0.0.1:\(engine.port)"])
        let introduction = try await connection.call()
        #expect(introduction.functionID == "engine::workers::register")
        #expect(introduction.invocationID == nil)
        #expect(introduction.action == .void)
        let input = JSONText(trusted: introduction.data)
        #expect(input.member("runtime")?.stringValue == "swift")
        #expect(input.member("name")?.stringValue == "orders")
        #expect(input.member("namespace")?.stringValue == "shop")
        #expect(input.member("description")?.stringValue == "Sells")
        #expect(input.member("pid")?.isNumber == true)
        #expect(input.member("os")?.stringValue?.hasPrefix("Linux") == true)
        connection.greet()
        let worker = try await connecting
        #expect(worker.name == "orders")
        await worker.close()
        await engine.stop()
    }

    @Test("after a loss the worker reattaches and registers all again, triggers under their ids")
    func reconnect() async throws {
        let pair = try await Pair.connect()
        try await pair.worker.register("a::one") { (number: Int, _) in number }
        let trigger = try await pair.worker.trigger(.cron("0 2 * * *"), runs: "a::one")
        let first = [try await pair.connection.frame(), try await pair.connection.frame()]
        guard case .registerTrigger(let registration) = first[1] else {
            throw FakeConnection.Unexpected(heard: .frame(first[1]))
        }
        #expect(registration.id == trigger.rawValue)
        #expect(registration.config.description == #"{"expression":"0 2 * * *"}"#)

        pair.connection.drop()
        let second = await pair.engine.accept()
        #expect(
            try await second.frame()
                == .reattach(previousWorkerID: "worker-1", token: "token-1")
        )
        #expect(try await second.call().functionID == "engine::workers::register")
        #expect([try await second.frame(), try await second.frame()] == first)
        second.greet(workerID: "worker-2", token: "token-2")

        // Python's closing codes do not matter here: any end is followed by another beginning.
        second.write(.connectionClose, [0x03, 0xE8])
        let third = await pair.engine.accept()
        #expect(
            try await third.frame()
                == .reattach(previousWorkerID: "worker-2", token: "token-2")
        )
        await pair.close()
    }

    @Test("calls that waited fail when the connection is lost; later ones wait for the next")
    func callsAcrossALoss() async throws {
        let pair = try await Pair.connect()
        let lost = Task { try await pair.worker.call(raw: "slow", .null) }
        _ = try await pair.connection.call()
        pair.connection.drop()
        let thrown = await error(of: lost)
        #expect(thrown?.code == .connectionLost)
        async let kept = pair.worker.call("late", 1, as: Int.self)
        let next = await pair.engine.accept()
        _ = try await next.frame()
        _ = try await next.frame()
        let call = try await next.call()
        #expect(call.functionID == "late")
        next.answer(call, "2")
        #expect(try await kept == 2)
        await pair.close()
    }

    @Test("while the engine is away only so many calls are kept, and they time out")
    func offlineLimits() async throws {
        let pair = try await Pair.connect {
            $0.callsKeptOffline = 2
            $0.backoff.first = .milliseconds(50)
        }
        await pair.engine.stop()
        let lost = Task { try await pair.worker.call(raw: "slow", .null) }
        _ = try await pair.connection.call()
        pair.connection.drop()
        _ = await error(of: lost)
        let results = Feed<SDKError.Code?>()
        for id in ["one", "two", "three"] {
            pair.worker.call(raw: id, .null, timeout: .milliseconds(1)) { outcome in
                if case .failure(let error) = outcome { results.put(error.code) }
            }
        }
        #expect(await results.next() == .tooManyWaiting)
        #expect(await results.next() == .timeout)
        #expect(await results.next() == .timeout)
        await pair.worker.close()
    }

    @Test("where no calls are kept they fail at once, with why there is no connection")
    func nothingKept() async throws {
        let pair = try await Pair.connect {
            $0.callsKeptOffline = 0
            $0.backoff.first = .milliseconds(10)
        }
        await pair.engine.stop()
        pair.connection.drop()
        var code: SDKError.Code?
        while code != .cannotConnect {
            let call = Task { try await pair.worker.call(raw: "late", .null) }
            code = await error(of: call)?.code
            try #require(code == .connectionLost || code == .cannotConnect)
        }
        await pair.worker.close()
    }

    @Test("pings are answered with their payload; the application's ping with a pong")
    func pings() async throws {
        let pair = try await Pair.connect()
        pair.connection.write(.ping, [1, 2, 3])
        #expect(await pair.connection.next() == .control(opcode: 0xA, [1, 2, 3]))
        pair.connection.send(.ping)
        #expect(try await pair.connection.frame() == .pong)
        await pair.close()
    }

    @Test("messages in pieces are put together, and large ones sent in pieces")
    func fragments() async throws {
        let pair = try await Pair.connect()
        let text = try RawJSON("\"" + String(repeating: "é", count: 5 << 17) + "\"")
        async let answer = pair.worker.call(raw: "echo", text)
        let call = try await pair.connection.call()
        #expect(call.data == text.bytes)
        guard let id = call.invocationID else { throw FakeConnection.Unexpected(heard: .end) }
        let reply = EngineFrame.result(
            ResultFrame(invocationID: id, functionID: "echo", result: .value(call.data))
        ).bytes
        let half = reply.count / 2
        pair.connection.write(.text, isFinal: false, Array(reply[..<half]))
        pair.connection.write(.ping, [])
        pair.connection.write(.continuation, Array(reply[half...]))
        #expect(await pair.connection.next() == .control(opcode: 0xA, []))
        #expect(try await answer == text)
        await pair.close()
    }

    @Test("what the engine says and nobody understands is reported and harmless")
    func nonsense() async throws {
        let warnings = Feed<String>()
        let pair = try await Pair.connect { $0.onWarning = { warnings.put($0) } }
        pair.connection.write(.text, Array("{nonsense".utf8))
        #expect(await warnings.next().contains("not JSON"))
        pair.connection.write(.text, Array(#"{"type":"observeresult"}"#.utf8))
        pair.connection.write(.text, [])
        pair.connection.send(.ping)
        #expect(try await pair.connection.frame() == .pong)
        await pair.close()
    }

    @Test("a refused handshake fails at once and names address and reason")
    func refused() async throws {
        let engine = try await FakeEngine.start(refuses: true)
        let error = await #expect(throws: SDKError.self) {
            try await Worker.connect("tester", options: Pair.options(engine))
        }
        #expect(error?.code == .unauthorized)
        #expect(error?.message.contains("III_TOKEN") == true)
        #expect(error?.message.contains(engine.address) == true)
        #expect(error?.message.contains("401 Unauthorized") == true, "\(error?.message ?? "")")
        await engine.stop()
    }

    @Test("an engine that is not there is named when the time to connect is over")
    func unreachable() async throws {
        let engine = try await FakeEngine.start()
        await engine.stop()
        var options = Pair.options(engine)
        options.connectTimeout = .milliseconds(50)
        let chosen = options
        let error = await #expect(throws: SDKError.self) {
            try await Worker.connect("tester", options: chosen)
        }
        #expect(error?.code == .cannotConnect)
        #expect(error?.message.contains(engine.address) == true, "\(error?.message ?? "")")
    }

    @Test("a worker made at run time connects on its own and ends with the one that made it")
    func spawned() async throws {
        let pair = try await Pair.connect()
        async let spawning = pair.worker.spawn("dynamic-processor")
        let connection = await pair.engine.accept()
        let introduction = JSONText(trusted: try await connection.call().data)
        #expect(introduction.member("name")?.stringValue == "dynamic-processor")
        connection.greet(workerID: "worker-2")
        let child = try await spawning
        try await child.register("work") { (number: Int, _) in number }
        guard case .registerFunction = try await connection.frame() else {
            throw FakeConnection.Unexpected(heard: .end)
        }
        await pair.close()
        #expect(await connection.next() == .goodbye)
        let error = await #expect(throws: SDKError.self) {
            try await child.call(raw: "f", .null)
        }
        #expect(error?.code == .shutdown)
    }

    @Test("a name that is taken ends the worker for good; a function that is taken does not")
    func conflicts() async throws {
        let warnings = Feed<String>()
        let pair = try await Pair.connect { $0.onWarning = { warnings.put($0) } }
        pair.connection.send(
            .registrationRejected(
                RegistrationRejection(
                    code: RegistrationRejection.functionConflict,
                    namespace: "default",
                    functionID: "a::one",
                    ownerWorkerID: "other"
                )
            )
        )
        #expect(await warnings.next().contains("a::one"))
        let pending = Task { try await pair.worker.call(raw: "f", .null) }
        _ = try await pair.connection.call()
        pair.connection.send(
            .registrationRejected(
                RegistrationRejection(
                    code: RegistrationRejection.workerConflict,
                    namespace: "default",
                    workerName: "tester",
                    ownerWorkerID: "other"
                )
            )
        )
        var thrown = await error(of: pending)
        #expect(thrown?.code == .workerNameTaken)
        thrown = await #expect(throws: SDKError.self) { try await pair.worker.run() }
        #expect(thrown?.code == .workerNameTaken)
        #expect(thrown?.message.contains("\"tester\"") == true)
        await pair.engine.stop()
    }
}
