import Events
import Folding
import HTTP
import JSON
import LogTools
import Primitives
import Testing

@testable import Engine

@Suite("Triggers that belong to no worker")
struct DurableBindingTests {
    private let register = "engine::register_trigger"
    private let unregister = "engine::unregister_trigger"
    private let mail = #"{"trigger_type":"mail","function_id":"f","config":{"box":"in"}}"#

    private func id(_ effects: [Effect]) throws -> String {
        for effect in effects {
            guard case .value(let bytes) = effect.answer else { continue }
            return try #require(JSONText(trusted: bytes).member("id")?.stringValue)
        }
        return try #require(nil, "no id among \(effects.lines)")
    }

    private func restart(_ lab: Lab) throws -> Lab {
        lab.disk.crash(keepingWrite: false)
        return try Lab(disk: lab.disk, at: lab.now.wall, life: 2)
    }

    @Test("it outlives who made it, and the engine")
    func lifetime() throws {
        let first = try Lab()
        let maker = try first.join("m")
        let input = #"{"trigger_type":"http","function_id":"f","config":{"api_path":"/f"}}"#
        let id = try id(try first.settle(.call(maker, register, input)))
        try first.settle(.workerLeft(maker.connection, reason: "gone"))
        let worker = try first.join("w", serving: "f")
        #expect(try first.settle(.get("/f")).dispatches.count == 1)
        let second = try restart(first)
        #expect(second.recovered == Digest(of: first.engine.views))
        let other = try second.join("w", serving: "f")
        #expect(try second.settle(.get("/f")).dispatches.count == 1)
        let removed = try second.settle(.call(other, unregister, #"{"id":"\#(id)"}"#))
        #expect(removed.lines == [#"engine::unregister_trigger = {"removed":true}"#])
        #expect(try second.settle(.get("/f", exchange: 2)).first?.reply?.status == 404)
        let third = try Lab(disk: second.disk, at: second.now.wall, life: 3)
        #expect(third.engine.registry.triggers.isEmpty)
        let again = try third.settle(
            .call(try third.join("x"), unregister, #"{"id":"\#(id)"}"#)
        )
        #expect(again.lines == [#"engine::unregister_trigger = {"removed":false}"#])
        _ = worker
    }

    @Test("messages of its topic have its metadata, in the next life of the engine, too")
    func topic() throws {
        let first = try Lab()
        let maker = try first.join("m")
        let input =
            #"{"trigger_type":"queue","function_id":"f","config":{"topic":"t"},"metadata":{"m":1}}"#
        try first.settle(.call(maker, register, input))
        try first.settle(.call(maker, "enqueue", #"{"topic":"t","data":1}"#))
        let second = try restart(first)
        _ = try second.join("w", serving: "f")
        #expect(second.left.dispatches.map { $0.metadata?.description } == [#"{"m":1}"#])
    }

    @Test("that nobody provides its type is told after a moment, and what may have been meant")
    func unknownType() throws {
        let lab = try Lab()
        let maker = try lab.join("m")
        let input = #"{"trigger_type":"htpp","function_id":"f"}"#
        let id = try id(try lab.settle(.call(maker, register, input)))
        lab.pass(seconds: 3)
        try lab.settle()
        let told = lab.engine.takeNotices().map(\.text).filter { $0.contains("nobody provides") }
        #expect(
            told == [
                "trigger \(id) for f waits: nobody provides the type \"htpp\"; "
                    + "did you mean \"http\"?"
            ]
        )
    }

    @Test("its maker hears of it when its record is on disk, and not before")
    func synchrony() throws {
        let lab = try Lab()
        let maker = try lab.join("m")
        let input = #"{"trigger_type":"nobody's","function_id":"f"}"#
        #expect(try lab.turn(.call(maker, register, input)).lines == [])
        #expect(try lab.settle().lines.first?.hasPrefix("\(register) = ") == true, "parked is fine")
    }

    @Test(
        "its provider hears that it is gone when that is on disk, and not before",
        arguments: ["nobody's", "own"]
    )
    func unboundInTime(whose: String) throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let maker = try lab.join("m")
        var id = "t"
        if whose == "own" {
            try lab.settle(.trigger(maker, "mail", "{}", to: "f"))
            try lab.settle(.provide(provider, "mail"))
        } else {
            id = try self.id(try lab.settle(.call(maker, register, mail)))
            try lab.settle(.provide(provider, "mail"))
        }
        #expect(try lab.turn(.call(maker, unregister, #"{"id":"\#(id)"}"#)).lines == [])
        #expect(
            try lab.settle().lines == [
                "unbind \(id) mail", #"engine::unregister_trigger = {"removed":true}"#,
            ]
        )
    }

    @Test("a provider is asked first: what it refuses is not made")
    func refused() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let maker = try lab.join("m")
        try lab.settle(.provide(provider, "mail"))
        let asked = try lab.settle(.call(maker, register, mail))
        guard asked.count == 1, case .send(provider.connection, .bind(let binding)) = asked[0]
        else {
            Issue.record("\(asked.lines)")
            return
        }
        #expect(!lab.isQuiet)
        let left = try lab.settle(.refuse(provider, binding.id, "mail", "no such box"))
        #expect(left.lines == ["\(register) = trigger_registration_failed: bad: no such box"])
        #expect(lab.engine.registry.triggers.isEmpty)
        #expect(lab.engine.views.work.bindings.count == 0)
        #expect(lab.isQuiet)
    }

    @Test(
        "a provider that accepts, is silent or goes away stands in nobody's way",
        arguments: ["accepts", "silent", "leaves", "asks"]
    )
    func accepted(what: String) throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        try lab.settle(.provide(provider, "mail"))
        let maker = what == "asks" ? provider : try lab.join("m")
        let asked = try lab.settle(.call(maker, register, mail))
        guard case .send(_, .bind(let binding)) = asked.first else {
            Issue.record("\(asked.lines)")
            return
        }
        var left: [Effect]
        switch what {
        case "accepts", "asks": left = try lab.settle(.accept(provider, binding.id, "mail"))
        case "leaves": left = try lab.settle(.workerLeft(provider.connection, reason: "gone"))
        default:
            lab.pass(seconds: 9.9)
            left = try lab.settle()
            #expect(left.lines(to: provider).count == 1, "it is told once more")
            lab.pass(seconds: 0.2)
            left = try lab.settle()
        }
        #expect(try id(left) == binding.id)
        #expect(lab.engine.views.work.bindings.count == 1)
        let second = try restart(lab)
        let next = try second.join("p")
        let bound = try second.settle(.provide(next, "mail"))
        #expect(bound.lines == [#"bind \#(binding.id) mail f {"box":"in"}"#])
    }

