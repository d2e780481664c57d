import Events
import JSON
import Primitives
import Testing

@testable import Cron

@Suite("What becomes of slots that could not simply run")
struct CronPolicyTests: MinutesAfterNine {
    // MARK: Catching up

    @Test(
        "slots that were missed while the engine was down are caught up as the trigger wants it",
        arguments: [
            (CronPolicy.CatchUp.skip, 100, [1, 2, 6]), (.one, 100, [1, 2, 5, 6]),
            (.all, 100, [1, 2, 3, 4, 5, 6]), (.all, 2, [1, 2, 4, 5, 6]),
            (.window(.seconds(100)), 100, [1, 2, 4, 5, 6]),
            (.window(.seconds(100)), 1, [1, 2, 5, 6]),
            (.window(.seconds(5)), 100, [1, 2, 6]),
        ]
    )
    func catchUp(policy: CronPolicy.CatchUp, max: Int, expected: [Int64]) throws {
        let policy = CronPolicy(catchUp: policy, max: max)
        var cron = CronJournal()
        cron.add(try trigger(policy), now: at(0, 30))
        cron.turn(at(1))
        cron.turn(at(2))
        cron.restart()
        cron.add(try trigger(policy, id: "another id"), now: at(5, 30))
        #expect(cron.fired.count == 2, "not before functions had time to be registered")
        cron.turn(at(5, 31))
        // Again, and nothing is missed any more.
        cron.restart()
        cron.add(try trigger(policy, id: "a third id"), now: at(5, 40))
        cron.turn(at(5, 50))
        cron.turn(at(6))
        #expect(minutes(cron) == expected)
    }

