import Events
import JSON

// Alerts, and that telemetry was cleared, for people and programs.

extension AlertChanged {
    var fields: [EventField] {
        [
            EventField("alert", alert), EventField("metric", metric),
        ] + (value.map { [EventField("value", Self.number($0))] } ?? []) + [
            EventField("comparison", comparison),
            EventField("threshold", Self.number(threshold)),
            EventField("firing", .flag(isFiring)),
        ]
    }

    var headline: Headline {
        let told = value.map { "\(metric) is \($0)" } ?? "nothing tells of \(metric)"
        guard isFiring else { return Headline("alert \(alert) is over: \(told)") }
        var headline = Headline("alert \(alert) fires: \(told), \(comparison) \(threshold)")
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
