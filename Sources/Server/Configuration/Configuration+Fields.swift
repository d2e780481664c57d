import Primitives

// The keys of every section. Order is the order in which `iii check` shows them.

extension Configuration {
    static let sections = [
        "engine", "http", "stream", "queue", "cron", "state", "configuration",
        "observability", "log", "security",
        "http_functions", "worker_listener", "exec",
    ]

    /// Keys of one section that say the same thing: one of them may be set.
    static let rivals: [String: String] = [
        "observability.dashboard_port": "observability.dashboard_address",
        "observability.dashboard_address": "observability.dashboard_port",
        "security.token": "security.token_file",
        "security.token_file": "security.token",
    ]

    /// Keys that only the file can hold.
    static let fileKeys: Set<String> = {
        func keys<Section>(_ section: String, _ fields: [Field<Section>]) -> [String] {
            fields.filter(\.holdsTables).map { "\(section).\($0.key)" }
        }
        let lists = ["worker_listener", "exec"]
        return Set(
            lists + keys("http", HTTP.fields) + keys("observability", Observability.fields)
                + keys("engine.rbac", rbacFields)
        )
    }()
}

extension Configuration.Engine {
    static let fields: [Field<Self>] =
        [
            Field("address", \.address, .address),
            Field("data", \.data, .path),
            Field("durability", \.durability, .durability),
            Field("duplicate_functions", \.duplicateFunctions, .choice),
            Field("registration_namespace_grace", \.registrationNamespaceGrace, .span),
            Field(optional: "invocation_timeout", \.invocationTimeout, .positiveSpan),
            Field("drain_timeout", \.drainTimeout, .span),
            Field("observe", \.observe, .flag),
        ] + accessFields
}

extension Configuration.Stream {
    static let fields: [Field<Self>] = [
        Field("address", \.address, .address),
        Field(optional: "auth_function", \.authFunction, .nonEmpty),
        Field("join", \.join, .choice),
        Field("slow", \.slow, .choice),
        Field("origins", \.origins, .origins),
    ]
}

extension Configuration.Queue {
    /// Beside the table `queues`.
    static let fields: [Field<Self>] = [
        Field("lease", \.lease, .span)
    ]
}

extension Configuration.FunctionQueue {
    static let fields: [Field<Self>] = [
        Field("concurrency", \.concurrency, .integer(1 ... .max)),
        Field("max_retries", \.maxRetries, .integer(0 ... .max)),
        Field("backoff", \.backoff, .span),
        Field("type", \.type, .choice),
        Field(optional: "message_group_field", \.messageGroupField, .nonEmpty),
    ]
}

extension Configuration.Cron {
    static let fields: [Field<Self>] = [
        Field("timezone", \.timezone, .timezone)
    ]
}

extension Configuration.State {
    static let fields: [Field<Self>] = [
        Field(optional: "max_value_bytes", \.maxValueBytes, .size(1 ... .max)),
        Field("triggers_enabled", \.triggersEnabled, .flag),
    ]
}

extension Configuration.Entries {
    static let fields: [Field<Self>] = [
        Field(optional: "directory", \.directory, .path),
        Field("ttl", \.ttl, .span),
    ]
}

extension Configuration.Log {
    static let fields: [Field<Self>] = [
        Field("io", \.io, .choice),
        Field("segment_bytes", \.segmentBytes, .size(1 << 20...4 << 30)),
        Field("snapshot_bytes", \.snapshotBytes, .size(1 << 20...1 << 40)),
        Field("cache_bytes", \.cacheBytes, .size(0...1 << 40)),
        Field(optional: "retention", \.retention, .positiveSpan),
        Field(optional: "retention_bytes", \.retentionBytes, .size(1 << 20 ... .max)),
        Field("compression", \.compression, .choice),
    ]
}

extension Configuration.Security {
    static let fields: [Field<Self>] = [
        Field(optional: "token", \.token, .secret),
        Field(optional: "token_file", \.tokenFile, .path),
    ]
}
