import Cron
import Primitives
import Testing

@Suite("The next slot of a cron expression")
struct CronNextTests {
    @Test(
        "is the first matching second strictly after an instant",
        arguments: [
            // Strictly after, to the second.
            ("* * * * * *", "2031-04-02T09:30:00", "2031-04-02T09:30:01"),
            ("0 * * * * *", "2031-04-02T09:30:00", "2031-04-02T09:31:00"),
            ("0 * * * * *", "2031-04-02T09:29:59", "2031-04-02T09:30:00"),
            ("*/15 * * * * *", "2031-04-02T09:30:46", "2031-04-02T09:31:00"),
            ("10/20 * * * * *", "2031-04-02T09:30:31", "2031-04-02T09:30:50"),
            ("0 0 2 * * *", "2031-04-02T02:00:00", "2031-04-03T02:00:00"),
            ("59 59 23 * * *", "2031-04-02T23:59:59", "2031-04-03T23:59:59"),
            ("30 15 10,14 * * *", "2031-04-02T10:15:30", "2031-04-02T14:15:30"),
            ("30 15 10,14 * * *", "2031-04-02T10:16:00", "2031-04-02T14:15:30"),
            ("0 0 9-17/4 * * *", "2031-04-02T13:00:00", "2031-04-02T17:00:00"),
            // Ends of months and years.
            ("0 0 0 31 * *", "2031-01-31T00:00:00", "2031-03-31T00:00:00"),
            ("0 0 0 30 * *", "2031-01-30T12:00:00", "2031-03-30T00:00:00"),
            ("0 0 0 1 1 *", "2031-12-31T23:59:59", "2032-01-01T00:00:00"),
            ("0 0 0 31 12 *", "2031-12-31T00:00:00", "2032-12-31T00:00:00"),
            ("59 59 23 31 12 *", "2031-12-31T23:59:58", "2031-12-31T23:59:59"),
            // Leap years, the one that 2100 is not included.
            ("0 0 0 29 2 *", "2031-01-01T00:00:00", "2032-02-29T00:00:00"),
            ("0 0 0 29 2 *", "1999-12-31T00:00:00", "2000-02-29T00:00:00"),
            ("0 0 0 29 2 *", "2092-03-01T00:00:00", "2096-02-29T00:00:00"),
            ("0 0 0 29 2 *", "2096-02-29T00:00:00", nil),
            ("0 0 0 29 2 1", "2031-01-01T00:00:00", "2032-02-29T00:00:00"),
            ("0 0 0 29 2 2", "2031-01-01T00:00:00", "2044-02-29T00:00:00"),
            // Weekdays: 1 is Sunday.
            ("0 0 0 * * 1", "2031-04-02T00:00:00", "2031-04-06T00:00:00"),
            ("0 0 0 * * 7", "2031-04-02T00:00:00", "2031-04-05T00:00:00"),
            ("0 0 0 * * 2-6", "2031-04-04T00:00:00", "2031-04-07T00:00:00"),
            ("0 0 0 * * 1-5", "2031-04-03T00:00:00", "2031-04-06T00:00:00"),
            ("0 0 0 * * mon", "2031-04-02T00:00:00", "2031-04-07T00:00:00"),
            // Both day fields must match.
            ("0 0 0 13 * fri", "2031-01-01T00:00:00", "2031-06-13T00:00:00"),
            ("0 0 0 1 * ?", "2031-04-02T00:00:00", "2031-05-01T00:00:00"),
            // Years.
            ("0 0 0 1 1 * 2040", "2031-04-02T00:00:00", "2040-01-01T00:00:00"),
            ("0 0 0 1 1 * 2030-2100/7", "2031-04-02T00:00:00", "2037-01-01T00:00:00"),
            ("0 0 0 * * * 2031,2033", "2031-12-31T00:00:00", "2033-01-01T00:00:00"),
            ("0 0 0 * * * 2030", "2031-04-02T00:00:00", nil),
            ("59 59 23 31 12 * 2100", "2031-04-02T00:00:00", "2100-12-31T23:59:59"),
            ("* * * * * *", "2100-12-31T23:59:59", nil),
            ("0 0 0 1 1 *", "2099-12-31T23:59:59", "2100-01-01T00:00:00"),
            ("0 0 0 1 1 *", "2100-01-01T00:00:00", nil),
            // Never.
            ("0 0 0 30 2 *", "2031-04-02T00:00:00", nil),
            ("0 0 0 31 2,4,6,9,11 *", "1970-01-01T00:00:00", nil),
            // Shorthands.
            ("@yearly", "2031-04-02T09:30:15", "2032-01-01T00:00:00"),
            ("@monthly", "2031-04-02T09:30:15", "2031-05-01T00:00:00"),
            ("@weekly", "2031-04-02T09:30:15", "2031-04-06T00:00:00"),
            ("@daily", "2031-04-02T09:30:15", "2031-04-03T00:00:00"),
            ("@hourly", "2031-04-02T09:30:15", "2031-04-02T10:00:00"),
        ] as [(String, String, String?)]
    )
    func vectors(expression: String, after: String, expected: String?) throws {
        let next = try CronExpression(expression).next(after: instant(after))
        #expect(next.map { CivilTime(secondsSince1970: $0.seconds).text } == expected)
    }

