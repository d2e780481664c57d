import JSON
import Observe
import Primitives
import Testing

@testable import Engine

@Suite("Observing")
struct ObserveTests {
    private let lab: Lab
    private let owner: Peer
    private let watcher: Peer

    /// `pay` is served by a worker that knows nothing of observers, so that nobody has to be asked.
    init() throws {
        lab = try Lab()
        owner = try lab.join("shop", serving: "pay")
        watcher = try lab.joinObserving("alerts", serving: "paid")
    }

    /// Calls `pay` and answers it.
    private func pay(_ input: String = "{}", _ output: String = "null") throws -> [Effect] {
        let dispatch = try #require(
            try lab.settle(.call(owner, "pay", input)).dispatches.first { $0.function == "pay" }
        )
        return try lab.settle(.answer(owner, dispatch.invocation, output))
    }

    private func payload(_ dispatch: Effect.Dispatch) -> JSONText {
        JSONText(trusted: dispatch.payload)
    }

    @Test("workers are told whether they can observe")
    func announced() throws {
        func features(_ lab: Lab) throws -> [String]? {
            _ = try lab.connect()
            guard case .send(_, .registered(_, _, let features))? = lab.left.last else {
                return nil
            }
            return features
        }
        #expect(try features(Lab()) == ["observe.v1"])
        #expect(try features(Lab { $0.observe = false }) == [])
        let off = try Lab { $0.observe = false }
        let peer = try off.joinObserving("alerts", serving: "paid")
        #expect(try off.settle(.observe(peer, "paid", "paid")).isEmpty)
        #expect(!off.left.lines.contains { $0.hasPrefix("registered paid") })
    }

    @Test("a call that ends has the target called, with its envelope")
    func fires() throws {
        // The target's own owner is asked about observers of `paid`, of which there are none.
        #expect(try lab.settle(.observe(watcher, "pay", "paid")).lines == ["observe o: active"])
        let effects = try pay(#"{"n":1}"#, #"{"ok":true}"#)
        #expect(effects.lines.first == #"pay = {"ok":true}"#)
        let activation = try #require(effects.dispatches.first)
        #expect(activation.function == "paid")
        let envelope = payload(activation)
        #expect(envelope.member("observer_id")?.stringValue == "o")
        #expect(envelope.member("status")?.stringValue == "success")
        #expect(envelope.member("input")?.description == #"{"n":1}"#)
        #expect(envelope.member("output")?.description == #"{"ok":true}"#)
        #expect(envelope.member("function_id")?.stringValue == "pay")
        let caller = try #require(envelope.member("caller"))
        #expect(caller.member("worker_id")?.stringValue == owner.worker.description)
        #expect(caller.member("worker_name")?.stringValue == "shop")
        let observation = try #require(activation.observation)
        #expect(observation.depth == 1)
        #expect(observation.activation?.observer == "o")
        #expect(
            observation.activation?.id.description
                == envelope.member("activation_id")?.stringValue
        )
        #expect(observation.caller == nil)
        // Nobody waits for what it answers.
        #expect(try lab.settle(.answer(watcher, activation.invocation)).isEmpty)
        #expect(lab.isQuiet)
    }

    @Test("success, error and complete choose by how a call ends")
    func outcomes() throws {
        for (id, on) in [("s", "success"), ("e", "error"), ("c", "complete")] {
            try lab.settle(.observe(watcher, "pay", "paid", id: id) { $0.on = on })
        }
        func observers(_ effects: [Effect]) -> [String] {
            effects.dispatches.compactMap { payload($0).member("observer_id")?.stringValue }
        }
        #expect(try observers(pay()) == ["s", "c"])
        let call = try #require(try lab.settle(.call(owner, "pay")).dispatches.first)
        let failed = try lab.settle(.fail(owner, call.invocation, "broke"))
        #expect(observers(failed) == ["e", "c"])
        let envelope = try payload(#require(failed.dispatches.first))
        #expect(envelope.member("status")?.stringValue == "error")
        #expect(envelope.member("output") == nil)
        #expect(envelope.member("error") == nil, "it was not captured")
    }

    @Test("what a worker takes with it when it goes has failed, and that is an event")
    func stopped() throws {
        try lab.settle(
            .observe(watcher, "pay", "paid") {
                $0.on = "error"
                $0.capture = ["error"]
            }
        )
        try lab.settle(.call(watcher, "pay"))
        let effects = try lab.settle(.workerLeft(owner.connection, reason: "gone"))
        let envelope = try payload(#require(effects.dispatches.first))
        let error = try #require(envelope.member("error"))
        #expect(error.member("code")?.stringValue == "invocation_stopped")
        #expect(effects.lines.last == "o is pending (NO_OWNER), fires 1")
        let again = try lab.join("shop", serving: "pay")
        #expect(lab.left.lines.last == "o is active, fires 1")
        _ = again
    }

    @Test("filters decide, over every part of the event")
    func filters() throws {
        let filter =
            #"{"input.amount":{"$gte":500},"output.ok":{"$eq":true},"#
            + #""caller.worker_name":{"$eq":"shop"}}"#
        try lab.settle(
            .observe(watcher, "pay", "paid") {
                $0.filters = JSONText(trusted: Array(filter.utf8))
            }
        )
        #expect(try pay(#"{"amount":499}"#, #"{"ok":true}"#).dispatches.isEmpty)
        #expect(try pay(#"{"amount":500}"#, #"{"ok":false}"#).dispatches.isEmpty)
        #expect(try pay(#"{"amount":500}"#, #"{"ok":true}"#).dispatches.count == 1)
    }

    @Test("what is wrong with a wish is told once, and nothing comes of it")
    func refused() throws {
        let bad = try lab.settle(
            .observe(watcher, "pay", "paid") {
                $0.filters = JSONText(trusted: Array(#"{"foo":{"$eq":1}}"#.utf8))
            }
        )
        #expect(bad.lines == ["observe o: error, INVALID_FILTER"])
        #expect(try pay().dispatches.isEmpty)
        try lab.settle(.serve(owner, "shy", #"{"observe":{"allow":false}}"#))
        let shy = try lab.settle(.observe(watcher, "shy", "paid", id: "s"))
        #expect(shy.lines == ["observe s: error, NOT_OBSERVABLE"])
        // It changes its mind.
        #expect(try lab.settle(.serve(owner, "shy", "{}")).lines == ["s is active, fires 0"])
    }

    @Test("an observer waits for its source and its target, and is told when one goes")
    func lifecycle() throws {
        #expect(try lab.settle(.observe(watcher, "later", "there")).lines == ["observe o: pending"])
        let source = try lab.join("source", serving: "later")
        let target = try lab.connect()
        try lab.settle(.call(target.connection, .describe("target", nil, "node", "0.23.0")))
        #expect(try lab.settle(.serve(target, "there")).lines == ["o is active, fires 0"])
        let gone = try lab.settle(.workerLeft(target.connection, reason: "gone"))
        #expect(gone.lines == ["o is suspended (NO_TARGET), fires 0"])
        let call = try #require(try lab.settle(.call(source, "later")).dispatches.first)
        #expect(try lab.settle(.answer(source, call.invocation)).dispatches.isEmpty)
        _ = try lab.join("target", serving: "there")
        #expect(lab.left.lines.last == "o is active, fires 0")
        try lab.settle(.register(source.connection, .removeFunction(id: "later")))
        #expect(lab.left.lines.last == "o is pending (NO_OWNER), fires 0")
    }

    @Test("asked for again it is the one that there is; the same id for something else is another")
    func replay() throws {
        try lab.settle(.observe(watcher, "pay", "paid") { $0.firesMax = 3 })
        _ = try pay()
        let again = try lab.settle(.observe(watcher, "pay", "paid") { $0.firesMax = 3 })
        #expect(again.lines == ["observe o: active"])
        #expect(lab.engine.observers["o"]?.fires == 1)
        #expect(try pay().dispatches.count == 1, "it is there once")

        let twin = try lab.joinObserving("alerts-2")
        #expect(
            try lab.settle(.observe(twin, "pay", "elsewhere")).lines
                == ["observe o: error, OBSERVER_ID_IN_USE"]
        )
        try lab.settle(.observe(twin, "pay", "paid") { $0.firesMax = 3 })
        #expect(lab.engine.observers["o"]?.holders.count == 2)
        try lab.settle(.unobserve(twin))
        #expect(lab.engine.observers["o"]?.holders.count == 1)

        try lab.settle(.observe(watcher, "pay", "paid") { $0.firesMax = 9 })
        #expect(lab.engine.observers["o"]?.fires == 0)
    }

    @Test("max_fires ends it with the last activation, expires_in_ms with time, unobserve at once")
    func ends() throws {
        try lab.settle(.observe(watcher, "pay", "paid") { $0.firesMax = 2 })
        #expect(try pay().dispatches.count == 1)
        let last = try pay()
        #expect(last.dispatches.count == 1)
        #expect(last.lines.contains("o is disposed (MAX_FIRES), fires 2"))
        #expect(try pay().dispatches.isEmpty)

        try lab.settle(.observe(watcher, "pay", "paid") { $0.lifetimeMilliseconds = 1500 })
        lab.pass(seconds: 1)
        #expect(try pay().dispatches.count == 1)
        lab.pass(seconds: 1)
        #expect(try lab.settle().lines == ["o is disposed (EXPIRED), fires 1"])
        #expect(try pay().dispatches.isEmpty)

        try lab.settle(.observe(watcher, "pay", "paid"))
        #expect(try lab.settle(.unobserve(watcher)).isEmpty)
        #expect(try pay().dispatches.isEmpty)
        try lab.settle(.observe(watcher, "pay", "paid"))
        try lab.settle(.unobserve(owner))
        #expect(try pay().dispatches.count == 1, "nobody else's observer is removed")
    }

    @Test("an observer goes with the connection that asked for it")
    func leaves() throws {
        try lab.settle(.observe(watcher, "pay", "pay"))
        try lab.settle(.workerLeft(watcher.connection, reason: "gone"))
        #expect(lab.engine.observers.isEmpty)
        #expect(try pay().dispatches.isEmpty)
    }

    @Test("what it may do it may not do again because its worker was away")
    func away() throws {
        try lab.settle(.observe(watcher, "pay", "pay", id: "n") { $0.firesMax = 2 })
        try lab.settle(.observe(watcher, "pay", "pay", id: "t") { $0.lifetimeMilliseconds = 5000 })
        _ = try pay()
        try lab.settle(.workerLeft(watcher.connection, reason: "gone"))
        #expect(lab.engine.observers.isEmpty)
        lab.pass(seconds: 4)
        let back = try lab.joinObserving("alerts")
        try lab.settle(.observe(back, "pay", "pay", id: "n") { $0.firesMax = 2 })
        try lab.settle(.observe(back, "pay", "pay", id: "t") { $0.lifetimeMilliseconds = 5000 })
        #expect(lab.engine.observers["n"]?.fires == 1)
        lab.pass(seconds: 1.5)
        #expect(try lab.settle().lines == ["t is disposed (EXPIRED), fires 1"])
        #expect(try pay().lines.contains("n is disposed (MAX_FIRES), fires 2"))
        // Who says that it wants no more begins anew.
        try lab.settle(.observe(back, "pay", "pay", id: "n") { $0.firesMax = 2 })
        _ = try pay()
        try lab.settle(.unobserve(back, "n"))
        try lab.settle(.observe(back, "pay", "pay", id: "n") { $0.firesMax = 2 })
        #expect(lab.engine.observers["n"]?.fires == 0)
    }

    @Test("as many activations run as max_in_flight says; the rest wait, up to a bound")
    func inFlight() throws {
        try lab.settle(.observe(watcher, "pay", "paid") { $0.concurrency = 2 })
        var running: [Effect.Dispatch] = []
        for _ in 0..<5 { running += try pay().dispatches }
        #expect(running.count == 2)
        var seen = running.count
        while let dispatch = running.first {
            running.removeFirst()
            let next = try lab.settle(.answer(watcher, dispatch.invocation)).dispatches
            #expect(next.count <= 1)
            seen += next.count
            running += next
        }
        #expect(seen == 5)
        #expect(lab.isQuiet)

        _ = lab.engine.takeNotices()
        for _ in 0..<(2 + Limits.waitingActivations + 3) { _ = try pay() }
        #expect(lab.engine.observers["o"]?.waiting.count == Limits.waitingActivations)
        let told = lab.engine.takeNotices().filter { $0.text.contains("misses events") }
        #expect(told.count == 1)
        // Who wants no more gets no more, but for what runs.
        try lab.settle(.unobserve(watcher))
        let busy = lab.left.dispatches.filter { $0.function == "paid" }.suffix(2).map(\.invocation)
        for id in busy { #expect(try lab.settle(.answer(watcher, id)).dispatches.isEmpty) }
        #expect(lab.isQuiet)
    }

    @Test("what waits when max_fires is reached is still run")
    func spent() throws {
        try lab.settle(
            .observe(watcher, "pay", "paid") {
                $0.concurrency = 1
                $0.firesMax = 3
            }
        )
        var running: [Effect.Dispatch] = []
        for _ in 0..<4 { running += try pay().dispatches }
        #expect(running.count == 1)
        var seen = 0
        while let dispatch = running.popLast() {
            seen += 1
            running += try lab.settle(.answer(watcher, dispatch.invocation)).dispatches
        }
        #expect(seen == 3)
    }

    @Test("a chain of observers comes to an end")
    func depth() throws {
        // `paid` observes itself: each activation leads to the next.
        try lab.settle(.observe(watcher, "paid", "paid"))
        try lab.accept(watcher, "o", of: "paid")
        var running = try lab.settle(.call(owner, "paid")).dispatches
        var depths: [Int] = []
        while let dispatch = running.popLast() {
            depths.append(dispatch.observation?.depth ?? 0)
            running += try lab.settle(.answer(watcher, dispatch.invocation)).dispatches
        }
        #expect(depths == Array(0...Limits.observeDepth))
        #expect(lab.engine.takeNotices().contains { $0.text.contains("does not fire") })
    }

    @Test("a target that knows nothing of observers does not make a chain endless")
    func oldTarget() throws {
        let old = try lab.join("old", serving: "old")
        try lab.settle(.observe(watcher, "pay", "old"))
        var calls = 0
        var running = try lab.settle(.call(owner, "pay")).dispatches
        while let dispatch = running.popLast() {
            if dispatch.function == "pay" {
                calls += 1
                running += try lab.settle(.answer(owner, dispatch.invocation)).dispatches
            } else {
                // It calls what it observes, and says nothing of where from.
                running += try lab.settle(.call(old, "pay", id: nil, as: .void)).dispatches
                try lab.settle(.answer(old, dispatch.invocation))
            }
            try #require(calls < 100)
        }
        #expect(calls == Limits.observeDepth + 1)
    }

    @Test("nor does one that goes on by way of a queue")
    func queued() throws {
        let old = try lab.join("old", serving: "old")
        try lab.settle(.observe(watcher, "pay", "old"))
        var calls = 0
        var running = try lab.settle(.call(owner, "pay")).dispatches
        while let dispatch = running.popLast() {
            if dispatch.function == "pay" {
                calls += 1
                running += try lab.settle(.answer(owner, dispatch.invocation)).dispatches
            } else {
                running += try lab.settle(.enqueue(old, "pay")).dispatches
                running += try lab.settle(.answer(old, dispatch.invocation)).dispatches
            }
            try #require(calls < 100)
        }
        #expect(calls == Limits.observeDepth + 1)
    }

    @Test("deliveries and builtins are observed, too")
    func others() throws {
        try lab.settle(.observe(watcher, "pay", "paid", id: "q"))
        let delivery = try #require(
            try lab.settle(.enqueue(owner, "pay", #"{"n":2}"#)).dispatches.first
        )
        let acked = try lab.settle(.answer(owner, delivery.invocation))
        let envelope = try payload(#require(acked.dispatches.first))
        #expect(envelope.member("input")?.description == #"{"n":2}"#)
        #expect(envelope.member("caller") == nil, "a queue has called")

        let state = try lab.settle(.observe(watcher, "state::set", "paid", id: "b"))
        #expect(state.lines == ["observe b: active"])
        let set = try lab.settle(
            .call(owner, "state::set", #"{"scope":"s","key":"k","value":1}"#)
        )
        let event = try payload(#require(set.dispatches.first))
        #expect(event.member("function_id")?.stringValue == "state::set")
        #expect(event.member("input")?.member("key")?.stringValue == "k")
        #expect(event.member("output")?.isObject == true)
        #expect(set.lines.first?.hasPrefix("state::set = ") == true)
    }

    @Test("deliver hands on the input or the output alone, with the observer's metadata")
    func deliver() throws {
        try lab.settle(
            .observe(watcher, "pay", "paid") {
                $0.deliver = "output"
                $0.metadata = JSONText(trusted: Array(#"{"t":1}"#.utf8))
            }
        )
        let activation = try #require(try pay("1", "[2]").dispatches.first)
        #expect(payload(activation).description == "[2]")
        #expect(activation.metadata?.description == #"{"t":1}"#)
    }

    @Test("registrations of observers wait for the namespace like all others")
    func buffered() throws {
        let peer = try lab.connect()
        #expect(try lab.settle(.observe(peer, "pay", "paid")).isEmpty)
        #expect(lab.engine.observers.isEmpty)
        let described = try lab.settle(.describeObserving(peer, "late"))
        #expect(described.lines.contains("observe o: active"))
    }
}
