import CommitLog
import Disk
import Folding
import Observe
import Primitives

// Triggers of a type that a function took over (`legacy_trigger_type`, protocol 12.3): each becomes
// an observer of that function, for as long as the trigger is registered.

extension Engine where Store: ~Copyable {
    /// A trigger was registered, or registered anew.
    mutating func adoptTrigger(_ id: String) throws(LogError) {
        guard options.observe, let trigger = registry.triggers[id], waitingBindings[id] == nil
        else { return }
        try dropLegacy(id)
        let type = trigger.request.type
        // Types of the engine's own cannot be taken over.
        guard EngineTriggerType(rawValue: type) == nil else { return }
        let namespaces = [trigger.home, FunctionName.defaultNamespace]
        guard let source = observers.successor(of: type, in: namespaces) else { return }
        let legacy = LegacyTrigger(type: type, config: trigger.request.config)
        let spec = ObserverSpec(
            legacyConfig: trigger.request.config,
            source: source,
            target: trigger.function,
            metadata: trigger.request.metadata
        )
        guard observers[id] == nil else {
            let taken = ErrorBody(code: "OBSERVER_ID_IN_USE", message: "\(id) is an observer's id")
            return failLegacy(trigger, taken)
        }
        let observer = add(id, spec, legacy: legacy, for: trigger.owner)
        if let reason = observer.reason, observer.state == .error { failLegacy(observer, reason) }
    }

    /// A function took over the triggers of a type; those that it has already are its own still.
    mutating func adoptTriggers(of type: String) throws(LogError) {
        for id in registry.triggers.keys.sorted()
        where registry.triggers[id]?.request.type == type && observers[id] == nil {
            try adoptTrigger(id)
        }
    }

    /// A trigger is no more.
    mutating func dropLegacy(_ trigger: String) throws(LogError) {
        guard let observer = observers[trigger], observer.legacy != nil else { return }
        try remove(observer, isDropping: true)
    }

    /// Who registered the trigger hears only of a failure (protocol 2.9).
    mutating func failLegacy(_ observer: Observer, _ reason: ErrorBody) {
        guard observer.legacy != nil, let trigger = registry.triggers[observer.id] else { return }
        failLegacy(trigger, reason)
    }

    private mutating func failLegacy(_ trigger: Registry.Trigger, _ reason: ErrorBody) {
        if let owner = trigger.owner { return failTrigger(trigger.request, reason, to: owner) }
        notice(
            .warning,
            "trigger \(trigger.request.id) of type \(trigger.request.type) does not fire: "
                + "\(reason.code): \(reason.message)"
        )
    }
}
