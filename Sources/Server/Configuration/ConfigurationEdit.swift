/// What differs between two configurations, setting by setting.
struct ConfigurationEdit: Equatable {
    /// In force at once, as `http.timeout = "5s" (iii.toml:3)`.
    private(set) var live: [String] = []
    /// In force from the next start on.
    private(set) var pending: [String] = []

    var isEmpty: Bool { live.isEmpty && pending.isEmpty }

    /// Keys that the engine takes while it runs, as it does all of queues and worker processes.
    static let liveKeys = Set([
        "http.timeout", "http.middleware", "http.middleware_timeout", "http.cors",
        "http.concurrency_request_limit", "http.reconnect_grace", "http.redact_headers",
        "queue.lease", "cron.timezone", "state.triggers_enabled", "state.max_value_bytes",
        "stream.auth_function", "stream.join", "configuration.ttl", "engine.invocation_timeout",
        "engine.registration_namespace_grace",
    ]).union(Configuration.Observability.liveKeys)

    init(from before: Configuration.Loaded, to after: Configuration.Loaded) {
        var old: [String: String] = [:]
        for setting in before.effective { old[setting.key] = setting.value }
        for setting in after.effective {
            let value = old.removeValue(forKey: setting.key)
            guard value != setting.value else { continue }
            let place = setting.place.map { " (\($0))" } ?? ""
            add(setting.key, "\(setting.key) = \(setting.value)\(place)")
        }
        // In the order of the keys: a dictionary has none.
        for key in old.keys.sorted() { add(key, "\(key) is not set any more") }
        // Of webhooks only the host is shown.
        let alerts = (
            before.configuration.observability.alerts, after.configuration.observability.alerts
        )
        if alerts.0 != alerts.1, !live.contains(where: { $0.hasPrefix("observability.alerts ") }) {
            live.append("observability.alerts")
        }
        addProcesses(before.configuration.exec, after.configuration.exec)
        // Its value is not shown, and so is the same in either.
        if before.configuration.security.token != after.configuration.security.token,
            !pending.contains(where: { $0.hasPrefix("security.token ") })
        {
            pending.append("security.token")
        }
    }

    /// Worker processes are told of by their names: places in the file change with those before.
    private mutating func addProcesses(
        _ before: [Configuration.Exec],
        _ after: [Configuration.Exec]
    ) {
        for old in before {
            let name = "worker process \(quoted(old.name))"
            if let new = after.first(where: { $0.name == old.name }) {
                if new != old { live.append("\(name) is started anew") }
            } else {
                live.append("\(name) is stopped")
            }
        }
        for new in after where !before.contains(where: { $0.name == new.name }) {
            live.append("worker process \(quoted(new.name)) is started")
        }
    }

    private mutating func add(_ key: String, _ text: String) {
        if key.hasPrefix("exec[") { return }
        if key.hasPrefix("queue.queues.") || Self.liveKeys.contains(key) {
            live.append(text)
        } else {
            pending.append(text)
        }
    }
}

extension Configuration {
    /// What is in force in an engine that was started with this one once `edited` was read: its
    /// live keys, and of all others what they were.
    func takingLiveKeys(of edited: Configuration) -> Configuration {
        var taken = self
        func take<Section>(
            _ path: String,
            _ section: WritableKeyPath<Configuration, Section>,
            _ fields: [Field<Section>]
        ) {
            for field in fields where ConfigurationEdit.liveKeys.contains("\(path).\(field.key)") {
                field.copy(edited[keyPath: section], &taken[keyPath: section])
            }
        }
        take("engine", \.engine, Engine.fields)
        take("http", \.http, HTTP.fields)
        take("stream", \.stream, Stream.fields)
        take("queue", \.queue, Queue.fields)
        take("cron", \.cron, Cron.fields)
        take("state", \.state, State.fields)
        take("configuration", \.entries, Entries.fields)
        take("observability", \.observability, Observability.fields)
        taken.queue.queues = edited.queue.queues
        taken.exec = edited.exec
        return taken
    }
}
