import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives

// Triggers and who serves them (protocol 3.5, 5). A trigger is forwarded to the provider of its
// type, which is a worker or the engine itself; while there is none it is parked, which is no
// error.

extension Engine where Store: ~Copyable {
    // MARK: A worker's triggers

    mutating func addTrigger(
        _ request: TriggerRequest,
        of worker: Worker
    ) throws(LogError) {
        var trigger = trigger(request, owner: worker)
        do throws(ErrorBody) {
            try check(request)
        } catch {
            return failTrigger(request, error, to: worker.connection)
        }
        try revokeRestricted(fromRouteOf: trigger)
        do throws(ErrorBody) {
            try bindInEngine(trigger)
        } catch {
            return failTrigger(request, error, to: worker.connection)
        }
        let offset = try record(
            .triggerRegistered(
                TriggerRegistered(
                    worker: worker.id,
                    trigger: request.id,
                    type: request.type,
                    function: trigger.function,
                    config: request.config.bytes,
                    metadata: request.metadata?.bytes ?? []
                )
            )
        )
        trigger.record = offset
        let old = registry.triggers[request.id]
        if let old {
            if old.type != trigger.type { detach(old, after: offset) }
            disown(old)
        }
        registry.triggers[request.id] = trigger
        worker.triggers.append(request.id)
        worker.holdings[.trigger(request.id)] = Registration.trigger(request).byteCount
        if let old, !old.isAlike(trigger) { try unsubscribe(old) }
        try subscribe(trigger)
        try ask(request.id)
        try adoptTrigger(request.id)
        awaitProvider(of: trigger)
    }

    /// A trigger that nobody serves yet may be one of a type that nobody knows.
    mutating func awaitProvider(of trigger: Registry.Trigger) {
        let type = trigger.request.type
        guard trigger.isParked, awaitedTypes.insert(type).inserted else { return }
        timers.set(.unknownType(type), at: now.monotonic + Limits.providerReturn)
    }

    /// Providers had the time to come: what still waits for one may be misspelt (protocol 3.5).
    mutating func tellOfUnknownType(_ type: String) {
        awaitedTypes.remove(type)
        let waiting = registry.triggers(ofType: type).filter {
            registry.resolve($0.request, home: $0.home) == nil
        }
        guard let first = waiting.first else { return }
        let place = first.request.triggerNamespace.map { " in namespace \($0.cut)" } ?? ""
        let hint = hint(aboutType: type).map { "; \($0)" } ?? ""
        notice(
            .warning,
            "trigger \(first.request.id) for \(first.function)"
                + (waiting.count == 1 ? "" : " (and \(waiting.count - 1) more)")
                + " waits: nobody provides the type \"\(type.cut)\"\(place)\(hint)"
        )
    }

    /// What may have been meant by a type that nobody provides where it is asked for.
    private func hint(aboutType type: String) -> String? {
        let places = registry.namespaces(ofType: type)
        guard places.isEmpty else {
            return "it is provided in \(places.prefix(8).map(\.cut).joined(separator: ", "))"
        }
        // Those of workers may be many, and long: to compare them takes its time.
        let others = registry.types.keys.map(\.id).filter { $0.utf8.count <= 64 }
        let known = EngineTriggerType.allCases.map(\.rawValue) + others.sorted().prefix(64)
        guard type.utf8.count <= 64, let near = Suggestion.nearest(to: type, in: known) else {
            return nil
        }
        return "did you mean \"\(near)\"?"
    }

    /// A trigger that has been asked for, with the provider that it finds.
    func trigger(_ request: TriggerRequest, owner: Worker?) -> Registry.Trigger {
        let home = owner?.namespace ?? FunctionName.defaultNamespace
        return Registry.Trigger(
            request: request,
            function: FunctionName(
                namespace: request.namespace ?? FunctionName.defaultNamespace,
                id: request.function
            ),
            owner: owner?.connection,
            home: home,
            number: registry.nextNumber(),
            type: registry.resolve(request, home: home)
        )
    }

