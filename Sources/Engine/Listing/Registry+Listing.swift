import Primitives

// What listings see of the registry.

extension Registry {
    /// The trigger types that workers provide.
    var triggerTypes: [TriggerTypeEntry] {
        types.compactMap { name, type in
            type.providers.last.map { TriggerTypeEntry(name, $0) }
        }
    }

    /// Those that this one serves.
    func triggerTypes(of worker: Worker) -> [TriggerTypeEntry] {
        worker.types.names.compactMap { name in
            types[name]?.providers.last.flatMap {
                $0.worker === worker ? TriggerTypeEntry(name, $0) : nil
            }
        }
    }

    /// Triggers whose type is served, sorted by id: the others are parked (protocol 3.5).
    var liveTriggers: [Trigger] {
        triggers.values.filter { !$0.isParked }.sorted { $0.request.id < $1.request.id }
    }
}

extension TriggerTypeEntry {
    fileprivate init(_ name: TriggerTypeName, _ provider: Registry.TriggerType.Provider) {
        self.init(
            name: name,
            workerName: provider.worker.name ?? Self.usualProvider(of: name.id),
            description: provider.offer.description ?? "",
            configuration: provider.offer.configFormat,
            request: provider.offer.callFormat
        )
    }

    /// Who serves a type as a rule, where its provider has not said who it is (protocol 3.5).
    private static func usualProvider(of id: String) -> String {
        switch id {
        case "http": "iii-http"
        case "cron": "iii-cron"
        case "subscribe": "iii-pubsub"
        case "state": "iii-state"
        case "durable:subscriber": "queue"
        case "stream", "stream:join", "stream:leave": "iii-stream"
        case "log", "trace": "iii-observability"
        default: Catalogue.service(of: id)
        }
    }
}
