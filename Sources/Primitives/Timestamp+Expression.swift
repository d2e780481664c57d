extension Timestamp {
    /// The forms that ``init(expression:now:)`` reads, for whoever wrote something else.
    package static let expressionForms =
        "2026-09-01T12:00:00Z, '2026-09-01 12:00' (UTC), 2026-09-01, -90s, -15m, -1h, -2d, now, "
        + "today or yesterday; years are 1678 to 2261"

    /// A point in time as people write it: RFC 3339 with or without a zone (UTC then, like every
    /// time that is printed), a date, `now`, `today`, `yesterday`, or a time ago such as `-1h` or
    /// `-1d12h`. Nil: it is none of these.
    package init?(expression text: String, now: Timestamp) {
        guard let time = Self.relative(text, now) ?? Timestamp(rfc3339: text) else { return nil }
        self = time
    }

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
}