    /// - Throws: `INVALID_NAMESPACE`, or `trigger_registration_failed` for an id that is not the
    ///   worker's to use.
    private func check(_ request: TriggerRequest) throws(ErrorBody) {
        try Self.checkNamespaces(of: request)
        if let old = registry.triggers[request.id], old.owner == nil {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "the id \(request.id) is that of a trigger which belongs to no worker; "
                    + "engine::unregister_trigger removes it"
            )
        }
    }

    static func checkNamespaces(of request: TriggerRequest) throws(ErrorBody) {
        let named = [
            ("namespace", request.namespace), ("trigger_namespace", request.triggerNamespace),
        ]
        for (field, value) in named where value?.isBlank == true {
            throw ErrorBody(code: "INVALID_NAMESPACE", message: "\(field) must not be blank")
        }
    }

    /// `unregistertrigger`: whoever asked for a trigger takes it back; anybody takes back one that
    /// belongs to nobody.
    mutating func removeTrigger(_ id: String, by worker: Worker) throws(LogError) {
        guard let trigger = registry.triggers[id], waitingBindings[id] == nil else { return }
        if trigger.owner == nil { return try unbind(trigger) }
        guard trigger.owner == worker.connection else { return }
        let offset = try record(.triggerUnregistered(TriggerUnregistered(trigger: id)))
        removeTrigger(id, after: offset)
        try dropLegacy(id)
        // A worker that ends with the engine may take back what it has, and is back with it.
        if !isDraining { try unsubscribe(trigger) }
    }

    /// Takes a trigger out of the table and away from whoever serves it, who hears of it when the
    /// record at `offset` is durable. A subscription stays.
    mutating func removeTrigger(_ id: String, after offset: Offset) {
        guard let trigger = registry.triggers.removeValue(forKey: id) else { return }
        disown(trigger)
        detach(trigger, after: offset)
    }

    private func disown(_ trigger: Registry.Trigger) {
        guard let owner = trigger.owner.flatMap({ registry.workers[$0] }) else { return }
        owner.triggers.remove(trigger.request.id)
        owner.holdings[.trigger(trigger.request.id)] = 0
    }

    // MARK: Providers

    mutating func addType(_ offer: TriggerTypeOffer, of worker: Worker) throws(LogError) {
        let name = TriggerTypeName(namespace: offer.namespace ?? worker.namespace, id: offer.id)
        guard !name.namespace.isBlank, EngineTriggerType(name) == nil else {
            let reason =
                name.namespace.isBlank
                ? "its namespace is blank" : "the engine itself serves this type"
            return notice(
                .warning,
                "trigger type \"\(name)\" of worker \(worker.name ?? worker.id.description) was "
                    + "ignored: \(reason)"
            )
        }
        let serving = registry.provider(of: name)
        if let serving, serving !== worker, !worker.takesOver(serving),
            !worker.mayShare(with: serving)
        {
            return notice(
                .warning,
                "trigger type \"\(name)\" of worker \(worker.name ?? worker.id.description) was "
                    + "ignored: worker \(serving.name ?? serving.id.description) provides it, which "
                    + "has other rights"
            )
        }
        let offset = try record(.triggerTypeRegistered(TriggerTypeProvision(name, worker)))
        let before = registry.provide(name, by: worker, offer)
        for trigger in registry.triggers(ofType: name.id)
        where registry.resolve(trigger.request, home: trigger.home) == name {
            if trigger.type != name {
                detach(trigger, after: offset)
            } else if let before, before !== worker {
                tellUnbound(trigger, to: before, after: offset)
            }
            try move(trigger, to: name)
        }
        try revokeRestricted(from: name, for: worker)
    }

    /// Restricted workers that provided a type do no more once one that may do everything does:
    /// when that goes, what it was told is not for them.
    private mutating func revokeRestricted(
        from name: TriggerTypeName,
        for worker: Worker
    ) throws(LogError) {
        let providers = registry.types[name]?.providers.map(\.worker) ?? []
        for guest in providers where worker.takesOver(guest) {
            try record(.triggerTypeUnregistered(TriggerTypeProvision(name, guest)))
            _ = registry.withdraw(name, by: guest)
            guest.screening.forget(name)
            notice(
                .warning,
                "worker \(guest.name ?? guest.id.description) does not provide trigger type "
                    + "\"\(name)\" any more: a worker that may do everything does"
            )
        }
    }

    mutating func removeType(
        _ id: String,
        _ namespace: String?,
        of worker: Worker
    ) throws(LogError) {
        let name = TriggerTypeName(namespace: namespace ?? worker.namespace, id: id)
        guard worker.types.contains(name) else { return }
        try record(.triggerTypeUnregistered(TriggerTypeProvision(name, worker)))
        try withdraw([name], by: worker)
    }

    /// A worker no longer provides types: who was served by it is served by the next, or parked.
    mutating func withdraw(_ names: [TriggerTypeName], by worker: Worker) throws(LogError) {
        let abandoned = Set(names.filter { registry.withdraw($0, by: worker) })
        guard !abandoned.isEmpty else { return }
        for trigger in registry.triggers(servedAs: abandoned) {
            try move(trigger, to: registry.resolve(trigger.request, home: trigger.home))
            // It will not be refused any more.
            try acceptBinding(trigger.request.id)
        }
    }

    /// Hands a trigger, which nobody serves any more, to a provider; nil parks it.
    private mutating func move(
        _ trigger: Registry.Trigger,
        to name: TriggerTypeName?
    ) throws(LogError) {
        guard registry.triggers[trigger.request.id]?.number == trigger.number else { return }
        var trigger = trigger
        trigger.type = name
        trigger.question = 0
        registry.triggers[trigger.request.id] = trigger
        do throws(ErrorBody) {
            try bindInEngine(trigger)
        } catch {
            return try reject(trigger, error)
        }
        try subscribe(trigger)
        try ask(trigger.request.id)
    }

    /// Takes a trigger away from its provider.
    private mutating func detach(_ trigger: Registry.Trigger, after offset: Offset) {
        guard let name = trigger.type else { return }
        if let type = EngineTriggerType(name) {
            unbind(trigger.request.id, from: type)
        } else if let provider = registry.provider(of: name) {
            tellUnbound(trigger, to: provider, after: offset)
        }
    }

    private mutating func tellUnbound(
        _ trigger: Registry.Trigger,
        to provider: Worker,
        after offset: Offset
    ) {
        let type = trigger.type.map { provider.known($0) } ?? trigger.request.type
        let message = Effect.Message.unbind(id: trigger.request.id, type: type)
        send(message, to: provider.connection, after: offset)
    }

    // MARK: Questions

    /// Tells a worker that provides a trigger's type of the trigger. Where the engine does, or
    /// nobody, there is nobody to tell.
    mutating func ask(_ id: String) throws(LogError) {
        guard var trigger = registry.triggers[id], let name = trigger.type,
            let provider = registry.provider(of: name)
        else { return }
        let request = trigger.request
        if let obstacle = obstacle(to: request.config.bytes, request.metadata, for: provider) {
            return try reject(trigger, obstacle)
        }
        trigger.question = registry.nextNumber()
        registry.triggers[id] = trigger
        tell(trigger, name, to: provider)
        timers.set(
            .providerSilence(trigger: id, question: trigger.question),
            at: now.monotonic + Limits.providerPatience
        )
    }

    private mutating func tell(
        _ trigger: Registry.Trigger,
        _ name: TriggerTypeName,
        to provider: Worker
    ) {
        func unlessDefault(_ namespace: String) -> String? {
            namespace == FunctionName.defaultNamespace ? nil : namespace
        }
        let binding = Effect.Binding(
            id: trigger.request.id,
            type: provider.known(name),
            function: trigger.function.id,
            config: trigger.request.config,
            metadata: trigger.request.metadata,
            namespace: unlessDefault(trigger.function.namespace),
            typeNamespace: unlessDefault(name.namespace)
        )
        send(.bind(binding), to: provider.connection, after: trigger.record)
    }

    /// A provider may have announced its type before it could take triggers: it is told once more.
    mutating func repeatQuestion(_ id: String, _ question: UInt64) {
        guard var trigger = registry.triggers[id], trigger.question == question,
            let name = trigger.type, let provider = registry.provider(of: name)
        else { return }
        trigger.question = 0
        registry.triggers[id] = trigger
        tell(trigger, name, to: provider)
    }

    /// Only the provider of a trigger can take or refuse it.
    mutating func triggerAnswered(
        _ connection: ConnectionID,
        _ answer: TriggerAnswer
    ) throws(LogError) {
        guard let worker = registry.workers[connection],
            var trigger = registry.triggers[answer.id], let name = trigger.type,
            registry.provider(of: name) === worker, worker.known(name) == answer.type
        else { return }
        trigger.question = 0
        registry.triggers[answer.id] = trigger
        if let error = answer.error {
            try reject(trigger, error.shortened)
        } else {
            try acceptBinding(answer.id)
        }
    }

    /// A trigger that was refused is parked until its type is registered again.
    private mutating func reject(
        _ trigger: Registry.Trigger,
        _ error: ErrorBody
    ) throws(LogError) {
        let id = trigger.request.id
        if refuseBinding(id, error) { return }
        registry.triggers[id]?.type = nil
        guard let owner = trigger.owner else {
            return notice(
                .warning,
                "trigger \(id) of type \(trigger.request.type) waits: its provider refused it: "
                    + "\(error.code): \(error.message)"
            )
        }
        failTrigger(trigger.request, error, to: owner)
    }

    /// Tells who asked for a trigger what is wrong with it (protocol 2.9).
    mutating func failTrigger(
        _ request: TriggerRequest,
        _ reason: ErrorBody,
        to connection: ConnectionID
    ) {
        let failed = Effect.Message.triggerFailed(
            id: request.id,
            type: request.type,
            function: request.function,
            reason
        )
        send(failed, to: connection, after: nil)
    }
}

extension TriggerTypeProvision {
    fileprivate init(_ name: TriggerTypeName, _ worker: Worker) {
        self.init(worker: worker.id, namespace: name.namespace, type: name.id)
    }
}
