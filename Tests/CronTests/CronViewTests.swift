import Events
import Primitives
import Testing

@testable import Cron

@Suite("The cron view")
struct CronViewTests {
    private let nine = instant("2031-04-02T09:00:00")

    private func trigger(
        _ id: String,
        _ expression: String = "0 * * * * *",
        function: String = "f"
    ) throws -> CronTrigger {
        CronTrigger(
            id: id,
            function: FunctionName(id: function),
            expression: try CronExpression(expression)
        )
    }

    @Test("a slot fires when it has come, not before, and once")
    func firesOnce() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(60)))
        #expect(cron.turn(nine.advanced(by: .seconds(59))) == [])
        let now = Timestamp(nanoseconds: nine.nanoseconds + 60_001_000_000)
        let fired = CronFired(
            trigger: "a",
            function: FunctionName(id: "f"),
            expression: "0 * * * * *",
            scheduled: nine.advanced(by: .seconds(60)),
            actual: now
        )
        #expect(cron.turn(now) == [.fired(fired)])
        #expect(cron.turn(now) == [])
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(120)))
    }

    @Test("deciding changes nothing")
    func decidingIsPure() throws {
        var view = CronView()
        view.add(try trigger("a"), now: nine)
        let now = nine.advanced(by: .seconds(60))
        #expect(view.decideDue(now: now) == view.decideDue(now: now))
        #expect(view.nextDue == now)
        #expect(view.openFirings.isEmpty)
    }

    @Test("due triggers fire in the order of their slots, then of their registration")
    func order() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("z", "10 * * * * *"), now: nine)
        cron.view.add(try trigger("b", "5 * * * * *"), now: nine)
        cron.view.add(try trigger("a", "10 * * * * *"), now: nine)
        cron.view.add(try trigger("late", "50 * * * * *"), now: nine)
        #expect(cron.turn(nine.advanced(by: .seconds(20))).map(\.trigger) == ["b", "z", "a"])
    }

    @Test("a trigger never overlaps itself: one record says so, and the next slot follows the end")
    func noOverlap() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a", "* * * * * *"), now: nine)
        let first = cron.turn(nine.advanced(by: .seconds(1)))
        #expect(first.map(\.isFired) == [true])
        let skipped = cron.turn(nine.advanced(by: .seconds(2)))
        #expect(
            skipped == [
                .skipped(
                    CronSkipped(
                        trigger: "a",
                        scheduled: nine.advanced(by: .seconds(2)),
                        reason: "its run of offset 0 has not ended; "
                            + "the next slot is the first after its end",
                        schedule: CronSkipped.Schedule(
                            function: FunctionName(id: "f"),
                            expression: "* * * * * *"
                        )
                    )
                )
            ]
        )
        for second in Int64(3)..<10 {
            #expect(cron.turn(nine.advanced(by: .seconds(second))) == [])
        }
        cron.end(Offset(0), now: nine.advanced(by: .seconds(10)))
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(11)))
        #expect(cron.turn(nine.advanced(by: .seconds(11))).map(\.isFired) == [true])
    }

    @Test("a run that ends before the next slot does not move it")
    func quickRun() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        _ = cron.turn(nine.advanced(by: .seconds(60)))
        cron.end(Offset(0), now: nine.advanced(by: .seconds(61)))
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(120)))
        #expect(!cron.view.isRunning("a"))
    }

    @Test("other triggers run while one does")
    func independence() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        _ = cron.turn(nine.advanced(by: .seconds(60)))
        cron.view.add(try trigger("b"), now: nine.advanced(by: .seconds(61)))
        let events = cron.turn(nine.advanced(by: .seconds(120)))
        #expect(events.map(\.trigger) == ["a", "b"])
        #expect(events.map(\.isFired) == [false, true])
    }

    @Test("nothing is caught up: after a pause one late slot fires, then the first after now")
    func noCatchUp() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        let later = nine.advanced(by: .seconds(3_630))
        let events = cron.turn(later)
        #expect(events.map(\.scheduled) == [3540, 3600].map { nine.advanced(by: .seconds($0)) })
        #expect(events.map(\.isFired) == [false, true], "the last one, and those before are told")
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(3_660)))
    }

    @Test("two live triggers of one function and expression each fire")
    func twins() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        cron.view.add(try trigger("b"), now: nine)
        let events = cron.turn(nine.advanced(by: .seconds(60)))
        #expect(events.map(\.trigger) == ["a", "b"])
        #expect(events.map(\.isFired) == [true, true])
    }

    @Test("adding an id again replaces the trigger")
    func replaced() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        cron.view.add(try trigger("a", "0 0 * * * *"), now: nine)
        #expect(cron.view.triggerCount == 1)
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(3600)))
        #expect(cron.view.trigger("a")?.expression.text == "0 0 * * * *")
    }

    @Test("a removed trigger does not fire, and its run stays open until it ends")
    func removed() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        _ = cron.turn(nine.advanced(by: .seconds(60)))
        cron.view.remove("a")
        cron.view.remove("unknown")
        #expect(cron.view.nextDue == nil)
        #expect(cron.view.openFirings.map(\.offset) == [Offset(0)])
        cron.end(Offset(0), now: nine.advanced(by: .seconds(70)))
        cron.end(Offset(0), now: nine.advanced(by: .seconds(70)))
        #expect(cron.view.openFirings.isEmpty)
        #expect(cron.view.nextDue == nil)
    }

    @Test("an expression without a slot is kept and never fires")
    func never() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a", "0 0 0 30 2 *"), now: nine)
        #expect(cron.view.triggerCount == 1)
        #expect(cron.view.nextDue == nil)
        #expect(cron.view.nextSlot(of: "a") == nil)
    }

    @Test("a run that ended between decision and application does not strand its trigger")
    func skippedAfterTheEnd() throws {
        var view = CronView()
        view.add(try trigger("a"), now: nine)
        let slot = nine.advanced(by: .seconds(60))
        view.apply(.skipped(CronSkipped(trigger: "a", scheduled: slot, reason: "")), at: Offset(0))
        #expect(view.nextDue == nine.advanced(by: .seconds(120)))
    }
}

