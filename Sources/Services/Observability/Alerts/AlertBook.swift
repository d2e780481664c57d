import Events
import JSON
import Primitives

/// How alerts stand, by their names: of this life, and as far as records tell of the one before.
struct AlertBook: Sendable {
    struct Standing: Sendable {
        var isFiring = false
        var evaluated: Timestamp?
        /// When something was done about it.
        var triggered: Timestamp?
        /// Nil: nobody has told of the metric.
        var value: Double?
    }

    private(set) var standings: [String: Standing] = [:]

    /// What an earlier life has recorded.
    mutating func take(_ event: AlertChanged, at time: Timestamp) {
        var standing = standings[event.alert] ?? Standing()
        standing.isFiring = event.isFiring
        standing.value = event.value
        standing.evaluated = time
        if event.isFiring { standing.triggered = time }
        standings[event.alert] = standing
    }

    /// `value` says what a rule's metric is; nil: nobody has told.
    ///
    /// - Returns: what is to be done, and recorded.
    mutating func evaluate(
        _ rules: [AlertRule],
        now: Timestamp,
        value: (AlertRule) -> Double?
    ) -> [AlertChange] {
        let known = standings
        standings = [:]
        var changes: [AlertChange] = []
        for rule in rules where rule.isEnabled {
            var standing = known[rule.name] ?? Standing()
            standing.evaluated = now
            standing.value = value(rule)
            let isBeyond =
                standing.value.map { rule.comparison.holds($0, rule.threshold) } ?? false
            let rests = standing.triggered.map { $0.distance(to: now) < rule.cooldown } ?? false
            if isBeyond, !rests {
                standing.triggered = now
                changes.append(AlertChange(rule: rule, value: standing.value, isFiring: true))
            } else if standing.isFiring, !isBeyond {
                changes.append(AlertChange(rule: rule, value: standing.value, isFiring: false))
            }
            standing.isFiring = isBeyond
            standings[rule.name] = standing
        }
        return changes
    }

    func firingCount(of rules: [AlertRule]) -> Int {
        rules.count { $0.isEnabled && standings[$0.name]?.isFiring == true }
    }

    /// As `engine::alerts::list` shows it.
    func json(of rule: AlertRule) -> JSONValue {
        let standing = standings[rule.name] ?? Standing()
        func time(_ time: Timestamp?) -> JSONValue {
            time.map { .integer($0.milliseconds) } ?? .null
        }
        return .object([
            "name": .string(rule.name), "firing": .bool(rule.isEnabled && standing.isFiring),
            "last_evaluated": time(standing.evaluated),
            "last_triggered": time(standing.triggered),
            "current_value": standing.value.map { .double($0) } ?? .null,
            "threshold": .double(rule.threshold),
            "operator": .string(rule.comparison.typeName.lowercased()),
        ])
    }
}
