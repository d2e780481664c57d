package import Primitives

/// Which whole seconds of UTC a schedule names.
///
/// Two dialects, told apart by the number of fields:
///
/// * 6 or 7 fields: `second minute hour day month weekday [year]`, weekdays 1 (Sunday) to 7
///   (Saturday); a day matches when day of month *and* weekday do.
/// * 5 fields, as in crontab(5): `minute hour day month weekday`, weekdays 0 to 7 (Sunday is both
///   0 and 7); where neither day field starts with `*`, a day matches when *either* does.
///
/// Invariants:
/// * `seconds`, `minutes` and `hours` are not empty, so every matching day has a matching time.
/// * Bit n of a set stands for the value n; bit 0 of `weekdays` is Sunday.
package struct CronExpression: Equatable, Sendable {
    /// As it was written.
    package let text: String
    let seconds: UInt64
    let minutes: UInt64
    let hours: UInt64
    let days: UInt64
    let months: UInt64
    let weekdays: UInt64
    /// Ascending; nil: every year.
    let years: [Int]?
    /// Whether one matching day field is enough.
    let eitherDay: Bool
    /// Whether neither the minute nor the hour is written with a `*` in front.
    let goesByClock: Bool

    /// A schedule's text, in bytes.
    package static let bytesMax = 1024
    /// The last year in which a slot is looked for.
    package static let yearMax = 2100
    package static let yearMin = 1970

    /// The first matching second strictly after `instant`.
    ///
    /// - Returns: nil when there is none before the year 2101: a 30th of February, a year gone by.
    package func next(after instant: Timestamp) -> Timestamp? {
        let start = CivilTime(secondsSince1970: max(0, instant.seconds + 1))
        guard let date = firstDate(from: start.year, start.month, start.day) else { return nil }
        let isStart = (date.year, date.month, date.day) == (start.year, start.month, start.day)
        if !isStart { return timestamp(date, firstTime) }
        if let time = time(from: TimeOfDay(start.hour, start.minute, start.second)) {
            return timestamp(date, time)
        }
        return firstDate(from: start.year, start.month, start.day + 1).map {
            timestamp($0, firstTime)
        }
    }

    private func timestamp(_ date: Date, _ time: TimeOfDay) -> Timestamp {
        let civil = CivilTime(
            year: date.year,
            month: date.month,
            day: date.day,
            hour: time.hour,
            minute: time.minute,
            second: time.second
        )
        return Timestamp(seconds: civil.secondsSince1970)
    }
}

// MARK: Days

extension CronExpression {
    private struct Date {
        let year: Int
        let month: Int
        let day: Int
    }

    /// The first matching day on or after a date, whose `day` may be one past its month.
    private func firstDate(from year: Int, _ month: Int, _ day: Int) -> Date? {
        guard year <= Self.yearMax else { return nil }
        var month = month
        var day = day
        for year in year...Self.yearMax {
            while includes(year: year), let candidate = Self.first(in: months, from: month) {
                if candidate != month { day = 1 }
                let matching = matchingDays(ofMonth: candidate, in: year)
                if let day = Self.first(in: matching, from: day) {
                    return Date(year: year, month: candidate, day: day)
                }
                month = candidate + 1
                day = 1
            }
            month = 1
            day = 1
        }
        return nil
    }

    private func includes(year: Int) -> Bool {
        guard let years else { return true }
        return years.contains(year)
    }

    /// The matching days of one month: bit d is day d.
    private func matchingDays(ofMonth month: Int, in year: Int) -> UInt64 {
        let count = CivilTime.days(inMonth: month, of: year)
        let existing = (1 << UInt64(count + 1)) - UInt64(2)
        // The week that begins with the month's first day, repeated five times from bit 1 on.
        let first = UInt64(CivilTime(year: year, month: month, day: 1).weekday)
        let week = (weekdays >> first | weekdays << (7 - first)) & 0x7F
        let onWeekdays = (week &* 0x1020_4081) << 1
        return (eitherDay ? days | onWeekdays : days & onWeekdays) & existing
    }

    /// The lowest member of `set` that is at least `value`; `value` is at least 0.
    private static func first(in set: UInt64, from value: Int) -> Int? {
        guard value < 64 else { return nil }
        let rest = (set >> UInt64(value)) << UInt64(value)
        return rest == 0 ? nil : rest.trailingZeroBitCount
    }
}

// MARK: Times of day

extension CronExpression {
    private struct TimeOfDay {
        let hour: Int
        let minute: Int
        let second: Int

        init(_ hour: Int, _ minute: Int, _ second: Int) {
            self.hour = hour
            self.minute = minute
            self.second = second
        }
    }

    private var firstTime: TimeOfDay {
        TimeOfDay(
            hours.trailingZeroBitCount,
            minutes.trailingZeroBitCount,
            seconds.trailingZeroBitCount
        )
    }

    /// The first matching time of a day, not before `start`.
    private func time(from start: TimeOfDay) -> TimeOfDay? {
        let first = firstTime
        if hours & 1 << UInt64(start.hour) != 0 {
            if minutes & 1 << UInt64(start.minute) != 0,
                let second = Self.first(in: seconds, from: start.second)
            {
                return TimeOfDay(start.hour, start.minute, second)
            }
            if let minute = Self.first(in: minutes, from: start.minute + 1) {
                return TimeOfDay(start.hour, minute, first.second)
            }
        }
        return Self.first(in: hours, from: start.hour + 1).map {
            TimeOfDay($0, first.minute, first.second)
        }
    }
}
