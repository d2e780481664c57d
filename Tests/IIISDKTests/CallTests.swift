import IIISDK
import JSON
import Primitives
import Testing
import WorkerProtocol

@Suite("Calls of a worker", .timeLimit(.minutes(1)))
struct CallTests {
    @Test("a call carries input and gets its own result, in whatever order results come")
    func results() async throws {
        let pair = try await Pair.connect()
        async let first = pair.worker.call("double", 2, as: Int.self)
        let firstCall = try await pair.connection.call()
        async let second: String? = pair.worker.call("name", ["a": 1])
        let secondCall = try await pair.connection.call()
        #expect(firstCall.functionID == "double")
        #expect(firstCall.text == "2")
        #expect(secondCall.text == #"{"a":1}"#)
        #expect(firstCall.action == .call)
        pair.connection.answer(secondCall, .none)
        pair.connection.answer(firstCall, "4")
        #expect(try await first == 4)
        #expect(try await second == nil)
        await pair.close()
    }

    @Test("what the function or the engine answered as an error is thrown with its code")
    func errors() async throws {
        let pair = try await Pair.connect()
        let failing = Task { try await pair.worker.call("f", 1, as: Int.self) }
        let call = try await pair.connection.call()
        let body = ErrorBody(code: "function_not_found", message: "no f", stacktrace: "s")
        pair.connection.answer(call, .failure(body))
        let thrown = await error(of: failing)
        #expect(thrown == SDKError(code: .functionNotFound, message: "no f", stacktrace: "s"))

        let misread = Task { try await pair.worker.call("f", 1, as: Int.self) }
        pair.connection.answer(try await pair.connection.call(), #""text""#)
        #expect(await error(of: misread)?.code == .deserialization)
        await pair.close()
    }

    @Test("a call times out by its own time or the worker's, and a late answer is ignored")
    func timeouts() async throws {
        let pair = try await Pair.connect { $0.callTimeout = .milliseconds(30) }
        async let long = pair.worker.call(raw: "long", .null, timeout: .seconds(60))
        let longCall = try await pair.connection.call()
        let byOptions = Task { try await pair.worker.call(raw: "f", .null) }
        let call = try await pair.connection.call()
        var thrown = await error(of: byOptions)
        #expect(thrown?.code == .timeout)
        #expect(thrown?.message.contains("f") == true)
        pair.connection.answer(call, "1")
        let byCall = Task { try await pair.worker.call(raw: "g", .null, timeout: .milliseconds(1)) }
        thrown = await error(of: byCall)
        #expect(thrown?.code == .timeout)
        pair.connection.answer(longCall, "7")
        #expect(try await long?.text == "7")
        await pair.close()
    }

    @Test("cancelling the task ends the wait")
    func cancellation() async throws {
        let pair = try await Pair.connect()
        let waiting = Task { try await pair.worker.call(raw: "f", .null) }
        _ = try await pair.connection.call()
        waiting.cancel()
        var error = await #expect(throws: SDKError.self) { try await waiting.value }
        #expect(error?.code == .cancelled)
        let hopeless = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pair.worker.call(raw: "f", .null)
        }
        error = await #expect(throws: SDKError.self) { try await hopeless.value }
        #expect(error?.code == .cancelled)
        await pair.close()
    }

    @Test("closing ends every wait")
    func closing() async throws {
        let pair = try await Pair.connect()
        let waiting = Task { try await pair.worker.call(raw: "f", .null) }
        _ = try await pair.connection.call()
        await pair.worker.close()
        let thrown = await error(of: waiting)
        #expect(thrown?.code == .shutdown)
        #expect(await pair.connection.next() == .goodbye)
        await pair.engine.stop()
    }

