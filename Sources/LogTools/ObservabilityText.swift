import Events
import JSON

// Alerts, and that telemetry was cleared, for people and programs.

extension AlertChanged {
    var fields: [EventField] {
        [
            EventField("alert", alert), EventField("metric", metric),
            EventField("value", Self.number(value)), EventField("comparison", comparison),
            EventField("threshold", Self.number(threshold)),
            EventField("firing", .flag(isFiring)),
        ]
    }

    var headline: Headline {
        guard isFiring else {
            return Headline("alert \(alert) is over: \(metric) is \(value)")
        }
        var headline = Headline(
            "alert \(alert) fires: \(metric) is \(value), \(comparison) \(threshold)"
        )
        headline.tone = .bad
        return headline
    }

    private static func number(_ value: Double) -> EventField.Value {
        .json((JSONNumber(value).map { JSONValue.number($0) } ?? .null).text.bytes)
    }
}

extension TelemetryCleared {
    var fields: [EventField] { [EventField("content", text)] }

    var headline: Headline { Headline("the \(text) that are shown were cleared") }

    private var text: String {
        switch content {
        case .traces: "traces"
        case .logs: "logs"
        case nil: "unknown"
        }
    }
}
