import Events
import JSON
import Observability
import Primitives
import Testing

@testable import Engine

@Suite("Workers and calls")
struct CallTests {
    @Test("registrations wait for the worker's namespace, in their order")
    func buffered() throws {
        let lab = try Lab()
        let peer = try lab.connect()
        let caller = try lab.join("caller")
        try lab.settle(.serve(peer, "f"))
        #expect(
            try lab.settle(.call(caller, "f", in: "shop")).lines
                == ["f = function_not_found: Function f not found in namespace shop."]
        )
        try lab.settle(.call(peer.connection, .describe("w", "shop", "node", "1")))
        #expect(try lab.settle(.call(caller, "f", in: "shop")).dispatches.count == 1)
        #expect(
            try lab.settle(.call(caller, "f")).lines == [
                "f = function_not_found: Function f not found in namespace default. "
                    + "It is registered in namespace(s): shop."
            ]
        )
    }

    @Test("a worker that says nothing is in the default namespace when the grace is over")
    func grace() throws {
        let lab = try Lab()
        let peer = try lab.connect()
        let caller = try lab.join("caller")
        try lab.settle(.serve(peer, "f"))
        lab.pass(seconds: 4.9)
        try lab.settle()
        #expect(try lab.settle(.call(caller, "f")).dispatches.isEmpty)
        lab.pass(seconds: 0.2)
        try lab.settle()
        #expect(try lab.settle(.call(caller, "f")).dispatches.count == 1)
    }

    @Test("a worker's calls of functions that wait for its namespace wait with them, in order")
    func unplaced() throws {
        let lab = try Lab()
        let peer = try lab.connect()
        let other = try lab.join("other")
        try lab.settle(.serve(peer, "f"))
        #expect(try lab.settle(.call(peer, "f", "1")).lines == [])
        #expect(try lab.settle(.call(peer, "f", "2", as: .void)).lines == [])
        for command in [Command.call(peer, "g"), .call(other, "f")] {
            #expect(try lab.settle(command).lines.first?.contains("not found") == true)
        }
        let left = try lab.settle(.call(peer.connection, .describe("w", "default", "node", "1")))
        #expect(left.lines == ["invoke f 1", "invoke f 2"])
        // And where it never says which it is.
        let silent = try lab.connect()
        try lab.settle(.serve(silent, "h"))
        #expect(try lab.settle(.call(silent, "h", "3")).lines == [])
        lab.pass(seconds: 5.1)
        #expect(try lab.settle().lines == ["invoke h 3"])
    }

    @Test("so many calls wait for a namespace, and no more")
    func unplacedBound() throws {
        let lab = try Lab()
        let peer = try lab.connect()
        try lab.settle(.serve(peer, "f"))
        for _ in 0..<Limits.preNamespaceCalls { try lab.turn(.call(peer, "f")) }
        #expect(try lab.settle(.call(peer, "f")).lines.first?.contains("not found") == true)
    }

    @Test("void calls that wait for a namespace which never comes are told of")
    func unplacedGone() throws {
        let lab = try Lab()
        let peer = try lab.connect()
        try lab.settle(.serve(peer, "f"))
        try lab.settle(.call(peer, "f", as: .void))
        try lab.settle(.workerLeft(peer.connection, reason: "gone"))
        let notices = lab.engine.takeNotices().map(\.text).filter { $0.contains("no result") }
        #expect(notices.count == 1)
        #expect(notices.first?.contains("the worker has left before its namespace") == true)
    }

    @Test("of calls that fail and whose callers wait for nothing the operator is told, not of each")
    func unheard() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        for _ in 0..<3 { try lab.settle(.call(worker, "gone", as: .void)) }
        let notices = lab.engine.takeNotices().map(\.text).filter { $0.contains("gone") }
        #expect(notices.count == 1)
        #expect(notices.first?.hasPrefix("a call of gone by w, who waits for no result") == true)
        lab.pass(seconds: 11)
        try lab.settle(.call(worker, "gone", as: .void))
        #expect(lab.engine.takeNotices().contains { $0.text.contains("; so did 2 more since") })
        #expect(lab.engine.metrics.figures["iii.invocations.error"] == 4)
    }

    @Test("who looks for a builtin in another namespace is told where it is")
    func builtinElsewhere() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        #expect(
            try lab.settle(.call(worker, "state::get", in: "shop")).lines == [
                "state::get = function_not_found: Function state::get not found in namespace shop. "
                    + "It is registered in namespace(s): default."
            ]
        )
    }

    @Test("a void call runs, and its caller hears nothing, not even that nobody serves it")
    func void() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let effects = try lab.settle(.call(worker, "f", "1", as: .void))
        #expect(effects.lines == ["invoke f 1"])
        let invocation = try #require(effects.dispatches.first).invocation
        #expect(try lab.settle(.answer(worker, invocation, "2")).lines == [])
        #expect(try lab.settle(.call(worker, "gone", as: .void)).lines == [])
        #expect(try lab.settle(.call(worker, "state::list_groups", as: .void)).lines == [])
    }

    @Test("only the worker that was asked can answer, and only once")
    func owner() throws {
        let lab = try Lab()
        let caller = try lab.join("caller")
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.call(caller, "f"))
        let invocation = try #require(lab.left.dispatches.last).invocation
        #expect(try lab.settle(.answer(caller, invocation, "\"stolen\"")).lines == [])
        #expect(try lab.settle(.answer(worker, invocation, "1")).lines == ["f = 1"])
        #expect(try lab.settle(.answer(worker, invocation, "2")).lines == [])
    }

    @Test("an answer keeps the caller's id, whatever it looks like")
    func ids() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let uuid = UUID128(high: 0x4000, low: 1 << 63)
        for id in [InvocationID.text("not a uuid"), .uuid(uuid), .uuid(uuid)] {
            let dispatch = try #require(try lab.settle(.call(worker, "f", id: id)).dispatches.first)
            let left = try lab.settle(.answer(worker, dispatch.invocation))
            guard case .send(_, .answer(let answered, _, _, _)) = left.first else {
                Issue.record("no answer to \(id)")
                continue
            }
            #expect(answered == id)
        }
        let first = try lab.settle(.call(worker, "f", id: .uuid(uuid))).dispatches
        let second = try lab.settle(.call(worker, "f", id: .uuid(uuid))).dispatches
        #expect(first.first?.invocation == uuid)
        #expect(second.first?.invocation != uuid, "an id in flight is not used again")
    }

    @Test("what a worker was running ends when it goes")
    func stopped() throws {
        let lab = try Lab()
        let caller = try lab.join("caller")
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.call(caller, "f"))
        let left = try lab.settle(.workerLeft(worker.connection, reason: "closed"))
        #expect(left.lines == ["f = invocation_stopped: Invocation stopped"])
        #expect(try lab.settle(.call(caller, "f")).lines.first?.contains("not found") == true)
        #expect(lab.isQuiet)
    }

    @Test("an answer to a caller that has gone goes nowhere")
    func callerGone() throws {
        let lab = try Lab()
        let caller = try lab.join("caller")
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.call(caller, "f"))
        let invocation = try #require(lab.left.dispatches.last).invocation
        try lab.settle(.workerLeft(caller.connection, reason: "closed"))
        #expect(try lab.settle(.answer(worker, invocation)).lines == [])
        #expect(lab.isQuiet)
    }

    @Test("work goes to the least busy worker, and of equals to the one that waited longest")
    func balance() throws {
        let lab = try Lab()
        let first = try lab.join("one", serving: "f")
        let second = try lab.join("two", serving: "f")
        func next() throws -> ConnectionID? {
            for case .send(let connection, .invoke) in try lab.settle(.call(first, "f", as: .void))
            {
                return connection
            }
            return nil
        }
        #expect(try next() == first.connection)
        #expect(try next() == second.connection)
        #expect(try next() == first.connection)
        let running = lab.left.dispatches[1].invocation
        try lab.settle(.answer(second, running))
        #expect(try next() == second.connection)
        #expect(try next() == second.connection, "two and two")
    }

    @Test("a delivery's record names the worker that got it")
    func recorded() throws {
        let lab = try Lab()
        let first = try lab.join("one", serving: "f")
        _ = try lab.join("two", serving: "f")
        for number in 0..<4 { try lab.settle(.enqueue(first, "f", "\(number)")) }
        let reopened = try Lab(disk: lab.disk, life: 2)
        var got: [UUID128: ConnectionID] = [:]
        for case .send(let connection, .invoke(let dispatch)) in lab.left {
            got[dispatch.invocation] = connection
        }
        #expect(got.count == 4)
        for delivered in reopened.ledger.deliveries {
            #expect(lab.connection(of: delivered.worker) == got[delivered.invocation])
        }
    }

    @Test("with reject, a function has one worker")
    func reject() throws {
        let lab = try Lab { $0.duplicates = .reject }
        _ = try lab.join("one", serving: "f")
        let second = try lab.join("two")
        #expect(
            try lab.settle(.serve(second, "f")).lines == ["rejected FUNCTION_NAMESPACE_CONFLICT f"]
        )
    }

    @Test("the engine's own names are its own")
    func reserved() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let other = try lab.join("o", namespace: "shop")
        #expect(try lab.settle(.serve(worker, "state::set")).lines.count == 1)
        #expect(try lab.settle(.serve(other, "engine::mine")).lines.count == 1)
        #expect(try lab.settle(.serve(worker, "engine::console::x")).lines == [])
    }

    @Test("a worker that comes back ends its old connection, with the right token only")
    func reattach() throws {
        let lab = try Lab()
        let old = try lab.join("w", serving: "f")
        let new = try lab.connect()
        let previous = old.worker.description
        func reattach(_ token: String?) throws -> [String] {
            try lab.settle(.reattach(new.connection, previous: previous, token: token)).lines
        }
        #expect(try reattach(nil) == [])
        #expect(try reattach(new.token.description) == [])
        #expect(try lab.settle(.call(old, "f", as: .void)).dispatches.count == 1)
        #expect(try reattach(old.token.description) == ["close 1012 reattached"])
        #expect(try reattach(old.token.description) == [])
        #expect(try lab.settle(.call(old, "f")).lines == [], "the old connection is deaf")
        #expect(lab.isQuiet)
    }

    @Test("an old SDK is not sent what would close its connection")
    func tooLarge() throws {
        let lab = try Lab(segmentBytes: 8 << 20)
        let old = try lab.join("old", runtime: "python", version: "0.24.4", serving: "f")
        let new = try lab.join("new", runtime: "python", version: "0.25.0", serving: "g")
        let payload = "\"\(String(repeating: "x", count: 1 << 20))\""
        let refused = try lab.settle(.call(new, "f", payload))
        #expect(refused.lines.first?.hasPrefix("f = payload_too_large") == true)
        let limit = "at most 1048576 bytes, of which 4096 are kept for"
        #expect(refused.lines.first?.contains(limit) == true)
        let dispatch = try #require(try lab.settle(.call(old, "g")).dispatches.first)
        let answer = try lab.settle(.answer(new, dispatch.invocation, payload))
        #expect(answer.lines.first?.hasPrefix("g = payload_too_large") == true)
        #expect(answer.lines.first?.contains("the call was carried out") == true)
        #expect(try lab.settle(.call(old, "g", payload)).dispatches.count == 1)
    }

    @Test("what comes beside a payload counts as well: metadata, and the texts of an error")
    func tooLargeBeside() throws {
        let lab = try Lab(segmentBytes: 8 << 20)
        let old = try lab.join("old", runtime: "python", version: "0.24.4", serving: "f")
        let new = try lab.join("new", runtime: "python", version: "0.25.0", serving: "g")
        let text = String(repeating: "\n", count: 600_000)
        let call = Call(
            id: .text("c"),
            function: "f",
            namespace: nil,
            payload: Array("1".utf8),
            metadata: JSONText(string: text),
            action: .await,
            propagation: Propagation()
        )
        let refused = try lab.settle(.call(new.connection, call))
        #expect(refused.lines.first?.hasPrefix("f = payload_too_large") == true)

        func answer(_ error: ErrorBody) throws -> FunctionResult? {
            let dispatch = try #require(try lab.settle(.call(old, "g")).dispatches.first)
            let result = CallResult(id: .uuid(dispatch.invocation), result: .failure(error))
            return try lab.settle(.result(new.connection, result)).compactMap(\.answer).first
        }
        let traced = try answer(ErrorBody(code: "no", message: "it broke", stacktrace: text))
        #expect(traced == .failure(ErrorBody(code: "no", message: "it broke")))
        let long = try #require(try answer(ErrorBody(code: "no", message: text)))
        #expect(long.line.hasPrefix("payload_too_large"))
    }

    @Test("an error that no record can hold is cut, and its message goes on")
    func hugeError() throws {
        let lab = try Lab { options in options.queues["default"] = .once(attempts: 2) }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(worker, "f"))
        let huge = String(repeating: "x", count: 20 << 20)
        let first = try #require(lab.left.dispatches.last).invocation
        let again = try lab.settle(.fail(worker, first, huge))
        #expect(again.dispatches.count == 1)
        let call = try #require(try lab.settle(.call(worker, "f")).dispatches.first)
        #expect(try lab.settle(.fail(worker, call.invocation, "small")).lines.count == 1)
    }

    @Test(
        "a call that cannot be is refused",
        arguments: [
            (" ", "f", Call.Action.await, "INVALID_NAMESPACE"),
            ("default", "f", .unknown("later"), "invocation_error"),
            ("default", "f", .refused("a number"), "invocation_error"),
            ("default", String(repeating: "f", count: 5000), .await, "INVALID_ARGUMENTS"),
            ("default", "f", .enqueue(queue: "none"), "enqueue_error"),
        ]
    )
    func refused(namespace: String, function: String, action: Call.Action, code: String) throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let left = try lab.settle(.call(worker, function, in: namespace, as: action))
        guard case .failure(let error) = left.first?.answer else {
            Issue.record("not refused: \(left.lines)")
            return
        }
        #expect(error.code == code)
    }

    @Test("a call belongs to the trace that it names, else to the one its worker is busy with")
    func traces() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "g")
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let named = Propagation(traceparent: given, baggage: "k=v,iii.function.id=x")
        let outer = try #require(
            try lab.settle(.call(worker, "f", with: named)).dispatches.first
        )
        #expect(outer.traceparent.trace.description == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(outer.baggage == "k=v,iii.function.id=f")
        let inner = try #require(try lab.settle(.call(worker, "g")).dispatches.first)
        #expect(inner.traceparent.trace == outer.traceparent.trace, "the sole invocation's")
        let third = try #require(try lab.settle(.call(worker, "g")).dispatches.first)
        #expect(third.traceparent.trace == outer.traceparent.trace, "all of one trace")
        let elsewhere = Propagation(
            traceparent: "00-00000000000000000000000000000abc-00f067aa0ba902b7-01"
        )
        let other = try #require(
            try lab.settle(.call(worker, "g", with: elsewhere)).dispatches.first
        )
        let fifth = try #require(try lab.settle(.call(worker, "g")).dispatches.first)
        let known = [outer.traceparent.trace, other.traceparent.trace]
        #expect(!known.contains(fifth.traceparent.trace), "two traces are under way")
        let answer = try lab.settle(.answer(worker, outer.invocation))
        guard case .send(_, .answer(_, _, _, let propagation)) = answer.first else {
            Issue.record("no answer")
            return
        }
        #expect(propagation == named, "as the caller sent it")
    }
}
