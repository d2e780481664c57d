import JSON
import Observability
import Primitives

// Values of `[observability]` that are tables, or lists of them.

extension Kind where Value == Double {
    static let ratio = Kind(
        expectation: "a number from 0 to 1",
        read: { value in
            guard let number = value.decimal else { return .wrongType }
            return (0...1).contains(number) ? .value(number) : .refused
        },
        show: { "\($0)" }
    )
}

extension Kind where Value == Configuration.SamplingTable {
    static let sampling = Kind(
        expectation:
            "a table of default and rate of rules from 0 to 1, parent_based, rules (each of"
            + " operation or service, and rate) and rate_limit.max_traces_per_second",
        read: { value in
            if value == .null { return .value(Configuration.SamplingTable()) }
            guard case .table(let entries) = value else { return .wrongType }
            var table = Configuration.SamplingTable()
            for entry in entries {
                guard table.take(entry.key, entry.setting.value) else { return .refused }
            }
            return .value(table)
        },
        show: \.shown
    )
}

extension Configuration.SamplingTable {
    /// False for what is not one of its keys, or not its value.
    fileprivate mutating func take(_ key: String, _ value: Setting.Value) -> Bool {
        switch (key, value) {
        case (_, .null): return true
        case ("default", _):
            guard let number = value.decimal, (0...1).contains(number) else { return false }
            ratio = number
        case ("parent_based", .boolean(let flag)): isParentBased = flag
        case ("rules", .array(let elements)):
            rules = elements.compactMap { Sampling.Rule($0.value) }
            return rules.count == elements.count
        case ("rate_limit", .table(let entries)):
            guard entries.count == 1, entries[0].key == "max_traces_per_second",
                let number = entries[0].setting.value.decimal, number > 0
            else { return false }
            tracesPerSecond = number
        default: return false
        }
        return true
    }

    fileprivate var shown: String {
        var members: [String] = []
        if let ratio { members.append("default = \(ratio)") }
        members.append("parent_based = \(isParentBased)")
        if !rules.isEmpty {
            members.append("rules = [" + rules.map(\.shown).joined(separator: ", ") + "]")
        }
        if let tracesPerSecond {
            members.append("rate_limit = { max_traces_per_second = \(tracesPerSecond) }")
        }
        return "{ " + members.joined(separator: ", ") + " }"
    }
}

extension Sampling.Rule {
    fileprivate init?(_ value: Setting.Value) {
        guard case .table(let entries) = value else { return nil }
        var rule = Sampling.Rule(operation: nil, service: nil, rate: -1)
        for entry in entries {
            let value = entry.setting.value
            switch entry.key {
            case "operation", "service":
                if value == .null { continue }
                guard let pattern = value.pattern else { return nil }
                if entry.key == "service" {
                    rule.service = pattern
                } else {
                    rule.operation = pattern
                }
            case "rate": rule.rate = value.decimal ?? -1
            default: return nil
            }
        }
        guard (0...1).contains(rule.rate), rule.operation != nil || rule.service != nil else {
            return nil
        }
        self = rule
    }

    fileprivate var shown: String {
        "{ " + shownPattern("operation", operation) + shownPattern("service", service)
            + "rate = \(rate) }"
    }
}

extension Kind where Value == [CollapsedSpans] {
    static let collapsedSpans = Kind(
        expectation: "a list of tables, each of name or service, or both, patterns with * and ?",
        holdsTables: true,
        read: { value in
            if value == .null { return .value([]) }
            guard case .array(let elements) = value else { return .wrongType }
            let rules = elements.compactMap { CollapsedSpans($0.value) }
            return rules.count == elements.count ? .value(rules) : .refused
        },
        show: { rules in
            let tables = rules.map { rule in
                let members =
                    shownPattern("name", rule.name) + shownPattern("service", rule.service)
                return "{ \(members.dropLast(2)) }"
            }
            return "[" + tables.joined(separator: ", ") + "]"
        }
    )
}

extension CollapsedSpans {
    fileprivate init?(_ value: Setting.Value) {
        guard case .table(let entries) = value else { return nil }
        self.init(name: nil, service: nil)
        for entry in entries where entry.setting.value != .null {
            guard let pattern = entry.setting.value.pattern else { return nil }
            switch entry.key {
            case "name": name = pattern
            case "service": service = pattern
            default: return nil
            }
        }
        if name == nil, service == nil { return nil }
    }
}

