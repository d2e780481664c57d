import Events
import Primitives
import Testing

@testable import Cron

@Suite("Cron slots and a clock that is set back")
struct CronClockTests: MinutesAfterNine {
    /// Lets the clock say each of `times`, when records get the time `record`, and fires what is
    /// due.
    private func show(_ times: Timestamp..., at record: Timestamp, _ cron: inout CronJournal) {
        for time in times {
            cron.follow(time, at: record)
            cron.turn(time)
        }
    }

    /// A job that has fired at 601 and 602.
    private func begun() throws -> CronJournal {
        var cron = CronJournal()
        cron.add(try trigger(), now: at(600))
        show(at(601), at: at(601), &cron)
        show(at(602), at: at(602), &cron)
        return cron
    }

    @Test("slots wait for a clock that was set back by less than hours")
    func waiting() throws {
        var cron = try begun()
        show(at(500), at: at(602), &cron)
        cron.add(try trigger(id: "other"), now: at(500))
        #expect(cron.view.nextSlot(of: "other") == at(603))
        show(at(602), at: at(602), &cron)
        #expect(minutes(cron) == [601, 602])
        cron.remove("other")
        show(at(603), at: at(603), &cron)
        #expect(minutes(cron) == [601, 602, 603])
    }

    @Test("a slot whose turn comes then waits for the last one of another trigger, too")
    func others() throws {
        var cron = CronJournal()
        cron.add(try trigger(CronPolicy(overlap: .queue), id: "a"), now: at(0))
        cron.add(try trigger(CronPolicy(overlap: .allow), id: "b"), now: at(0))
        let firings = cron.fire(at(1))
        let first = try #require(firings.first)
        #expect(cron.fire(at(2)).count == 1)
        #expect(cron.fire(at(3)).count == 1)
        cron.follow(at(2), at: at(3))
        cron.end(first, now: at(2))
        #expect(cron.view.nextSlot(of: "a") == at(2))
        #expect(cron.view.nextDue == at(3))
    }

    @Test("a clock that is set back by hours was wrong: what it made fire does not count")
    func corrected() throws {
        var cron = try begun()
        let job = try trigger()
        // By less than slots wait for, and then by more.
        cron.restart()
        cron.follow(at(500), at: at(602))
        cron.add(job, now: at(500))
        #expect(cron.view.nextSlot(of: job.id) == at(603))
        cron.restart()
        cron.follow(at(0), at: at(602))
        cron.add(job, now: at(0))
        show(at(1), at: at(602), &cron)
        cron.restart()
        cron.follow(at(3, 30), at: at(602))
        cron.add(job, now: at(3, 30))
        show(at(3, 31), at: at(602), &cron)
        #expect(minutes(cron) == [601, 602, 1, 2, 3])
    }

    @Test("a clock that is set back by hours, and then right again, makes no slot fire twice")
    func setBackAndForth() throws {
        var cron = try begun()
        show(at(0), at(1), at: at(602), &cron)
        show(at(604), at: at(604), &cron)
        #expect(minutes(cron) == [601, 602, 1, 603, 604])
        cron.restart()
        cron.add(try trigger(), now: at(604, 30))
        #expect(cron.view.nextSlot(of: "t") == at(605))
    }

    @Test("nor does one that is set right after a start of the engine")
    func setRightLater() throws {
        var cron = try begun()
        show(at(390), at(391), at: at(602), &cron)
        cron.restart()
        cron.follow(at(391, 30), at: at(603))
        cron.add(try trigger(), now: at(391, 30))
        show(at(604), at: at(604), &cron)
        #expect(minutes(cron) == [601, 602, 391, 603, 604])
    }

    @Test("a slot that had fired by a wrong clock fires when it comes, but is not set forward to")
    func inTime() throws {
        var cron = CronJournal()
        // At nine it is 1020 minutes to the next one.
        let job = try trigger(.standard, "0 2 * * *")
        cron.add(job, now: at(1000))
        show(at(1020), at: at(1020), &cron)
        show(at(-400), at(900), at: at(1020), &cron)
        cron.add(job, now: at(900))
        #expect(cron.view.nextSlot(of: job.id) == at(1020))
        var forward = cron
        show(at(1025), at: at(1025), &forward)
        #expect(minutes(forward) == [1020])
        show(at(1020), at: at(1020), &cron)
        #expect(minutes(cron) == [1020, 1020])
    }

    @Test("nothing of before a correction is missed, whoever wants what is")
    func nothingMissed() throws {
        var cron = CronJournal()
        cron.add(try trigger(), now: at(0))
        show(at(1), at(2), at: at(2), &cron)
        show(at(600), at: at(600), &cron)
        let wrong = cron.fired.count
        show(at(3), at(3, 2), at(4), at: at(600), &cron)
        #expect(minutes(cron).dropFirst(wrong) == [4])
    }

    @Test("what was corrected while a run of before went on is told by what is kept of the log")
    func kept() throws {
        var cron = CronJournal()
        let job = try trigger(CronPolicy(overlap: .allow))
        cron.add(job, now: at(600))
        #expect(cron.fire(at(601)).count == 1)
        show(at(0), at(1), at: at(602), &cron)
        let schedule = CronSkipped.Schedule(function: job.function, expression: job.schedule.text)
        cron.apply(
            .skipped(
                CronSkipped(trigger: job.id, scheduled: at(2), reason: "", schedule: schedule)
            )
        )
        #expect(cron.view.lastSlot(of: job) == at(2))
        #expect(cron.retold().digest() == cron.view.digest())
    }
}
