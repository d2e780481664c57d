import Primitives

// What listings see of the registry.

extension Registry {
    /// The trigger types that workers provide.
    var triggerTypes: [TriggerType] { [] }

    func triggerTypes(of worker: Worker) -> [TriggerType] { [] }

    /// Triggers whose type is served, sorted by id: the others are parked (protocol 3.5).
    var liveTriggers: [Trigger] {
        let types = Set(TriggerType.builtIn.map(\.type.id))
        return triggers.values
            .filter { types.contains($0.request.type) }
            .sorted { $0.request.id < $1.request.id }
    }
}

extension Registry.Trigger {
    /// Where the provider of its type is.
    var typeNamespace: String { FunctionName.defaultNamespace }
}
