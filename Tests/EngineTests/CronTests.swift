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

    @Test(
        "slots missed while the engine was down, or its worker away, come as the trigger wants it",
        arguments: [("skip", []), ("one", ["3"]), ("all", ["1", "2", "3"])]
    )
    func missed(policy: String, expected: [String]) throws {
        let config = #"{"expression":"0 * * * *","catch_up":"\#(policy)"}"#
        let first = try Lab(at: Timestamp(seconds: 1_900_000_000 - 1_900_000_000 % 86_400))
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "cron", config, to: "f", id: "a"))
        let second = try restart(first, after: 3 * 3600 + 60)
        let again = try second.join("w", serving: "f")
        try second.settle(.trigger(again, "cron", config, to: "f", id: "b"))
        second.pass(seconds: 1)
        var seen: [Effect.Dispatch] = []
        var left = try second.settle()
        while let dispatch = left.dispatches.first {
            seen.append(dispatch)
            left = try second.settle(.answer(again, dispatch.invocation))
            left += try second.settle()
        }
        #expect(slots(seen).map { String($0.dropFirst(12).prefix(1)) } == expected)
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
        _ = try ask(lab, worker, "engine::cron::resume", #"{"job":"t"}"#)
        #expect(try lab.settle().dispatches.isEmpty, "nothing of the pause")
        lab.pass(seconds: 60)
        let dispatch = try #require(try lab.settle().dispatches.first)
        try lab.settle(.fail(worker, dispatch.invocation))
        let history = try ask(lab, worker, "engine::cron::history", #"{"job":"t"}"#)
        let entries = history.member("history")?.elements ?? []
        #expect(entries.map { $0.member("outcome")?.stringValue } == ["failed"])
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
            ("next", #"{"expression":"x"}"#, "trigger_registration_failed"),
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
        for _ in 0..<9 {
            #expect(try lab.settle().dispatches.isEmpty)
            lab.pass(seconds: 60)
        }
        #expect(lab.engine.takeNotices().map(\.text).filter { $0.contains("set back") }.count == 1)
        lab.now = Now(wall: wall.advanced(by: .seconds(7200)), monotonic: lab.now.monotonic)
        #expect(try lab.settle().dispatches.count == 1)
        #expect(
            lab.engine.takeNotices().map(\.text).filter { $0.contains("set forward") }.count == 1
        )
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