    @Test("a queue trigger of no worker holds its subscription")
    func subscription() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let input = #"{"trigger_type":"queue","function_id":"f","config":{"topic":"t"}}"#
        let id = try id(try lab.settle(.call(worker, register, input)))
        try lab.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f"))
        try lab.settle(.register(worker.connection, .removeTrigger(id: "t")))
        let publish = #"{"topic":"t","data":1}"#
        #expect(try lab.settle(.call(worker, "enqueue", publish)).dispatches.count == 1)
        try lab.settle(.register(worker.connection, .removeTrigger(id: id)))
        #expect(try lab.settle(.call(worker, "enqueue", publish)).dispatches.count == 0)
    }

    @Test("what is wrong is said: input, namespace, configuration; other workers' triggers stay")
    func refusals() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let other = try lab.join("o")
        let wrong = [
            (register, #"{"function_id":"f"}"#, "deserialization_error"),
            (
                register, #"{"trigger_type":"t","function_id":"f","trigger_namespace":" "}"#,
                "INVALID_NAMESPACE"
            ),
            (
                register, #"{"trigger_type":"http","function_id":"f"}"#,
                "trigger_registration_failed"
            ),
            (unregister, "null", "deserialization_error"),
            (unregister, #"{"id":"t"}"#, "unregister_failed"),
        ]
        try lab.settle(.trigger(other, "nobody's", "{}", to: "f"))
        for (function, input, code) in wrong {
            let lines = try lab.settle(.call(worker, function, input)).lines
            #expect(lines.first?.hasPrefix("\(function) = \(code): ") == true, "\(lines)")
        }
        let own = try lab.settle(.call(other, unregister, #"{"id":"t"}"#))
        #expect(own.lines == [#"engine::unregister_trigger = {"removed":true}"#])
    }

    @Test("a worker cannot take its id")
    func taken() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let input = #"{"trigger_type":"http","function_id":"f","config":{"api_path":"/f"}}"#
        let id = try id(try lab.settle(.call(worker, register, input)))
        let left = try lab.settle(
            .trigger(worker, "http", #"{"api_path":"/g"}"#, to: "f", id: id)
        )
        #expect(left.lines.count == 1)
        #expect(left.lines.first?.contains("belongs to no worker") == true)
    }

    @Test("snapshots have them, and retention keeps what made those that are there")
    func snapshot() throws {
        let first = try Lab(segmentBytes: 64 << 10)
        let worker = try first.join("w")
        let input = #"{"trigger_type":"http","function_id":"f","config":{"api_path":"/f"}}"#
        let kept = try id(try first.settle(.call(worker, register, input)))
        let gone = try id(try first.settle(.call(worker, register, mail)))
        try first.settle(.call(worker, unregister, #"{"id":"\#(gone)"}"#))
        let value = String(repeating: "x", count: 8 << 10)
        for key in 0..<30 {
            let set = #"{"scope":"s","key":"\#(key)","value":"\#(value)"}"#
            try first.settle(.call(worker, "state::set", set))
        }
        let views = first.engine.views
        #expect(views.work.bindings.all.map(\.trigger) == [kept])
        let made = try #require(views.work.bindings[kept])
        let offsets = (0..<40).map { Offset($0) }
        #expect(offsets.count { views.needs(.triggerBound(made), at: $0) } == 1)
        first.disk.crash(keepingWrite: false)
        let second = try Lab(
            disk: first.disk,
            at: first.now.wall,
            life: 2,
            segmentBytes: 64 << 10,
            snapshotUntil: first.disk.sealedEnd
        )
        #expect(second.recoveredDigest.bound == views.work.bindings.digest())
        #expect(second.engine.registry.triggers.keys.sorted() == [kept])
    }
}