    @Test("what is not caught up is said in one record, and does not come back")
    func passedOver() throws {
        let policy = CronPolicy(catchUp: .one)
        var cron = CronJournal()
        cron.add(try trigger(policy), now: at(0))
        #expect(cron.events.count == 1, "that somebody wants missed slots")
        cron.restart()
        cron.add(try trigger(policy), now: at(60, 30))
        guard case .skipped(let skipped) = try #require(cron.events.last) else {
            Issue.record("\(cron.events)")
            return
        }
        #expect(skipped.scheduled == at(59))
        #expect(skipped.reason.contains("catch_up \"one\""))
        cron.restart()
        cron.add(try trigger(CronPolicy(catchUp: .all)), now: at(60, 40))
        cron.turn(at(60, 45))
        #expect(minutes(cron) == [60])
    }

    @Test("a trigger that was taken back missed nothing; one whose worker left did")
    func forgotten() throws {
        let policy = CronPolicy(catchUp: .all)
        var cron = CronJournal()
        let job = try trigger(policy)
        cron.add(job, now: at(0))
        cron.restart()
        cron.add(job, now: at(2, 30))
        cron.turn(at(2, 31))
        #expect(minutes(cron) == [1, 2])
        cron.restart()
        cron.apply(cron.view.decideForgotten(job, now: at(3, 30)))
        cron.add(job, now: at(10, 30))
        cron.turn(at(10, 40))
        #expect(minutes(cron) == [1, 2])
    }

    @Test("missed slots run one behind the other, whatever the overlap, and then all is as ever")
    func inOrder() throws {
        var cron = CronJournal()
        let job = try trigger(CronPolicy(catchUp: .all))
        cron.add(job, now: at(0))
        cron.restart()
        cron.add(job, now: at(2, 30))
        let first = cron.fire(at(2, 31))
        #expect(first.count == 1)
        #expect(cron.fire(at(2, 40)) == [])
        cron.end(first[0], now: at(2, 45))
        let second = cron.fire(at(2, 45))
        #expect(minutes(cron) == [1, 2])
        #expect(cron.fire(at(3)) == [], "the next slot waits for the last of them")
        cron.end(second[0], now: at(3, 10))
        let third = cron.fire(at(3, 10))
        #expect(cron.fire(at(4)).count == 1)
        #expect(minutes(cron) == [1, 2, 3], "and from then on slots are skipped again")
        cron.end(third[0], now: at(4, 10))
        cron.turn(at(5))
        #expect(minutes(cron) == [1, 2, 3, 5])
    }

    @Test("a clock that is set forward misses slots, too")
    func jump() throws {
        for (policy, expected) in [
            (CronPolicy(), [5, 6]), (CronPolicy(catchUp: .one), [5, 6]),
            (CronPolicy(catchUp: .all), [1, 2, 3, 4, 5, 6]),
            (CronPolicy(catchUp: .all, max: 2), [4, 5, 6]),
            (CronPolicy(catchUp: .window(.seconds(100)), max: 9), [4, 5, 6]),
            (CronPolicy(catchUp: .window(.seconds(10))), [6]),
            (CronPolicy(overlap: .queue, max: 2), [4, 5, 6]),
            (CronPolicy(overlap: .allow), [5, 6]),
        ] as [(CronPolicy, [Int64])] {
            var cron = CronJournal()
            cron.add(try trigger(policy), now: at(0, 10))
            cron.turn(at(5, 20))
            cron.turn(at(6))
            #expect(minutes(cron) == expected, "\(policy)")
            let skipped = cron.events.compactMap { event -> Timestamp? in
                if case .skipped(let skipped) = event { skipped.scheduled } else { nil }
            }
            let lost = expected[0] > 1 ? [at(expected[0] == 6 ? 5 : expected[0] - 1)] : []
            #expect(skipped == lost, "what does not run is told once: \(policy)")
        }
    }

    @Test("slots that come late beside a run that may overlap do not wait for its end")
    func lateBesideRun() throws {
        var cron = CronJournal()
        cron.add(try trigger(CronPolicy(overlap: .allow)), now: at(0))
        #expect(cron.fire(at(1)).count == 1)
        #expect(cron.fire(at(3, 10)).count == 2, "one is told of, and one runs")
        #expect(cron.fire(at(4)).count == 1)
        #expect(minutes(cron) == [1, 3, 4])
    }

    @Test(
        "slots that passed while a run went on were not missed",
        arguments: [CronPolicy.CatchUp.one, .all, .window(.seconds(3600))]
    )
    func passedWithRun(policy: CronPolicy.CatchUp) throws {
        var cron = CronJournal()
        let job = try trigger(CronPolicy(catchUp: policy))
        cron.add(job, now: at(0))
        let run = cron.fire(at(1))
        #expect(cron.fire(at(2)).count == 1, "that it is skipped")
        // Its worker is back before the run has ended, and again after a restart.
        cron.remove(job.id)
        cron.add(job, now: at(4, 30))
        cron.turn(at(4, 40))
        cron.end(run[0], now: at(5, 30))
        cron.restart()
        cron.add(job, now: at(6, 30))
        cron.turn(at(6, 40))
        #expect(minutes(cron) == [1, 6])
    }

    // MARK: Overlap, jitter, pauses

    @Test("with `allow` runs overlap, with `queue` they wait for each other")
    func overlap() throws {
        var cron = CronJournal()
        cron.add(try trigger(CronPolicy(overlap: .allow)), now: at(0))
        for minute in Int64(1)...3 { #expect(cron.fire(at(minute)).count == 1) }
        #expect(cron.view.openFirings.count == 3)

        cron = CronJournal()
        cron.add(try trigger(CronPolicy(overlap: .queue, max: 2)), now: at(0))
        let first = cron.fire(at(1))
        #expect(cron.fire(at(2)) == [] && cron.fire(at(3)) == [])
        cron.end(first[0], now: at(3, 10))
        cron.turn(at(3, 10))
        #expect(minutes(cron) == [1, 2, 3])
        let long = cron.fire(at(4))
        cron.end(long[0], now: at(9, 30))
        cron.turn(at(9, 30))
        #expect(minutes(cron) == [1, 2, 3, 4, 8, 9], "no more than two wait")
        let skipped = cron.events.compactMap { event -> CronSkipped? in
            if case .skipped(let skipped) = event { skipped } else { nil }
        }
        #expect(skipped.map(\.scheduled) == [at(7)], "what is given up is told, once")
        #expect(skipped.first?.reason.contains("more than the 2 of \"max\"") == true)
    }

    @Test("jitter puts each slot off by the same time whenever it is asked, within its bound")
    func jitter() throws {
        let policy = CronPolicy(jitter: .seconds(30))
        var delays: [Int64] = []
        for _ in 0..<2 {
            var cron = CronJournal()
            cron.add(try trigger(policy), now: at(0))
            var seen: [Int64] = []
            for _ in 0..<50 {
                let due = try #require(cron.view.nextDue)
                let slot = try #require(cron.view.nextSlot(of: "t"))
                cron.turn(Timestamp(nanoseconds: due.nanoseconds - 1))
                #expect(cron.fired.count == seen.count)
                cron.turn(due)
                seen.append(slot.distance(to: due).milliseconds)
            }
            #expect(minutes(cron) == Array(1...50), "none is lost")
            #expect(seen.allSatisfy { (0..<30_000).contains($0) })
            #expect(Set(seen).count > 40)
            #expect(delays.isEmpty || delays == seen)
            delays = seen
        }
    }

    @Test("jitter beyond the next slot puts none off so far: all come, each after the other")
    func longJitter() throws {
        var cron = CronJournal()
        cron.add(try trigger(CronPolicy(jitter: .seconds(300))), now: at(0))
        for minute in Int64(1)...30 {
            let due = try #require(cron.view.nextDue)
            #expect(due >= at(minute) && due < at(minute + 1))
            let run = cron.fire(due)
            cron.end(run[0], now: due)
        }
        #expect(minutes(cron) == Array(1...30))
    }

    @Test(
        "a slot that is put off still is neither lost nor hurried by a worker that comes back",
        arguments: [
            (.skip, 240), (.one, 180), (.all, 180),
            (.window(.seconds(1)), 240),
        ] as [(CronPolicy.CatchUp, Int64)]
    )
    func putOff(catchUp: CronPolicy.CatchUp, third: Int64) throws {
        let job = try trigger(CronPolicy(catchUp: catchUp, jitter: .seconds(3000)), "0 * * * *")
        var cron = CronJournal()
        cron.add(job, now: at(0))
        let first = try #require(cron.view.nextDue)
        cron.turn(first)
        let due = try #require(cron.view.nextDue)
        let before = due.advanced(by: .seconds(-2))
        try #require(at(120) < before)
        cron.restart()
        cron.add(job, now: before)
        #expect(cron.view.nextDue == due)
        cron.turn(due)
        #expect(minutes(cron) == [60, 120])
        // What was due while nobody was there is missed.
        let missed = try #require(cron.view.nextDue)
        cron.restart()
        cron.add(job, now: missed.advanced(by: .seconds(1)))
        #expect(cron.view.nextSlot(of: job.id) == at(third))
    }

    @Test("a paused schedule fires nothing, over restarts, and catches up nothing of the pause")
    func pause() throws {
        var cron = CronJournal()
        let job = try trigger(CronPolicy(catchUp: .all))
        cron.add(job, now: at(0))
        cron.turn(at(1))
        cron.apply(cron.view.decidePause(job, true, now: at(1, 30)))
        cron.turn(at(3))
        cron.restart()
        cron.add(job, now: at(4, 30))
        cron.turn(at(6))
        #expect(minutes(cron) == [1])
        #expect(cron.view.decidePause(job, true, now: at(6)) == nil)
        cron.apply(cron.view.decidePause(job, false, now: at(6, 30)))
        cron.turn(at(7))
        #expect(minutes(cron) == [1, 7])
    }

    // MARK: Reading

    @Test("the configuration says all that")
    func decode() throws {
        let job = try decode(
            #"{"expression":"@daily","catch_up":"window","window":"2h","max":7,"#
                + #""overlap":"queue","jitter":"500ms"}"#
        )
        #expect(job.policy.catchUp == .window(.seconds(7200)))
        #expect(job.policy.overlap == .queue)
        #expect(job.policy.max == 7)
        #expect(job.policy.jitter == .milliseconds(500))
        #expect(job.schedule.text == "@daily")
        let berlin = try decode(#"{"expression":"TZ=Europe/Berlin  0 2 * * *"}"#)
        #expect(berlin.schedule.text == "CRON_TZ=Europe/Berlin 0 2 * * *")
        #expect(try decode(#"{"expression":"@daily","timezone":"UTC"}"#).schedule.zone.isUTC)
    }

    @Test(
        "a wrong one is refused, by name",
        arguments: [
            (#""catch_up":"some""#, "catch_up"), (#""catch_up":"window""#, "window"),
            (#""catch_up":"window","window":"2 weeks""#, "window"), (#""max":0"#, "max"),
            (#""overlap":"wait""#, "overlap"), (#""jitter":30"#, "jitter"),
            (#""timezone":"Mars/Olympus""#, "Mars/Olympus"),
        ]
    )
    func refused(config: String, name: String) {
        #expect {
            try decode("{\"expression\":\"@daily\",\(config)}")
        } throws: { error in
            (error as? ErrorBody)?.message.contains(name) == true
        }
    }

    @Test("where no zone is to be had, whatever its name, that is said")
    func noZones() throws {
        let zones = TimeZones(find: { $0 == "UTC" ? .utc : nil }, isMissing: { true })
        let utc = try decode(#"{"expression":"@daily","timezone":"UTC"}"#, zones)
        #expect(utc.schedule.zone.isUTC)
        #expect {
            try decode(#"{"expression":"@daily","timezone":"Europe/Berlin"}"#, zones)
        } throws: { error in
            (error as? ErrorBody)?.message.contains("install tzdata") == true
        }
    }

    private func decode(_ config: String) throws -> CronTrigger {
        let berlin = try TimeZoneTests.zone("Europe/Berlin")
        let zones = TimeZones { $0 == "UTC" ? .utc : $0 == "Europe/Berlin" ? berlin : nil }
        return try decode(config, zones)
    }

    private func decode(_ config: String, _ zones: TimeZones) throws -> CronTrigger {
        try CronTrigger.decode(
            id: "t",
            function: FunctionName(id: "f"),
            config: JSONText(trusted: Array(config.utf8)),
            zones: zones
        )
    }
}
