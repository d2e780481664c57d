import Events
import Primitives

@testable import Cron

/// Suites whose jobs have a slot a minute, and that count the minutes after nine of one morning.
protocol MinutesAfterNine {}

extension MinutesAfterNine {
    var nine: Timestamp { instant("2031-04-02T09:00:00") }

    func at(_ minutes: Int64, _ seconds: Int64 = 0) -> Timestamp {
        nine.advanced(by: .seconds(minutes * 60 + seconds))
    }

    func trigger(
        _ policy: CronPolicy = CronPolicy(catchUp: .all),
        _ expression: String = "* * * * *",
        id: String = "t"
    ) throws -> CronTrigger {
        CronTrigger(
            id: id,
            function: FunctionName(id: "f"),
            expression: try CronExpression(expression),
            policy: policy
        )
    }

    /// Those that have fired.
    func minutes(_ cron: CronJournal) -> [Int64] {
        cron.fired.map { nine.distance(to: $0.scheduled).milliseconds / 60_000 }
    }
}
