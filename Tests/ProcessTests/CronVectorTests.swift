import Foundation
import Testing

extension Programs {
    /// The rules of services 1, B, by a bare client. What an expression means is in CronTests.
    @Suite("The rules of cron over the wire")
    struct CronVectorTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["job", "allowed"])
        }
    }
}

extension Programs.CronVectorTests {
    private func bind(_ id: String, _ config: Any) throws {
        try worker.send([
            "type": "registertrigger", "id": id, "trigger_type": "cron", "function_id": "job",
            "config": config,
        ])
    }

    /// The slots behind an expression, as `engine::cron::next` tells them; nil: it is refused.
    private func next(_ expression: String, _ count: Int = 3) throws -> [String]? {
        let reply = try worker.ask(
            "engine::cron::next",
            ["expression": expression, "timezone": "UTC", "count": count]
        )
        guard reply["error"] == nil else { return nil }
        return (reply["result"] as? Envelope)?["next"] as? [String]
    }

    @Test("B.1, B.2: what is no expression is refused at registration, with its text")
    func refused() throws {
        let expressions = [
            "", "* * * *", "* * * * * * * *", "60 * * * * *", "* 60 * * * *", "* * 24 * * *",
            "* * * 0 * *", "* * * 32 * *", "* * * * 13 *", "* * * * * 8 *", "0 0 0 * * 0 *",
            "5-1 * * * * *", "*/60 * * * * *", "* * * * * Mon/2", "? * * * * *", "* * * * ? *",
            "* * * L * *", "* * * 15W * *", "* * * * * 2#1", "@reboot", "@annually", "@midnight",
            "a b c d e f", "* * * * * * 1969", "* * * * * * 2101", "1,,2 * * * * *",
        ]
        for (number, expression) in expressions.enumerated() {
            try bind("wrong-\(number)", ["expression": expression])
            let refusal = try worker.next("a refusal of \(expression)") {
                $0["type"] as? String == "triggerregistrationresult"
                    && $0["id"] as? String == "wrong-\(number)"
            }
            #expect(code(of: refusal) == "trigger_registration_failed")
            let text = message(of: refusal)
            #expect(expression.isEmpty || text.contains(expression), "\(text)")
        }
        for config in [[:], ["expression": 5]] as [Envelope] {
            try bind("wrong", config)
            let refusal = try worker.next("a refusal of \(config)") {
                $0["type"] as? String == "triggerregistrationresult"
            }
            #expect(code(of: refusal) == "trigger_registration_failed")
        }
    }

    @Test("B.2: six and seven fields count weekdays from Sunday, 1, and both days must match")
    func accepted() throws {
        func weekdays(_ expression: String) throws -> Set<Int> {
            let format = ISO8601DateFormatter()
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
            let slots = try #require(try next(expression, 7), "\(expression)")
            return Set(slots.compactMap(format.date).map { calendar.component(.weekday, from: $0) })
        }
        #expect(try weekdays("0 0 0 * * 1") == [1])
        #expect(try weekdays("0 0 0 * * SUN") == [1])
        #expect(try weekdays("0 0 0 ? * 1-5") == [1, 2, 3, 4, 5])
        #expect(try weekdays("0 0 0 * * tues,Thurs") == [3, 5])
        #expect(try weekdays("@weekly") == [1])
        // The days of the month and of the week, both: a Friday the 13th.
        let fridays = try #require(try next("0 0 0 13 * Fri", 5))
        #expect(fridays.allSatisfy { $0.contains("-13T00:00:00") })
        #expect(try weekdays("0 0 0 13 * Fri") == [6])
        // As in crontab: five fields, from Monday on, and either day.
        #expect(try weekdays("0 0 * * 1-5") == [2, 3, 4, 5, 6])
        #expect(try next("  0   0 0 1 jan  *   2030 ", 3)?.count == 1)
        #expect(try next("0 0 0 30 feb *", 3) == [])
        for (text, step) in [("10/20 * * * * *", [10, 30, 50]), ("*/30 * * * * *", [0, 30])] {
            let slots = try #require(try next(text, 6))
            let seconds = Set(slots.compactMap { Int($0.prefix(19).suffix(2)) })
            #expect(seconds == Set(step), "\(text)")
        }
        for (text, end) in [
            ("@yearly", "-01-01T00:00:00"), ("@monthly", "-01T00:00:00"),
            ("@daily", "T00:00:00"), ("@hourly", ":00:00"), ("0 0 0 ? JANUARY,feb ?", "T00:00:00"),
        ] {
            let slots = try #require(try next(text, 40), "\(text)")
            #expect(slots.allSatisfy { $0.prefix(19).hasSuffix(end) }, "\(text)")
            let months = Set(slots.map { $0.prefix(7).suffix(2) })
            #expect(months.isSubset(of: ["01", "02"]) == text.contains("feb") || text == "@yearly")
        }
        // A range of names with a step, and every fifth day from the first one on.
        #expect(try weekdays("0 0 0 ? * mon-FRI/2") == [2, 4, 6])
        let fifths = try #require(try next("0 0 0 ?/10 * ?", 40))
        #expect(Set(fifths.map { $0.prefix(10).suffix(2) }) == ["01", "11", "21", "31"])
    }