// MARK: Restarts

extension CronViewTests {
    @Test("after a restart the open firings are there, in order, and the ended ones are not")
    func openFirings() throws {
        var cron = CronHarness()
        for id in ["a", "b", "c"] { cron.view.add(try trigger(id), now: nine) }
        _ = cron.turn(nine.advanced(by: .seconds(60)))
        cron.end(Offset(1), now: nine.advanced(by: .seconds(61)))
        cron.restart()
        #expect(cron.view.openFirings.map(\.offset) == [Offset(0), Offset(2)])
        #expect(cron.view.openFirings.map(\.fired.trigger) == ["a", "c"])
        #expect(cron.view.triggerCount == 0)
        #expect(cron.view.nextDue == nil)
    }

    @Test("a trigger that comes back while its run is open does not overlap it")
    func noOverlapAcrossRestart() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        _ = cron.turn(nine.advanced(by: .seconds(60)))
        cron.restart()
        cron.view.add(try trigger("a"), now: nine.advanced(by: .seconds(90)))
        #expect(cron.view.isRunning("a"))
        let events = cron.turn(nine.advanced(by: .seconds(120)))
        #expect(events.map(\.isFired) == [false])
        cron.end(Offset(0), now: nine.advanced(by: .seconds(130)))
        #expect(cron.view.nextDue == nine.advanced(by: .seconds(180)))
    }

    @Test("a slot does not fire again under another id, even if the clock was set back")
    func slotOnceAcrossRestart() throws {
        var cron = CronHarness()
        cron.view.add(try trigger("a"), now: nine)
        _ = cron.turn(nine.advanced(by: .seconds(60)))
        cron.end(Offset(0), now: nine.advanced(by: .seconds(60)))
        cron.restart()
        cron.view.add(try trigger("b"), now: nine.advanced(by: .seconds(60)))
        cron.view.add(try trigger("c"), now: nine.advanced(by: .seconds(30)))
        #expect(cron.view.nextSlot(of: "b") == nine.advanced(by: .seconds(120)))
        #expect(cron.view.nextSlot(of: "c") == nine.advanced(by: .seconds(120)))
        // Another function or another expression is another schedule.
        cron.view.add(
            try trigger("d", function: "g"),
            now: nine.advanced(by: .seconds(30))
        )
        #expect(cron.view.nextSlot(of: "d") == nine.advanced(by: .seconds(60)))
    }

    @Test(
        "over random crashes and clocks no slot fires twice and no runs of a trigger overlap",
        arguments: UInt64(1)...32
    )
    func randomHistory(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        var cron = CronHarness()
        var now = nine
        var fired: Set<String> = []
        var open: [String: Offset] = [:]
        var floor: [String: Timestamp] = [:]
        var generation = 0
        for step in 0..<400 {
            now = now.advanced(by: .milliseconds(.random(in: 0..<3000, using: &entropy)))
            let id = "t\(Int.random(in: 0..<4, using: &entropy))-\(generation)"
            let expression = id.hasPrefix("t0") ? "*/2 * * * * *" : "*/3 * * * * *"
            switch Int.random(in: 0..<12, using: &entropy) {
            case 0: cron.view.add(try trigger(id, expression), now: now)
            case 1: cron.view.remove(id)
            case 2:
                // Crash: sometimes the workers come back under other ids, sometimes the clock lies.
                cron.restart()
                if Bool.random(using: &entropy) { generation += 1 }
                if Bool.random(using: &entropy) { now = now.advanced(by: .seconds(-5)) }
                for event in cron.log.compactMap(\.fired) {
                    floor[event.expression] = max(
                        event.scheduled,
                        floor[event.expression] ?? event.scheduled
                    )
                }
            case 3...5:
                for (id, offset) in open.sorted(by: { $0.key < $1.key })
                where Bool.random(using: &entropy) {
                    cron.end(offset, now: now)
                    open[id] = nil
                }
            default: break
            }
            let offset = cron.tail
            for (index, event) in cron.turn(now).enumerated() {
                guard let event = event.fired else { continue }
                let place = "seed \(seed), step \(step), \(event.trigger)"
                #expect(event.scheduled <= now, "\(place)")
                let slot = "\(event.trigger) \(event.scheduled.seconds)"
                #expect(fired.insert(slot).inserted, "\(place)")
                #expect(event.scheduled > floor[event.expression] ?? .init(seconds: 0), "\(place)")
                #expect(open.updateValue(offset.advanced(by: index), forKey: event.trigger) == nil)
            }
            #expect(
                cron.view.openFirings.map(\.offset) == open.values.sorted(),
                "seed \(seed), step \(step)"
            )
        }
    }

    @Test("schedules that have not fired for a day are forgotten, younger ones are not")
    func memory() throws {
        var view = CronView()
        let old = CronFired(
            trigger: "old",
            function: FunctionName(id: "f"),
            expression: "0 * * * * *",
            scheduled: nine,
            actual: nine
        )
        view.apply(.fired(old), at: Offset(0))
        view.ended(firing: Offset(0), now: nine)
        let later = nine.advanced(by: .seconds(86_401))
        for index in 1...3000 {
            let fired = CronFired(
                trigger: "new",
                function: FunctionName(id: "g\(index)"),
                expression: "0 * * * * *",
                scheduled: later,
                actual: later
            )
            view.apply(.fired(fired), at: Offset(UInt64(index)))
            view.ended(firing: Offset(UInt64(index)), now: later)
        }
        #expect(view.scheduleCount == 3000)
        view.add(try trigger("young", function: "g1"), now: nine)
        #expect(view.nextSlot(of: "young").map { $0 > later } == true)
    }
}

