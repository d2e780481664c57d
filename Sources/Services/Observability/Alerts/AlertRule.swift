package import JSON
package import Primitives

/// What somebody wants to be told of: a metric that is beyond a threshold (services 2, C.11).
package struct AlertRule: Equatable, Sendable {
    package enum Comparison: CaseIterable, Sendable {
        case greaterThan, greaterThanOrEqual, lessThan, lessThanOrEqual, equal, notEqual
    }

    /// What is done when it fires.
    package enum Action: Equatable, Sendable {
        /// The engine says so in its own output, as it does of every alert.
        case log
        case webhook(url: String)
        /// The id of a worker's function.
        case function(String)
    }

    package var name: String
    package var metric: String
    package var threshold: Double
    package var comparison: Comparison
    /// How far back points of workers' metrics count.
    package var window: Timestamp.Span
    /// How long nothing more is done once something was.
    package var cooldown: Timestamp.Span
    package var isEnabled: Bool
    package var action: Action

    package init(
        name: String,
        metric: String,
        threshold: Double,
        comparison: Comparison = .greaterThan,
        window: Timestamp.Span = .seconds(60),
        cooldown: Timestamp.Span = .seconds(60),
        isEnabled: Bool = true,
        action: Action = .log
    ) {
        self.name = name
        self.metric = metric
        self.threshold = threshold
        self.comparison = comparison
        self.window = window
        self.cooldown = cooldown
        self.isEnabled = isEnabled
        self.action = action
    }
}

extension AlertRule.Comparison {
    /// By its sign, or by its name in any case.
    package init?(_ text: String) {
        let known = Self.allCases.first {
            $0.symbol == text || $0.typeName.lowercased() == text.lowercased()
        }
        guard let known else { return nil }
        self = known
    }

    package var symbol: String {
        switch self {
        case .greaterThan: ">"
        case .greaterThanOrEqual: ">="
        case .lessThan: "<"
        case .lessThanOrEqual: "<="
        case .equal: "=="
        case .notEqual: "!="
        }
    }

    /// As those who are told of an alert know it; in lower case, as lists show it.
    package var typeName: String {
        switch self {
        case .greaterThan: "GreaterThan"
        case .greaterThanOrEqual: "GreaterThanOrEqual"
        case .lessThan: "LessThan"
        case .lessThanOrEqual: "LessThanOrEqual"
        case .equal: "Equal"
        case .notEqual: "NotEqual"
        }
    }

    func holds(_ value: Double, _ threshold: Double) -> Bool {
        switch self {
        case .greaterThan: value > threshold
        case .greaterThanOrEqual: value >= threshold
        case .lessThan: value < threshold
        case .lessThanOrEqual: value <= threshold
        case .equal: value == threshold
        case .notEqual: value != threshold
        }
    }
}

extension AlertRule {
    /// The engine's own metrics that rules may be about; those in `metricsOfQueues` also of one
    /// queue, by its name behind a point.
    package static let engineMetrics: [String] =
        EngineMetrics().figures.keys.sorted() + metricsOfQueues
        + ["iii.telemetry.dropped", "iii.workers.active"]
    private static let metricsOfQueues = ["iii.queue.dead_letters", "iii.queue.depth"]

    /// Whether its metric has a name that only the engine gives, and it gives none like that.
    package var isAboutNothing: Bool {
        guard metric.hasPrefix("iii."), !metric.hasPrefix(WorkerGauges.prefix) else { return false }
        return !Self.engineMetrics.contains(metric) && queue == nil
    }

    /// The one queue or topic that its metric is of; nil: it is of none, or of all.
    package var queue: String? {
        for name in Self.metricsOfQueues where metric.hasPrefix("\(name).") {
            return String(metric.dropFirst(name.count + 1))
        }
        return nil
    }
}

extension AlertRule.Action {
    /// Whether a function of this id may be told: those of the engine are not for that (services
    /// 2, C.9).
    package static func mayRun(_ function: String) -> Bool {
        !reserved.contains { function.hasPrefix($0) }
            && !["publish", "enqueue", "motia_step_get"].contains(function)
    }

    private static let reserved = [
        "engine::", "state::", "stream::", "configuration::", "iii::", "iii-http::",
        "iii-state::", "iii-pubsub::", "iii-stream::", "iii-cron::", "iii-queue::",
        "iii-observability::", "bridge.", "motia::", "steps::",
    ]

    /// Where a webhook leads, without what follows the host: that is a secret more often than not.
    package static func shown(_ url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count > 3, !parts[3].isEmpty else { return url }
        return parts[..<3].joined(separator: "/") + "/…"
    }

    var json: JSONValue {
        switch self {
        case .log: .object(["type": .string("log")])
        case .webhook(let url):
            .object(["type": .string("webhook"), "url": .string(Self.shown(url))])
        case .function(let id): .object(["type": .string("function"), "path": .string(id)])
        }
    }
}

extension AlertRule {
    /// As it is configured.
    var json: JSONValue {
        .object([
            "name": .string(name), "metric": .string(metric), "threshold": .double(threshold),
            "operator": .string(comparison.typeName.lowercased()),
            "window_seconds": .integer(window.nanoseconds / 1_000_000_000),
            "cooldown_seconds": .integer(cooldown.nanoseconds / 1_000_000_000),
            "enabled": .bool(isEnabled), "action": action.json,
        ])
    }
}

/// What an evaluation has found about one alert that did not stand before, or is to be told again.
package struct AlertChange: Equatable, Sendable {
    package let rule: AlertRule
    /// Nil: nobody tells of the metric any more.
    package let value: Double?
    package let isFiring: Bool

    package init(rule: AlertRule, value: Double?, isFiring: Bool) {
        self.rule = rule
        self.value = value
        self.isFiring = isFiring
    }

    /// What webhooks and functions get; only functions are told of an alert's end, too.
    package func payload(at time: Timestamp, withState: Bool) -> JSONText {
        var object: JSONObject = [
            "alert": .string(rule.name), "metric": .string(rule.metric),
            "value": value.map { .double($0) } ?? .null,
            "threshold": .double(rule.threshold), "operator": .string(rule.comparison.typeName),
            "timestamp": .integer(time.milliseconds),
        ]
        if withState { object["firing"] = .bool(isFiring) }
        return JSONValue.object(object).text
    }

    /// In a line.
    package var text: String {
        let told = value.map { "\(rule.metric) is \($0)" } ?? "nothing tells of \(rule.metric)"
        return isFiring
            ? "alert \(rule.name) fires: \(told), \(rule.comparison.symbol) \(rule.threshold)"
            : "alert \(rule.name) is over: \(told)"
    }
}
