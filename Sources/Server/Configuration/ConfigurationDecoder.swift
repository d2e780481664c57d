import AccessControl
import Events
import Observability
import Primitives

/// Reads ``Configuration`` out of the common form of all sources, and finds everything wrong.
struct ConfigurationDecoder {
    private(set) var findings = Findings()
    /// Where each key was set, by its full dotted key in the TOML form.
    private(set) var origins: [String: Place] = [:]

    /// The configuration that `root` describes, defaults where it says nothing. Only usable when
    /// `findings` has no error. Paths are as they were written.
    mutating func decode(_ root: Setting) -> Configuration {
        var found = Configuration()
        for entry in root.entries {
            let section = entry.setting
            switch entry.key {
            case "engine":
                let fields = Configuration.Engine.fields
                read(section, "engine", fields, &found.engine, rules: \.access.rbac)
            case "worker_listener": readListeners(section, &found.workerListeners)
            case "http": read(section, "http", Configuration.HTTP.fields, &found.http)
            case "stream": read(section, "stream", Configuration.Stream.fields, &found.stream)
            case "queue": readQueues(section, &found.queue)
            case "cron": read(section, "cron", Configuration.Cron.fields, &found.cron)
            case "state": read(section, "state", Configuration.State.fields, &found.state)
            case "configuration":
                let fields = Configuration.Entries.fields
                read(section, "configuration", fields, &found.entries)
            case "observability":
                let fields = Configuration.Observability.fields
                read(section, "observability", fields, &found.observability)
            case "log": read(section, "log", Configuration.Log.fields, &found.log)
            case "security":
                read(section, "security", Configuration.Security.fields, &found.security)
            case "http_functions":
                let fields = Configuration.HTTPFunctions.fields
                read(section, "http_functions", fields, &found.httpFunctions)
            case "exec": readExec(section, &found.exec)
            default: findings.unknownKey(entry, in: nil, allowed: Configuration.sections)
            }
        }
        warnOfPhases(found.http.middleware)
        warnOfMetrics(found.observability.alerts)
        checkTLS(found.http)
        if let token = found.security.token, let weakness = Token.weakness(of: token),
            let place = origins["security.token"]
        {
            findings.warning(at: place, "security.token \(weakness)")
        }
        return found
    }

    /// Reads the table `setting`, whose full key in the TOML form is `path`.
    private mutating func read<Section>(
        _ setting: Setting,
        _ path: String,
        _ fields: [Field<Section>],
        _ section: inout Section,
        rules: WritableKeyPath<Section, RoleRules?>? = nil
    ) {
        guard isTable(setting) else { return }
        for entry in setting.entries {
            if let rules, entry.key == "rbac" {
                section[keyPath: rules] = readRules(entry.setting, "\(path).rbac")
                continue
            }
            guard let field = fields.first(where: { $0.key == entry.key }) else {
                let allowed = fields.map(\.key) + (rules == nil ? [] : ["rbac"])
                findings.unknownKey(entry, in: setting.name, allowed: allowed)
                continue
            }
            checkRival(of: "\(path).\(entry.key)", entry.setting, in: setting)
            store(entry, path, field, &section)
        }
    }

    private mutating func store<Section>(
        _ entry: Setting.Entry,
        _ path: String,
        _ field: Field<Section>,
        _ section: inout Section
    ) {
        let value = entry.setting
        switch field.store(value.value, &section) {
        case nil: break
        case .whole(let code)?:
            let hint = hint(for: value, among: field.words)
            findings.mismatch(code, value, mustBe: field.expectation, hint: hint)
        case .unknownKey(let entry, let allowed)?:
            findings.unknownKey(entry, in: entry.table, allowed: allowed)
        case .mismatch(let part, let expectation)?:
            findings.mismatch(.value, part, mustBe: expectation)
        case .lacks(let table, let key)?:
            findings.error(.conflict, at: table.place, "\(table.name) needs \"\(key)\"")
        }
        origins["\(path).\(entry.key)"] = value.place
    }

    private func hint(for setting: Setting, among words: [String]) -> String {
        let written: String
        switch setting.value {
        case .string(let text), .untyped(let text): written = text
        default: return ""
        }
        guard let near = Suggestion.nearest(to: written, in: words) else { return "" }
        return "; did you mean \"\(near)\"?"
    }

    private mutating func isTable(_ setting: Setting) -> Bool {
        switch setting.value {
        case .table: return true
        // A key without a value in YAML: a section that sets nothing.
        case .null: return false
        default:
            findings.mismatch(.type, setting, mustBe: "a table of settings")
            return false
        }
    }

    /// Reports a key whose rival stands beside it; once for the two of them.
    private mutating func checkRival(of path: String, _ setting: Setting, in table: Setting) {
        guard let rival = Configuration.rivals[path], path > rival,
            let key = rival.split(separator: ".").last, let other = table[String(key)]
        else { return }
        findings.error(
            .conflict,
            at: setting.place,
            "\(setting.name) and \(other.name) say the same thing; set one of them"
        )
    }

