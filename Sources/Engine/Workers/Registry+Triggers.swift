import JSON
import Primitives

/// Where a trigger type is provided, and its id.
struct TriggerTypeName: Hashable, CustomStringConvertible {
    let namespace: String
    let id: String

    var description: String { FunctionName(namespace: namespace, id: id).description }
}

/// The trigger types that the engine itself provides, in the default namespace.
///
/// No worker takes one of them over: a route, a slot that fires once and a subscription are what
/// the log promises. One may provide a type of the same id in another namespace, whose triggers
/// then find that one first.
enum EngineTriggerType: String, CaseIterable {
    case http
    case cron
    case queue
    case durableSubscriber = "durable:subscriber"
    case state
    /// Something changes in a stream (services 1, D.5), or somebody joins or leaves it.
    case stream
    case streamJoin = "stream:join"
    case streamLeave = "stream:leave"
    /// An entry of the configuration changes (services 1, E.3).
    case configuration
    /// What is published and not kept (services 2, B).
    case subscribe
    /// A worker has reported a log line, or spans of traces have ended (services 2, C.8).
    case log
    case trace
    /// The set of functions has changed (protocol 6.10).
    case functionsAvailable = "engine::functions-available"
    /// A worker has come, gone or described itself.
    case workersAvailable = "engine::workers-available"

    init?(_ name: TriggerTypeName) {
        guard name.namespace == FunctionName.defaultNamespace else { return nil }
        self.init(rawValue: name.id)
    }
}

extension Registry {
    /// A trigger type that workers provide.
    struct TriggerType {
        struct Provider {
            let worker: Worker
            let offer: TriggerTypeOffer
        }

        /// In the order in which they came: the last one serves, and when it goes the one before
        /// does again.
        var providers: [Provider]
    }

    /// A trigger that somebody asked for.
    struct Trigger {
        let request: TriggerRequest
        let function: FunctionName
        /// Who asked; nil: it belongs to no connection, and stays until it is taken back.
        let owner: ConnectionID?
        /// Where its type is looked up first: the namespace of its owner.
        let home: String
        /// Triggers are told to a provider in the order in which they came.
        let number: UInt64
        /// The record that tells of it; nil: there is none yet.
        var record: Offset?
        /// Who serves it; nil: it is parked until somebody does.
        var type: TriggerTypeName?
        /// What its provider was last asked and has not answered; 0: nothing.
        var question: UInt64 = 0

        var isParked: Bool { type == nil }

        /// Whether the other one stands for the same work.
        func isAlike(_ other: Trigger) -> Bool {
            type == other.type && function == other.function
                && request.config == other.request.config
        }
    }

    /// The worker that serves a type; nil: none, or the engine does.
    func provider(of name: TriggerTypeName) -> Worker? { types[name]?.providers.last?.worker }

    /// Whether somebody serves triggers of this type.
    func isProvided(_ name: TriggerTypeName) -> Bool {
        EngineTriggerType(name) != nil || types[name] != nil
    }

    /// Which provider serves a trigger (protocol 3.5): that of the namespace which it names, else
    /// of its home, else the default one; nil: none yet.
    func resolve(_ request: TriggerRequest, home: String) -> TriggerTypeName? {
        let namespaces =
            request.triggerNamespace.map { [$0] } ?? [home, FunctionName.defaultNamespace]
        return namespaces.lazy.map { TriggerTypeName(namespace: $0, id: request.type) }
            .first(where: isProvided)
    }

    /// Where triggers of this type are served, sorted.
    func namespaces(ofType id: String) -> [String] {
        var all = Set(types.keys.filter { $0.id == id }.map(\.namespace))
        if EngineTriggerType(rawValue: id) != nil { all.insert(FunctionName.defaultNamespace) }
        return all.sorted()
    }

    /// The triggers of this type, in any state, in the order in which they came.
    func triggers(ofType id: String) -> [Trigger] {
        triggers.values.filter { $0.request.type == id }.sorted { $0.number < $1.number }
    }

    /// The triggers that are served as one of these types, in the order in which they came.
    func triggers(servedAs names: Set<TriggerTypeName>) -> [Trigger] {
        triggers.values.filter { $0.type.map(names.contains) ?? false }
            .sorted { $0.number < $1.number }
    }

    /// Whether an earlier trigger of another owner says the same: replicas of a worker ask for the
    /// same schedule, and each slot of it is to fire once.
    func isStandby(_ id: String, _ duplicates: EngineOptions.Duplicates) -> Bool {
        guard duplicates == .balance, let trigger = triggers[id] else { return false }
        return triggers.values.contains {
            $0.number < trigger.number && $0.owner != trigger.owner && $0.type == trigger.type
                && $0.function == trigger.function
                && $0.request.config == trigger.request.config
                && $0.request.metadata == trigger.request.metadata
        }
    }

    /// Puts `worker` in front of the other providers of a type.
    ///
    /// - Returns: who served it before.
    func provide(_ name: TriggerTypeName, by worker: Worker, _ offer: TriggerTypeOffer) -> Worker? {
        var type = types[name] ?? TriggerType(providers: [])
        let before = type.providers.last?.worker
        type.providers.removeAll { $0.worker === worker }
        type.providers.append(TriggerType.Provider(worker: worker, offer: offer))
        types[name] = type
        worker.types.append(name)
        worker.holdings[.type(name)] = Registration.triggerType(offer).byteCount
        return before
    }

    /// - Returns: whether `worker` served it; false also where it was not among its providers.
    func withdraw(_ name: TriggerTypeName, by worker: Worker) -> Bool {
        worker.types.remove(name)
        worker.holdings[.type(name)] = 0
        guard var type = types[name] else { return false }
        let wasServing = type.providers.last?.worker === worker
        type.providers.removeAll { $0.worker === worker }
        types[name] = type.providers.isEmpty ? nil : type
        return wasServing
    }
}
