import Events
import Foundation
import Primitives
import Testing

@testable import Cron

@Suite("Cron in time zones")
struct TimeZoneTests {
    static func zone(_ name: String) throws -> TimeZoneRules {
        let path = "/usr/share/zoneinfo/\(name)"
        let file = try #require(FileManager.default.contents(atPath: path), "tzdata: \(path)")
        return try #require(TimeZoneRules(name: name, tzif: Array(file)))
    }

    private func slots(
        _ expression: String,
        _ zone: String,
        after start: String,
        _ count: Int
    ) throws -> [String] {
        let rules = try Self.zone(zone)
        let schedule = CronSchedule(try CronExpression(expression), in: rules)
        var slot = instant(start)
        var found: [String] = []
        while found.count < count, let next = schedule.next(after: slot) {
            found.append(rules.text(of: next))
            slot = next
        }
        return found
    }

    @Test("a slot that clocks skip comes once, at the first instant after the gap")
    func gap() throws {
        // Berlin skips from 02:00 to 03:00 on 28 March 2027.
        #expect(
            try slots("30 2 * * *", "Europe/Berlin", after: "2027-03-27T00:00:00", 3) == [
                "2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00",
                "2027-03-29T02:30:00+02:00",
            ]
        )
        #expect(
            try slots("10,50 2 * * *", "Europe/Berlin", after: "2027-03-27T12:00:00", 3) == [
                "2027-03-28T03:00:00+02:00", "2027-03-29T02:10:00+02:00",
                "2027-03-29T02:50:00+02:00",
            ],
            "two slots of one gap are one"
        )
        #expect(
            try slots("0 3 * * *", "Europe/Berlin", after: "2027-03-27T12:00:00", 1) == [
                "2027-03-28T03:00:00+02:00"
            ]
        )
    }

    @Test("a slot that clocks show twice comes the first time only")
    func fold() throws {
        // Berlin shows 02:00 to 03:00 twice on 31 October 2027.
        #expect(
            try slots("30 2 * * *", "Europe/Berlin", after: "2027-10-30T12:00:00", 2) == [
                "2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00",
            ]
        )
        #expect(
            try slots("0 30 1 * * *", "America/New_York", after: "2027-11-06T12:00:00", 2) == [
                "2027-11-07T01:30:00-04:00", "2027-11-08T01:30:00-05:00",
            ]
        )
    }

    @Test("a schedule with a wildcard goes on as time passes")
    func elapsed() throws {
        #expect(
            try slots("*/30 * * * *", "Europe/Berlin", after: "2027-03-28T00:15:00", 3) == [
                "2027-03-28T01:30:00+01:00", "2027-03-28T03:00:00+02:00",
                "2027-03-28T03:30:00+02:00",
            ]
        )
        #expect(
            try slots("@hourly", "Europe/Berlin", after: "2027-10-30T23:30:00", 4) == [
                "2027-10-31T02:00:00+02:00", "2027-10-31T02:00:00+01:00",
                "2027-10-31T03:00:00+01:00", "2027-10-31T04:00:00+01:00",
            ]
        )
        #expect(
            try slots("*/20 2 * * *", "Europe/Berlin", after: "2027-03-27T12:00:00", 1) == [
                "2027-03-29T02:00:00+02:00"
            ],
            "there is no such hour on the 28th"
        )
    }

    @Test("zones with half hours, of the south, and beyond the listed years")
    func others() throws {
        #expect(
            try slots("15 2 * * *", "Australia/Lord_Howe", after: "2027-10-02T00:00:00", 2) == [
                "2027-10-03T02:30:00+11:00", "2027-10-04T02:15:00+11:00",
            ],
            "the gap is half an hour"
        )
        #expect(
            try slots("0 9 * * *", "Asia/Kathmandu", after: "2027-01-01T00:00:00", 1) == [
                "2027-01-01T09:00:00+05:45"
            ]
        )
        #expect(
            try slots("0 9 1 1,7 *", "Europe/Berlin", after: "2090-01-01T12:00:00", 2) == [
                "2090-07-01T09:00:00+02:00", "2091-01-01T09:00:00+01:00",
            ],
            "by the rule at the end of the file"
        )
        #expect(
            try slots("0 12 * * *", "Pacific/Apia", after: "2011-12-29T22:30:00", 2) == [
                "2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00",
            ],
            "a whole day was skipped"
        )
    }

    @Test(
        "what is no file of the database is refused",
        arguments: ["", "TZif", "TZif2", String(repeating: "TZif2\u{7f}", count: 40)]
    )
    func refused(text: String) {
        #expect(TimeZoneRules(name: "x", tzif: Array(text.utf8)) == nil)
    }

    @Test("every cut of a file is refused or read, and traps nothing")
    func cut() throws {
        let file = try #require(
            FileManager.default.contents(atPath: "/usr/share/zoneinfo/Europe/Berlin")
        )
        for length in 0..<file.count - 2 {
            let rules = TimeZoneRules(name: "x", tzif: Array(file.prefix(length)))
            #expect(rules?.isUTC != true)
        }
    }

    @Test("the rule for later years, in its less usual forms")
    func rules() throws {
        for text in ["", "CE-1", "CET", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0", "<+1-1"] {
            #expect(POSIXZone(text) == nil, "\(text)")
        }
        let rules = ["CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3<-02>,J60,0/25", "XXX3EDT4,0/0,J365/23"]
        for text in rules {
            #expect(POSIXZone(text) != nil, "\(text)")
        }
        var changes: [Int64] = []
        var offsets: [Int64] = [0]
        try #require(POSIXZone("XXX3EDT4,0/0,J365/23")).extend(&changes, &offsets)
        #expect(
            offsets.dropFirst().dropLast().allSatisfy { $0 == -4 * 3600 },
            "summer time all year"
        )
    }
}

