package import Primitives

/// A point in time as people write it: RFC 3339 with or without a zone (UTC then, like every time
/// that is printed), a date, `now`, `today`, `yesterday`, or a time ago such as `-1h` or `-1d12h`.
package enum TimeExpression {
    /// - Throws: ``ToolError`` with the forms that there are.
    package static func parse(_ text: String, now: Timestamp) throws(ToolError) -> Timestamp {
        if let time = relative(text, now) ?? absolute(text) { return time }
        throw ToolError(
            .malformedTime,
            "'\(Text.visible(text))' is no time; write 2026-09-01T12:00:00Z, '2026-09-01 12:00' "
                + "(UTC), 2026-09-01, -90s, -15m, -1h, -2d, now, today or yesterday"
        )
    }

    // MARK: Relative

    private static let units: [Character: Int64] = [
        "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800,
    ]

    private static func relative(_ text: String, _ now: Timestamp) -> Timestamp? {
        let day: Int64 = 86_400
        let midnight = now.seconds - (now.seconds % day + day) % day
        switch text {
        case "now": return now
        case "today": return Timestamp(seconds: midnight)
        case "yesterday": return Timestamp(seconds: midnight - day)
        default: break
        }
        guard text.first == "-", text.count > 1 else { return nil }
        var total: Int64 = 0
        var digits = ""
        for character in text.dropFirst() {
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            guard let unit = units[character], let count = Int64(digits), count <= 1_000_000
            else { return nil }
            total += count * unit
            digits = ""
        }
        guard digits.isEmpty else { return nil }
        let (start, overflow) = now.nanoseconds.subtractingReportingOverflow(
            total.multipliedReportingOverflow(by: 1_000_000_000).partialValue
        )
        return overflow || total > 4_000_000_000 ? nil : Timestamp(nanoseconds: start)
    }

    // MARK: Absolute

    private static func absolute(_ text: String) -> Timestamp? {
        var rest = Substring(text)
        guard let year = number(&rest, digits: 4), skip(&rest, "-"),
            let month = number(&rest, digits: 2), skip(&rest, "-"),
            let day = number(&rest, digits: 2),
            (1678...2261).contains(year), (1...12).contains(month),
            (1...CivilTime.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        var civil = CivilTime(year: year, month: month, day: day)
        if rest.isEmpty { return Timestamp(seconds: civil.secondsSince1970) }
        guard skip(&rest, "T") || skip(&rest, "t") || skip(&rest, " "),
            let hour = number(&rest, digits: 2), hour < 24, skip(&rest, ":"),
            let minute = number(&rest, digits: 2), minute < 60
        else { return nil }
        civil.hour = hour
        civil.minute = minute
        var nanoseconds: Int64 = 0
        if skip(&rest, ":") {
            // 60 is a leap second, which this calendar does not have: the next minute's first.
            guard let second = number(&rest, digits: 2), second <= 60 else { return nil }
            civil.second = second
            if skip(&rest, ".") {
                guard let fraction = fraction(&rest) else { return nil }
                nanoseconds = fraction
            }
        }
        guard let zone = zone(&rest), rest.isEmpty else { return nil }
        let seconds = civil.secondsSince1970 - zone
        return Timestamp(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
    }

    private static func number(_ rest: inout Substring, digits: Int) -> Int? {
        let part = rest.prefix(digits)
        guard part.utf8.count == digits, part.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        rest = rest.dropFirst(digits)
        return Int(part)
    }

    private static func skip(_ rest: inout Substring, _ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Nanoseconds of a fraction of 1 to 9 digits.
    private static func fraction(_ rest: inout Substring) -> Int64? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard (1...9).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return Int64(digits + String(repeating: "0", count: 9 - digits.count))
    }

    /// Seconds east of UTC.
    private static func zone(_ rest: inout Substring) -> Int64? {
        if rest.isEmpty || skip(&rest, "Z") || skip(&rest, "z") { return 0 }
        let isEast = rest.first == "+"
        guard isEast || rest.first == "-" else { return nil }
        rest = rest.dropFirst()
        guard let hours = number(&rest, digits: 2), hours < 24, skip(&rest, ":"),
            let minutes = number(&rest, digits: 2), minutes < 60
        else { return nil }
        let seconds = Int64(hours * 3600 + minutes * 60)
        return isEast ? seconds : -seconds
    }
}
