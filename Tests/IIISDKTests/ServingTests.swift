import IIISDK
import JSON
import Primitives
import Testing
import WorkerProtocol

@Suite("Functions of a worker", .timeLimit(.minutes(1)))
struct ServingTests {
    struct Order: Codable, Equatable, Sendable {
        var id: String
        var count: Int
    }

    private let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("a function is announced, called with its type, and answers under the same id")
    func typed() async throws {
        let pair = try await Pair.connect()
        try await pair.worker.register("orders::create", description: "Creates") {
            (order: Order, _) in
            Order(id: order.id, count: order.count + 1)
        }
        #expect(
            try await pair.connection.frame()
                == .registerFunction(
                    FunctionRegistration(id: "orders::create", description: "Creates")
                )
        )
        let id = UUID128(high: 7, low: 8)
        pair.connection.invoke("orders::create", #"{"id":"o","count":1}"#, id: id)
        let result = try await pair.connection.result()
        #expect(result.invocationID == .uuid(id))
        #expect(result.functionID == "orders::create")
        guard case .value(let bytes) = result.result else {
            throw FakeConnection.Unexpected(heard: .frame(.result(result)))
        }
        let order = try RawJSON(trusted: bytes).decoded(as: Order.self)
        #expect(order == Order(id: "o", count: 2))
        await pair.close()
    }

    @Test("functions that return nothing, raw text, or an answer on the event loop")
    func otherKinds() async throws {
        let pair = try await Pair.connect()
        let seen = Feed<Int>()
        try await pair.worker.register("quiet") { (number: Int, _) in
            seen.put(number)
        }
        try await pair.worker.register(raw: "raw") { data, context in
            context.functionID == "raw" ? data : nil
        }
        try await pair.worker.register(onEventLoop: "fast") { data, reply in
            reply.succeed(data)
            reply.fail(SDKError(code: .unknown, message: "too late"))
        }
        try await pair.worker.register(onEventLoop: "silent") { _, _ in }
        for _ in 0..<4 { _ = try await pair.connection.frame() }
        pair.connection.invoke("quiet", "5")
        #expect(try await pair.connection.result().result == .none)
        #expect(await seen.next() == 5)
        pair.connection.invoke("raw", #"{"a": 1.0}"#)
        #expect(try await pair.connection.result().result.text == #"{"a": 1.0}"#)
        pair.connection.invoke("fast", "[1]")
        #expect(try await pair.connection.result().result.text == "[1]")
        pair.connection.invoke("silent", "1")
        #expect(
            try await pair.connection.result().result.text
                == "invocation_failed: the function silent gave no answer"
        )
        await pair.close()
    }