    @Test("B.1, B.3, B.4: each slot once, its payload, its condition, and its end")
    func firing() throws {
        try bind("each", ["expression": "* * * * * *", "condition_function_id": "allowed"])
        var slots: [String] = []
        for number in 0..<4 {
            let question = try worker.dispatch("allowed")
            let event = try #require(question["data"] as? Envelope)
            #expect(Set(event.keys) == ["trigger", "job_id", "scheduled_time", "actual_time"])
            #expect(event["trigger"] as? String == "cron")
            #expect(event["job_id"] as? String == "each")
            let slot = try #require(event["scheduled_time"] as? String)
            let second = #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/#
            #expect(slot.wholeMatch(of: second) != nil, "\(slot)")
            let actual = try #require(event["actual_time"] as? String)
            let fraction = #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?\+00:00$/#
            #expect(actual.wholeMatch(of: fraction) != nil, "\(actual)")
            #expect(actual >= slot.prefix(19))
            slots.append(slot)
            if number == 1 {
                try worker.answer(question, false)
                continue
            }
            if number == 2 {
                try worker.fail(question, "no")
                continue
            }
            try worker.answer(question, NSNull())
            let run = try worker.dispatch("job")
            #expect(JSON.text(run["data"]) == JSON.text(event))
            // Its failure is told and nothing else: the next slot comes.
            try worker.fail(run, "broken")
        }
        #expect(slots == slots.sorted() && Set(slots).count == slots.count)
        // While it runs it does not overlap itself; what passed meanwhile is skipped.
        let question = try worker.dispatch("allowed")
        try eventually("two more slots pass") { () -> Void? in
            let list = try worker.ask("engine::cron::history", ["job": "each", "count": 3])
            return JSON.text(list).contains("\"skipped\"") ? () : nil
        }
        #expect(worker.takeWaiting().allSatisfy { $0["type"] as? String != "invokefunction" })
        // The same id again takes its place.
        try bind("each", ["expression": "0 0 0 1 1 *"])
        try worker.answer(question, false)
        let list = try worker.ask("engine::cron::list", [:])["result"] as? Envelope
        let jobs = list?["jobs"] as? [Envelope] ?? []
        #expect(jobs.map { $0["expression"] as? String } == ["0 0 0 1 1 *"])
        try worker.send(["type": "unregistertrigger", "id": "each", "trigger_type": "cron"])
        let after = try worker.ask("engine::cron::list", [:])["result"] as? Envelope
        #expect((after?["jobs"] as? [Envelope])?.isEmpty == true)
    }
}
