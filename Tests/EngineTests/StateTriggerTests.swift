import Events
import Folding
import JSON
import Primitives
import State
import Testing

@testable import Engine

@Suite("State triggers")
struct StateTriggerTests {
    private func lab(
        _ configs: String...,
        adjust: (inout EngineOptions) -> Void = { _ in }
    ) throws -> (Lab, Peer) {
        let lab = try Lab(adjust)
        let worker = try lab.join("w", serving: "f", "g", "c")
        for (index, config) in configs.enumerated() {
            let function = index == 0 ? "f" : "g"
            try lab.settle(.trigger(worker, "state", config, to: function, id: "t\(index)"))
        }
        return (lab, worker)
    }

    private static func event(
        _ kind: String,
        _ old: String,
        _ new: String,
        key: String = "k"
    ) -> String {
        #"{"type":"state","event_type":"state:\#(kind)","scope":"s","key":"\#(key)","#
            + #""old_value":\#(old),"new_value":\#(new)}"#
    }

    private static let place = #"{"scope":"s","key":"k"}"#
    private static func set(_ value: String, key: String = "k") -> String {
        #"{"scope":"s","key":"\#(key)","value":\#(value)}"#
    }

    @Test("a value that is made, written, updated, deleted, and one that is not there")
    func kinds() throws {
        let (lab, worker) = try lab("{}")
        let update = #"{"scope":"s","key":"k","ops":[{"type":"increment","path":"","by":2}]}"#
        for (call, input, event) in [
            ("set", Self.set("1"), Self.event("created", "null", "1")),
            ("set", Self.set("1"), Self.event("updated", "1", "1")),
            ("set", Self.set("null"), Self.event("updated", "1", "null")),
            ("set", Self.set("5"), Self.event("updated", "null", "5")),
            ("update", update, Self.event("updated", "5", "7")),
            ("delete", Self.place, Self.event("deleted", "7", "null")),
            ("delete", Self.place, Self.event("deleted", "null", "null")),
        ] {
            let left = try lab.settle(.call(worker, "state::\(call)", input))
            let run = try #require(left.dispatches.first, "\(call)")
            #expect(String(decoding: run.payload, as: UTF8.self) == event)
            // Who wrote is answered before any handler is.
            #expect(left.count { $0.answer != nil } == 1)
            try lab.settle(.answer(worker, run.invocation))
        }
        #expect(lab.engine.views.work.reactions.count == 0)
        #expect(try lab.settle(.call(worker, "state::get", Self.place)).dispatches.isEmpty)
        #expect(lab.isQuiet)
    }