    @Test("jobs name their queue and come back with a receipt; fired calls carry no id")
    func actions() async throws {
        let pair = try await Pair.connect()
        async let receipt = pair.worker.enqueue("mail::send", ["to": "a"], queue: "mails")
        let job = try await pair.connection.call()
        #expect(job.action == .enqueue(queue: "mails"))
        pair.connection.answer(job, #"{"messageReceiptId":"r-1"}"#)
        #expect(try await receipt.id == "r-1")

        let broken = Task { try await pair.worker.enqueue("mail::send", 1) }
        pair.connection.answer(try await pair.connection.call(), "{}")
        #expect(await error(of: broken)?.code == .deserialization)

        try pair.worker.fire("mail::send", 1)
        let fired = try await pair.connection.call()
        #expect(fired.action == .void)
        #expect(fired.invocationID == nil)

        async let published: Void = pair.worker.publish("user.created", ["id": 7])
        let publication = try await pair.connection.call()
        #expect(publication.functionID == "iii::durable::publish")
        #expect(publication.text == #"{"topic":"user.created","data":{"id":7}}"#)
        pair.connection.answer(publication, .none)
        try await published
        await pair.close()
    }

    @Test("state is read and written through the engine's functions")
    func state() async throws {
        let pair = try await Pair.connect()
        let state = pair.worker.state
        async let set: Void = state.set("s", "k", [1])
        let setting = try await pair.connection.call()
        #expect(setting.functionID == "state::set")
        #expect(setting.text == #"{"scope":"s","key":"k","value":[1]}"#)
        pair.connection.answer(setting, #"{"old_value":null,"new_value":[1]}"#)
        try await set

        async let missing = state.get("s", "k", as: Int.self)
        pair.connection.answer(try await pair.connection.call(), .none)
        #expect(try await missing == nil)

        async let found = state.get("s", "k", as: Int.self)
        pair.connection.answer(try await pair.connection.call(), "5")
        #expect(try await found == 5)

        async let deleted = state.delete("s", "k")
        pair.connection.answer(try await pair.connection.call(), .none)
        #expect(try await deleted == false)

        async let listed = state.list("s", as: Int.self)
        let listing = try await pair.connection.call()
        #expect(listing.text == #"{"scope":"s"}"#)
        pair.connection.answer(listing, "[1,2]")
        #expect(try await listed == [1, 2])

        async let updated = state.update("s", "k", [.increment("n", by: 2), .set("t", "x")])
        let update = try await pair.connection.call()
        #expect(
            update.text
                == #"{"scope":"s","key":"k","ops":[{"type":"increment","path":"n","by":2},"#
                + #"{"type":"set","path":"t","value":"x"}]}"#
        )
        pair.connection.answer(update, #"{"old_value":{},"new_value":{"n":2,"t":"x"}}"#)
        #expect(try await updated.text == #"{"n":2,"t":"x"}"#)

        let failed = Task { try await state.update("s", "k", [.remove("n")]) }
        let errors = #"[{"op_index":0,"code":"remove.target_not_object","message":"m"}]"#
        pair.connection.answer(
            try await pair.connection.call(),
            #"{"old_value":1,"new_value":1,"errors":\#(errors)}"#
        )
        #expect(
            await error(of: failed)
                == SDKError(code: "remove.target_not_object", message: "m")
        )
        await pair.close()
    }

    @Test("a worker in a namespace calls its neighbours there, and the engine where it lives")
    func namespaces() async throws {
        let pair = try await Pair.connect { $0.namespace = "shop" }
        pair.worker.fire(raw: "f", .null)
        #expect(try await pair.connection.call().namespace == "shop")
        pair.worker.fire(raw: "state::set", .null)
        #expect(try await pair.connection.call().namespace == "default")
        await pair.close()
        let exact = try await Pair.connect {
            $0.namespace = "shop"
            $0.isNamespaceOfCalls = true
        }
        exact.worker.fire(raw: "state::set", .null)
        #expect(try await exact.connection.call().namespace == "shop")
        await exact.close()
    }

    @Test("thousands of calls in flight each get their own answer")
    func manyCalls() async throws {
        let pair = try await Pair.connect()
        let count = 5000
        let engine = Task {
            for _ in 0..<count {
                let call = try await pair.connection.call()
                pair.connection.answer(call, call.text)
            }
        }
        let wrong = Feed<Bool>()
        for number in 0..<count {
            pair.worker.call(raw: "echo", RawJSON(trusted: Array("\(number)".utf8))) { outcome in
                wrong.put((try? outcome.get())?.text != "\(number)")
            }
        }
        for _ in 0..<count { #expect(await wrong.next() == false) }
        try await engine.value
        await pair.close()
    }

    @Test("a message beyond 64 MiB is refused before it is sent")
    func tooLarge() async throws {
        let pair = try await Pair.connect()
        let huge = RawJSON(trusted: [UInt8](repeating: 0x31, count: 64 << 20))
        let error = await #expect(throws: SDKError.self) {
            try await pair.worker.call(raw: "f", huge)
        }
        #expect(error?.code == .payloadTooLarge)
        await pair.close()
    }
}
