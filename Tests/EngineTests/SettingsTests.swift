import CommitLog
import Events
import Folding
import Primitives
import Queue
import Testing

@testable import Cron
@testable import Engine

@Suite("Settings that change while the engine runs")
struct SettingsTests {
    private func change(_ lab: Lab, _ edit: (inout LiveSettings) -> Void) throws -> [Effect] {
        var settings = LiveSettings(lab.engine.options)
        edit(&settings)
        return try lab.settle(.configure(settings))
    }

    @Test("a queue takes more at once, and what waited goes at once")
    func concurrency() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 3, concurrency: 1) }
        let worker = try lab.join("w", serving: "f")
        for payload in ["1", "2", "3"] { try lab.settle(.enqueue(worker, "f", payload)) }
        #expect(lab.left.dispatches.count == 1)
        let left = try change(lab) { $0.queues["default"] = .once(attempts: 3, concurrency: 2) }
        #expect(left.dispatches.count == 1)
        let end = lab.engine.log.staged
        #expect(try change(lab) { _ in }.isEmpty)
        #expect(lab.engine.log.staged == end, "what is as it was is not recorded again")
    }

    @Test("what queue::define made stays, as long as the file says nothing new of that queue")
    func defined() throws {
        let lab = try Lab { $0.queues["q"] = .once(attempts: 3) }
        _ = try change(lab) { $0.queues["other"] = .once(attempts: 1) }
        #expect(lab.engine.views.work.queue.queues["other"] != nil)
        _ = try change(lab) { $0.queues["other"] = nil }
        #expect(lab.engine.views.work.queue.queues["other"] != nil, "its messages have a home")
    }

    @Test("that an edit speaks of a queue in vain is said")
    func kept() throws {
        let lab = try Lab { $0.queues["q"] = .once(attempts: 2) }
        let worker = try lab.join("w")
        let input = #"{"queue":"q","config":{"concurrency":7}}"#
        try lab.settle(.call(worker, "queue::define", input))
        func told() -> [String] {
            lab.engine.takeNotices().map(\.text).filter { $0.contains("queue q stays") }
        }
        _ = try change(lab) { $0.queues["q"] = nil }
        #expect(told().isEmpty)
        _ = try change(lab) { $0.queues["q"] = .once(attempts: 2) }
        #expect(told().count == 1)
        _ = try change(lab) { $0.namespaceGrace += 1 }
        #expect(told().isEmpty, "an edit of something else says nothing of it")
        _ = try change(lab) { $0.queues["q"] = .once(attempts: 3) }
        #expect(told().isEmpty)
        #expect(lab.engine.views.work.queue.queues["q"]?.settings == .once(attempts: 3))
    }

    @Test("a shorter patience ends what runs already")
    func patience() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let caller = try lab.join("c")
        try lab.settle(.call(caller, "f"))
        lab.pass(seconds: 10)
        #expect(try lab.settle().isEmpty)
        _ = try change(lab) { $0.invocationTimeout = 5_000_000_000 }
        let left = lab.left + (try lab.settle())
        #expect(left.lines.contains { $0.contains("invocation_timeout") })
        _ = worker
    }

    @Test("cron triggers without a zone are read in the new one, the others as before")
    func zone() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let daily = #"{"expression":"0 0 * * *"}"#
        let fixed = #"{"expression":"0 0 * * *","timezone":"UTC"}"#
        try lab.settle(.trigger(worker, "cron", daily, to: "f", id: "a"))
        try lab.settle(.trigger(worker, "cron", fixed, to: "f", id: "b"))
        let cron = { lab.engine.views.work.cron }
        #expect(cron().nextSlot(of: "a") == cron().nextSlot(of: "b"))
        let before = cron().nextSlot(of: "b")
        let east = TimeZoneRules(name: "Test/East", changes: [], offsets: [3600])
        _ = try change(lab) { $0.timeZones.standard = east }
        #expect(cron().nextSlot(of: "b") == before)
        #expect(cron().trigger("a")?.schedule.text == "CRON_TZ=Test/East 0 0 * * *")
        #expect(cron().nextSlot(of: "a") != before)
    }

    @Test("a cron job that is paused stays so in another zone, until it is resumed")
    func pausedZone() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 0 * * *"}"#, to: "f", id: "a"))
        try lab.settle(.call(worker, "engine::cron::pause", #"{"job":"a"}"#))
        let cron = { lab.engine.views.work.cron }
        let east = TimeZoneRules(name: "Test/East", changes: [], offsets: [3600])
        _ = try change(lab) { $0.timeZones.standard = east }
        let job = try #require(cron().trigger("a"))
        #expect(job.schedule.zone == east)
        #expect(cron().isPaused(job))
        #expect(cron().nextSlot(of: "a") == nil)
        try lab.settle(.call(worker, "engine::cron::resume", #"{"job":"a"}"#))
        #expect(cron().nextSlot(of: "a") != nil)
    }
}
