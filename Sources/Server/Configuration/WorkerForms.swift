import NetServer

/// What this engine makes of one built-in worker of a `workers:` list.
struct WorkerForm {
    /// The names that it goes by, the one for messages first.
    let names: [String]
    let keys: [String: Meaning]
    /// Where `host` and `port` go to, and what they are when they are not given.
    var listener: Listener?

    struct Listener {
        let section: String
        let fallback: ListenAddress
    }

    enum Meaning {
        /// The same value under this key of the TOML form.
        case same(String)
        /// The same where there is a value.
        case optional(String)
        /// The same, with 1 for 0.
        case atLeastOne(String)
        /// Milliseconds; a duration under this key of the TOML form.
        case milliseconds(String)
        /// Half of the listener's address.
        case listener
        /// The map of function queues.
        case queues
        /// Where functions that are invoked by HTTP may lead.
        case outbound
        /// Where configuration entries have files.
        case entries
        /// Seconds; a duration under this key of the TOML form.
        case seconds(String)
        /// Part of the process of the exec worker.
        case process
        /// Nothing that this engine acts on; the user is told.
        case none
        /// Nothing that this engine acts on, and not safe to ignore.
        case unsupported(String)
    }

    /// The worker that goes by `name`.
    static func named(_ name: String) -> WorkerForm? {
        all.first { $0.names.contains(name) }
    }

    /// Entries that change nothing here and need no word about it.
    static let silent = ["iii-engine-functions", "iii-telemetry"]

    /// Workers of the other implementation that this engine does not have.
    static let absent = [
        "iii-bridge", "iii-sandbox", "iii-worker-ops",
    ]

    /// Every name that a `workers:` list may hold without being a package of the user's own.
    static var knownNames: [String] { all.flatMap(\.names) + silent + absent }

    static let all = [
        workerManager, http, queue, cron, pubsub, state, stream, observability, configuration,
        httpFunctions, exec,
    ]

    /// The keys of one entry of `queue_configs`.
    static let queueKeys: [String: Meaning] = [
        "type": .same("type"),
        "max_retries": .same("max_retries"),
        "concurrency": .same("concurrency"),
        "message_group_field": .same("message_group_field"),
        "backoff_ms": .milliseconds("backoff"),
        "poll_interval_ms": .none,
        "max_priority": .none,
        "priority_field": .none,
        "timeout_ms": .none,
        "redeliver_on_engine_restart": .none,
    ]

    static let workerManager = WorkerForm(
        names: ["iii-worker-manager"],
        keys: [
            "host": .listener,
            "port": .listener,
            "handshake_timeout_ms": .milliseconds("engine.handshake_timeout"),
            "middleware_function_id": .optional("engine.middleware_function_id"),
            "rbac": .same("engine.rbac"),
        ],
        listener: Listener(section: "engine", fallback: Configuration.Engine().address)
    )

    private static let http = WorkerForm(
        names: ["iii-http", "http"],
        keys: [
            "host": .listener,
            "port": .listener,
            "default_timeout": .milliseconds("http.timeout"),
            "body_limit": .same("http.body_limit"),
            "middleware": .optional("http.middleware"),
            "concurrency_request_limit": .atLeastOne("http.concurrency_request_limit"),
            "cors": .optional("http.cors"),
            "trust_proxy": .none,
            "request_id_header": .none,
            "ignore_trailing_slash": .none,
            "not_found_function": .none,
        ],
        listener: Listener(section: "http", fallback: Configuration.HTTP().address)
    )

    private static let queue = WorkerForm(
        names: ["iii-queue", "queue"],
        keys: ["adapter": .none, "queue_configs": .queues]
    )

    private static let cron = WorkerForm(
        names: ["iii-cron", "cron"],
        keys: ["adapter": .none, "timezone": .same("cron.timezone")]
    )

    private static let pubsub = WorkerForm(
        names: ["iii-pubsub", "pubsub"],
        keys: ["adapter": .none]
    )

    private static let state = WorkerForm(
        names: ["iii-state", "state"],
        keys: [
            "adapter": .none,
            "max_value_bytes": .optional("state.max_value_bytes"),
            "triggers_enabled": .same("state.triggers_enabled"),
            "save_interval_ms": .none,
        ]
    )

    private static let stream = WorkerForm(
        names: ["iii-stream", "stream"],
        keys: [
            "host": .listener,
            "port": .listener,
            "adapter": .none,
            "auth_function": .optional("stream.auth_function"),
        ],
        listener: Listener(section: "stream", fallback: Configuration.Stream().address)
    )

    private static let observability = WorkerForm(
        names: ["iii-observability", "observability"],
        keys: observabilityKeys
    )

    private static let observabilityKeys: [String: Meaning] = {
        var keys: [String: Meaning] = [
            "enabled": .same("observability.tracing"),
            "logs_enabled": .same("observability.logging"),
            "metrics_retention_seconds": .seconds("observability.metrics_retention"),
            "logs_retention_seconds": .seconds("observability.logs_retention"),
            "level": .same("observability.log_level"),
            "format": .same("observability.log_format"),
        ]
        let same = [
            "exporter", "endpoint", "service_name", "service_version", "service_namespace",
            "sampling_ratio", "sampling", "memory_max_spans", "metrics_max_count",
            "logs_max_count", "logs_sampling_ratio", "logs_console_output", "alerts",
            "collapse_spans",
        ]
        for key in same { keys[key] = .optional("observability.\(key)") }
        let others = [
            "trace_storage", "live_spans", "metrics_enabled", "metrics_exporter",
            "logs_exporter", "logs_batch_size", "logs_flush_interval_ms",
        ]
        for key in others { keys[key] = Meaning.none }
        return keys
    }()

    /// Its `adapter` is translated apart.
    static let configuration = WorkerForm(
        names: ["configuration"],
        keys: ["adapter": .entries, "ttl_seconds": .seconds("configuration.ttl")]
    )

    private static let httpFunctions = WorkerForm(
        names: ["iii-http-functions"],
        keys: ["security": .outbound]
    )

    /// The keys of its `security`.
    static let outboundKeys = ["url_allowlist", "block_private_ips", "require_https"]

    /// Its keys are translated together.
    static let exec = WorkerForm(
        names: ["iii-exec", "exec"],
        keys: ["exec": .process, "watch": .process]
    )

    /// The worker's name for the `class` of a `modules:` entry, as in
    /// `modules::queue::QueueModule`. Nil where there is none.
    static func name(ofClass text: String) -> String? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: true)
        guard parts.count >= 2, parts[0] == "modules" else { return nil }
        switch parts[1] {
        case "api", "rest_api", "http": return "iii-http"
        case "queue", "event": return "iii-queue"
        case "cron": return "iii-cron"
        case "state", "kv_server": return "iii-state"
        case "stream", "streams": return "iii-stream"
        case "observability", "logging", "otel": return "iii-observability"
        case "pubsub": return "iii-pubsub"
        case "http_functions": return "iii-http-functions"
        case "shell": return "iii-exec"
        case "worker": return "iii-worker-manager"
        case "telemetry": return "iii-telemetry"
        default: return nil
        }
    }
}
