extension CronExpression {
    /// Reads an expression of 5, 6 or 7 fields separated by blanks, or a shorthand.
    ///
    /// - Throws: ``CronExpressionError``, which names the field, its text and what is allowed.
    package init(_ text: String) throws(CronExpressionError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw CronExpressionError(
                expression: text,
                problem: .tooLong(bytes: text.utf8.count)
            )
        }
        var fields = text.split(whereSeparator: \.isWhitespace)
        if let shorthand = fields.first, shorthand.hasPrefix("@") {
            guard fields.count == 1, let long = Self.shorthands[String(shorthand)] else {
                throw CronExpressionError(expression: text, problem: .unknownShorthand)
            }
            fields = long.split(separator: " ")
        }
        switch fields.count {
        case 0: throw CronExpressionError(expression: text, problem: .empty)
        case 5: try self.init(text, crontab: fields)
        case 6, 7: try self.init(text, withSeconds: fields)
        default:
            throw CronExpressionError(expression: text, problem: .fieldCount(fields.count))
        }
    }

    private static let shorthands = [
        "@yearly": "0 0 0 1 1 *",
        "@monthly": "0 0 0 1 * *",
        "@weekly": "0 0 0 * * 1",
        "@daily": "0 0 0 * * *",
        "@hourly": "0 0 * * * *",
    ]

    private init(_ text: String, withSeconds fields: [Substring]) throws(CronExpressionError) {
        let terms = try Self.parse(fields, as: CronField.withSeconds, of: text)
        self.text = text
        seconds = Self.set(of: terms[0])
        minutes = Self.set(of: terms[1])
        hours = Self.set(of: terms[2])
        days = Self.set(of: terms[3])
        months = Self.set(of: terms[4])
        weekdays = Self.set(of: terms[5]) >> 1
        years = terms.count == 7 ? Self.years(of: terms[6]) : nil
        eitherDay = false
        goesByClock = !fields[1].hasPrefix("*") && !fields[2].hasPrefix("*")
    }

    private init(_ text: String, crontab fields: [Substring]) throws(CronExpressionError) {
        let terms = try Self.parse(fields, as: CronField.crontab, of: text)
        self.text = text
        seconds = 1
        minutes = Self.set(of: terms[0])
        hours = Self.set(of: terms[1])
        days = Self.set(of: terms[2])
        months = Self.set(of: terms[3])
        let upToSeven = Self.set(of: terms[4])
        weekdays = (upToSeven | upToSeven >> 7) & 0x7F
        years = nil
        // crontab(5): a field that starts with an asterisk, a stepped one too, restricts nothing.
        eitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        goesByClock = !fields[0].hasPrefix("*") && !fields[1].hasPrefix("*")
    }

    /// The terms of each field. There are not more texts than fields.
    private static func parse(
        _ texts: [Substring],
        as fields: [CronField],
        of expression: String
    ) throws(CronExpressionError) -> [[CronField.Term]] {
        var terms: [[CronField.Term]] = []
        for (field, text) in zip(fields, texts) {
            do throws(CronField.Problem) {
                terms.append(try field.parse(text))
            } catch {
                throw CronExpressionError(
                    expression: expression,
                    problem: .field(field.name, text: String(text), reason: error.reason)
                )
            }
        }
        return terms
    }

    /// Every value of `terms` as a bit; all are below 64.
    private static func set(of terms: [CronField.Term]) -> UInt64 {
        var set: UInt64 = 0
        for term in terms {
            for value in stride(
                from: term.values.lowerBound,
                through: term.values.upperBound,
                by: term.step
            ) {
                set |= 1 << UInt64(value)
            }
        }
        return set
    }

    /// The years of `terms`, ascending; nil when that is all of them.
    private static func years(of terms: [CronField.Term]) -> [Int]? {
        let all = yearMin...yearMax
        let years = all.filter { year in
            terms.contains { term in
                term.values.contains(year) && (year - term.values.lowerBound) % term.step == 0
            }
        }
        return years.count == all.count ? nil : years
    }
}
