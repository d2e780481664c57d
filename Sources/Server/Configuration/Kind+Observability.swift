import HTTPFunctions
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

extension Kind where Value == String {
    /// Paths are put behind it.
    static let collector = Kind.text(
        "a URL of http or https with a host, and without a query, such as"
            + " \"http://localhost:4318\"",
        show: { $0 },
        parse: { url in
            WebAddress(url) == nil || url.contains("?") || url.contains("#") ? nil : url
        }
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
            return Reading { () throws(SettingError) in
                try Configuration.SamplingTable.read(entries)
            }
        },
        show: \.shown
    )
}

extension Configuration.SamplingTable {
    fileprivate static func read(_ entries: [Setting.Entry]) throws(SettingError) -> Self {
        var table = Self()
        try entries.read([
            "default": "a number from 0 to 1", "parent_based": "true or false",
            "rules": "a list of tables, each of operation or service, and rate",
            "rate_limit": "a table with max_traces_per_second",
        ]) { (key, setting) throws(SettingError) in
            try table.take(key, setting)
        }
        return table
    }

    /// False for what is not the key's value.
    private mutating func take(_ key: String, _ setting: Setting) throws(SettingError) -> Bool {
        switch (key, setting.value) {
        case ("default", let value):
            guard let number = value.decimal, (0...1).contains(number) else { return false }
            ratio = number
        case ("parent_based", .boolean(let flag)): isParentBased = flag
        case ("rules", .array(let elements)):
            for element in elements { rules.append(try Sampling.Rule.read(element)) }
        case ("rate_limit", .table):
            try setting.readTable(["max_traces_per_second": "a number above zero"]) { _, setting in
                tracesPerSecond = setting.value.decimal
                return tracesPerSecond.map { $0 > 0 } ?? false
            }
            if tracesPerSecond == nil { throw .lacks(setting, key: "max_traces_per_second") }
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
    fileprivate static func read(_ setting: Setting) throws(SettingError) -> Self {
        var rule = Sampling.Rule(operation: nil, service: nil, rate: -1)
        try setting.readTable([
            "operation": patternExpected, "service": patternExpected,
            "rate": "a number from 0 to 1",
        ]) { key, setting in
            switch key {
            case "operation":
                rule.operation = setting.value.pattern
                return rule.operation != nil
            case "service":
                rule.service = setting.value.pattern
                return rule.service != nil
            default:
                rule.rate = setting.value.decimal ?? -1
                return (0...1).contains(rule.rate)
            }
        }
        if rule.operation == nil, rule.service == nil {
            throw .lacks(setting, key: #"operation" or "service"#)
        }
        if rule.rate < 0 { throw .lacks(setting, key: "rate") }
        return rule
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
            return value.elements(CollapsedSpans.read)
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
    fileprivate static func read(_ setting: Setting) throws(SettingError) -> Self {
        var spans = CollapsedSpans(name: nil, service: nil)
        try setting.readTable([
            "name": patternExpected, "service": patternExpected,
        ]) { key, setting in
            guard let pattern = setting.value.pattern else { return false }
            if key == "name" {
                spans.name = pattern
            } else {
                spans.service = pattern
            }
            return true
        }
        if spans.name == nil, spans.service == nil {
            throw .lacks(setting, key: #"name" or "service"#)
        }
        return spans
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
            var names: Set<String> = []
            return value.elements { (setting) throws(SettingError) -> AlertRule in
                let rule = try AlertRule.read(setting)
                guard names.insert(rule.name).inserted else {
                    throw .mismatch(
                        setting["name"] ?? setting,
                        mustBe: "a name that no other alert has"
                    )
                }
                return rule
            }
        },
        show: { rules in "[" + rules.map(\.shown).joined(separator: ", ") + "]" }
    )
}

extension AlertRule {
    fileprivate static func read(_ setting: Setting) throws(SettingError) -> Self {
        var rule = AlertRule(name: "", metric: "", threshold: .nan)
        try setting.readTable([
            "name": "a name", "metric": "the name of a metric", "threshold": "a number",
            "operator": ">, >=, <, <=, == or !=, in quotes",
            "window_seconds": "an integer from 1 to 86400",
            "cooldown_seconds": "an integer from 0 to 31536000", "enabled": "true or false",
            "action": "a table with type, and url or path",
        ]) { (key, setting) throws(SettingError) in
            try rule.take(key, setting)
        }
        if rule.name.isEmpty { throw .lacks(setting, key: "name") }
        if rule.metric.isEmpty { throw .lacks(setting, key: "metric") }
        if !rule.threshold.isFinite { throw .lacks(setting, key: "threshold") }
        return rule
    }

    /// False for what is not the key's value.
    private mutating func take(_ key: String, _ setting: Setting) throws(SettingError) -> Bool {
        switch (key, setting.value) {
        case ("name", .string(let text)) where Self.isName(text): name = text
        case ("metric", .string(let text)) where Self.isName(text): metric = text
        case ("threshold", let value):
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
        case ("action", .table): action = try Action.read(setting)
        default: return false
        }
        return true
    }

    private static func isName(_ text: String) -> Bool {
        (1...Limits.nameBytes).contains(text.utf8.count)
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
    fileprivate static func read(_ setting: Setting) throws(SettingError) -> Self {
        var texts: [String: String] = [:]
        try setting.readTable([
            "type": "\"log\", \"webhook\" or \"function\"", "url": "a string that is not empty",
            "path": "a function that is not the engine's own",
        ]) { key, setting in
            guard case .string(let text) = setting.value, !text.isEmpty else { return false }
            texts[key] = text
            switch key {
            case "type": return ["log", "webhook", "function"].contains(text)
            case "path": return mayRun(text)
            default: return true
            }
        }
        switch (texts["type"], texts["url"], texts["path"]) {
        case (nil, _, _): throw .lacks(setting, key: "type")
        case ("log"?, nil, nil): return .log
        case ("webhook"?, nil, nil): throw .lacks(setting, key: "url")
        case ("webhook"?, let url?, nil) where WebAddress(url) != nil: return .webhook(url: url)
        case ("function"?, nil, nil): throw .lacks(setting, key: "path")
        case ("function"?, nil, let id?): return .function(id)
        default:
            // The URL may hold a secret, and is not shown.
            throw .mismatch(
                setting,
                mustBe: "{ type = \"log\" }, { type = \"webhook\", url } with a url of http or"
                    + " https, or { type = \"function\", path }"
            )
        }
    }
}

private let patternExpected = "a pattern with * and ?"

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