    @Test("failures reach the caller with the code that tells them apart")
    func failures() async throws {
        struct Broken: Error {}
        let pair = try await Pair.connect()
        try await pair.worker.register("strict") { (order: Order, _) in order }
        try await pair.worker.register("coded") { (_: Int, _) -> Int in
            throw SDKError(code: "out_of_stock", message: "none left")
        }
        try await pair.worker.register("broken") { (_: Int, _) -> Int in throw Broken() }
        for _ in 0..<3 { _ = try await pair.connection.frame() }
        pair.connection.invoke("strict", #"{"id":"o"}"#)
        #expect(
            try await pair.connection.result().result.text
                == #"deserialization_error: the input of strict is no Order: "#
                + #"missing field "count""#
        )
        pair.connection.invoke("coded", "1")
        #expect(try await pair.connection.result().result.text == "out_of_stock: none left")
        pair.connection.invoke("broken", "1")
        #expect(try await pair.connection.result().result.text == "invocation_failed: Broken()")
        pair.connection.invoke("nobody", "1")
        #expect(
            try await pair.connection.result().result.text
                == "function_not_found: Function 'nobody' not found"
        )
        await pair.close()
    }

    @Test("a function's own calls carry the trace that it was called in")
    func traces() async throws {
        let pair = try await Pair.connect()
        try await pair.worker.register("outer") { (number: Int, context) in
            try await context.call("inner", number, as: Int.self) + 1
        }
        _ = try await pair.connection.frame()
        pair.connection.invoke("outer", "1", traceparent: trace)
        let inner = try await pair.connection.call()
        #expect(inner.traceparent == trace)
        #expect(inner.text == "1")
        pair.connection.answer(inner, "41")
        #expect(try await pair.connection.result().result.text == "42")
        await pair.close()
    }

    @Test("an HTTP trigger hands plain functions the body, and whole ones the request")
    func http() async throws {
        let pair = try await Pair.connect()
        try await pair.worker.register("plain") { (order: Order, _) in order.count }
        try await pair.worker.register("whole") {
            (request: HTTPRequest<Order>, _) -> HTTPResponse<String> in
            HTTPResponse(status: 201, body: request.pathParams["id"])
        }
        try await pair.worker.trigger(.http(.post, "/o/:id"), runs: "plain")
        for _ in 0..<2 { _ = try await pair.connection.frame() }
        guard case .registerTrigger(let trigger) = try await pair.connection.frame() else {
            throw FakeConnection.Unexpected(heard: .end)
        }
        #expect(trigger.config.description == #"{"api_path":"/o/:id","http_method":"POST"}"#)
        let event =
            #"{"query_params":{},"path_params":{"id":"7"},"headers":{},"path":"/o/:id","#
            + #""method":"POST","body":{"id":"o","count":3}}"#
        let metadata = trigger.metadata?.description
        pair.connection.invoke("plain", event, metadata: metadata)
        #expect(
            try await pair.connection.result().result.text == #"{"status_code":200,"body":3}"#
        )
        pair.connection.invoke("plain", #"{"id":"o","count":4}"#)
        #expect(try await pair.connection.result().result.text == "4")
        pair.connection.invoke("whole", event, metadata: metadata)
        let response = JSONText(trusted: Array(try await pair.connection.result().result.text.utf8))
        #expect(response.member("status_code")?.description == "201")
        #expect(response.member("body")?.stringValue == "7")
        await pair.close()
    }

    @Test("what runs when the connection is lost does not answer on the next one")
    func staleAnswers() async throws {
        let pair = try await Pair.connect()
        let replies = Feed<Reply>()
        try await pair.worker.register(onEventLoop: "held") { _, reply in replies.put(reply) }
        _ = try await pair.connection.frame()
        pair.connection.invoke("held", "1")
        let reply = await replies.next()
        pair.connection.drop()
        let second = await pair.engine.accept()
        for _ in 0..<3 { _ = try await second.frame() }
        reply.succeed()
        second.send(.ping)
        #expect(try await second.frame() == .pong)
        await pair.close()
    }

    @Test(
        "draining takes back all but subscriptions, serves what was on its way, answers, closes"
    )
    func drain() async throws {
        let pair = try await Pair.connect()
        let replies = Feed<Reply>()
        try await pair.worker.register(onEventLoop: "held") { _, reply in replies.put(reply) }
        try await pair.worker.trigger(.queue("t", concurrency: 2), runs: "held")
        let trigger = try await pair.worker.trigger(.http(.get, "/held"), runs: "held")
        for _ in 0..<3 { _ = try await pair.connection.frame() }
        pair.connection.invoke("held", "1", id: UUID128(high: 1, low: 1))
        let first = await replies.next()
        let running = Task { try await pair.worker.run() }
        running.cancel()
        #expect(
            try await pair.connection.frame()
                == .unregisterTrigger(id: trigger.rawValue, type: "http")
        )
        #expect(try await pair.connection.frame() == .unregisterFunction(id: "held"))
        #expect(try await pair.connection.frame() == .ping)
        pair.connection.invoke("held", "2", id: UUID128(high: 2, low: 2))
        let second = await replies.next()
        pair.connection.send(.pong)
        first.succeed(.null)
        #expect(
            try await pair.connection.result().invocationID == .uuid(UUID128(high: 1, low: 1))
        )
        second.succeed()
        #expect(
            try await pair.connection.result().invocationID == .uuid(UUID128(high: 2, low: 2))
        )
        #expect(await pair.connection.next() == .goodbye)
        try await running.value
        let error = await #expect(throws: SDKError.self) {
            try await pair.worker.call(raw: "f", .null)
        }
        #expect(error?.code == .shutdown)
        await pair.engine.stop()
    }

    @Test("who drains decides over the joins that were on their way, and is then asked no more")
    func drainOfJoins() async throws {
        let pair = try await Pair.connect()
        let replies = Feed<Reply>()
        try await pair.worker.register(onEventLoop: "judge") { _, reply in replies.put(reply) }
        let trigger = Trigger(type: "stream:join", config: try RawJSON("{}"))
        let join = try await pair.worker.trigger(trigger, runs: "judge")
        for _ in 0..<2 { _ = try await pair.connection.frame() }
        let visit = #"{"subscription_id":"s","stream_name":"b","group_id":"g","id":null}"#
        pair.connection.invoke("judge", visit, id: UUID128(high: 1, low: 1))
        let first = await replies.next()
        let draining = Task { await pair.worker.drain() }
        // In this order: a join that nobody serves is let in, and the trigger says who is asked.
        #expect(
            try await pair.connection.frame()
                == .unregisterTrigger(id: join.rawValue, type: "stream:join")
        )
        #expect(try await pair.connection.frame() == .unregisterFunction(id: "judge"))
        #expect(try await pair.connection.frame() == .ping)
        pair.connection.invoke("judge", visit, id: UUID128(high: 2, low: 2))
        let second = await replies.next()
        pair.connection.send(.pong)
        let refusal = #"{"unauthorized":true}"#
        for (number, reply) in [(UInt64(1), first), (2, second)] {
            reply.succeed(try RawJSON(refusal))
            let result = try await pair.connection.result()
            #expect(result.invocationID == .uuid(UUID128(high: number, low: number)))
            #expect(result.result.text == refusal)
        }
        #expect(await pair.connection.next() == .goodbye)
        await draining.value
        await pair.engine.stop()
    }

    @Test("a drain does not wait for ever")
    func drainTimeout() async throws {
        let warnings = Feed<String>()
        let pair = try await Pair.connect {
            $0.drainTimeout = .milliseconds(20)
            $0.onWarning = { warnings.put($0) }
        }
        let replies = Feed<Reply>()
        try await pair.worker.register(onEventLoop: "held") { _, reply in replies.put(reply) }
        _ = try await pair.connection.frame()
        pair.connection.invoke("held", "1")
        let reply = await replies.next()
        await pair.worker.drain()
        #expect(await warnings.next().hasPrefix("1 functions and 0 calls did not end in time"))
        reply.succeed()
        await pair.engine.stop()
    }
}
