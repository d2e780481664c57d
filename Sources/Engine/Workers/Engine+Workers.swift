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
        _ access: Access?,
        _ listener: Int
    ) throws(LogError) {
        let worker = Worker(
            connection: connection,
            id: UUID128(from: &random),
            token: UUID128(from: &random),
            address: address,
            joined: now.wall,
            access: access,
            listener: listener
        )
        registry.add(worker)
        metrics.workerJoined()
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
        let functions = worker.functions.names
        metrics.workerLeft()
        tellOfUnplacedCalls(of: worker)
        for function in functions { _ = registry.cease(function, by: worker) }
        let offset = try record(.workerLeft(WorkerLeft(worker: worker.id, reason: reason)))
        for id in worker.triggers.names where registry.triggers[id]?.owner == connection {
            removeTrigger(id, after: offset)
        }
        try withdraw(worker.types.names, by: worker)
        try observersLeave(connection)
        for invocation in worker.endAll() { try interrupt(invocation) }
        try interruptFetches(of: worker)
        try endReplays(askedBy: worker)
        try pumpCrowded()
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
        guard fits(registration, of: worker, sentAs: registration) else { return }
        guard worker.pending == nil else {
            if worker.pending?.append(registration) == false { try cutOff(worker) }
            return
        }
        try take(registration, of: worker)
    }

    /// There is no room for what a worker registers: its connection is over.
    mutating func cutOff(_ worker: Worker) throws(LogError) {
        let reason = "too many registrations wait"
        notice(
            .warning,
            "worker \(worker.name ?? worker.id.description) was cut off: at most "
                + "\(Limits.waitingRegistrations) registrations of "
                + "\(Limits.waitingRegistrationBytes) bytes wait for its namespace or for a hook"
        )
        gate.hold(.close(worker.connection, code: 1008, reason: reason), after: nil)
        try leave(worker.connection, reason)
    }

    /// What a restricted worker registers is looked at first.
    mutating func take(
        _ registration: Registration,
        of worker: Worker
    ) throws(LogError) {
        guard let access = worker.access else {
            guard hasRoom(for: registration, of: worker, sentAs: registration) else { return }
            return try apply(registration, of: worker)
        }
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
            // What waited for room with this worker waits for another, and lets those behind it by.
            try pumpCrowded()
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
            || worker.access.map { isClosed(name, to: $0) } ?? false
        let owner = registry.functions[name]?.owners.first {
            $0 !== worker && !worker.takesOver($0)
                && (options.duplicates == .reject || !worker.mayShare(with: $0))
        }
        if isReserved || owner != nil {
            return reject(name, of: worker, owner: isReserved ? nil : owner, after: nil)
        }
        guard let endpoint = endpoint(of: name, invocation, worker) else { return }
        let isNew = registry.serve(name, by: worker, definition: definition)
        worker.endpoints[name] = endpoint.target
        worker.holdings[.function(name)] =
            Registration.function(id: id, definition: definition, invocation: invocation).byteCount
        let offset = try record(
            .functionRegistered(
                FunctionRegistered(
                    worker: worker.id,
                    function: name,
                    definition: definition.bytes
                )
            )
        )
        try revokeRestricted(from: name, for: worker)
        try observeRegistered(name, definition, by: worker, at: offset)
        // A replica has room where the others have none.
        if isNew { try functionAppeared(name) } else { try pumpCrowded() }
    }

    /// A worker is told that a function is not its own: it goes on without (protocol 2.4).
    mutating func reject(
        _ name: FunctionName,
        of worker: Worker,
        owner: Worker?,
        after offset: Offset?
    ) {
        let rejection = Effect.Rejection(
            code: "FUNCTION_NAMESPACE_CONFLICT",
            namespace: worker.namespace,
            function: worker.known(name),
            owner: owner?.id
        )
        send(.rejected(rejection), to: worker.connection, after: offset)
    }

    /// Which of the two nobody serves, of a function and the one that is asked whether it runs;
    /// nil: neither is missing.
    func unserved(_ function: FunctionName, _ condition: FunctionName?) -> FunctionName? {
        guard isThere(function) else { return function }
        return condition.flatMap { isThere($0) ? nil : $0 }
    }

    /// Work that waited for a worker can go on.
    private mutating func functionAppeared(_ name: FunctionName) throws(LogError) {
        for queue in views.work.queue.functionAppeared(name) { try pump(queue) }
        let waiting = awaitedConditions.removeValue(forKey: name)?.queues ?? []
        for queue in waiting.sorted() { try pump(queue) }
        awaitTriggers(of: name)
        try takeUpAdmissions(of: name)
        try wakeCron(of: name)
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
