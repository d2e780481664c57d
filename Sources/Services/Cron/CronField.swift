import Primitives

/// One field of a cron expression: what may stand in it, and how it is read.
struct CronField {
    let name: String
    let range: ClosedRange<Int>
    /// What a name stands for, lower-case.
    var names: [String: Int] = [:]
    /// Whether `?` is the same as `*`.
    var allowsQuestionMark = false
    /// Whether `5/15` means "from 5 on, every 15".
    var allowsStepFromNumber = true
    /// What is allowed, for error messages.
    let allowed: String
}

// MARK: The fields

extension CronField {
    /// The fields of an expression of 6 or 7 fields.
    static let withSeconds = [
        CronField(name: "second", range: 0...59, allowed: "0 to 59"),
        CronField(name: "minute", range: 0...59, allowed: "0 to 59"),
        CronField(name: "hour", range: 0...23, allowed: "0 to 23"),
        CronField(
            name: "day of month",
            range: 1...31,
            allowsQuestionMark: true,
            allowed: "1 to 31"
        ),
        CronField(
            name: "month",
            range: 1...12,
            names: monthNames,
            allowed: "1 to 12 or jan to dec"
        ),
        CronField(
            name: "day of week",
            range: 1...7,
            names: weekdayNames(sunday: 1),
            allowsQuestionMark: true,
            allowed: "1 (Sunday) to 7 (Saturday) or sun to sat"
        ),
        CronField(
            name: "year",
            range: CronExpression.yearMin...CronExpression.yearMax,
            allowed: "\(CronExpression.yearMin) to \(CronExpression.yearMax)"
        ),
    ]

    /// The fields of crontab(5).
    static let crontab = [
        CronField(
            name: "minute",
            range: 0...59,
            allowsStepFromNumber: false,
            allowed: "0 to 59"
        ),
        CronField(name: "hour", range: 0...23, allowsStepFromNumber: false, allowed: "0 to 23"),
        CronField(
            name: "day of month",
            range: 1...31,
            allowsStepFromNumber: false,
            allowed: "1 to 31"
        ),
        CronField(
            name: "month",
            range: 1...12,
            names: monthNames,
            allowsStepFromNumber: false,
            allowed: "1 to 12 or jan to dec"
        ),
        CronField(
            name: "day of week",
            range: 0...7,
            names: weekdayNames(sunday: 0),
            allowsStepFromNumber: false,
            allowed: "0 to 7 (0 and 7 are Sunday) or sun to sat"
        ),
    ]

    private static let monthNames: [String: Int] = {
        let months = [
            "january", "february", "march", "april", "may", "june", "july", "august",
            "september", "october", "november", "december",
        ]
        var names: [String: Int] = [:]
        for (index, month) in months.enumerated() {
            names[month] = index + 1
            names[String(month.prefix(3))] = index + 1
        }
        return names
    }()

    private static func weekdayNames(sunday: Int) -> [String: Int] {
        let days = [
            ["sun", "sunday"], ["mon", "monday"], ["tue", "tues", "tuesday"],
            ["wed", "wednesday"], ["thu", "thurs", "thursday"], ["fri", "friday"],
            ["sat", "saturday"],
        ]
        var names: [String: Int] = [:]
        for (index, spellings) in days.enumerated() {
            for spelling in spellings { names[spelling] = index + sunday }
        }
        return names
    }
}

// MARK: Reading

extension CronField {
    /// Every `step`-th value of a range, from its lower bound on.
    struct Term: Equatable {
        let values: ClosedRange<Int>
        let step: Int
    }

    /// What is wrong with a field's text.
    struct Problem: Error {
        let reason: String
    }

    /// Reads a field: terms separated by commas.
    func parse(_ text: Substring) throws(Problem) -> [Term] {
        var terms: [Term] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            terms.append(try parseTerm(item))
        }
        return terms
    }

    private func parseTerm(_ item: Substring) throws(Problem) -> Term {
        let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (values, form) = try parseValues(parts[0])
        guard parts.count == 2 else { return Term(values: values, step: 1) }
        let step = try parseStep(parts[1])
        switch form {
        case .all, .range:
            return Term(values: values, step: step)
        case .number where allowsStepFromNumber:
            return Term(values: values.lowerBound...range.upperBound, step: step)
        case .number, .name:
            let bounds = "\(parts[0])-\(range.upperBound)/\(step)"
            throw Problem(reason: "a step needs * or a range before it, such as \(bounds)")
        }
    }

    private enum Form {
        case all
        case number
        case name
        case range
    }

    private func parseValues(_ text: Substring) throws(Problem) -> (ClosedRange<Int>, Form) {
        if text == "*" { return (range, .all) }
        if text == "?" {
            if allowsQuestionMark { return (range, .all) }
            throw Problem(reason: "? stands for days of 6 and 7 fields only; use *")
        }
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let (lower, isName) = try parseValue(bounds[0])
        guard bounds.count == 2 else { return (lower...lower, isName ? .name : .number) }
        let upper = try parseValue(bounds[1]).value
        guard lower <= upper else {
            throw Problem(reason: "the range \(text) goes down; write it as two ranges")
        }
        return (lower...upper, .range)
    }

    private func parseValue(_ text: Substring) throws(Problem) -> (value: Int, isName: Bool) {
        if let value = names[text.lowercased()] { return (value, true) }
        guard let value = Int(plainDigits: text), range.contains(value) else {
            let subject = text.isEmpty ? "a value is missing" : "\(text) is not allowed"
            throw Problem(reason: "\(subject); expected \(allowed)")
        }
        return (value, false)
    }

    private func parseStep(_ text: Substring) throws(Problem) -> Int {
        guard let step = Int(plainDigits: text), (1...range.upperBound).contains(step) else {
            throw Problem(reason: "the step must be 1 to \(range.upperBound)")
        }
        return step
    }
}
