import AccessControl
import CommitLog
import Events
import Folding
import JSON
import LogTools
import Observe
import Primitives
import Queue
import RecordFormat
import State
import Testing

@testable import Engine

/// Functions that run again, and what they call answered by whoever asked for that.
@Suite("Replays")
struct ReplayTests {
    private let lab: Lab
    private let shop: Peer
    private let tool: Peer

    private static let set = #"{"scope":"s","key":"k","value":1}"#

    init() throws {
        lab = try Lab()
        shop = try lab.joinObserving("shop", serving: "pay")
        tool = try lab.join("tool", serving: "answer")
    }

    private func replay(_ function: String = "pay", answers: String = "answer") throws -> [Effect] {
        let input = #"{"function_id":"\#(function)","data":{"n":1},"answers":"\#(answers)"}"#
        return try lab.settle(.call(tool, "engine::replay", input, id: .text("r")))
    }

    /// What `pay` is called with once more.
    private func begin() throws -> Effect.Dispatch {
        try #require(try replay().dispatches.first)
    }

    private func trace(_ dispatch: Effect.Dispatch) -> Propagation {
        Propagation(traceparent: dispatch.traceparent.description)
    }

    /// The code with which a call was refused; nil: it was not.
    private func refusal(_ effects: [Effect]) -> String? {
        guard case .failure(let error)? = effects.compactMap(\.answer).last else { return nil }
        return error.code
    }

    @Test("the function is called again, and who asked for it gets what it answers")
    func runs() throws {
        let before = lab.engine.log.staged
        let effects = try replay()
        #expect(effects.lines == [#"invoke pay {"n":1}"#])
        let dispatch = try #require(effects.dispatches.first)
        #expect(dispatch.caller == nil)
        let end = try lab.settle(.answer(shop, dispatch.invocation, "8"))
        #expect(end.lines == ["engine::replay = 8"])
        let events = try lab.recordedEvents().dropFirst(Int(before.rawValue))
        #expect(events.map(\.kind) == [.triggered, .invoked, .completed])
        guard case .triggered(let root)? = events.first else { return }
        #expect(root.type == "replay")
        #expect(root.summary == "by tool")
    }