extension Kind where Value == [AlertRule] {
    static let alerts = Kind(
        expectation:
            "a list of tables, each of name, metric, threshold, and perhaps operator (>, >=,"
            + " <, <=, == or !=), window_seconds, cooldown_seconds, enabled and action ({ type ="
            + " \"log\" }, { type = \"webhook\", url } or { type = \"function\", path } with a"
            + " function that is not the engine's own); no name twice",
        holdsTables: true,
        read: { value in
            if value == .null { return .value([]) }
            guard case .array(let elements) = value else { return .wrongType }
            let rules = elements.compactMap { AlertRule($0.value) }
            let names = Set(rules.map(\.name))
            return names.count == elements.count ? .value(rules) : .refused
        },
        show: { rules in "[" + rules.map(\.shown).joined(separator: ", ") + "]" }
    )
}

extension AlertRule {
    fileprivate init?(_ value: Setting.Value) {
        guard case .table(let entries) = value else { return nil }
        var rule = AlertRule(name: "", metric: "", threshold: .nan)
        for entry in entries where entry.setting.value != .null {
            guard rule.take(entry.key, entry.setting.value) else { return nil }
        }
        guard !rule.name.isEmpty, !rule.metric.isEmpty, rule.threshold.isFinite else { return nil }
        self = rule
    }

    private mutating func take(_ key: String, _ value: Setting.Value) -> Bool {
        switch (key, value) {
        case ("name", .string(let text)) where text.utf8.count <= Limits.nameBytes: name = text
        case ("metric", .string(let text)) where text.utf8.count <= Limits.nameBytes: metric = text
        case ("threshold", _):
            guard let number = value.decimal else { return false }
            threshold = number
        case ("operator", .string(let text)):
            guard let known = Comparison(text) else { return false }
            comparison = known
        case ("window_seconds", .integer(let seconds)) where (1...86_400).contains(seconds):
            window = .seconds(seconds)
        case ("cooldown_seconds", .integer(let seconds)) where (0...31_536_000).contains(seconds):
            cooldown = .seconds(seconds)
        case ("enabled", .boolean(let flag)): isEnabled = flag
        case ("action", .table(let entries)):
            guard let known = Action(entries) else { return false }
            action = known
        default: return false
        }
        return true
    }

    fileprivate var shown: String {
        func text(_ text: String) -> String { JSONText(string: text).description }
        let action =
            switch action {
            case .log: "{ type = \"log\" }"
            case .webhook(let url):
                "{ type = \"webhook\", url = \(text(AlertRule.Action.shown(url))) }"
            case .function(let id): "{ type = \"function\", path = \(text(id)) }"
            }
        return "{ name = \(text(name)), metric = \(text(metric)), threshold = \(threshold),"
            + " operator = \"\(comparison.symbol)\","
            + " window_seconds = \(window.nanoseconds / 1_000_000_000),"
            + " cooldown_seconds = \(cooldown.nanoseconds / 1_000_000_000),"
            + " enabled = \(isEnabled), action = \(action) }"
    }
}

extension AlertRule.Action {
    fileprivate init?(_ entries: [Setting.Entry]) {
        var texts: [String: String] = [:]
        for entry in entries {
            guard case .string(let text) = entry.setting.value, !text.isEmpty else { return nil }
            texts[entry.key] = text
        }
        switch (texts.removeValue(forKey: "type"), texts.first) {
        case ("log", nil): self = .log
        case ("webhook", ("url", let url)?)
        where texts.count == 1 && ["http://", "https://"].contains { url.hasPrefix($0) }:
            self = .webhook(url: url)
        case ("function", ("path", let id)?) where texts.count == 1 && Self.mayRun(id):
            self = .function(id)
        default: return nil
        }
    }
}

/// A member of a table of TOML and the comma behind it; nothing where there is no pattern.
private func shownPattern(_ key: String, _ pattern: Glob?) -> String {
    pattern.map { "\(key) = \(JSONText(string: $0.text)), " } ?? ""
}

extension Setting.Value {
    /// A number, whole or not.
    fileprivate var decimal: Double? {
        switch typed() {
        case .integer(let number): Double(number)
        case .number(let number): number.isFinite ? number : nil
        case .string(let text): if case .untyped = self { Double(text) } else { nil }
        default: nil
        }
    }

    fileprivate var pattern: Glob? {
        guard case .string(let text) = self, !text.isEmpty else { return nil }
        return Glob(text)
    }
}
