import Primitives

/// A zone's rule for all years behind its last listed change, as in the variable `TZ` of POSIX with
/// the extensions of RFC 8536: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct POSIXZone: Equatable {
    /// In seconds east of UTC.
    private let standard: Int64
    private let summer: Summer?

    private struct Summer: Equatable {
        let offset: Int64
        let start: Day
        let end: Day
    }

    /// A day of each year, and the local time on it, in seconds; it may lie days off.
    private struct Day: Equatable {
        enum Rule: Equatable {
            /// 1 to 365; 29 February has no number.
            case julian(Int)
            /// 0 to 365.
            case ordinal(Int)
            case weekday(month: Int, week: Int, day: Int)
        }

        let rule: Rule
        let time: Int64
    }

    /// - Returns: nil: the text is no rule.
    init?(_ text: String) {
        var rest = text.utf8[...]
        guard Self.skipName(&rest), let standard = Self.time(&rest) else { return nil }
        self.standard = -standard
        guard !rest.isEmpty else {
            summer = nil
            return
        }
        guard Self.skipName(&rest) else { return nil }
        var offset = self.standard + 3600
        if let first = rest.first, first != UInt8(ascii: ",") {
            guard let given = Self.time(&rest) else { return nil }
            offset = -given
        }
        guard let start = Self.day(&rest), let end = Self.day(&rest), rest.isEmpty else {
            return nil
        }
        summer = Summer(offset: offset, start: start, end: end)
    }

    /// Adds the changes of every year up to the last in which slots are looked for.
    func extend(_ changes: inout [Int64], _ offsets: inout [Int64]) {
        guard let summer else { return }
        let last = changes.last ?? -1
        let firstYear = CivilTime(secondsSince1970: max(0, last)).year
        var added: [(time: Int64, offset: Int64)] = []
        for year in firstYear...CronExpression.yearMax + 1 {
            added.append((Self.instant(summer.end, year) - summer.offset, standard))
            added.append((Self.instant(summer.start, year) - standard, summer.offset))
        }
        // Summer time that lasts all year ends as it begins: of equal instants the later counts.
        let inOrder = added.enumerated().sorted {
            ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
        }
        for (_, change) in inOrder where change.time > last {
            if changes.last == change.time {
                offsets[offsets.count - 1] = change.offset
            } else {
                changes.append(change.time)
                offsets.append(change.offset)
            }
        }
    }

    private static func instant(_ day: Day, _ year: Int) -> Int64 {
        let newYear = CivilTime(year: year, month: 1, day: 1).secondsSince1970
        switch day.rule {
        case .julian(let number):
            let isLeap = CivilTime.days(inMonth: 2, of: year) == 29
            let days = isLeap && number >= 60 ? number : number - 1
            return newYear + Int64(days) * 86_400 + day.time
        case .ordinal(let number):
            return newYear + Int64(number) * 86_400 + day.time
        case .weekday(let month, let week, let weekday):
            let first = CivilTime(year: year, month: month, day: 1)
            var date = 1 + (weekday - first.weekday + 7) % 7 + (week - 1) * 7
            while date > CivilTime.days(inMonth: month, of: year) { date -= 7 }
            return first.secondsSince1970 + Int64(date - 1) * 86_400 + day.time
        }
    }
}

// MARK: Reading

extension POSIXZone {
    private typealias Text = Substring.UTF8View

    private static func take(_ character: Character, _ text: inout Text) -> Bool {
        guard text.first == character.asciiValue else { return false }
        text.removeFirst()
        return true
    }

    /// `CET`, or `<+0330>`.
    private static func skipName(_ text: inout Text) -> Bool {
        if take("<", &text) {
            guard let end = text.firstIndex(of: UInt8(ascii: ">")) else { return false }
            text = text[text.index(after: end)...]
            return true
        }
        let rest = text.drop { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
        defer { text = rest }
        return rest.count <= text.count - 3
    }

    private static func number(_ text: inout Text, upTo limit: Int64) -> Int64? {
        var value: Int64?
        while let digit = text.first, digit >= 0x30, digit <= 0x39 {
            value = (value ?? 0) * 10 + Int64(digit - 0x30)
            guard let value, value <= limit else { return nil }
            text.removeFirst()
        }
        return value
    }

    /// `[+-]hours[:minutes[:seconds]]`, in seconds.
    private static func time(_ text: inout Text) -> Int64? {
        let isNegative = take("-", &text)
        if !isNegative { _ = take("+", &text) }
        guard var seconds = number(&text, upTo: 167) else { return nil }
        seconds *= 3600
        for unit in [Int64(60), 1] where take(":", &text) {
            guard let count = number(&text, upTo: 59) else { return nil }
            seconds += count * unit
        }
        return isNegative ? -seconds : seconds
    }

    /// `,Mmonth.week.day`, `,Jn` or `,n`, and perhaps `/time`.
    private static func day(_ text: inout Text) -> Day? {
        guard take(",", &text) else { return nil }
        let rule: Day.Rule
        if take("M", &text) {
            guard let month = number(&text, upTo: 12), month > 0, take(".", &text),
                let week = number(&text, upTo: 5), week > 0, take(".", &text),
                let day = number(&text, upTo: 6)
            else { return nil }
            rule = .weekday(month: Int(month), week: Int(week), day: Int(day))
        } else if take("J", &text) {
            guard let number = number(&text, upTo: 365), number > 0 else { return nil }
            rule = .julian(Int(number))
        } else {
            guard let number = number(&text, upTo: 365) else { return nil }
            rule = .ordinal(Int(number))
        }
        guard take("/", &text) else { return Day(rule: rule, time: 7200) }
        return time(&text).map { Day(rule: rule, time: $0) }
    }
}
