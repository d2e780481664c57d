import AccessControl
import CommitLog
import Disk
import Events
import Folding
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
        try tellOfWorker(worker, "worker_connected")
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
        for type in worker.types { try withdraw(type, by: worker) }
        let stopped = FunctionResult.failure(
            ErrorBody(code: "invocation_stopped", message: "Invocation stopped")
        )
        try observersLeave(connection)
        for invocation in worker.endAll() { try finish(invocation, stopped) }
        try endFetches(of: worker, stopped)
        // Now: that those ended is an event still.
        observeGone(functions, by: worker)
        try tellOfWorker(worker, "worker_disconnected")
        if options.duplicates == .reject { try settleClaims(on: connection) }
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
        guard let token = token.flatMap({ UUID128($0) }), token.isSecretly(old.token) else {
            notice(.warning, "reattach to worker \(previous) refused: wrong token")
            return
        }
        gate.hold(.close(old.connection, code: 1012, reason: "reattached"), after: nil)
        try leave(old.connection, "reattached")
    }

    // MARK: Registrations

    mutating func register(
        _ connection: ConnectionID,
        _ registration: Registration
    ) throws(LogError) {
        guard let worker = registry.workers[connection] else { return }
        guard registration.longestName <= Limits.nameBytes else {
            return notice(
                .warning,
                "a registration of worker \(worker.name ?? worker.id.description) was ignored: "
                    + "an id or namespace in it has \(registration.longestName) bytes; at most "
                    + "\(Limits.nameBytes) are taken"
            )
        }
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

    /// What a restricted worker registers is looked at first.
    mutating func take(
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
        case .removeTrigger(let id): try removeTrigger(id, by: worker)
        case .triggerType(let offer): try addType(offer, of: worker)
        case .removeTriggerType(let id, let namespace):
            try removeType(id, namespace, of: worker)
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
            Builtin.named(name) != nil
            || id.hasPrefix("engine::") && worker.namespace != FunctionName.defaultNamespace
            || worker.access != nil && guardsListener(name)
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
        try takeUpReactions(of: name)
    }

    mutating func send(
        _ message: Effect.Message,
        to connection: ConnectionID,
        after offset: Offset?
    ) {
        gate.hold(.send(connection, message), after: offset)
    }
}