/// Every zone whose clocks change in 2027, minute by minute around each change, with an engine that
/// starts again at random: what fires is what another reader of the database says, once each.
@Suite("A year of all zones")
struct YearOfZonesTests {
    private struct Minute {
        let instant: Int64
        let offset: Int64
    }

    private static let expressions = [
        "30 2 * * *", "5,35 0-3 * * *", "*/7 * * * *", "20 */2 * * *",
    ]

    @Test("each slot fires once, over restarts, and no other does")
    func year() throws {
        let names = TimeZone.knownTimeZoneIdentifiers.sorted()
        var entropy = SeededEntropy(seed: 2027)
        var changed = 0
        for name in names {
            let path = "/usr/share/zoneinfo/\(name)"
            guard let zone = TimeZone(identifier: name),
                let file = FileManager.default.contents(atPath: path),
                let rules = TimeZoneRules(name: name, tzif: Array(file))
            else { continue }
            for change in Self.changes(of: zone) {
                changed += 1
                let minutes = Self.minutes(around: change, zone)
                for text in Self.expressions {
                    let expected = Self.oracle(text, minutes)
                    let found = try Self.fired(text, rules, minutes, &entropy)
                    #expect(found == expected, "\(name), \(text), around \(change)")
                }
            }
        }
        #expect(changed > 100, "zones that changed: \(changed)")
    }

    private static func changes(of zone: TimeZone) -> [Int64] {
        var found: [Int64] = []
        var date = Date(timeIntervalSince1970: 1_798_761_600)
        while let next = zone.nextDaylightSavingTimeTransition(after: date),
            next.timeIntervalSince1970 < 1_830_297_600
        {
            found.append(Int64(next.timeIntervalSince1970))
            date = next
        }
        return found
    }

    /// A day and a half on either side.
    private static func minutes(around change: Int64, _ zone: TimeZone) -> [Minute] {
        func offset(_ instant: Int64) -> Int64 {
            Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(instant))))
        }
        let (before, after) = (offset(change - 60), offset(change))
        let start = change - change % 60 - 36 * 3600
        return stride(from: start, through: start + 72 * 3600, by: 60).map {
            Minute(instant: $0, offset: $0 < change ? before : after)
        }
    }

    /// What fires after the first minute, found by looking at what clocks show.
    private static func oracle(_ text: String, _ minutes: [Minute]) -> [Int64] {
        let fields = text.split(separator: " ")
        let (minuteField, hourField) = (String(fields[0]), String(fields[1]))
        func matches(_ local: Int64) -> Bool {
            let day = ((local % 86_400) + 86_400) % 86_400
            return matches(minuteField, day / 60 % 60) && matches(hourField, day / 3600)
        }
        func matches(_ field: String, _ value: Int64) -> Bool {
            if field == "*" { return true }
            if field.hasPrefix("*/") { return value % (Int64(field.dropFirst(2)) ?? 1) == 0 }
            return field.split(separator: ",").contains { part in
                let ends = part.split(separator: "-").compactMap { Int64($0) }
                return ends.count == 2 ? ends[0] <= value && value <= ends[1] : ends[0] == value
            }
        }
        let goesByClock = !minuteField.hasPrefix("*") && !hourField.hasPrefix("*")
        var fired: [Int64] = []
        var shown = minutes[0].instant + minutes[0].offset
        for minute in minutes.dropFirst() {
            let local = minute.instant + minute.offset
            if goesByClock {
                // All that clocks have not shown yet, a gap too.
                let new = stride(from: shown + 60, through: local, by: 60)
                if new.contains(where: matches) { fired.append(minute.instant) }
                shown = max(shown, local)
            } else if matches(local) {
                fired.append(minute.instant)
            }
        }
        return fired
    }

    private static func fired(
        _ text: String,
        _ rules: TimeZoneRules,
        _ minutes: [Minute],
        _ entropy: inout SeededEntropy
    ) throws -> [Int64] {
        var cron = CronJournal()
        let trigger = CronTrigger(
            id: "t",
            function: FunctionName(id: "f"),
            expression: try CronExpression(text),
            zone: rules,
            policy: .init(catchUp: .all, max: 10_000)
        )
        var now = Timestamp(seconds: minutes[0].instant)
        let end = Timestamp(seconds: minutes[minutes.count - 1].instant)
        cron.add(trigger, now: now)
        while now < end {
            now = min(end, now.advanced(by: .seconds(.random(in: 1...7200, using: &entropy))))
            if Int.random(in: 0..<8, using: &entropy) == 0 {
                cron.restart()
                // Somewhere in the middle of a turn of the time that it was down.
                cron.add(trigger, now: now)
            }
            cron.turn(now.advanced(by: .seconds(1)), judging: now)
        }
        return cron.fired.map { $0.scheduled.seconds }.filter { $0 <= end.seconds }
    }
}

extension CronPolicy {
    init(
        catchUp: CatchUp = .skip,
        overlap: Overlap = .skip,
        max: Int = 100,
        jitter: Timestamp.Span = .seconds(0)
    ) {
        self.init()
        self.catchUp = catchUp
        self.overlap = overlap
        self.max = max
        self.jitter = jitter
    }
}