    @Test(
        "a scope and a key are exact",
        arguments: [
            (#"{"scope":"s"}"#, true), (#"{"scope":"S"}"#, false), (#"{"key":"k"}"#, true),
            (#"{"key":"x"}"#, false), (#"{"scope":"s","key":"k"}"#, true),
            (#"{"scope":"s","key":"x"}"#, false), (#"{"scope":null,"key":null,"more":1}"#, true),
            (#"{"scope":""}"#, false),
        ]
    )
    func filters(config: String, fires: Bool) throws {
        let (lab, worker) = try lab(config)
        let left = try lab.settle(.call(worker, "state::set", Self.set("1")))
        #expect(left.dispatches.count == (fires ? 1 : 0))
    }

    @Test(
        "a configuration of another shape is refused",
        arguments: ["[]", "1", #"{"scope":1}"#, #"{"key":[]}"#, #"{"condition_function_id":2}"#]
    )
    func refusals(config: String) throws {
        let (lab, worker) = try lab()
        let left = try lab.settle(.trigger(worker, "state", config, to: "f"))
        #expect(left.lines.first?.hasPrefix("trigger t: the configuration of state") == true)
        #expect(try lab.settle(.call(worker, "state::set", Self.set("1"))).dispatches.isEmpty)
    }

    @Test("a builtin that writes cannot be run: it would fire itself for ever")
    func loop() throws {
        let (lab, worker) = try lab()
        for config in ["{}", #"{"condition_function_id":"state::delete"}"#] {
            let function = config == "{}" ? "state::delete" : "f"
            let left = try lab.settle(.trigger(worker, "state", config, to: function))
            #expect(left.lines.first?.contains("it would fire itself") == true)
        }
        #expect(try lab.settle(.call(worker, "state::delete", Self.place)).dispatches.isEmpty)
    }

    @Test("the handlers of one write run one after another; those of others need not wait")
    func sequence() throws {
        let (lab, worker) = try lab("{}", #"{"scope":"s"}"#)
        let first = try lab.settle(.call(worker, "state::set", Self.set("1"))).dispatches
        #expect(first.count == 1)
        let other = try lab.settle(.call(worker, "state::set", Self.set("2", key: "l"))).dispatches
        #expect(other.count == 1)
        // One that fails is told of, and the next one runs.
        let second = try lab.settle(.fail(worker, first[0].invocation)).dispatches
        #expect(second.count == 1)
        #expect(second[0].payload == first[0].payload)
        #expect(Set([first[0].function, second[0].function]) == ["f", "g"])
        #expect(lab.engine.takeNotices().map(\.text).contains { $0.contains("failed: no") })
        #expect(try lab.settle(.answer(worker, second[0].invocation)).dispatches.isEmpty)
    }

    @Test("only what a condition does not refuse runs", arguments: ["false", "true", "error"])
    func condition(answer: String) throws {
        let (lab, worker) = try lab(#"{"condition_function_id":"c"}"#)
        let left = try lab.settle(.call(worker, "state::set", Self.set("1")))
        let question = try #require(left.dispatches.first)
        #expect(question.function == "c")
        let next =
            answer == "error"
            ? try lab.settle(.fail(worker, question.invocation))
            : try lab.settle(.answer(worker, question.invocation, answer))
        #expect(next.dispatches.map(\.function) == (answer == "true" ? ["f"] : []))
        #expect(lab.engine.views.work.reactions.count == (answer == "true" ? 1 : 0))
        let told = "state trigger function f failed: its condition c failed: no"
        let isTold = lab.engine.takeNotices().contains { $0.text == told }
        #expect(isTold == (answer == "error"))
    }

    @Test("metadata comes along, and a trigger that is gone fires no more")
    func metadata() throws {
        let (lab, worker) = try lab()
        try lab.settle(.trigger(worker, "state", "{}", to: "f", metadata: #"{"m":1}"#))
        let run = try lab.settle(.call(worker, "state::set", Self.set("1"))).dispatches
        #expect(run.first?.metadata?.description == #"{"m":1}"#)
        try lab.settle(.register(worker.connection, .removeTrigger(id: "t")))
        #expect(try lab.settle(.call(worker, "state::set", Self.set("1"))).dispatches.isEmpty)
    }

    @Test("switched off, nothing fires")
    func off() throws {
        let (lab, worker) = try lab("{}") { $0.stateTriggers = false }
        #expect(try lab.settle(.call(worker, "state::set", Self.set("1"))).dispatches.isEmpty)
    }

    @Test("replicas that ask for the same are told once")
    func replicas() throws {
        let (lab, worker) = try lab("{}")
        let replica = try lab.join("w", serving: "f")
        try lab.settle(.trigger(replica, "state", "{}", to: "f", id: "r"))
        let left = try lab.settle(.call(worker, "state::set", Self.set("1")))
        #expect(left.dispatches.count == 1)
        let after = try lab.settle(.answer(worker, left.dispatches[0].invocation))
        #expect(after.dispatches.isEmpty)
    }

    @Test("a function that is not there is a failure, not a wait")
    func missing() throws {
        let (lab, worker) = try lab()
        try lab.settle(.trigger(worker, "state", "{}", to: "nobody"))
        try lab.settle(.call(worker, "state::set", Self.set("1")))
        #expect(lab.engine.views.work.reactions.count == 0)
        #expect(lab.engine.takeNotices().contains { $0.text.contains("nobody not found") })
    }

    // MARK: Crashes

    private func restart(_ lab: Lab, until snapshot: Offset? = nil) throws -> Lab {
        lab.disk.crash(keepingWrite: false)
        return try Lab(disk: lab.disk, at: lab.now.wall, life: 2, snapshotUntil: snapshot)
    }

    @Test("handlers that had not ended run again after a crash, in their order, and no others")
    func crash() throws {
        let (first, worker) = try lab("{}", #"{"condition_function_id":"c"}"#)
        let done = try first.settle(.call(worker, "state::set", Self.set("0"))).dispatches
        let question = try first.settle(.answer(worker, done[0].invocation)).dispatches
        try first.settle(.answer(worker, question[0].invocation, "false"))
        let running = try first.settle(.call(worker, "state::set", Self.set("1"))).dispatches
        #expect(running.map(\.function) == ["f"])
        #expect(first.engine.views.work.reactions.count == 2)

        let second = try restart(first)
        #expect(second.recovered.fired == first.engine.views.work.reactions.digest())
        let next = try second.join("w", serving: "g", "c")
        #expect(second.left.dispatches.isEmpty, "the first handler's function is not there")
        let again = try second.settle(.serve(next, "f")).dispatches
        #expect(again.map(\.payload) == running.map(\.payload))
        #expect(again[0].traceparent.trace == running[0].traceparent.trace)
        let asked = try second.settle(.answer(next, again[0].invocation)).dispatches
        #expect(asked.map(\.function) == ["c"])
        let last = try second.settle(.answer(next, asked[0].invocation, "true")).dispatches
        #expect(last.map(\.function) == ["g"])
        try second.settle(.answer(next, last[0].invocation))
        #expect(second.engine.views.work.reactions.count == 0)
        #expect(try restart(second).engine.views.work.reactions.count == 0)
    }

    @Test("a value whose time was over while the engine was down is told of when a worker is back")
    func overdue() throws {
        let first = try Lab()
        let maker = try first.join("m")
        let input = #"{"trigger_type":"state","function_id":"f","config":{"key":"k"}}"#
        try first.settle(.call(maker, "engine::register_trigger", input))
        let set = #"{"scope":"s","key":"k","value":1,"ttl_ms":1000}"#
        try first.settle(.call(maker, "state::set", set))
        first.pass(seconds: 60)

        let second = try restart(first)
        try second.settle()
        #expect(second.value(scope: "s", key: "k") == nil)
        #expect(second.engine.views.work.reactions.count == 1, "it waits")
        // And in the next life, too.
        let third = try restart(second)
        #expect(try third.settle().dispatches.isEmpty)
        let worker = try third.join("w", serving: "f")
        let run = try #require(third.left.dispatches.first)
        let event = JSONText(trusted: run.payload)
        #expect(event.member("event_type")?.stringValue == "state:deleted")
        #expect(event.member("old_value")?.description == "1")
        try third.settle(.answer(worker, run.invocation))
        #expect(third.engine.views.work.reactions.count == 0)
    }

    @Test("what expires early in the first life of an engine waits for nobody to come back")
    func expiredInFirstLife() throws {
        let (lab, worker) = try lab()
        let set = #"{"scope":"s","key":"k","value":1,"ttl_ms":1000}"#
        try lab.settle(.call(worker, "state::set", set))
        try lab.settle(.trigger(worker, "state", "{}", to: "nobody"))
        lab.pass(seconds: 2)
        try lab.settle()
        #expect(lab.value(scope: "s", key: "k") == nil)
        #expect(lab.engine.views.work.reactions.count == 0)
        #expect(lab.engine.takeNotices().contains { $0.text.contains("nobody not found") })
    }

    @Test("a write and what it fires are on disk together, or neither is")
    func together() throws {
        let (first, worker) = try lab("{}")
        // Not durable: the crash takes both.
        try first.turn(.call(worker, "state::set", Self.set("1")))
        let second = try restart(first)
        #expect(second.engine.views.state.keyCount == second.engine.views.work.reactions.count)
    }

    private static func text(_ count: Int) -> String {
        "\"\(String(repeating: "x", count: count))\""
    }

    /// The engine waits for its device, and not in vain.
    private func completeWaits(of disk: SimulatedDisk) {
        disk.onWait = { [weak disk] _ in _ = disk?.complete() }
    }

    @Test("they wait together for the next batch where the one that is filled has no room for both")
    func room() throws {
        let (first, worker) = try lab(#"{"key":"k"}"#)
        completeWaits(of: first.disk)
        try first.turn(
            .call(worker, "state::set", Self.set(Self.text(500_000), key: "l")),
            .call(worker, "state::set", Self.set(Self.text(400_000)))
        )
        #expect(first.engine.views.work.reactions.count == 1)
        let second = try restart(first)
        #expect(second.value(scope: "s", key: "l") != nil, "it was written to make room")
        let isWritten = second.value(scope: "s", key: "k") != nil
        #expect(second.engine.views.work.reactions.count == (isWritten ? 1 : 0))
    }

    @Test("what no batch can hold with what it fires is written all the same, and said")
    func noRoom() throws {
        let (lab, worker) = try lab("{}") { $0.payloadBytes = 900_000 }
        completeWaits(of: lab.disk)
        let set = #"{"scope":"s","key":"k","value":\#(Self.text(400_000)),"ttl_ms":1000}"#
        _ = try lab.value(of: "state::set", set, by: worker)
        for id in ["u", "v"] { try lab.settle(.trigger(worker, "state", "{}", to: "g", id: id)) }
        let other = Self.set(Self.text(400_000), key: "l")
        _ = try lab.value(of: "state::set", other, by: worker)
        #expect(lab.engine.views.state.keyCount == 2)
        #expect(lab.engine.views.work.reactions.count == 4)
        lab.pass(seconds: 2)
        try lab.settle()
        #expect(lab.engine.views.state.keyCount == 1)
        #expect(lab.engine.views.work.reactions.count == 7)
        let notices = lab.engine.takeNotices().map(\.text)
        #expect(notices.count { $0.hasPrefix("3 state triggers are told of a write") } == 2)
    }

    @Test("a write whose old and new value fit no record together is told of without the old one")
    func largeValues() throws {
        let (lab, worker) = try lab("{}") { $0.payloadBytes = 900_000 }
        completeWaits(of: lab.disk)
        let set = Self.set(Self.text(500_000))
        let made = try #require(try lab.settle(.call(worker, "state::set", set)).dispatches.first)
        #expect(JSONText(trusted: made.payload).member("old_value_omitted") == nil)
        try lab.settle(.answer(worker, made.invocation))
        let run = try #require(try lab.settle(.call(worker, "state::set", set)).dispatches.first)
        let event = JSONText(trusted: run.payload)
        #expect(event.member("event_type")?.stringValue == "state:updated")
        #expect(event.member("old_value") == .null)
        #expect(event.member("old_value_omitted")?.description == "true")
        #expect(event.member("new_value")?.bytes.count == 500_002)
    }

    @Test("a trigger whose metadata leaves no room for the value does not run; all else goes on")
    func largeMetadata() throws {
        let (lab, worker) = try lab("{}") { $0.payloadBytes = 900_000 }
        completeWaits(of: lab.disk)
        let metadata = Self.text(880_000)
        try lab.settle(.trigger(worker, "state", "{}", to: "g", id: "m", metadata: metadata))
        let set = #"{"scope":"s","key":"k","value":\#(Self.text(200_000)),"ttl_ms":1000}"#
        _ = try lab.value(of: "state::set", set, by: worker)
        lab.pass(seconds: 2)
        try lab.settle()
        #expect(lab.engine.views.state.keyCount == 0)
        let runs = lab.left.dispatches
        try #require(runs.map(\.function) == ["f", "f"])
        let notices = lab.engine.takeNotices().map(\.text)
        #expect(notices.count { $0.hasPrefix("state trigger m did not run for s/k") } == 1)
        // That the value is gone can be told: without what it was.
        let deleted = try lab.settle(.answer(worker, runs[1].invocation)).dispatches
        #expect(deleted.map(\.function) == ["g"])
        let event = JSONText(trusted: try #require(deleted.first).payload)
        #expect(event.member("old_value_omitted")?.description == "true")
    }

    @Test("what fires while the engine drains is run by the next life")
    func drain() throws {
        let (first, worker) = try lab("{}")
        try first.settle(.drain)
        let left = try first.settle(.call(worker, "state::set", Self.set("1")))
        #expect(left.dispatches.isEmpty)
        let second = try restart(first)
        _ = try second.join("w", serving: "f")
        #expect(second.left.dispatches.count == 1)
    }

    @Test("a value that is not in memory is read for its trigger")
    func cold() throws {
        let lab = try Lab(cacheBytes: 0)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "state", "{}", to: "f"))
        try lab.settle(.call(worker, "state::set", Self.set("\"old\"")))
        let left = try lab.settle(.call(worker, "state::delete", Self.place))
        let payload = String(decoding: left.dispatches[0].payload, as: UTF8.self)
        #expect(payload == Self.event("deleted", "\"old\"", "null"))
    }
}
