import CommitLog
import Events
import Foundation
import JSON
import LogTools
import Primitives
import Testing

@Suite struct ShowTests {
    @Test("the short form is offset, time, kind and words")
    func short() throws {
        let text = try StoredLog(.hello()).show { $0.filter.kinds = [EventKind.stateSet.rawValue] }
        #expect(
            text == "      11  2026-09-01T12:00:00.004250000Z  state_set             "
                + "state::set greetings/abc123 = {\"text\":\"Hello\"}\n"
        )
    }

    @Test("every line of JSON is one object with offset, time and kind")
    func json() throws {
        let text = try StoredLog(.hello(), records: 4).show { $0.style = .json }
        let lines = text.split(separator: "\n")
        #expect(lines.count == 13)
        for (index, line) in lines.enumerated() {
            let record = try JSONText(validating: Array(line.utf8))
            #expect(record.member("offset")?.description == "\(index)")
            #expect(record.member("event")?.isObject == true)
        }
        let pretty = try StoredLog(.hello()).show { $0.style = .jsonPretty }
        #expect(pretty.contains("{\n  \"offset\": 0,\n"))
    }

    @Test("bounds of offset and time include their start and exclude their end")
    func bounds() throws {
        let log = try StoredLog(.hello(), records: 2)
        let some = try log.offsets { options in
            options.filter.from = Offset(3)
            options.filter.to = Offset(6)
        }
        #expect(some == [3, 4, 5])
        let timed = try log.offsets { options in
            options.filter.since = Story.start
            options.filter.until = Story.start.advanced(by: .milliseconds(1))
        }
        #expect(timed == [5, 6])
    }

    @Test("a limit keeps the last records, or the first where the start is given")
    func limits() throws {
        let log = try StoredLog(.hello(), records: 5)
        #expect(try log.offsets { $0.limit = 3 } == [10, 11, 12])
        #expect(
            try log.offsets { options in
                options.limit = 3
                options.keepsFirst = true
                options.filter.from = Offset(4)
            } == [4, 5, 6]
        )
        #expect(
            try log.offsets { options in
                options.limit = 3
                options.isReverse = true
            } == [12, 11, 10]
        )
        #expect(try log.offsets { $0.limit = 0 } == [])
    }

    @Test("all records in reverse are those forwards, also of a damaged log")
    func reverse() throws {
        let log = try Wound.log()
        let some = try log.offsets { options in
            options.filter.from = Offset(20)
            options.filter.to = Offset(100)
            options.isReverse = true
        }
        #expect(some == Array((20..<100).reversed()))
        for wound in Wound.allCases {
            let log = try Wound.log()
            try wound.strike(log)
            var options = Show.Options()
            options.style = .template(try RecordTemplate("%o"))
            let forwards = Output()
            let outcome = try Show(log.pass, options).run(to: forwards)
            options.isReverse = true
            let backwards = Output()
            #expect(try Show(log.pass, options).run(to: backwards).damages == outcome.damages)
            let lines = forwards.collected.split(separator: "\n")
            #expect(backwards.collected.split(separator: "\n") == lines.reversed(), "\(wound)")
        }
    }

    @Test("a range with lost records is told to have them, and one without them is not")
    func damagedRange() throws {
        let log = try Wound.log()
        try Wound.recordInBatch.strike(log)
        let damage = try #require(try log.pass.verify { _ in }.damages.first)
        let lost = damage.lost
        #expect(lost.upperBound == lost.lowerBound.advanced(by: 1))
        func damages(_ prepare: (inout Show.Options) -> Void) throws -> [String] {
            var options = Show.Options()
            prepare(&options)
            return try Show(log.pass, options).run(to: Output()).damages
        }
        let before = Offset(lost.lowerBound.rawValue - 2)
        let behind = lost.upperBound.advanced(by: 2)
        for isReverse in [false, true] {
            func range(_ from: Offset, _ to: Offset) throws -> [String] {
                try damages { options in
                    options.filter.from = from
                    options.filter.to = to
                    options.isReverse = isReverse
                }
            }
            #expect(try range(before, behind) == [damage.description], "\(isReverse)")
            #expect(try range(lost.lowerBound, lost.upperBound) == [damage.description])
            #expect(try range(.zero, lost.lowerBound) == [])
            #expect(try range(lost.upperBound, behind) == [])
            #expect(try range(behind, before) == [])
        }
        // The first records from an offset on: the damage is among them, or behind them.
        let limits: [(Int, [String])] = [(2, []), (3, [damage.description])]
        for (limit, named) in limits {
            let found = try damages { options in
                options.filter.from = before
                options.limit = limit
                options.keepsFirst = true
            }
            #expect(found == named, "\(limit)")
        }
    }

    @Test("in reverse, what is shown is shown before what is older is read")
    func reverseByParts() throws {
        let log = try Wound.log()
        let source = ChangingSource(log.path)
        let output = Output()
        var before: String?
        source.willRead = { segment, count in
            if segment == 0, count > 4096 { before = output.collected }
        }
        var options = Show.Options()
        options.style = .template(try RecordTemplate("%o"))
        options.isReverse = true
        let outcome = try Show(LogPass(source), options).run(to: output)
        #expect(try #require(before).hasPrefix("\(outcome.shown - 1)\n"))
        #expect(outcome.next == Offset(UInt64(outcome.shown)))
    }

    @Test("in reverse, too, a log of many segments is read once")
    func reverseOfMany() throws {
        let (log, bases) = try StoredLog.many()
        let source = ChangingSource(log.path)
        var (reads, listings) = (0, 0)
        source.willRead = { _, _ in reads += 1 }
        source.willList = { listings += 1 }
        let output = Output()
        var options = Show.Options()
        options.style = .template(try RecordTemplate("%o"))
        options.isReverse = true
        #expect(try Show(LogPass(source), options).run(to: output).shown == 421)
        #expect(output.collected.hasPrefix("420\n419\n"))
        #expect(bases.count > 30)
        #expect(reads < 8 * bases.count)
        #expect(listings == 1)
        #expect(try log.records().count == 421)
    }

    @Test("output is handed over in order, once it is much or asked for")
    func handedOver() {
        var taken: [UInt8] = []
        let output = Output { taken += $0 }
        output.line("one")
        #expect(taken.isEmpty)
        output.flush()
        #expect(taken == Array("one\n".utf8))
        output.write([UInt8](repeating: 0x41, count: 64 << 10))
        #expect(taken.count == 4 + (64 << 10))
        #expect(output.collected.isEmpty)
    }

    @Test("kinds and regular expressions choose records")
    func choice() throws {
        let log = try StoredLog(.hello())
        #expect(
            try log.offsets { $0.filter.kinds = try RecordFilter.kinds("acked,enqueued") }
                == [8, 12]
        )
        #expect(try log.show { try $0.match("state::s.t .*Hello") }.contains("greetings/abc123"))
        #expect(codeOf { () throws(ToolError) in _ = try RecordFilter.kinds("ackd") } != nil)
        #expect(
            codeOf { () throws(ToolError) in
                var options = Show.Options()
                try options.match("(")
            } == .malformedPattern
        )
    }

    @Test("a template has its letters filled in, and refuses others")
    func template() throws {
        let log = try StoredLog(.hello())
        let line = try log.show { options in
            options.filter.from = Offset(6)
            options.filter.to = Offset(7)
            options.style = .template(try RecordTemplate("%o|%d|%k|%T|%c|%%"))
        }
        #expect(line == "6|2026-09-01|invoked|0af7651916cd43dd8448eb211c80319c|5|%\n")
        #expect(
            codeOf { () throws(ToolError) in _ = try RecordTemplate("%x") } == .malformedFormat
        )
    }

    @Test("raw is the payload, hex its bytes")
    func bytes() throws {
        var story = Story()
        story.add(kind: 200, [0x41, 0x00, 0x42], nil)
        let log = try StoredLog(story)
        #expect(try log.show { $0.style = .raw } == "A\0B")
        #expect(try log.show { $0.style = .hex }.contains("000000  41 00 42"))
    }

    @Test("what is appended after a look is shown by the next one")
    func following() throws {
        let log = try StoredLog(.hello())
        let output = Output()
        var options = Show.Options()
        options.style = .template(try RecordTemplate("%o"))
        let show = Show(try log.pass, options)
        let first = try show.run(to: Output())
        #expect(first.next == Offset(13))
        #expect(try show.runOn(from: Offset(11), to: output).shown == 2)
        #expect(output.collected == "11\n12\n")
    }

    @Test("times are read in every form", arguments: TimeExamples.all)
    func times(_ text: String, _ milliseconds: Int64) throws {
        let now = Story.start.advanced(by: .seconds(7200))
        let time = try TimeExpression.parse(text, now: now)
        #expect(Story.start.distance(to: time).milliseconds == milliseconds, "\(text)")
    }

    @Test(
        "what is no time is refused",
        arguments: [
            "", "-", "-h", "-1x", "1h", "2026-13-01", "2026-02-30", "2026-09-01T25:00:00Z",
            "2026-09-01 12:00 CET", "tomorrowish", "-99999999999999999999h",
        ]
    )
    func notTimes(_ text: String) {
        let code = codeOf { () throws(ToolError) in
            _ = try TimeExpression.parse(text, now: Story.start)
        }
        #expect(code == .malformedTime, "\(text)")
    }
}

enum TimeExamples {
    /// Milliseconds since the story's start; now is two hours after it.
    static let all: [(text: String, milliseconds: Int64)] = [
        ("2026-09-01T12:00:00Z", 0), ("2026-09-01 12:00", 0), ("2026-09-01T14:00:00+02:00", 0),
        ("2026-09-01", -43_200_000), ("2026-09-01T12:00:00.250Z", 250), ("-1h", 3_600_000),
        ("-1d12h", -122_400_000), ("now", 7_200_000), ("today", -43_200_000),
        ("yesterday", -129_600_000),
    ]
}

extension StoredLog {
    func show(_ prepare: (inout Show.Options) throws -> Void = { _ in }) throws -> String {
        var options = Show.Options()
        try prepare(&options)
        let output = Output()
        _ = try Show(pass, options).run(to: output)
        return output.collected
    }

    /// The offsets of the shown records, one a line.
    func offsets(_ prepare: (inout Show.Options) throws -> Void) throws -> [Int] {
        let text = try show { options in
            try prepare(&options)
            options.style = .template(try RecordTemplate("%o"))
        }
        return text.split(separator: "\n").compactMap { Int($0) }
    }
}