/// The engine's part: events are logged, then applied; a restart folds the log again.
private struct CronHarness {
    enum Record {
        case event(CronEvent)
        case ended(Offset, now: Timestamp)

        var fired: CronFired? {
            if case .event(let event) = self { event.fired } else { nil }
        }
    }

    var view = CronView()
    private(set) var log: [Record] = []

    var tail: Offset { Offset(UInt64(log.count)) }

    mutating func turn(_ now: Timestamp) -> [CronEvent] {
        guard let due = view.nextDue, due <= now else { return [] }
        let events = view.decideDue(now: now)
        for event in events {
            view.apply(event, at: tail)
            log.append(.event(event))
        }
        return events
    }

    mutating func end(_ firing: Offset, now: Timestamp) {
        view.ended(firing: firing, now: now)
        log.append(.ended(firing, now: now))
    }

    mutating func restart() {
        view = CronView()
        for (index, record) in log.enumerated() {
            switch record {
            case .event(let event): view.apply(event, at: Offset(UInt64(index)))
            case .ended(let firing, let now): view.ended(firing: firing, now: now)
            }
        }
    }
}

extension CronEvent {
    fileprivate var fired: CronFired? {
        if case .fired(let fired) = self { fired } else { nil }
    }

    fileprivate var isFired: Bool { fired != nil }

    fileprivate var trigger: String {
        switch self {
        case .fired(let fired): fired.trigger
        case .skipped(let skipped): skipped.trigger
        case .watched, .forgotten, .paused, .resumed: ""
        }
    }

    fileprivate var scheduled: Timestamp {
        switch self {
        case .fired(let fired): fired.scheduled
        case .skipped(let skipped): skipped.scheduled
        case .watched(let mark), .forgotten(let mark), .paused(let mark), .resumed(let mark):
            mark.at
        }
    }
}
