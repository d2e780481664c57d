import Cron
import CommitLog
import Events
import Folding
import JSON
import Primitives
import Testing

@testable import Engine

@Suite("Cron jobs")
struct CronJobTests {
    private let midnight = Timestamp(seconds: 1_900_000_000 - 1_900_000_000 % 86_400)

    private func restart(_ lab: Lab, after seconds: Double, life: UInt64 = 2) throws -> Lab {
        lab.disk.crash(keepingWrite: false)
        lab.pass(seconds: seconds)
        return try Lab(disk: lab.disk, at: lab.now.wall, life: life)
    }

    private func ask(
        _ lab: Lab,
        _ peer: Peer,
        _ function: String,
        _ input: String = "{}"
    ) throws -> JSONText {
        let left = try lab.settle(.call(peer, function, input))
        for case .send(peer.connection, .answer(_, _, .value(let bytes), _)) in left {
            return JSONText(trusted: bytes)
        }
        throw Refused(text: "\(left.lines)")
    }

    private struct Refused: Error { let text: String }

    private func slots(_ dispatches: [Effect.Dispatch]) -> [String] {
        dispatches.compactMap {
            JSONText(trusted: $0.payload).member("scheduled_time")?.stringValue
        }
    }

    /// Answers whatever runs, one after the other.
    private func runs(_ lab: Lab, _ peer: Peer) throws -> [Effect.Dispatch] {
        var seen: [Effect.Dispatch] = []
        var left = try lab.settle()
        while let dispatch = left.dispatches.first {
            seen.append(dispatch)
            left = try lab.settle(.answer(peer, dispatch.invocation))
            left += try lab.settle()
        }
        return seen
    }

