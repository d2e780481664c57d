import Primitives

/// A part of the engine that stands among the workers in listings (protocol 6.2).
enum EngineModule: String, CaseIterable {
    case configuration
    case cron = "iii-cron"
    case functions = "iii-engine-functions"
    case http = "iii-http"
    case observability = "iii-observability"
    case pubsub = "iii-pubsub"
    case state = "iii-state"
    case stream = "iii-stream"
    case workers = "iii-worker-manager"
    case queue

    var description: String {
        switch self {
        case .configuration: "Keeps what workers are configured with"
        case .cron: "Runs functions on a schedule"
        case .functions: "Tells what is registered"
        case .http: "Runs functions on HTTP requests"
        case .observability: "Keeps logs, spans and metrics"
        case .pubsub: "Calls whoever is subscribed to a topic"
        case .state: "Keeps values by scope and key"
        case .stream: "Tells browsers and functions what changes in groups of items"
        case .workers: "Takes the connections of workers"
        case .queue: "Delivers messages until they are done"
        }
    }

    /// Whether no configuration leaves it out.
    var isMandatory: Bool {
        switch self {
        case .configuration, .functions, .observability, .workers: true
        case .cron, .http, .pubsub, .state, .stream, .queue: false
        }
    }

    /// What it listens on, by the name in the ports file; nil: it does not.
    var listener: String? {
        switch self {
        case .http: "http"
        case .stream: "stream"
        case .workers: "worker"
        case .configuration, .cron, .functions, .observability, .pubsub, .state, .queue: nil
        }
    }

    /// The ids of its functions, sorted.
    var functions: [String] { Builtin.ids.filter { Builtin.named($0)?.module == self } }
}

extension Builtin {
    /// The part of the engine that serves it.
    var module: EngineModule {
        switch self {
        case .state: .state
        case .stream: .stream
        case .queue, .publish, .enqueue: .queue
        case .log, .telemetry, .segments: .observability
        case .cron: .cron
        case .configuration: .configuration
        case .publishToSubscribers: .pubsub
        case .registerWorker, .listing, .createChannel, .bindTrigger, .unbindTrigger, .replay:
            .functions
        }
    }
}