    @Test("what it calls is asked of who replays it, and is not done")
    func diverted() throws {
        let dispatch = try begin()
        let call = Command.call(shop, "state::set", Self.set, with: trace(dispatch))
        let asked = try #require(try lab.settle(call).dispatches.first)
        #expect(asked.function == "answer")
        let question = JSONText(trusted: asked.payload)
        #expect(question.member("function_id")?.stringValue == "state::set")
        #expect(question.member("namespace")?.stringValue == "default")
        #expect(question.member("data")?.description == Self.set)
        #expect(question.member("action")?.isNull == true)
        #expect(
            try lab.settle(.answer(tool, asked.invocation, #"{"old":7}"#)).lines
                == [#"state::set = {"old":7}"#]
        )
        #expect(lab.value(scope: "s", key: "k") == nil)
        let end = try lab.settle(.fail(shop, dispatch.invocation, "it broke"))
        #expect(refusal(end) == "invocation_failed")
        try expectSound()
    }

    @Test("nothing is enqueued, and nobody is called who expects no answer")
    func putOff() throws {
        let dispatch = try begin()
        let queued = try lab.settle(
            .call(
                shop,
                "pay",
                as: .enqueue(queue: "default"),
                with: trace(dispatch)
            )
        )
        let asked = try #require(queued.dispatches.first)
        let action = JSONText(trusted: asked.payload).member("action")
        #expect(action?.description == #"{"type":"enqueue","queue":"default"}"#)
        let receipt = #"{"messageReceiptId":"r"}"#
        let answered = try lab.settle(.answer(tool, asked.invocation, receipt))
        #expect(answered.lines == ["pay = \(receipt)"])
        #expect(lab.engine.views.work.queue.queues["default"]?.depth ?? 0 == 0)
        let fired = try lab.settle(.call(shop, "pay", id: nil, as: .void, with: trace(dispatch)))
        #expect(fired.dispatches.map(\.function) == ["answer"])
    }

    @Test("a call without a trace is known by the caller that it names")
    func caller() throws {
        let dispatch = try begin()
        let context = CallContext(invocation: dispatch.invocation.description)
        let effects = try lab.settle(.call(shop, "state::set", Self.set, context: context))
        #expect(effects.dispatches.map(\.function) == ["answer"])
    }

    @Test("a call that names neither is refused while its worker runs a replay, and then no more")
    func unknown() throws {
        let dispatch = try begin()
        let call = Command.call(shop, "state::set", Self.set)
        #expect(refusal(try lab.settle(call)) == "REPLAY_UNATTRIBUTED")
        #expect(lab.value(scope: "s", key: "k") == nil)
        // Who the worker is, it may say.
        let words = #"{"name":"shop","runtime":"python","features":["observe.v1"]}"#
        let described = try lab.settle(.call(shop, "engine::workers::register", words))
        #expect(described.lines.contains(#"engine::workers::register = {"success":true}"#))
        try lab.settle(.answer(shop, dispatch.invocation))
        #expect(refusal(try lab.settle(call)) == nil)
        #expect(lab.value(scope: "s", key: "k") == "1")
    }

    @Test("what it calls when it is over is refused, by the next life of the engine as well")
    func over() throws {
        let dispatch = try begin()
        try lab.settle(.answer(shop, dispatch.invocation))
        let call = Command.call(shop, "state::set", Self.set, with: trace(dispatch))
        #expect(refusal(try lab.settle(call)) == "REPLAY_OVER")
        let context = CallContext(invocation: dispatch.invocation.description)
        let named = Command.call(shop, "state::set", Self.set, context: context)
        #expect(refusal(try lab.settle(named)) == "REPLAY_OVER")

        lab.disk.crash(keepingWrite: false)
        let next = try Lab(disk: lab.disk, at: lab.now.wall, life: 2)
        let worker = try next.joinObserving("shop", serving: "pay")
        let late = Command.call(worker, "state::set", Self.set, with: trace(dispatch))
        #expect(refusal(try next.settle(late)) == "REPLAY_OVER")
        #expect(next.value(scope: "s", key: "k") == nil)
    }

    @Test("where nobody answers any more, what it calls is refused")
    func abandoned() throws {
        let dispatch = try begin()
        try lab.settle(.workerLeft(tool.connection, reason: "gone"))
        let call = Command.call(shop, "state::set", Self.set, with: trace(dispatch))
        #expect(refusal(try lab.settle(call)) == "REPLAY_OVER")
        #expect(lab.value(scope: "s", key: "k") == nil)
    }

    @Test("other work of the same worker goes on as ever")
    func beside() throws {
        _ = try begin()
        let other = try #require(
            try lab.settle(.call(tool, "pay", "2")).dispatches.first { $0.function == "pay" }
        )
        let call = Command.call(shop, "state::set", Self.set, with: trace(other))
        #expect(refusal(try lab.settle(call)) == nil)
        #expect(lab.value(scope: "s", key: "k") == "1")
    }

    @Test("a client that names such a trace gets no replay, and its calls are done")
    func guise() throws {
        let parent = "00-7265706c617900000000000000000001-0000000000000001-01"
        let config = #"{"api_path":"/pay","http_method":"GET"}"#
        try lab.settle(.trigger(shop, "http", config, to: "pay"))
        let request = Command.get("/pay", with: Propagation(traceparent: parent))
        let dispatch = try #require(try lab.settle(request).dispatches.first)
        try lab.settle(.answer(shop, dispatch.invocation, "null"))
        // Also what it calls when it is over.
        try lab.settle(.call(shop, "state::set", Self.set, with: trace(dispatch)))
        #expect(lab.value(scope: "s", key: "k") == "1")
    }

    @Test("a caller that names such an invocation gets no replay, and its calls are done")
    func guisedCaller() throws {
        let id = try #require(UUID128("7265706c-6179-4000-8000-000000000001"))
        let call = Command.call(tool, "pay", "2", id: .uuid(id))
        let dispatch = try #require(try lab.settle(call).dispatches.first)
        let context = CallContext(invocation: dispatch.invocation.description)
        let nested = Command.call(shop, "state::set", Self.set, context: context)
        #expect(refusal(try lab.settle(nested)) == nil)
        #expect(lab.value(scope: "s", key: "k") == "1")
    }

    @Test("it ends with whoever asked for it: other calls of its worker are known again")
    func askedByNobody() throws {
        _ = try begin()
        let plain = Command.call(shop, "state::set", Self.set)
        #expect(refusal(try lab.settle(plain)) == "REPLAY_UNATTRIBUTED")
        try lab.settle(.workerLeft(tool.connection, reason: "gone"))
        #expect(refusal(try lab.settle(plain)) == nil)
        #expect(lab.value(scope: "s", key: "k") == "1")
    }

    @Test("observers are not told once more")
    func observers() throws {
        let swift = try lab.join("swift", runtime: "swift", serving: "charge")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        try lab.settle(.observe(watcher, "charge", "paid"))
        func ends(_ dispatch: Effect.Dispatch?) throws -> [String] {
            let invocation = try #require(dispatch).invocation
            return try lab.settle(.answer(swift, invocation)).dispatches.map(\.function)
        }
        #expect(try ends(replay("charge").dispatches.first).isEmpty)
        #expect(try ends(lab.settle(.call(tool, "charge")).dispatches.first) == ["paid"])
    }

    @Test("who cannot be told apart, is not there or may not is refused, and nothing is recorded")
    func refused() throws {
        _ = try lab.join("old", serving: "legacy")
        let before = lab.engine.log.staged
        #expect(refusal(try replay("legacy")) == "REPLAY_UNSUPPORTED")
        #expect(refusal(try replay("gone")) == "function_not_found")
        #expect(refusal(try replay(answers: "pay")) == "INVALID_ARGUMENTS")
        let guest = ConnectionID(loop: 0, number: 77)
        #expect(lab.engine.log.staged == before)
        let rules = AccessRules(
            rbac: RoleRules(
                authentication: "auth",
                exposed: [ExposeRule(.id(Wildcard("engine::*")))]
            )
        )
        let access = Access(rules, try Grants(.emptyObject))
        try lab.settle(.workerJoined(guest, address: "10.0.0.9", access: access))
        let peer = Peer(connection: guest, worker: tool.worker, token: tool.token)
        let input = #"{"function_id":"pay","answers":"answer"}"#
        #expect(refusal(try lab.settle(.call(peer, "engine::replay", input))) == "FORBIDDEN")
    }

    /// What the records mean, as `iii-log verify --semantic` has it.
    private func expectSound() throws {
        var semantics = Semantics()
        var reader = LogReader(SimulatedStorage(lab.disk))
        _ = try reader.read { record throws(DecodeError) in semantics.check(record) }
        let findings = semantics.finish().found
        #expect(findings.isEmpty)
    }
}
