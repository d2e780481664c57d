package import Primitives

/// An expression, read in a time zone.
///
/// How a change of the clocks is met, as in the cron of Vixie:
///
/// * A schedule whose minute and hour fields do not start with `*` goes by what clocks show: a slot
///   that they skip comes once, at the first instant after the gap, and one that they show twice
///   comes the first time.
/// * Any other goes on as time passes: it comes whenever clocks show a matching time.
package struct CronSchedule: Equatable, Sendable {
    package let expression: CronExpression
    package let zone: TimeZoneRules
    /// The whole schedule: the expression, behind `CRON_TZ=` and the zone where that is not UTC.
    package let text: String

    package init(_ expression: CronExpression, in zone: TimeZoneRules = .utc) {
        self.expression = expression
        self.zone = zone
        text =
            zone.name == TimeZoneRules.utc.name
            ? expression.text : "CRON_TZ=\(zone.name) \(expression.text)"
    }

    /// The first slot strictly after `instant`; nil: there is none before the year 2101.
    package func next(after instant: Timestamp) -> Timestamp? {
        if zone.isUTC { return expression.next(after: instant) }
        let second = max(0, instant.seconds)
        let found =
            expression.goesByClock
            ? zone.nextByClock(expression, after: second)
            : zone.nextByElapsed(expression, after: second)
        return found.map { Timestamp(seconds: $0) }
    }

    /// The last slot that is not after `end` and strictly after `start`; nil: there is none.
    func latest(after start: Timestamp, notAfter end: Timestamp) -> Timestamp? {
        guard let first = next(after: start), first <= end else { return nil }
        // The slot behind an instant never comes earlier for a later instant.
        var low = start.seconds
        var high = end.seconds
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if let slot = next(after: Timestamp(seconds: middle)), slot <= end {
                low = middle
            } else {
                high = middle
            }
        }
        return next(after: Timestamp(seconds: low))
    }

    /// Where the last `count` slots up to `end` begin, none of them at or before `start`: an
    /// instant behind which they come next.
    func floor(ofLast count: Int, after start: Timestamp, notAfter end: Timestamp) -> Timestamp {
        precondition(count > 0)
        var seen = 0
        var slot = start
        while seen <= count, let next = next(after: slot), next <= end {
            slot = next
            seen += 1
        }
        guard seen > count else { return start }
        var floor = end
        for _ in 0..<count {
            guard let slot = latest(after: start, notAfter: floor) else { break }
            floor = Timestamp(seconds: slot.seconds - 1)
        }
        return max(start, floor)
    }
}
