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

    /// Reads an expression, whose zone may stand before it, as `CRON_TZ=Europe/Berlin`; else it is
    /// the one named `timezone`, or the standard one of `zones`.
    init(_ text: String, timezone: String?, _ zones: TimeZones) throws(CronScheduleError) {
        let (prefix, expression) = Self.splitZone(text)
        let name = prefix ?? timezone
        let found: TimeZoneRules? = name.map { zones.find($0) } ?? zones.standard
        guard let zone = found else {
            throw zones.isMissing() ? .noZones : .unknownZone(name ?? "")
        }
        do throws(CronExpressionError) {
            self.init(try CronExpression(expression), in: zone)
        } catch {
            throw .expression(error)
        }
    }

    /// `CRON_TZ=Europe/Berlin 0 2 * * *` as its two parts.
    private static func splitZone(_ text: String) -> (zone: String?, expression: String) {
        let marks = ["CRON_TZ=", "TZ="]
        guard let mark = marks.first(where: { text.hasPrefix($0) }) else { return (nil, text) }
        let rest = text.dropFirst(mark.count)
        let zone = rest.prefix { !$0.isWhitespace }
        return (String(zone), String(rest[zone.endIndex...].drop(while: \.isWhitespace)))
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

/// Why a text is no schedule.
enum CronScheduleError: Error, Equatable, CustomStringConvertible {
    case unknownZone(String)
    case noZones
    case expression(CronExpressionError)

    var description: String {
        switch self {
        case .unknownZone(let name):
            "there is no time zone \"\(name)\" in the system's database; names are as in "
                + "Europe/Berlin"
        case .noZones: "this system has no time zone database; install tzdata"
        case .expression(let error): error.description
        }
    }
}
