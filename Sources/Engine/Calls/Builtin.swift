import ConfigurationEntries
import Cron
import JSON
import Observability
import Primitives
import Queue
import State
import Stream

/// A function that the engine itself implements.
enum Builtin {
    case state(StateFunction)
    case stream(StreamFunction)
    case queue(QueueFunction)
    /// `iii::durable::publish`, and `enqueue` as it was called before.
    case publish(String)
    /// `publish`: to whoever is subscribed now.
    case publishToSubscribers
    /// `engine::queue::enqueue`: the enqueue action as a function.
    case enqueue
    case log(LogFunction)
    case registerWorker
    case createChannel
    case listing(ListingFunction)
    case telemetry(TelemetryFunction)
    /// The files of the log, for tools.
    case segments(SegmentFunction)
    case cron(CronFunction)
    case configuration(ConfigurationFunction)
    /// `engine::register_trigger`: a trigger that belongs to no connection.
    case bindTrigger
    case unbindTrigger
    /// `engine::replay`: a function as it ran before, and what it calls answered by the caller.
    case replay

    /// - Returns: nil: no builtin has this id.
    static func named(_ id: String) -> Builtin? { table[id] }

    /// - Returns: nil: no builtin has this id, or it is not reachable from that namespace.
    static func named(_ function: FunctionName) -> Builtin? {
        table[function.id].flatMap { $0.isReachable(from: function.namespace) ? $0 : nil }
    }

    /// Whether its input names a function or a trigger that it acts on in its caller's name.
    var namesAnother: Bool {
        switch self {
        case .enqueue, .bindTrigger, .unbindTrigger, .replay: true
        case .cron(let function): function.changesJob
        default: false
        }
    }

    /// All live in the default namespace; the queue functions are found from any (services 2, 0).
    func isReachable(from namespace: String) -> Bool {
        switch self {
        case .publish, .queue: true
        default: namespace == FunctionName.defaultNamespace
        }
    }

    static let ids: [String] = table.keys.sorted()

    private static let table: [String: Builtin] = {
        var table: [String: Builtin] = [
            "iii::durable::publish": .publish("iii::durable::publish"),
            "enqueue": .publish("enqueue"),
            "publish": .publishToSubscribers,
            "engine::queue::enqueue": .enqueue,
            "engine::workers::register": .registerWorker,
            "engine::channels::create": .createChannel,
            "engine::register_trigger": .bindTrigger,
            "engine::unregister_trigger": .unbindTrigger,
            "engine::replay": .replay,
        ]
        for function in StateFunction.allCases { table[function.rawValue] = .state(function) }
        for function in StreamFunction.allCases { table[function.rawValue] = .stream(function) }
        for function in QueueFunction.allCases { table[function.rawValue] = .queue(function) }
        for function in LogFunction.allCases { table[function.rawValue] = .log(function) }
        for function in TelemetryFunction.allCases {
            table[function.rawValue] = .telemetry(function)
        }
        for function in SegmentFunction.allCases {
            table[function.rawValue] = .segments(function)
        }
        for function in CronFunction.allCases { table[function.rawValue] = .cron(function) }
        for function in ConfigurationFunction.allCases {
            table[function.rawValue] = .configuration(function)
        }
        for function in ListingFunction.allCases { table[function.rawValue] = .listing(function) }
        return table
    }()
}
