import Cron
import Primitives
import Testing

/// Random expressions, written down together with what they mean, against a search that looks at
/// every day and every second.
@Suite("The next slot against a search through every second")
struct CronDifferentialTests {
    @Test("is the same", arguments: UInt64(1)...24)
    func differential(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        for round in 0..<8 {
            let schedule = RandomSchedule(from: &entropy, crontab: round % 3 == 0)
            let expression = try CronExpression(schedule.text)
            for _ in 0..<3 {
                let after = Int64.random(in: 0..<4_133_980_800, using: &entropy)
                let found = expression.next(after: Timestamp(seconds: after))?.seconds
                #expect(
                    found == schedule.search(after: after),
                    "seed \(seed), \"\(schedule.text)\" after \(after)"
                )
            }
        }
    }

    @Test("slots come in order and leave none out", arguments: UInt64(1)...8)
    func sequence(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        let schedule = RandomSchedule(from: &entropy, crontab: seed % 2 == 0)
        let expression = try CronExpression(schedule.text)
        var slot = Int64.random(in: 0..<3_000_000_000, using: &entropy)
        for _ in 0..<5 {
            let next = expression.next(after: Timestamp(seconds: slot))?.seconds
            #expect(
                next == schedule.search(after: slot),
                "seed \(seed), \"\(schedule.text)\" after \(slot)"
            )
            guard let next else { return }
            slot = next
        }
    }
}

/// A schedule as text and, found without reading that text, as sets of values.
private struct RandomSchedule {
    private(set) var text: String
    private let seconds: Set<Int>
    private let minutes: Set<Int>
    private let hours: Set<Int>
    private let days: Set<Int>
    private let months: Set<Int>
    /// 0 is Sunday.
    private let weekdays: Set<Int>
    private let years: Set<Int>
    private let eitherDay: Bool

    init(from entropy: inout SeededEntropy, crontab: Bool) {
        func field(_ range: ClosedRange<Int>) -> RandomField {
            RandomField(in: range, stepsFromNumbers: !crontab, from: &entropy)
        }
        let second = crontab ? nil : field(0...59)
        let minute = field(0...59)
        let hour = field(0...23)
        let day = field(1...31)
        let month = field(1...12)
        let weekday = field(crontab ? 0...7 : 1...7)
        let year = crontab || minute.values.count % 2 == 0 ? nil : field(1970...2100)
        let fields = [second, minute, hour, day, month, weekday, year]
        text = fields.compactMap { $0?.text }.joined(separator: " ")
        seconds = second?.values ?? [0]
        minutes = minute.values
        hours = hour.values
        days = day.values
        months = month.values
        weekdays = Set(weekday.values.map { crontab ? $0 % 7 : $0 - 1 })
        years = year?.values ?? Set(1970...2100)
        eitherDay = crontab && day.text.first != "*" && weekday.text.first != "*"
    }

    private func includes(day second: Int64) -> Bool {
        let date = CivilTime(secondsSince1970: second)
        guard years.contains(date.year), months.contains(date.month) else { return false }
        let onDay = days.contains(date.day)
        let onWeekday = weekdays.contains(date.weekday)
        return eitherDay ? onDay || onWeekday : onDay && onWeekday
    }

    /// The first second after `start`, by looking at each; nil when there is none before 2101.
    func search(after start: Int64) -> Int64? {
        let end = CivilTime(year: 2101, month: 1, day: 1).secondsSince1970
        var second = start + 1
        while second < end {
            guard includes(day: second) else {
                second = (second / 86_400 + 1) * 86_400
                continue
            }
            let time = Int(second % 86_400)
            if seconds.contains(time % 60), minutes.contains(time / 60 % 60),
                hours.contains(time / 3600)
            {
                return second
            }
            second += 1
        }
        return nil
    }
}

/// One field as text, and the values that it allows.
private struct RandomField {
    private(set) var text = ""
    private(set) var values: Set<Int> = []

    init(in range: ClosedRange<Int>, stepsFromNumbers: Bool, from entropy: inout SeededEntropy) {
        for index in 0..<Int.random(in: 1...3, using: &entropy) {
            if index > 0 { text += "," }
            let low = Int.random(in: range, using: &entropy)
            let high = Int.random(in: low...range.upperBound, using: &entropy)
            let step = Int.random(in: 1...min(range.upperBound, 20), using: &entropy)
            switch Int.random(in: 0..<6, using: &entropy) {
            case 0:
                add("*", range, 1)
            case 1:
                add("*/\(step)", range, step)
            case 2:
                add("\(low)-\(high)", low...high, 1)
            case 3:
                add("\(low)-\(high)/\(step)", low...high, step)
            case 4 where stepsFromNumbers:
                add("\(low)/\(step)", low...range.upperBound, step)
            default:
                add("\(low)", low...low, 1)
            }
        }
    }

    private mutating func add(_ term: String, _ range: ClosedRange<Int>, _ step: Int) {
        text += term
        for value in range where (value - range.lowerBound) % step == 0 { values.insert(value) }
    }
}
