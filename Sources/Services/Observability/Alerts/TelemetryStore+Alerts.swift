import Events
import JSON
import Primitives

extension TelemetryStore {
    func listAlerts(_ context: TelemetryContext) -> JSONText {
        let rules = settings.alerts
        var answer: JSONObject = [
            "alerts": .array(rules.map { alerts.json(of: $0) }),
            "firing_count": .integer(Int64(alerts.firingCount(of: rules))),
            "timestamp": .integer(context.now.milliseconds),
        ]
        if rules.isEmpty {
            answer["message"] = .string(Self.noAlerts)
        } else {
            answer["rules"] = .array(rules.map(\.json))
        }
        return JSONValue.object(answer).text
    }

    /// Looks at all rules now. What is to be done about them waits for ``takeAlertChanges()``.
    mutating func evaluateAlerts(_ context: TelemetryContext) -> JSONText {
        let metrics = metrics
        let changes = alerts.evaluate(settings.alerts, now: context.now) { rule in
            context.figures[rule.metric]
                ?? metrics.value(of: rule.metric, window: rule.window, now: context.now)
        }
        alertChanges += changes
        var answer: JSONObject = [
            "evaluated": .bool(true),
            "triggered_alerts": .array(
                changes.filter(\.isFiring).map { $0.payload(at: context.now, withState: false) }
                    .map { $0.value() }
            ),
            "timestamp": .integer(context.now.milliseconds),
        ]
        if settings.alerts.isEmpty { answer["message"] = .string(Self.noAlerts) }
        return JSONValue.object(answer).text
    }

    /// What evaluations have found since this was asked for the last time.
    mutating func takeAlertChanges() -> [AlertChange] {
        defer { alertChanges = [] }
        return alertChanges
    }

    private static let noAlerts = "no alerts are configured"
}

extension MetricStore {
    /// What workers have told of a metric within `window`, as one number: the sum over all series
    /// of a counter, the mean of a gauge's or a histogram's values; nil: they told nothing.
    func value(of name: String, window: Timestamp.Span, now: Timestamp) -> Double? {
        let since = now.advanced(by: Timestamp.Span(nanoseconds: -window.nanoseconds))
        let told = select(name: name, from: since, until: nil)
        guard let form = told.last?.metric.form else { return nil }
        switch form {
        case .gauge: return Self.mean(of: told)
        case .histogram: return Self.mean(of: Self.newest(of: told))
        case .counter, .upDownCounter:
            return Self.newest(of: told).reduce(0) { $0 + $1.number }
        }
    }

    /// Of each series its newest point, where that tells of all before; else all points.
    private static func newest(of told: [ReceivedMetric]) -> [MetricPoint] {
        var last: [MetricSeries: MetricPoint] = [:]
        var parts: [MetricPoint] = []
        for received in told {
            for point in received.points {
                if received.metric.temporality == .delta {
                    parts.append(point)
                } else {
                    last[MetricSeries(received.metric, point)] = point
                }
            }
        }
        return parts + last.values
    }

    private static func mean(of told: [ReceivedMetric]) -> Double? {
        mean(of: told.flatMap(\.points))
    }

    private static func mean(of points: [MetricPoint]) -> Double? {
        var sum = 0.0
        var count = 0.0
        for point in points {
            switch point.value {
            case .number(let number):
                sum += number
                count += 1
            case .histogram(let histogram):
                sum += histogram.sum
                count += Double(histogram.count)
            }
        }
        return count > 0 ? sum / count : nil
    }
}

extension MetricPoint {
    /// Its number; of a histogram, how many values it has.
    fileprivate var number: Double {
        switch value {
        case .number(let number): number
        case .histogram(let histogram): Double(histogram.count)
        }
    }
}
