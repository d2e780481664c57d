import Dashboard
import Primitives
import Testing

@testable import Server

@Suite("The plan of a worker process")
struct ProcessPlanTests {
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 100 * second

    private func plan(_ restart: Configuration.Exec.Restart = .always) -> ProcessPlan {
        var exec = Configuration.Exec()
        exec.restart = restart
        exec.stopTimeout = .seconds(3)
        return ProcessPlan(exec, now: Self.start)
    }

    /// One that runs since ``start``.
    private func running(_ restart: Configuration.Exec.Restart = .always) -> ProcessPlan {
        var plan = plan(restart)
        #expect(plan.next(Self.start) == .start)
        plan.started(at: Self.start)
        return plan
    }

    @Test("waits longer after each end, and as at first once it has run for a minute")
    func backoff() {
        var plan = running()
        var now = Self.start
        for seconds in [1, 2, 4, 8, 16, 30, 30] as [UInt64] {
            #expect(plan.ended(successfully: true, at: now) == seconds * Self.second)
            #expect(plan.next(now + seconds * Self.second - 1) == nil)
            now += seconds * Self.second
            #expect(plan.next(now) == .start)
            plan.started(at: now)
        }
        now += 60 * Self.second
        #expect(plan.ended(successfully: false, at: now) == Self.second)
    }

    @Test("waits as long where it could not start at all")
    func failures() {
        var plan = plan()
        #expect(plan.next(Self.start) == .start)
        #expect(plan.failed(at: Self.start) == Self.second)
        #expect(plan.due == Self.start + Self.second)
        #expect(plan.next(Self.start + Self.second) == .start)
        #expect(plan.failed(at: Self.start + Self.second) == 2 * Self.second)
    }

    @Test("starts again as its configuration says")
    func restarts() {
        for (restart, isGood, again) in [
            (.always, true, true), (.always, false, true), (.onFailure, true, false),
            (.onFailure, false, true), (.never, true, false), (.never, false, false),
        ] as [(Configuration.Exec.Restart, Bool, Bool)] {
            var plan = running(restart)
            let wait = plan.ended(successfully: isGood, at: Self.start)
            #expect((wait != nil) == again, "\(restart), \(isGood)")
            #expect((plan.due != nil) == again, "\(restart), \(isGood)")
            #expect(!plan.isOver)
        }
    }

    @Test("says what it is doing")
    func states() {
        var plan = plan(.onFailure)
        #expect(plan.state == .waiting)
        #expect(plan.next(Self.start) == .start)
        #expect(plan.state == .waiting)
        plan.started(at: Self.start)
        #expect(plan.state == .running)
        _ = plan.ended(successfully: false, at: Self.start)
        #expect(plan.state == .waiting)
        plan.started(at: Self.start)
        _ = plan.ended(successfully: true, at: Self.start)
        #expect(plan.state == .ended)
        plan.started(at: Self.start)
        plan.stop()
        #expect(plan.state == .running)
        #expect(plan.next(Self.start) == .terminate)
        #expect(plan.state == .ending)
    }

    @Test("is asked to end, killed when its time is over, and over when it has ended")
    func stop() {
        var plan = running()
        plan.stop()
        let now = Self.start + Self.second
        #expect(plan.next(now) == .terminate)
        #expect(plan.next(now) == nil)
        #expect(plan.due == now + 3 * Self.second)
        #expect(plan.next(now + 3 * Self.second) == .kill)
        #expect(plan.due == nil)
        #expect(!plan.isOver)
        #expect(plan.ended(successfully: false, at: now + 4 * Self.second) == nil)
        #expect(plan.isOver)
        #expect(plan.next(.max) == nil)
    }

    @Test("is over at once where nothing runs")
    func stopWithoutProcess() {
        var waiting = running()
        _ = waiting.ended(successfully: false, at: Self.start)
        waiting.stop()
        #expect(waiting.isOver)
        #expect(waiting.next(.max) == nil)
        var ended = running(.never)
        _ = ended.ended(successfully: true, at: Self.start)
        ended.stop()
        #expect(ended.isOver)
        #expect(ended.next(.max) == nil)
    }

    @Test("starts anew when files have changed and are quiet, at once after its end")
    func changes() {
        var plan = running(.never)
        let tenth = Self.second / 10
        plan.change(at: Self.start)
        #expect(plan.next(Self.start + tenth) == nil)
        plan.change(at: Self.start + tenth)
        #expect(plan.next(Self.start + 2 * tenth) == nil)
        #expect(plan.next(Self.start + 3 * tenth) == .terminate)
        #expect(plan.ended(successfully: false, at: Self.start + 4 * tenth) == 0)
        #expect(plan.next(Self.start + 4 * tenth) == .start)
        plan.started(at: Self.start + 4 * tenth)
        #expect(plan.due == nil)
    }

    @Test("does not wait for ever for files that never rest")
    func restlessFiles() {
        var plan = running()
        var now = Self.start
        var steps: [ProcessPlan.Step?] = []
        while now < Self.start + 2 * Self.second {
            plan.change(at: now)
            now += Self.second / 10
            steps.append(plan.next(now))
        }
        #expect(steps.dropLast().allSatisfy { $0 == nil })
        #expect(steps.last == .terminate)
    }

    @Test("a change starts what has ended, or waits, without more waiting")
    func changesWhileDown() {
        for restart in [.always, .never] as [Configuration.Exec.Restart] {
            var plan = running(restart)
            for _ in 0..<6 {
                _ = plan.ended(successfully: false, at: Self.start)
                plan.change(at: Self.start)
                #expect(plan.next(Self.start + Self.second / 5) == .start)
                plan.started(at: Self.start)
            }
        }
    }

    @Test("a change while it ends starts it once")
    func changeWhileEnding() {
        var plan = running()
        plan.change(at: Self.start)
        #expect(plan.next(Self.start + Self.second) == .terminate)
        plan.change(at: Self.start + Self.second)
        #expect(plan.ended(successfully: true, at: Self.start + 2 * Self.second) == 0)
        #expect(plan.next(Self.start + 2 * Self.second) == .start)
        plan.started(at: Self.start + 2 * Self.second)
        #expect(plan.due == nil)
    }
}
