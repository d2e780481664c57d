import AccessControl
import CommitLog
import Cron
import Disk
import Events
import Folding
import HTTP
import JSON
import Observability
import Primitives
import Queue

extension Engine where Store: ~Copyable {
    // MARK: Connections

    mutating func join(
        _ connection: ConnectionID,
        _ address: String,
        _ access: Access?
    ) throws(LogError) {
        let worker = Worker(
            connection: connection,
            id: UUID128(from: &random),
            token: UUID128(from: &random),
            address: address,
            joined: now.wall,
            access: access
        )
        registry.add(worker)
        telemetry.engine.workerJoined()
        let offset = try record(
            .workerJoined(WorkerJoined(worker: worker.id, address: address))
        )
        timers.set(
            .namespaceGrace(connection),
            at: now.monotonic + options.namespaceGrace
        )
        let features = options.observe ? [EngineOptions.observeFeature] : []
        send(
            .registered(worker: worker.id, token: worker.token, features: features),
            to: connection,
            after: offset
        )
    }

    mutating func leave(_ connection: ConnectionID, _ reason: String) throws(LogError) {
        guard let worker = registry.remove(connection) else { return }
        let functions = worker.functions
        telemetry.engine.workerLeft()
        for function in functions { _ = registry.cease(function, by: worker) }
        try record(.workerLeft(WorkerLeft(worker: worker.id, reason: reason)))
        for id in worker.triggers where registry.triggers[id]?.owner == connection {
            removeTrigger(id)
        }
        let stopped = FunctionResult.failure(
            ErrorBody(code: "invocation_stopped", message: "Invocation stopped")
        )
        try observersLeave(connection)
        for invocation in worker.endAll() { try finish(invocation, stopped) }
        try endFetches(of: worker, stopped)
        // Now: that those ended is an event still.
        observeGone(functions, by: worker)
    }

    /// A worker came back on a new connection: the old one is over (protocol 1.8).
    mutating func reattach(
        _ connection: ConnectionID,
        previous: String,
        token: String?
    ) throws(LogError) {
        guard let id = UUID128(previous), let old = registry.worker(id),
            old.connection != connection
        else { return }
        guard token == old.token.description else {
            notice(.warning, "reattach to worker \(previous) refused: wrong token")
            return
        }
        gate.hold(.close(old.connection, code: 1012, reason: "reattached"), after: nil)
        try leave(old.connection, "reattached")
    }

    mutating func endNamespaceGrace(_ connection: ConnectionID) throws(LogError) {
        guard let worker = registry.workers[connection], worker.pending != nil else { return }
        notice(
            .warning,
            "worker \(worker.id) did not say its namespace in time; it is in the default one"
        )
        try resolve(worker)
    }

    /// `engine::workers::register`: who the worker is, and where its registrations belong.
    mutating func describe(_ worker: Worker, _ input: JSONText) throws(LogError) -> FunctionResult {
        let description: WorkerDescription
        do throws(ErrorBody) {
            description = try WorkerDescription(input)
        } catch {
            return .failure(error)
        }
        if let refusal = worker.access?.refusal(ofNamespace: description.home(of: worker)) {
            return .failure(refusal)
        }
        let knewObservers = worker.observes
        description.update(worker)
        worker.observes = worker.observes && options.observe
        try record(
            .workerDescribed(
                WorkerDescribed(
                    worker: worker.id,
                    name: worker.name ?? "",
                    namespace: worker.namespace,
                    runtime: worker.runtime,
                    version: worker.version
                )
            )
        )
        let isLate = worker.pending == nil && worker.observes && !knewObservers
        if isLate { confirmAll(to: worker) }
        try resolve(worker)
        return .value(JSONValue.object(["success": .bool(true)]).text.bytes)
    }

    /// The namespace is known: what waited for it is registered, in order.
    private mutating func resolve(_ worker: Worker) throws(LogError) {
        guard let waiting = worker.pending else { return }
        worker.pending = nil
        for registration in waiting { try take(registration, of: worker) }
    }

    // MARK: Registrations

    mutating func register(
        _ connection: ConnectionID,
        _ registration: Registration
    ) throws(LogError) {
        guard let worker = registry.workers[connection] else { return }
        guard registration.byteCount < options.payloadBytes else {
            return notice(
                .warning,
                "a registration of worker \(worker.name ?? worker.id.description) was ignored: "
                    + "it has \(registration.byteCount) bytes"
            )
        }
        guard worker.pending == nil else {
            worker.pending?.append(registration)
            return
        }
        try take(registration, of: worker)
    }

    private mutating func take(
        _ registration: Registration,
        of worker: Worker
    ) throws(LogError) {
        guard let access = worker.access else { return try apply(registration, of: worker) }
        try screen(registration, of: worker, access)
    }

    mutating func apply(
        _ registration: Registration,
        of worker: Worker
    ) throws(LogError) {
        switch registration {
        case .function(let id, let definition, let invocation):
            try addFunction(id, definition, invocation, of: worker)
        case .removeFunction(let id):
            let name = FunctionName(namespace: worker.namespace, id: id)
            guard registry.cease(name, by: worker) else { return }
            try record(
                .functionUnregistered(FunctionUnregistered(worker: worker.id, function: name))
            )
            observeGone([name], by: worker)
        case .observe(let id, let wish):
            if options.observe { try observe(id, wish, by: worker) }
        case .unobserve(let id): try unobserve(id, by: worker.connection)
        case .trigger(let request): try addTrigger(request, of: worker)
        case .removeTrigger(let id):
            guard let trigger = registry.triggers[id], trigger.owner == worker.connection else {
                return
            }
            removeTrigger(id)
            try record(.triggerUnregistered(TriggerUnregistered(trigger: id)))
            try dropLegacy(id)
            try unsubscribe(trigger)
        }
    }

