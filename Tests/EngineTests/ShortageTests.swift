import CommitLog
import Disk
import Events
import Folding
import Primitives
import Queue
import Testing

@testable import Engine

/// A full disk is a pause.
@Suite("A full disk")
struct ShortageTests {
    private static let payload = "\"" + String(repeating: "x", count: 2000) + "\""

    /// A lab whose disk has no room for a second segment, filled until new work is refused.
    ///
    /// - Returns: how many messages were taken.
    private func fill(_ lab: Lab, by worker: Peer) throws -> Int {
        lab.disk.isFull = true
        for count in 0..<1000 {
            let effects = try lab.settle(.enqueue(worker, "f", Self.payload))
            if effects.lines.contains(where: { $0.contains("STORAGE_FULL") }) { return count }
        }
        Issue.record("it was never refused")
        return 0
    }

    private func lab() throws -> Lab {
        try Lab(segmentBytes: 256 << 10) { $0.queues["default"] = .once(attempts: 3) }
    }

    @Test("new work is refused, what is under way ends, and all goes on once there is room")
    func pause() throws {
        let lab = try lab()
        let worker = try lab.join("w")
        try lab.settle(.call(worker, "state::set", #"{"scope":"s","key":"k","value":1}"#))
        let taken = try fill(lab, by: worker)
        let isInShortage = lab.engine.isInShortage
        #expect(isInShortage)
        let alarms = lab.engine.takeNotices()
        #expect(alarms.contains { $0.text.contains("STORAGE_FULL") })

        let set = #"{"scope":"s","key":"k","value":2}"#
        let refused = try lab.settle(.call(worker, "state::set", set))
        #expect(refused.lines.contains { $0.contains("STORAGE_FULL") })
        let read = try lab.settle(.call(worker, "state::get", #"{"scope":"s","key":"k"}"#))
        #expect(read.lines == ["state::get = 1"])
        let deleted = try lab.settle(.call(worker, "state::delete", #"{"scope":"s","key":"k"}"#))
        #expect(deleted.lines == ["state::delete = 1"])

        // The messages that were taken are delivered and acked out of the reserve.
        try lab.settle(.serve(worker, "f"))
        var answered = 0
        while answered < lab.left.dispatches.count {
            try lab.settle(.answer(worker, lab.left.dispatches[answered].invocation))
            answered += 1
        }
        #expect(lab.left.dispatches.count == taken)
        #expect(lab.engine.views.work.queue.queues["default"]?.depth == 0)

        lab.disk.isFull = false
        try lab.settle()
        try lab.settle()
        let after = try lab.settle(.enqueue(worker, "g", Self.payload))
        #expect(after.lines == ["receipt g"])
        let news = lab.engine.takeNotices()
        #expect(news.contains { $0.text.contains("there is room") })
    }

    @Test("a burst in one turn leaves the reserve alone")
    func burst() throws {
        let disk = SimulatedDisk()
        disk.isFull = true
        let lab = try Lab(disk: disk, segmentBytes: 256 << 10)
        let worker = try lab.join("w")
        // More than a segment less its reserve, and not more than a segment.
        let sent = 110
        let burst = (0..<sent).map { _ in Command.enqueue(worker, "f", Self.payload) }
        var effects = try lab.turn(burst)
        while disk.complete() { effects += try lab.turn() }
        let refusals = effects.lines.count { $0.contains("STORAGE_FULL") }
        let receipts = effects.lines.count { $0 == "receipt f" }
        #expect(refusals > 0)
        #expect(receipts > 0)
        #expect(refusals + receipts == sent)
    }

    @Test("a message that would use up the reserve is refused before the disk has to be")
    func large() throws {
        let disk = SimulatedDisk()
        disk.isFull = true
        let lab = try Lab(disk: disk, segmentBytes: 256 << 10)
        let worker = try lab.join("w")
        let isInReserve = lab.engine.log.isInReserve
        #expect(!isInReserve)
        let large = "\"" + String(repeating: "x", count: 180 << 10) + "\""
        let refused = try lab.settle(.enqueue(worker, "f", large))
        #expect(refused.lines.contains { $0.contains("STORAGE_FULL") })
        let alarms = lab.engine.takeNotices()
        #expect(alarms.contains { $0.text.contains("STORAGE_FULL") })

        disk.isFull = false
        try lab.settle()
        try lab.settle()
        let after = try lab.settle(.enqueue(worker, "f", large))
        #expect(after.lines == ["receipt f"])
    }

    @Test("a command that has no room in the log waits for it, unless the engine is to end")
    func waitInCommand() throws {
        let disk = SimulatedDisk()
        disk.isFull = true
        disk.completesAtOnce = true
        let lab = try Lab(disk: disk, segmentBytes: 256 << 10)
        let event = Event.stopped(Stopped(reason: String(repeating: "x", count: 4000)))
        var waits = 0
        disk.onWait = { _ in
            waits += 1
            if waits == 3 { disk.isFull = false }
        }
        // Several segments: a batch is let go where it has no room for one more.
        for _ in 0..<300 { try lab.engine.record(event) }
        #expect(waits > 3)

        disk.isFull = true
        disk.onWait = nil
        lab.engine.isEnding = { true }
        let error = #expect(throws: LogError.self) {
            for _ in 0..<300 { try lab.engine.record(event) }
        }
        #expect(error == .storage(.noSpace(path: "simulated", code: 28)))
    }

    @Test("nobody joins a stream unasked: whoever asks is to come back when there is room")
    func joins() throws {
        let lab = try lab()
        let worker = try lab.join("w", serving: "first", "second")
        try lab.settle(
            .trigger(worker, "stream:join", "{}", to: "first", id: "1"),
            .trigger(worker, "stream:join", "{}", to: "second", id: "2")
        )
        let asked = try #require(try lab.settle(.join(1)).dispatches.first)
        _ = try fill(lab, by: worker)
        let answered = try lab.settle(.answer(worker, asked.invocation))
        #expect(answered.subscriberLines == ["close 1 1013"])
        let unasked = try lab.settle(.join(2), .join(2, "t"))
        #expect(unasked.dispatches.isEmpty)
        #expect(Set(unasked.subscriberLines) == ["close 2 1013"])

        lab.disk.isFull = false
        try lab.settle(.gone(1), .gone(2))
        try lab.settle()
        #expect(try lab.settle(.join(3)).dispatches.map(\.function) == ["first"])
    }

    @Test("a request is answered with 507")
    func request() throws {
        let lab = try lab()
        let worker = try lab.join("w")
        try lab.settle(.trigger(worker, "http", #"{"api_path":"a"}"#, to: "f"))
        _ = try fill(lab, by: worker)
        let effects = try lab.settle(.get("/a"))
        #expect(effects.lines.contains { $0.hasPrefix("http 507") })
    }
}

/// What an operator hears of the device.
@Suite("The device watch")
struct DeviceWatchTests {
    private static let second: UInt64 = 1_000_000_000

    @Test("a slow write is told of, once a minute")
    func slow() {
        var watch = DeviceWatch()
        var now: UInt64 = 0
        var told = 0
        for _ in 0..<100 {
            let begin = watch.check(isBusy: true, hasMoved: false, now: now)
            #expect(begin == nil)
            now += 2 * Self.second
            if watch.check(isBusy: false, hasMoved: true, now: now) != nil { told += 1 }
        }
        #expect(told == 4)
    }

    @Test("one that does not end is an alarm, at its time and once")
    func hung() {
        var watch = DeviceWatch()
        let begin = watch.check(isBusy: true, hasMoved: false, now: 5)
        #expect(begin == nil)
        #expect(watch.timeUntilDue(5) == 60 * Self.second)
        let early = watch.check(isBusy: true, hasMoved: false, now: 59 * Self.second)
        #expect(early == nil)
        let alarm = watch.check(isBusy: true, hasMoved: false, now: 61 * Self.second)
        #expect(alarm?.severity == .error)
        #expect(watch.timeUntilDue(61 * Self.second) == nil)
        let again = watch.check(isBusy: true, hasMoved: false, now: 62 * Self.second)
        #expect(again == nil)
        let end = watch.check(isBusy: false, hasMoved: true, now: 70 * Self.second)
        #expect(end?.severity == .warning)
    }

    @Test("what the core was busy with before it handed a write over does not count")
    func busyCore() {
        var watch = DeviceWatch()
        let first = watch.check(isBusy: true, hasMoved: false, now: 0)
        #expect(first == nil)
        watch.begin { 5 * Self.second }
        // The next one follows at once, and is behind a turn as long.
        let second = watch.check(isBusy: true, hasMoved: true, now: 5 * Self.second)
        #expect(second == nil)
        watch.begin { 10 * Self.second }
        #expect(watch.timeUntilDue(10 * Self.second) == DeviceWatch.hung)
        let slow = watch.check(isBusy: false, hasMoved: true, now: 12 * Self.second)
        #expect(slow?.text.contains("took 2000 ms") == true)
    }

    @Test("a quick one is no news")
    func quick() {
        var watch = DeviceWatch()
        for turn in UInt64(0)..<1000 {
            let now = turn * Self.second / 10
            let said = watch.check(isBusy: true, hasMoved: turn % 2 == 1, now: now)
            #expect(said == nil)
        }
    }
}