    @Test(
        "follows crontab(5) where there are five fields",
        arguments: [
            ("*/15 * * * *", "2031-04-02T09:30:00", "2031-04-02T09:45:00"),
            ("0 2 * * *", "2031-04-02T02:00:00", "2031-04-03T02:00:00"),
            ("30 4 * jan-mar *", "2031-04-02T00:00:00", "2032-01-01T04:30:00"),
            // Sunday is 0 and 7.
            ("0 0 * * 0", "2031-04-02T00:00:00", "2031-04-06T00:00:00"),
            ("0 0 * * 7", "2031-04-02T00:00:00", "2031-04-06T00:00:00"),
            ("0 0 * * 6-7", "2031-04-05T00:00:00", "2031-04-06T00:00:00"),
            ("0 0 * * 1-5", "2031-04-04T00:00:00", "2031-04-07T00:00:00"),
            // Either day field is enough: the crontab manual's own example, the 1st and 15th and
            // every Friday.
            ("30 4 1,15 * 5", "2031-04-02T00:00:00", "2031-04-04T04:30:00"),
            ("30 4 1,15 * 5", "2031-04-11T04:30:00", "2031-04-15T04:30:00"),
            ("30 4 1,15 * 5", "2031-04-25T04:30:00", "2031-05-01T04:30:00"),
            // Unless one of them starts with an asterisk: then both must match.
            ("0 0 13 * *", "2031-04-02T00:00:00", "2031-04-13T00:00:00"),
            ("0 0 */2 * 1", "2031-04-02T00:00:00", "2031-04-07T00:00:00"),
            ("0 0 */2 * 1", "2031-04-07T00:00:00", "2031-04-21T00:00:00"),
            ("0 0 1-31 * 1", "2031-04-02T00:00:00", "2031-04-03T00:00:00"),
            ("0 0 31 2 1", "2031-04-02T00:00:00", "2032-02-02T00:00:00"),
            ("0 0 31 2 *", "2031-04-02T00:00:00", nil),
        ] as [(String, String, String?)]
    )
    func crontab(expression: String, after: String, expected: String?) throws {
        let next = try CronExpression(expression).next(after: instant(after))
        #expect(next.map { CivilTime(secondsSince1970: $0.seconds).text } == expected)
    }

    @Test("a fraction of a second counts: the whole second before it is past, the one after is not")
    func fractions() throws {
        let every = try CronExpression("* * * * * *")
        let second = Timestamp(seconds: 1_900_000_000)
        let before = Timestamp(nanoseconds: second.nanoseconds - 1)
        let after = Timestamp(nanoseconds: second.nanoseconds + 1)
        #expect(every.next(after: before) == second)
        #expect(every.next(after: second) == Timestamp(seconds: 1_900_000_001))
        #expect(every.next(after: after) == Timestamp(seconds: 1_900_000_001))
    }

    @Test("before 1970 the first slot is in 1970")
    func beforeTheEpoch() throws {
        let every = try CronExpression("* * * * * *")
        #expect(every.next(after: Timestamp(seconds: -1)) == Timestamp(seconds: 0))
        #expect(every.next(after: Timestamp(seconds: -86_400 * 365)) == Timestamp(seconds: 0))
    }
}

/// The instant that `2031-04-02T09:30:00` names, in UTC.
func instant(_ text: String) -> Timestamp {
    let parts = text.split { !$0.isNumber }.compactMap { Int($0) }
    precondition(parts.count == 6)
    let civil = CivilTime(
        year: parts[0],
        month: parts[1],
        day: parts[2],
        hour: parts[3],
        minute: parts[4],
        second: parts[5]
    )
    return Timestamp(seconds: civil.secondsSince1970)
}