    private mutating func readQueues(_ setting: Setting, _ queue: inout Configuration.Queue) {
        guard isTable(setting) else { return }
        for entry in setting.entries {
            let fields = Configuration.Queue.fields
            if let field = fields.first(where: { $0.key == entry.key }) {
                store(entry, "queue", field, &queue)
                continue
            }
            guard entry.key == "queues" else {
                let allowed = ["queues"] + fields.map(\.key)
                findings.unknownKey(entry, in: setting.name, allowed: allowed)
                continue
            }
            guard isTable(entry.setting) else { continue }
            for named in entry.setting.entries {
                var one = Configuration.FunctionQueue()
                let path = "queue.queues.\(named.key)"
                read(named.setting, path, Configuration.FunctionQueue.fields, &one)
                checkQueue(named, one)
                queue.queues[named.key] = one
            }
        }
    }

    private mutating func checkQueue(
        _ entry: Setting.Entry,
        _ queue: Configuration.FunctionQueue
    ) {
        let setting = entry.setting
        if !QueueSettings.allows(name: entry.key) {
            let bounds = "of 1 to \(Limits.nameBytes) bytes"
            findings.error(.value, at: setting.place, "the name of a queue must be \(bounds)")
        }
        if queue.type == .fifo, setting["message_group_field"] == nil {
            findings.error(
                .conflict,
                at: setting["type"]?.place ?? setting.place,
                "\(setting.name) has type \"fifo\" and needs message_group_field: the top-level"
                    + " key of the payload that names a message's group"
            )
        }
    }

    private mutating func readRules(_ setting: Setting, _ path: String) -> RoleRules? {
        guard isTable(setting) else { return nil }
        var rules = RoleRules()
        read(setting, path, Configuration.rbacFields, &rules)
        return rules
    }

    private mutating func readListeners(
        _ setting: Setting,
        _ listeners: inout [Configuration.WorkerListener]
    ) {
        guard case .array(let elements) = setting.value else {
            let expectation = "a list of tables, each under [[worker_listener]]"
            return findings.mismatch(.type, setting, mustBe: expectation)
        }
        for element in elements {
            var one = Configuration.WorkerListener()
            let fields = Configuration.WorkerListener.fields
            let path = "worker_listener[\(listeners.count)]"
            read(element, path, fields, &one, rules: \.access.rbac)
            if element.isTable, element["address"] == nil {
                findings.error(.conflict, at: element.place, "\(element.name) needs \"address\"")
            }
            listeners.append(one)
        }
    }

    private mutating func readExec(_ setting: Setting, _ exec: inout [Configuration.Exec]) {
        guard case .array(let elements) = setting.value else {
            findings.mismatch(.type, setting, mustBe: "a list of tables, each under [[exec]]")
            return
        }
        origins["exec"] = setting.place
        for element in elements {
            var one = Configuration.Exec()
            read(element, element.name, Configuration.Exec.fields, &one)
            guard element.isTable else { continue }
            for key in ["name", "command"] where element[key] == nil {
                findings.error(.conflict, at: element.place, "\(element.name) needs \"\(key)\"")
            }
            if !one.name.isEmpty, exec.contains(where: { $0.name == one.name }) {
                let place = element["name"]?.place ?? element.place
                let message = "\(element.name).name \"\(one.name)\" is taken by another [[exec]]"
                findings.error(.conflict, at: place, message)
            }
            exec.append(one)
        }
    }

    private mutating func checkTLS(_ http: Configuration.HTTP) {
        let certificate = (key: "http.tls_certificate", isSet: http.tlsCertificate != nil)
        let key = (key: "http.tls_key", isSet: http.tlsKey != nil)
        for (one, other) in [(certificate, key), (key, certificate)] where one.isSet {
            guard !other.isSet, let place = origins[one.key] else { continue }
            findings.error(.conflict, at: place, "\(one.key) needs \(other.key) beside it")
        }
    }

    private mutating func warnOfMetrics(_ alerts: [AlertRule]) {
        guard let place = origins["observability.alerts"] else { return }
        for alert in alerts where alert.isAboutNothing {
            let phrase = Suggestion.phrase(for: alert.metric, in: AlertRule.engineMetrics)
            findings.warning(
                at: place,
                "observability.alerts \"\(alert.name)\" never fires: the engine has no metric"
                    + " \"\(alert.metric)\"\(phrase)"
            )
        }
    }

    private mutating func warnOfPhases(_ middleware: [Configuration.Middleware]) {
        guard let place = origins["http.middleware"] else { return }
        for one in middleware where one.phase != Configuration.Middleware.phase {
            findings.warning(
                at: place,
                "http.middleware \"\(one.function)\" has no effect: its phase is not \"preHandler\""
            )
        }
    }
}
