import JSON
import Observe
import Primitives
import Testing

@testable import Engine

@Suite("Owners of observed functions")
struct ObserveOwnerTests {
    private let lab: Lab
    private let owner: Peer
    private let watcher: Peer

    init() throws {
        lab = try Lab()
        owner = try lab.joinObserving("shop")
        watcher = try lab.joinObserving("alerts", serving: "paid")
    }

    private static let owned =
        #"{"observe":{"delivery":"owner","args_format":{"required":["every"]},"#
        + #""legacy_trigger_type":"tick"}}"#

    private func tick() throws -> Peer {
        try lab.settle(.serve(owner, "tick", Self.owned))
        try lab.settle(.observe(watcher, "tick", "paid") { $0.args = json(#"{"every":1}"#) })
        try lab.accept(owner, "o", of: "tick")
        return owner
    }

    private func json(_ text: String) -> JSONText { JSONText(trusted: Array(text.utf8)) }

    @Test("a registration is confirmed with the observers that there are, also if they came first")
    func confirmed() throws {
        #expect(try lab.settle(.serve(owner, "pay")).lines == ["registered pay []"])
        let asked = try lab.settle(.observe(watcher, "pay", "paid"))
        #expect(asked.lines == ["added o to pay", "observe o: pending"])
        #expect(try lab.settle(.serve(owner, "pay")).lines == ["registered pay [o]"])
        let removed = try lab.settle(.unobserve(watcher))
        #expect(removed.lines == ["removed o from pay"])
    }

    @Test("revisions of a function rise, whatever is told of it")
    func revisions() throws {
        try lab.settle(.serve(owner, "pay"))
        for id in ["a", "b", "c"] { try lab.settle(.observe(watcher, "pay", "paid", id: id)) }
        try lab.settle(.unobserve(watcher, "b"))
        try lab.settle(.serve(owner, "pay"))
        try lab.settle(.observe(watcher, "pay", "paid", id: "b"))
        let seen = lab.left.revisions
        #expect(seen.count >= 7)
        #expect(seen == seen.sorted() && Set(seen).count == seen.count)
    }

    @Test(
        "an observer is active with the owner's ack, and an error with its refusal, early or late"
    )
    func acknowledged() throws {
        try lab.settle(.serve(owner, "pay"))
        let asked = try lab.settle(.observe(watcher, "pay", "paid"))
        let revision = try #require(asked.revisions.first)
        let early = try lab.settle(.call(watcher, "pay")).dispatches
        #expect(try lab.settle(.answer(owner, early[0].invocation)).dispatches.isEmpty)
        func ack(_ revision: UInt64, _ error: ErrorBody? = nil) throws -> [String] {
            try lab.settle(
                .acknowledge(owner, "o", of: "pay", revision: revision, error)
            ).lines
        }
        #expect(try ack(revision - 1).isEmpty, "an answer to an earlier question")
        #expect(try ack(revision) == ["o is active, fires 0"])
        #expect(try ack(revision).isEmpty)
        let refusal = ErrorBody(code: "OBSERVE_REJECTED", message: "no more")
        #expect(
            try ack(revision, refusal)
                == ["removed o from pay", "o is error (OBSERVE_REJECTED), fires 0"]
        )
        // It is asked again with its next registration.
        let again = try lab.settle(.serve(owner, "pay"))
        #expect(again.lines == ["registered pay [o]", "o is pending (OWNER_PENDING), fires 0"])
        #expect(try ack(try #require(again.revisions.first)) == ["o is active, fires 0"])
        // What it took it still has when it registers again.
        #expect(try lab.settle(.serve(owner, "pay")).lines == ["registered pay [o]"])
    }

    @Test("an ack of anybody else is none")
    func foreignAck() throws {
        try lab.settle(.serve(owner, "pay"))
        try lab.settle(.observe(watcher, "pay", "paid"))
        try lab.accept(watcher, "o", of: "pay")
        try lab.accept(owner, "x", of: "pay")
        try lab.accept(owner, "o", of: "other")
        #expect(lab.observerStates["o"] == .pending)
    }

    @Test("an owner that is silent for 35 s has refused")
    func silent() throws {
        try lab.settle(.serve(owner, "pay"))
        try lab.settle(.observe(watcher, "pay", "paid"))
        lab.pass(seconds: 34.9)
        #expect(try lab.settle().isEmpty)
        lab.pass(seconds: 0.2)
        #expect(
            try lab.settle().lines
                == ["removed o from pay", "o is error (OWNER_TIMEOUT), fires 0"]
        )
        try lab.settle(.serve(owner, "pay"))
        try lab.accept(owner, "o", of: "pay")
        lab.pass(seconds: 60)
        #expect(try lab.settle().isEmpty)
        #expect(lab.observerStates["o"] == .active)
    }

    @Test("of several owners one is enough")
    func several() throws {
        try lab.settle(.serve(owner, "pay"))
        let twin = try lab.joinObserving("shop-2", serving: "pay")
        try lab.settle(.observe(watcher, "pay", "paid"))
        let no = ErrorBody(code: "OBSERVE_REJECTED", message: "no")
        try lab.settle(.acknowledge(owner, "o", of: "pay", revision: .max, no))
        #expect(lab.observerStates["o"] == .pending)
        try lab.accept(twin, "o", of: "pay")
        #expect(lab.observerStates["o"] == .active)
        try lab.settle(.workerLeft(twin.connection, reason: "gone"))
        #expect(lab.observerStates["o"] == .error)
    }

    @Test("who says late that it knows of observers is told of its functions then")
    func late() throws {
        let peer = try lab.connect()
        lab.pass(seconds: 6)
        try lab.settle()
        #expect(try lab.settle(.serve(peer, "pay")).lines.isEmpty)
        let described = try lab.settle(.describeObserving(peer, "slow"))
        #expect(described.lines == ["registered pay []"])
    }

    @Test("the owner hands out events; its calls are none")
    func emits() throws {
        let owner = try tick()
        let call = try #require(try lab.settle(.call(watcher, "tick")).dispatches.first)
        #expect(try lab.settle(.answer(owner, call.invocation)).dispatches.isEmpty)
        let effects = try lab.settle(.emit(owner, "tick", #"{"n":1}"#, to: ["o", "x", "o"]))
        #expect(effects.dispatches.count == 1)
        let envelope = JSONText(trusted: effects.dispatches[0].payload)
        #expect(envelope.member("input")?.description == #"{"n":1}"#)
        #expect(envelope.member("function_id")?.stringValue == "tick")
        #expect(envelope.member("output") == nil)
        #expect(try lab.settle(.emit(watcher, "tick", "1", to: ["o"])).dispatches.isEmpty)
        #expect(
            try lab.settle(.emit(owner, "tick", "1", to: ["o"], depth: 16)).dispatches.isEmpty
        )
    }

    @Test("args are checked when there is a format")
    func args() throws {
        try lab.settle(.observe(watcher, "tick", "paid"))
        #expect(
            try lab.settle(.serve(owner, "tick", Self.owned)).lines == [
                "registered tick []", "o is error (INVALID_ARGS), fires 0",
            ]
        )
        let shown = try lab.settle(.observe(watcher, "tick", "paid", id: "p"))
        #expect(shown.lines == ["observe p: error, INVALID_ARGS"])
    }

    @Test("an owner's call reaches the observer's target and comes back")
    func calls() throws {
        let owner = try tick()
        let context = CallContext(observer: "o")
        let called = try lab.settle(.call(owner, "whatever", #"{"n":1}"#, context: context))
        let activation = try #require(called.dispatches.first)
        #expect(activation.function == "paid")
        #expect(String(decoding: activation.payload, as: UTF8.self) == #"{"n":1}"#)
        #expect(activation.observation?.activation?.observer == "o")
        let caller = activation.observation?.caller?.text
        #expect(caller?.member("worker_name")?.stringValue == "shop")
        let back = try lab.settle(.answer(watcher, activation.invocation, "42"))
        #expect(back.lines == ["whatever = 42"])
        #expect(lab.engine.observers["o"]?.fires == 1)

        func refusal(_ peer: Peer, _ id: String) throws -> String? {
            let context = CallContext(observer: id)
            return try lab.settle(.call(peer, "paid", context: context)).lines.first
        }
        #expect(try refusal(owner, "x")?.contains("OBSERVER_NOT_ACTIVE") == true)
        #expect(try refusal(watcher, "o")?.contains("FORBIDDEN") == true)
        try lab.settle(.workerLeft(watcher.connection, reason: "gone"))
        #expect(try refusal(owner, "o")?.contains("OBSERVER_NOT_ACTIVE") == true)
    }

    @Test("triggers of a type that a function took over are its observers")
    func legacy() throws {
        let config = #"{"every":5}"#
        try lab.settle(.trigger(watcher, "tick", config, to: "paid"))
        let registered = try lab.settle(.serve(owner, "tick", Self.owned))
        #expect(registered.lines == ["registered tick []", "added t to tick"])
        let observer = try #require(lab.engine.observers["t"])
        #expect(observer.spec.args.description == config)
        #expect(observer.info.legacy?.type == "tick")
        try lab.accept(owner, "t", of: "tick")
        let event = try lab.settle(.emit(owner, "tick", #"{"n":1}"#, to: ["t"]))
        #expect(event.lines == [#"invoke paid {"n":1}"#])

        let bad = try lab.settle(.trigger(watcher, "tick", "{}", to: "paid", id: "u"))
        #expect(bad.lines.count == 1)
        #expect(bad.lines[0].hasPrefix("trigger u: args.every is missing"))
        let gone = try lab.settle(.register(watcher.connection, .removeTrigger(id: "t")))
        #expect(gone.lines == ["removed t from tick"])
        // The engine's own types stay its own.
        try lab.settle(
            .serve(owner, "mine", #"{"observe":{"legacy_trigger_type":"cron"}}"#)
        )
        let cron = #"{"expression":"* * * * *"}"#
        try lab.settle(.trigger(watcher, "cron", cron, to: "paid", id: "v"))
        #expect(lab.engine.observers["v"] == nil)
    }

    @Test("a trigger that belongs to no worker is taken over as well, until it is taken back")
    func durableLegacy() throws {
        let input = #"{"trigger_type":"tick","function_id":"paid","config":{"every":5}}"#
        let bound = try lab.value(of: "engine::register_trigger", input, by: watcher)
        let id = try #require(bound.member("id")?.stringValue)
        try lab.settle(.serve(owner, "tick", Self.owned))
        #expect(lab.engine.observers[id]?.holders == [])
        try lab.settle(.call(watcher, "engine::unregister_trigger", #"{"id":"\#(id)"}"#))
        #expect(lab.engine.observers.isEmpty)
    }

    @Test("handlers are told who called them, by what the engine knows")
    func callers() throws {
        try lab.settle(.serve(owner, "pay"))
        let outer = try #require(try lab.settle(.call(watcher, "pay")).dispatches.first)
        let first = try #require(outer.observation?.caller?.text)
        #expect(first.member("worker_id")?.stringValue == watcher.worker.description)
        #expect(first.member("function_id") == nil)
        let context = CallContext(
            function: "liar",
            invocation: outer.invocation.description,
            parentFunction: "liar"
        )
        let inner = try #require(
            try lab.settle(.call(owner, "paid", context: context)).dispatches.first
        )
        let caller = try #require(inner.observation?.caller?.text)
        #expect(caller.member("worker_name")?.stringValue == "shop")
        #expect(caller.member("function_id")?.stringValue == "pay")
        #expect(caller.member("invocation_id")?.stringValue == outer.invocation.description)
        let parent = try #require(caller.member("parent"))
        #expect(parent.member("worker_id")?.stringValue == watcher.worker.description)
        #expect(parent.member("function_id") == nil)
        // Who knows nothing of observers is told nothing.
        let old = try lab.join("old", serving: "old")
        #expect(try lab.settle(.call(owner, "old")).dispatches.first?.observation == nil)
        _ = old
    }
}
