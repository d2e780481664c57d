extension Timestamp {
    /// The time that a text such as `2026-09-01T12:00:00.5+02:00` names (RFC 3339, 5.6); the date
    /// alone is its first moment, and where there is no zone it is UTC. Nil: it names none.
    package init?(rfc3339 text: String) {
        var rest = Substring(text)
        guard let year = Self.number(&rest, digits: 4), Self.skip(&rest, "-"),
            let month = Self.number(&rest, digits: 2), Self.skip(&rest, "-"),
            let day = Self.number(&rest, digits: 2),
            (1678...2261).contains(year), (1...12).contains(month),
            (1...CivilTime.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        var civil = CivilTime(year: year, month: month, day: day)
        if rest.isEmpty {
            self.init(seconds: civil.secondsSince1970)
            return
        }
        guard Self.skip(&rest, "T") || Self.skip(&rest, "t") || Self.skip(&rest, " "),
            let hour = Self.number(&rest, digits: 2), hour < 24, Self.skip(&rest, ":"),
            let minute = Self.number(&rest, digits: 2), minute < 60
        else { return nil }
        civil.hour = hour
        civil.minute = minute
        var nanoseconds: Int64 = 0
        if Self.skip(&rest, ":") {
            // 60 is a leap second, which this calendar does not have: the next minute's first.
            guard let second = Self.number(&rest, digits: 2), second <= 60 else { return nil }
            civil.second = second
            if Self.skip(&rest, ".") {
                guard let fraction = Self.fraction(&rest) else { return nil }
                nanoseconds = fraction
            }
        }
        guard let zone = Self.zone(&rest), rest.isEmpty else { return nil }
        let seconds = civil.secondsSince1970 - zone
        self.init(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
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
        if rest.isEmpty || Self.skip(&rest, "Z") || Self.skip(&rest, "z") { return 0 }
        let isEast = rest.first == "+"
        guard isEast || rest.first == "-" else { return nil }
        rest = rest.dropFirst()
        guard let hours = Self.number(&rest, digits: 2), hours < 24, Self.skip(&rest, ":"),
            let minutes = Self.number(&rest, digits: 2), minutes < 60
        else { return nil }
        let seconds = Int64(hours * 3600 + minutes * 60)
        return isEast ? seconds : -seconds
    }
}
