import Primitives
import Testing

@Suite("Time")
struct TimeTests {
    /// Days counted one by one, as a calendar does it.
    @Test("every day of nine hundred years is the one after the day before")
    func days() {
        var date = CivilTime(year: 1600, month: 1, day: 1)
        var seconds = date.secondsSince1970
        #expect(seconds == -11_676_096_000)
        #expect(date.weekday == 6, "1 January 1600 was a Saturday")
        var weekday = date.weekday
        while date.year < 2500 {
            guard CivilTime(secondsSince1970: seconds) == date, date.secondsSince1970 == seconds,
                date.weekday == weekday
            else {
                Issue.record("\(date) is not \(seconds)")
                return
            }
            seconds += 86_400
            weekday = (weekday + 1) % 7
            date.day += 1
            if date.day > CivilTime.days(inMonth: date.month, of: date.year) {
                date.day = 1
                date.month += 1
            }
            if date.month > 12 {
                date.month = 1
                date.year += 1
            }
        }
    }

    @Test("the time of day survives the way there and back")
    func timeOfDay() {
        var entropy = SeededEntropy(seed: 3)
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -100_000_000_000...100_000_000_000, using: &entropy)
            let date = CivilTime(secondsSince1970: seconds)
            #expect(date.secondsSince1970 == seconds)
            #expect((0..<24).contains(date.hour) && (0..<60).contains(date.minute))
        }
    }

    @Test("leap years follow Gregory")
    func leapYears() {
        let years = [1900, 2000, 2023, 2024, 2100, 2400]
        let lengths = years.map { CivilTime.days(inMonth: 2, of: $0) }
        #expect(lengths == [28, 29, 28, 29, 28, 29])
        #expect((1...12).reduce(0) { $0 + CivilTime.days(inMonth: $1, of: 2023) } == 365)
    }

    @Test(
        "RFC 3339 has as many fraction digits as the instant needs",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00Z"),
            (1_900_000_000_000_000_000, "2030-03-17T17:46:40Z"),
            (1_900_000_000_120_000_000, "2030-03-17T17:46:40.120Z"),
            (1_900_000_000_000_003_000, "2030-03-17T17:46:40.000003Z"),
            (1_900_000_000_000_000_007, "2030-03-17T17:46:40.000000007Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (-1_000_000_000, "1969-12-31T23:59:59Z"),
        ]
    )
    func rfc3339(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).rfc3339() == text)
    }

    @Test("the zone is written as asked")
    func zone() {
        #expect(Timestamp(seconds: 0).rfc3339(zone: "+00:00") == "1970-01-01T00:00:00+00:00")
    }

    @Test("seconds are rounded down, before 1970 too")
    func seconds() {
        #expect(Timestamp(nanoseconds: -1).seconds == -1)
        #expect(Timestamp(nanoseconds: -1_000_000_000).seconds == -1)
        #expect(Timestamp(nanoseconds: -1_000_000_001).seconds == -2)
        #expect(Timestamp(nanoseconds: 1_999_999_999).seconds == 1)
    }

    @Test("an instant never goes beyond the end of time")
    func saturation() {
        let end = Timestamp(nanoseconds: .max)
        #expect(end.advanced(by: .seconds(1)) == end)
        #expect(Timestamp.Span.milliseconds(.max).nanoseconds == .max)
        #expect(Timestamp.Span.seconds(.max).nanoseconds == .max)
        #expect(Timestamp.Span.seconds(.min).nanoseconds == .min)
        #expect(Timestamp(seconds: 5).distance(to: Timestamp(seconds: 3)) == .seconds(-2))
    }
}