    private mutating func addFunction(
        _ id: String,
        _ definition: JSONText,
        _ invocation: JSONText?,
        of worker: Worker
    ) throws(LogError) {
        let name = FunctionName(namespace: worker.namespace, id: id)
        let isReserved =
            Builtin.named(id) != nil
            || id.hasPrefix("engine::") && worker.namespace != FunctionName.defaultNamespace
        let owner = registry.functions[name]?.owners.first {
            $0 !== worker && (options.duplicates == .reject || !worker.mayShare(with: $0))
        }
        if isReserved || owner != nil {
            let rejection = Effect.Rejection(
                code: "FUNCTION_NAMESPACE_CONFLICT",
                namespace: worker.namespace,
                function: worker.known(name),
                owner: isReserved ? nil : owner?.id
            )
            return send(.rejected(rejection), to: worker.connection, after: nil)
        }
        guard let endpoint = endpoint(of: name, invocation, worker) else { return }
        let isNew = registry.serve(name, by: worker, definition: definition)
        worker.endpoints[name] = endpoint.target
        let offset = try record(
            .functionRegistered(
                FunctionRegistered(
                    worker: worker.id,
                    function: name,
                    definition: definition.bytes
                )
            )
        )
        try observeRegistered(name, definition, by: worker, at: offset)
        if isNew { try functionAppeared(name) }
    }

    /// Work that waited for a worker can go on.
    private mutating func functionAppeared(_ name: FunctionName) throws(LogError) {
        for queue in views.work.queue.functionAppeared(name) { try pump(queue) }
        for firing in waitingFirings.removeValue(forKey: name) ?? [] { try rerun(firing) }
    }

    private mutating func addTrigger(
        _ request: TriggerRequest,
        of worker: Worker
    ) throws(LogError) {
        let namespace = request.namespace ?? FunctionName.defaultNamespace
        let function = FunctionName(namespace: namespace, id: request.function)
        do throws(ErrorBody) {
            if namespace.isBlank {
                throw ErrorBody(code: "INVALID_NAMESPACE", message: "namespace must not be blank")
            }
            if let old = registry.triggers[request.id], old.request.type != request.type {
                removeTrigger(request.id)
            }
            try bind(request, function)
        } catch {
            let failed = Effect.Message.triggerFailed(
                id: request.id,
                type: request.type,
                function: request.function,
                error
            )
            return send(failed, to: worker.connection, after: nil)
        }
        registry.triggers[request.id] = Registry.Trigger(
            request: request,
            function: function,
            owner: worker.connection
        )
        if !worker.triggers.contains(request.id) { worker.triggers.append(request.id) }
        try record(
            .triggerRegistered(
                TriggerRegistered(
                    worker: worker.id,
                    trigger: request.id,
                    type: request.type,
                    function: function,
                    config: request.config.bytes,
                    metadata: request.metadata?.bytes ?? []
                )
            )
        )
        try subscribe(request, function)
        try adoptTrigger(request.id)
    }

    /// Tells the service of the trigger's type about it. A type that nobody serves is no error: the
    /// trigger is parked (protocol 3.5).
    private mutating func bind(
        _ request: TriggerRequest,
        _ function: FunctionName
    ) throws(ErrorBody) {
        switch request.type {
        case "http":
            try router.add(
                HTTPTrigger(
                    id: request.id,
                    function: function,
                    config: request.config,
                    metadata: request.metadata
                )
            )
        case "cron":
            let trigger = try CronTrigger.decode(
                id: request.id,
                function: function,
                config: request.config
            )
            views.work.cron.add(trigger, now: now.wall)
        case let type where QueueTrigger.types.contains(type):
            _ = try QueueTrigger.subscription(of: function, config: request.config)
        default:
            break
        }
    }

    /// A queue trigger makes a subscription, which outlives the worker's connection.
    private mutating func subscribe(
        _ request: TriggerRequest,
        _ function: FunctionName
    ) throws(LogError) {
        guard let subscription = subscription(request, function) else { return }
        let name = QueueView.subscriptionQueue(topic: subscription.topic, function: function)
        guard views.work.queue.queues[name]?.subscription != subscription else { return }
        try record(.queue(.subscribed(subscription)))
        try pump(name)
    }

    /// What a queue trigger subscribes to; nil: it is none.
    func subscription(
        _ request: TriggerRequest,
        _ function: FunctionName
    ) -> Subscribed? {
        guard QueueTrigger.types.contains(request.type) else { return nil }
        do throws(ErrorBody) {
            return try QueueTrigger.subscription(of: function, config: request.config)
        } catch {
            return nil
        }
    }

    /// Only an explicit unregistration ends a subscription, and only with its last trigger.
    private mutating func unsubscribe(_ trigger: Registry.Trigger) throws(LogError) {
        guard let subscription = subscription(trigger.request, trigger.function) else { return }
        let others = registry.triggers.values.contains {
            $0.function == trigger.function
                && self.subscription($0.request, $0.function)?.topic == subscription.topic
        }
        guard !others else { return }
        try record(
            .queue(
                .unsubscribed(
                    Unsubscribed(topic: subscription.topic, function: trigger.function)
                )
            )
        )
    }

    mutating func removeTrigger(_ id: String) {
        guard let trigger = registry.triggers.removeValue(forKey: id) else { return }
        registry.workers[trigger.owner]?.triggers.removeAll { $0 == id }
        router.remove(id)
        views.work.cron.remove(id)
    }

    mutating func send(
        _ message: Effect.Message,
        to connection: ConnectionID,
        after offset: Offset?
    ) {
        gate.hold(.send(connection, message), after: offset)
    }
}
