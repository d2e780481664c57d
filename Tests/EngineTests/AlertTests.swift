import Events
import JSON
import Observability
import Primitives
import Testing

@testable import Engine

@Suite("Alerts of an engine")
struct EngineAlertTests {
    private func lab(_ action: AlertRule.Action, _ metric: String, above: Double) throws -> Lab {
        try Lab {
            $0.telemetry.alerts = [
                AlertRule(name: "a", metric: metric, threshold: above, action: action)
            ]
        }
    }

    private func look(_ lab: Lab) throws -> [Effect] {
        lab.pass(seconds: 10)
        return try lab.settle()
    }

    private func changes(_ lab: Lab) throws -> [Bool] {
        try lab.recordedEvents().compactMap { event in
            if case .alertChanged(let change) = event { change.isFiring } else { nil }
        }
    }

    @Test("every ten seconds the rules are looked at; that one fires is recorded, and told")
    func function() throws {
        let lab = try lab(.function("tell"), "iii.queue.depth.default", above: 0)
        let worker = try lab.join("w", serving: "tell")
        #expect(try look(lab).dispatches.isEmpty)
        try lab.settle(.enqueue(worker, "nobody"))
        let run = try #require(try look(lab).dispatches.first)
        let payload = try JSONText(validating: run.payload)
        #expect(
            payload.description
                == #"{"alert":"a","metric":"iii.queue.depth.default","value":1.0,"#
                + #""threshold":0.0,"operator":"GreaterThan","#
                + #""timestamp":\#(lab.now.wall.milliseconds),"firing":true}"#
        )
        try lab.settle(.answer(worker, run.invocation))
        #expect(try changes(lab) == [true])
        #expect(lab.engine.takeNotices().contains { $0.text.hasPrefix("alert a fires") })
        // Its worker is there by now: the queue runs empty.
        try lab.settle(.serve(worker, "nobody"))
        let job = try #require(lab.left.dispatches.last)
        try lab.settle(.answer(worker, job.invocation))
        let over = try #require(try look(lab).dispatches.first)
        #expect(try JSONText(validating: over.payload).member("firing") == .false)
        #expect(try changes(lab) == [true, false])
        let kinds = try lab.recordedEvents().map(\.kind)
        let place = try #require(kinds.lastIndex(of: .alertChanged))
        #expect(kinds[place + 1] == .triggered)
    }

    @Test("the names of the engine's own metrics are known to whoever reads rules")
    func names() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        try lab.settle(.enqueue(worker, "f"))
        let names = Set(lab.engine.figures.keys)
        #expect(names.isSuperset(of: AlertRule.engineMetrics))
        for name in names {
            #expect(!AlertRule(name: "a", metric: name, threshold: 0).isAboutNothing, "\(name)")
        }
        #expect(AlertRule(name: "a", metric: "iii.queue.dept", threshold: 0).isAboutNothing)
    }

    @Test("a topic has what its subscriptions have; that there is no such name is said once")
    func topic() throws {
        let lab = try lab(.log, "iii.queue.depth.t", above: 1)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.serve(worker, "g"))
        func warnings() -> Int {
            lab.engine.takeNotices().count { $0.text.contains("no queue and no topic of") }
        }
        _ = try look(lab)
        #expect(warnings() == 1)
        _ = try look(lab)
        #expect(warnings() == 0)
        for function in ["f", "g"] {
            let config = #"{"topic":"t"}"#
            try lab.settle(.trigger(worker, "queue", config, to: function, id: function))
        }
        try lab.settle(.call(worker, "enqueue", #"{"topic":"t","data":1}"#))
        _ = try look(lab)
        #expect(try changes(lab) == [true])
        #expect(warnings() == 0)
    }

    @Test("a webhook is told behind the record, of the beginning alone")
    func webhook() throws {
        let lab = try lab(.webhook(url: "https://x"), "iii.workers.active", above: 0)
        let worker = try lab.join("w")
        let hooks = try look(lab).lines.filter { $0.hasPrefix("notify") }
        #expect(hooks.count == 1)
        #expect(hooks.first?.hasPrefix(#"notify https://x {"alert":"a","#) == true)
        try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        #expect(try look(lab).lines.filter { $0.hasPrefix("notify") }.isEmpty)
        #expect(try changes(lab) == [true, false])
    }

    @Test("the engine's own functions are not told")
    func builtin() throws {
        let lab = try lab(.function("state::set"), "iii.workers.active", above: 0)
        _ = try lab.join("w")
        #expect(try look(lab).dispatches.isEmpty)
        let notices = lab.engine.takeNotices()
        #expect(notices.contains { $0.text.contains("one of the engine's own") })
    }

    @Test("a caller that evaluates has it done at once; without rules nobody looks")
    func asked() throws {
        let lab = try lab(.log, "iii.workers.active", above: 0)
        let worker = try lab.join("w")
        let answer = try lab.value(of: "engine::alerts::evaluate", by: worker)
        #expect(answer.member("triggered_alerts")?.elements?.count == 1)
        #expect(try changes(lab) == [true])
        let plain = try Lab()
        plain.pass(seconds: 100)
        #expect(try plain.settle().isEmpty)
        #expect(plain.engine.timeUntilDue() == nil)
    }

    @Test("rules that are edited are looked at from then on")
    func edited() throws {
        let lab = try Lab()
        var settings = LiveSettings(lab.engine.options)
        let rule = AlertRule(name: "a", metric: "iii.workers.active", threshold: 0)
        settings.telemetry.alerts = [rule]
        try lab.settle(.configure(settings))
        lab.followed.configure(settings.telemetry, now: lab.now.wall)
        _ = try lab.join("w")
        _ = try look(lab)
        #expect(try changes(lab) == [true])
    }

    @Test("that telemetry was cleared is recorded")
    func cleared() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        _ = try lab.value(of: "engine::traces::clear", by: worker)
        _ = try lab.value(of: "engine::logs::clear", by: worker)
        let events = try lab.recordedEvents().suffix(2)
        #expect(
            events == [
                .telemetryCleared(TelemetryCleared(.traces)),
                .telemetryCleared(TelemetryCleared(.logs)),
            ]
        )
        let off = try Lab { $0.telemetry.tracing = false }
        let caller = try off.join("w")
        let before = try off.recordedEvents().count
        _ = try off.failure(of: "engine::traces::clear", by: caller)
        #expect(try off.recordedEvents().count == before, "what is refused is not recorded")
    }
}