    @Test(
        "slots missed while the engine was down, or its worker away, come as the trigger wants it",
        arguments: [("skip", []), ("one", ["3"]), ("all", ["1", "2", "3"])]
    )
    func missed(policy: String, expected: [String]) throws {
        let config = #"{"expression":"0 * * * *","catch_up":"\#(policy)"}"#
        let first = try Lab(at: midnight)
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "cron", config, to: "f", id: "a"))
        let second = try restart(first, after: 3 * 3600 + 60)
        let again = try second.join("w", serving: "f")
        try second.settle(.trigger(again, "cron", config, to: "f", id: "b"))
        second.pass(seconds: 1)
        let seen = try runs(second, again)
        #expect(slots(seen).map { String($0.dropFirst(12).prefix(1)) } == expected)
    }

    @Test(
        "slots that are caught up wait for a worker, where their trigger outlives it",
        arguments: [("skip", ["4"]), ("one", ["3", "4"]), ("all", ["1", "2", "3", "4"])]
    )
    func unserved(policy: String, expected: [String]) throws {
        let config = #"{"expression":"0 * * * *","catch_up":"\#(policy)"}"#
        let first = try Lab(at: midnight)
        let maker = try first.join("m")
        let input = #"{"trigger_type":"cron","function_id":"f","config":\#(config)}"#
        try first.settle(.call(maker, "engine::register_trigger", input))
        let second = try restart(first, after: 2 * 3600 + 60)
        // Long after what was missed would have run, and over one more slot.
        for _ in 0..<70 {
            second.pass(seconds: 60)
            #expect(try second.settle().dispatches.isEmpty)
        }
        let again = try second.join("w", serving: "f")
        second.pass(seconds: 1)
        var seen = try runs(second, again)
        second.pass(seconds: 3600)
        seen += try runs(second, again)
        #expect(slots(seen).map { String($0.dropFirst(12).prefix(1)) } == expected)
    }

    @Test("slots that passed while a run went on were not missed", arguments: [false, true])
    func passedWithRun(isRestarted: Bool) throws {
        let config = #"{"expression":"* * * * *","catch_up":"all"}"#
        var lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", config, to: "f", id: "a"))
        lab.pass(seconds: 60)
        let run = try #require(try lab.settle().dispatches.first)
        lab.pass(seconds: 60)
        #expect(try lab.settle().dispatches.isEmpty, "it goes on")
        lab.pass(seconds: 150)
        if isRestarted {
            try lab.settle(.answer(worker, run.invocation))
            lab = try restart(lab, after: 60)
        } else {
            // Its run ends with the worker, and behind its trigger.
            try lab.settle(.workerLeft(worker.connection, reason: "gone"))
            lab.pass(seconds: 60)
        }
        let again = try lab.join("w", serving: "f")
        try lab.settle(.trigger(again, "cron", config, to: "f", id: "a"))
        lab.pass(seconds: 1)
        let seen = try runs(lab, again)
        #expect(slots(seen).map { String($0.dropFirst(14).prefix(2)) } == ["05"])
    }

    @Test(
        "a run that a crash cut off asks its condition again, and has its metadata",
        arguments: [("true", ["f"]), ("false", [])]
    )
    func conditionAgain(answer: String, expected: [String]) throws {
        let config = #"{"expression":"0 * * * *","condition_function_id":"c"}"#
        let first = try Lab(at: midnight)
        let worker = try first.join("w", serving: "f", "c")
        try first.settle(.trigger(worker, "cron", config, to: "f", id: "a", metadata: #"{"m":1}"#))
        first.pass(seconds: 3600)
        #expect(try first.settle().dispatches.map(\.function) == ["c"])
        // Functions come first, and the trigger has another id.
        let second = try restart(first, after: 1)
        let again = try second.join("w", serving: "f", "c")
        try second.settle(.trigger(again, "cron", config, to: "f", id: "b", metadata: #"{"m":1}"#))
        second.pass(seconds: 1)
        let question = try #require(try second.settle().dispatches.first)
        #expect(question.function == "c")
        let runs = try second.settle(.answer(again, question.invocation, answer)).dispatches
        #expect(runs.map(\.function) == expected)
        #expect(runs.allSatisfy { $0.metadata?.bytes == Array(#"{"m":1}"#.utf8) })
        #expect(second.engine.views.work.cron.openFirings.isEmpty == runs.isEmpty)
    }

    @Test("a job can be looked at, paused, resumed and run now")
    func functions() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"* * * * *"}"#, to: "f"))
        let jobs = try ask(lab, worker, "engine::cron::list").member("jobs")?.elements ?? []
        #expect(jobs.map { $0.member("job_id")?.stringValue } == ["t"])
        #expect(jobs.first?.member("timezone")?.stringValue == "UTC")

        let next = try ask(lab, worker, "engine::cron::next", #"{"job":"f","count":3}"#)
        #expect(next.member("next")?.elements?.count == 3)

        _ = try ask(lab, worker, "engine::cron::pause", #"{"job":"t"}"#)
        lab.pass(seconds: 120)
        #expect(try lab.settle().dispatches.isEmpty)
        let run = try lab.settle(.call(worker, "engine::cron::run", #"{"job":"t"}"#))
        #expect(run.dispatches.map(\.function) == ["f"])
        try lab.settle(.answer(worker, try #require(run.dispatches.first).invocation))
        _ = try ask(lab, worker, "engine::cron::resume", #"{"job":"t"}"#)
        #expect(try lab.settle().dispatches.isEmpty, "nothing of the pause")
        lab.pass(seconds: 60)
        let dispatch = try #require(try lab.settle().dispatches.first)
        try lab.settle(.fail(worker, dispatch.invocation))
        let history = try ask(lab, worker, "engine::cron::history", #"{"job":"t"}"#)
        let entries = history.member("history")?.elements ?? []
        #expect(entries.map { $0.member("outcome")?.stringValue } == ["failed", "done"])
    }

    @Test("a run by hand is one of its job's: it overlaps no other, and is in the history")
    func byHand() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        let now = Command.call(worker, "engine::cron::run", #"{"job":"t"}"#)
        try lab.settle(.trigger(worker, "cron", #"{"expression":"* * * * *"}"#, to: "f"))
        lab.pass(seconds: 30.25)
        let run = try #require(try lab.settle(now).dispatches.first)
        #expect(slots([run]).first?.hasSuffix("T00:00:30+00:00") == true, "a whole second")
        #expect(try lab.settle(now).lines.contains { $0.contains("ALREADY_RUNNING") })
        let jobs = try ask(lab, worker, "engine::cron::list").member("jobs")?.elements
        #expect(jobs?.first?.member("running")?.boolValue == true)
        lab.pass(seconds: 30)
        #expect(try lab.settle().dispatches.isEmpty, "the slot does not run beside it")
        try lab.settle(.answer(worker, run.invocation))
        lab.pass(seconds: 60)
        #expect(try lab.settle().dispatches.map(\.function) == ["f"])
        #expect(try lab.settle(now).lines.contains { $0.contains("ALREADY_RUNNING") })
        let history = try ask(lab, worker, "engine::cron::history").member("history")?.elements
        #expect(
            history?.map { $0.member("outcome")?.stringValue } == ["running", "skipped", "done"]
        )
        #expect(history?.map { $0.member("by_hand")?.boolValue } == [nil, nil, true])
    }

    @Test("replicas have one job, whichever of their triggers is named")
    func byHandOfReplica() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        let other = try lab.join("w2", serving: "f")
        let config = #"{"expression":"* * * * *"}"#
        try lab.settle(.trigger(worker, "cron", config, to: "f"))
        try lab.settle(.trigger(other, "cron", config, to: "f", id: "u"))
        let now = Command.call(worker, "engine::cron::run", #"{"job":"u"}"#)
        lab.pass(seconds: 30.25)
        #expect(try lab.settle(now).dispatches.count == 1)
        #expect(try lab.settle(now).lines.contains { $0.contains("ALREADY_RUNNING") })
        lab.pass(seconds: 30)
        #expect(try lab.settle().dispatches.isEmpty, "the slot does not run beside it")
    }

    @Test("a job that may overlap itself runs by hand whenever it is asked to")
    func byHandBeside() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        let config = #"{"expression":"* * * * *","overlap":"allow"}"#
        try lab.settle(.trigger(worker, "cron", config, to: "f"))
        for _ in 0..<2 {
            let left = try lab.settle(.call(worker, "engine::cron::run", #"{"job":"t"}"#))
            #expect(left.dispatches.count == 1)
        }
    }

    @Test("what is no job is refused, and a name of several is")
    func refused() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        for id in ["a", "b"] {
            let config = #"{"expression":"\#(id == "a" ? 1 : 2) 0 * * *"}"#
            try lab.settle(.trigger(worker, "cron", config, to: "f", id: id))
        }
        for (function, input, code) in [
            ("run", #"{"job":"g"}"#, "NOT_FOUND"), ("run", #"{"job":"f"}"#, "AMBIGUOUS"),
            ("pause", "{}", "deserialization_error"), ("next", #"{"job":7}"#, "deserialization"),
            ("next", #"{"expression":"x"}"#, "deserialization_error"),
            ("next", #"{"expression":"@daily","timezone":"Mars"}"#, "no time zone \"Mars\""),
            ("next", "{}", "deserialization_error"),
        ] {
            let left = try lab.settle(.call(worker, "engine::cron::\(function)", input))
            #expect(left.lines.contains { $0.contains(code) }, "\(function): \(left.lines)")
        }
    }

    @Test("a clock that is set is noticed, and no slot fires twice")
    func clock() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"* * * * *"}"#, to: "f"))
        _ = lab.engine.takeNotices()
        lab.pass(seconds: 61)
        let first = try #require(try lab.settle().dispatches.first)
        try lab.settle(.answer(worker, first.invocation))
        #expect(lab.engine.takeNotices().isEmpty)
        let wall = lab.now.wall
        lab.now = Now(wall: wall.advanced(by: .seconds(-600)), monotonic: lab.now.monotonic)
        // Meanwhile the engine's time goes on, by fifteen seconds of sixteen.
        for _ in 0..<10 {
            lab.pass(seconds: 60)
            #expect(try runs(lab, worker).isEmpty)
        }
        #expect(lab.engine.now.wall == wall.advanced(by: .milliseconds(562_500)))
        lab.pass(seconds: 60)
        let seen = [first] + (try runs(lab, worker))
        #expect(Set(slots(seen)).count == 2 && seen.count == 2)
        #expect(lab.engine.takeNotices().map(\.text).filter { $0.contains("set back") }.count == 1)
        lab.now = Now(wall: wall.advanced(by: .seconds(7200)), monotonic: lab.now.monotonic)
        #expect(try lab.settle().dispatches.count == 1)
        #expect(
            lab.engine.takeNotices().map(\.text).filter { $0.contains("set forward") }.count == 1
        )
    }

    @Test("a clock that is set back by hours takes cron jobs along, and delays go on")
    func setBackFar() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 * * * *"}"#, to: "f"))
        let next = lab.engine.views.work.cron.nextSlot(of: "t")
        #expect(next == midnight.advanced(by: .seconds(3600)))
        lab.now = Now(
            wall: midnight.advanced(by: .seconds(-5 * 3600)),
            monotonic: lab.now.monotonic
        )
        try lab.settle()
        #expect(
            lab.engine.views.work.cron.nextSlot(of: "t")
                == midnight.advanced(by: .seconds(-4 * 3600))
        )
        let before = lab.engine.now.wall
        lab.pass(seconds: 16)
        try lab.settle()
        #expect(lab.engine.now.wall == before.advanced(by: .seconds(15)))
        lab.pass(seconds: 3600)
        #expect(try lab.settle().dispatches.map(\.function) == ["f"])
    }

    @Test("a start on a clock that is years behind the log says so, and its cron jobs begin anew")
    func corrected() throws {
        let config = #"{"expression":"* * * * *","catch_up":"all"}"#
        let first = try Lab(at: midnight.advanced(by: .seconds(20 * 365 * 86_400)))
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "cron", config, to: "f", id: "a"))
        first.pass(seconds: 60)
        #expect(try runs(first, worker).count == 1)
        first.disk.crash(keepingWrite: false)
        var time = midnight
        var seen: [String] = []
        for (life, seconds) in [(2, 150), (3, 1)] as [(UInt64, Double)] {
            let lab = try Lab(disk: first.disk, at: time, clock: time, life: life)
            #expect(lab.engine.takeNotices().contains { $0.text.contains("the log ends at") })
            let again = try lab.join("w", serving: "f")
            try lab.settle(.trigger(again, "cron", config, to: "f", id: "b"))
            lab.pass(seconds: seconds)
            seen += slots(try runs(lab, again))
            lab.disk.crash(keepingWrite: false)
            time = lab.now.wall.advanced(by: .seconds(60))
        }
        #expect(seen.map { String($0.prefix(4)) } == ["2030", "2030", "2030"])
        #expect(seen.map { String($0.dropFirst(14).prefix(2)) } == ["01", "02", "03"])
    }

    @Test("a condition that fails is told of, and a job whose worker is away has its history")
    func failedCondition() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        let config = #"{"expression":"* * * * *","condition_function_id":"absent"}"#
        try lab.settle(.trigger(worker, "cron", config, to: "f", id: "a"))
        _ = lab.engine.takeNotices()
        lab.pass(seconds: 60)
        #expect(try lab.settle().dispatches.isEmpty)
        let told = lab.engine.takeNotices().map(\.text)
        #expect(told.filter { $0.contains("its condition absent failed") }.count == 1, "\(told)")
        try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        let other = try lab.join("other")
        for name in ["a", "f"] {
            let input = #"{"job":"\#(name)"}"#
            let history = try ask(lab, other, "engine::cron::history", input)
            #expect(history.member("history")?.elements?.count == 1, "\(history)")
        }
        let unknown = Command.call(other, "engine::cron::history", #"{"job":"g"}"#)
        #expect(try lab.settle(unknown).lines.contains { $0.contains("NOT_FOUND") })
    }

    @Test("a schedule that names no time to come is told of")
    func never() throws {
        let lab = try Lab(at: midnight)
        let worker = try lab.join("w", serving: "f")
        _ = lab.engine.takeNotices()
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 0 0 30 2 *"}"#, to: "f"))
        let told = lab.engine.takeNotices().map(\.text)
        #expect(told.filter { $0.contains("never runs") }.count == 1, "\(told)")
    }

    @Test("a slot fires within seconds of a clock that is set while the core sleeps")
    func asleep() throws {
        let lab = try Lab(at: Timestamp(seconds: 1_900_000_000 - 1_900_000_000 % 86_400))
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 * * * *"}"#, to: "f"))
        var slept: [UInt64?] = []
        lab.disk.onWait = { slept.append($0) }
        // The log's end is marked before the core sleeps for long.
        for _ in 0..<4 {
            try lab.engine.sleep()
            try lab.settle()
        }
        #expect(slept.last == Limits.clockLook)
        lab.now = Now(
            wall: lab.now.wall.advanced(by: .seconds(3600)),
            monotonic: lab.now.monotonic + Limits.clockLook
        )
        #expect(try lab.settle().dispatches.map(\.function) == ["f"])
    }

    @Test("a paused job and a wish for missed slots are in a snapshot, and the digest tells them")
    func snapshot() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "g")
        let config = #"{"expression":"* * * * *","catch_up":"all"}"#
        try lab.settle(.trigger(worker, "cron", config, to: "f", id: "a"))
        try lab.settle(.trigger(worker, "cron", config, to: "g", id: "b"))
        try lab.settle(.call(worker, "engine::cron::pause", #"{"job":"b"}"#))
        let digest = lab.engine.views.work.cron.digest()
        let end = lab.engine.log.durable
        lab.disk.crash(keepingWrite: false)
        let second = try Lab(disk: lab.disk, at: lab.now.wall, life: 2, snapshotUntil: end)
        #expect(second.engine.views.work.cron.digest() == digest)
    }
}
