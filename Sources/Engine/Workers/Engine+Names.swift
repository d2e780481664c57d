import AccessControl
import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives

// Who a worker is, and whether it may be called so (protocol 1.7, 3.2). Where the configuration
// lets workers share functions they also share a name; else a live worker is the only one of its
// name.

/// What a worker says of itself, while it waits for the name that another one has.
struct NameClaim {
    let description: WorkerDescription
    let call: Call
    let holder: ConnectionID
    /// Tells it from an earlier claim of the same worker, on another holder.
    let number: UInt64
}

extension Engine where Store: ~Copyable {
    /// `engine::workers::register`: who the worker is, and where its registrations belong.
    ///
    /// - Returns: nil: the answer comes later.
    mutating func describe(_ worker: Worker, _ call: Call) throws(LogError) -> FunctionResult? {
        let description: WorkerDescription
        do throws(ErrorBody) {
            description = try WorkerDescription(JSONText(trusted: call.payload))
        } catch {
            return .failure(error)
        }
        return try describe(worker, description, call)
    }

    private mutating func describe(
        _ worker: Worker,
        _ description: WorkerDescription,
        _ call: Call
    ) throws(LogError) -> FunctionResult? {
        if let refusal = worker.access?.refusal(ofNamespace: description.home(of: worker)) {
            return .failure(refusal)
        }
        // One claim at a time; the answer to the first one decides.
        guard worker.claim == nil else { return Self.isRegistered(false) }
        if let holder = holder(of: description, besides: worker) {
            // A worker that crashed may be taken for alive: it must not keep its successor away.
            let claim = NameClaim(
                description: description,
                call: call,
                holder: holder.connection,
                number: registry.nextNumber()
            )
            worker.claim = claim
            gate.hold(.probe(holder.connection), after: nil)
            timers.set(
                .nameClaim(worker.connection, claim.number),
                at: now.monotonic + Limits.nameClaimPatience
            )
            return nil
        }
        try accept(description, of: worker)
        return Self.isRegistered(true)
    }

    private static func isRegistered(_ isRegistered: Bool) -> FunctionResult {
        .value(JSONValue.object(["success": .bool(isRegistered)]).text.bytes)
    }

    private mutating func accept(
        _ description: WorkerDescription,
        of worker: Worker
    ) throws(LogError) {
        if worker.pending == nil, let other = description.namespace, other != worker.namespace {
            notice(
                .warning,
                "worker \(worker.name ?? worker.id.description) stays in namespace "
                    + "\"\(worker.namespace)\": it named \"\(other)\" too late"
            )
        }
        let knewObservers = worker.observes
        description.update(worker)
        registry.described()
        worker.observes = worker.observes && options.observe
        worker.holdsName = options.duplicates == .reject && description.isBoundByNames(of: worker)
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
        try tellOfWorker(worker, "worker_metadata_updated")
    }

    // MARK: The lease of a name

    /// The other live worker that has the name which `worker` asks for; nil: it may have it.
    private func holder(of description: WorkerDescription, besides worker: Worker) -> Worker? {
        guard options.duplicates == .reject, description.isBoundByNames(of: worker),
            let name = description.name ?? worker.name
        else { return nil }
        let namespace = description.home(of: worker)
        return registry.workers.values.first {
            $0 !== worker && $0.holdsName && $0.name == name && $0.namespace == namespace
        }
    }

    /// The holder of a name has shown that it lives: whoever wanted the name is refused.
    mutating func answeredProbe(_ holder: ConnectionID) throws(LogError) {
        guard let owner = registry.workers[holder] else { return }
        for worker in claimants(of: holder) {
            guard let claim = worker.claim else { continue }
            worker.claim = nil
            let rejection = Effect.Rejection(
                code: "WORKER_NAMESPACE_CONFLICT",
                namespace: owner.namespace,
                worker: owner.name,
                owner: owner.id
            )
            let connection = worker.connection
            send(.rejected(rejection), to: connection, after: nil)
            answer(claim.call, on: connection, Self.isRegistered(false), after: nil)
            gate.hold(.close(connection, code: 1008, reason: "its name is taken"), after: nil)
            notice(
                .warning,
                "worker \(worker.id) was refused: worker \(owner.id) has the name "
                    + "\"\(owner.name ?? "")\" in namespace \"\(owner.namespace)\""
            )
            try leave(connection, "its name is taken")
        }
    }

    /// The time of the holder to show that it lives is over: it is taken for dead.
    mutating func endNameClaim(
        of connection: ConnectionID,
        _ number: UInt64
    ) throws(LogError) {
        guard let claim = registry.workers[connection]?.claim, claim.number == number,
            let holder = registry.workers[claim.holder]
        else { return }
        notice(
            .warning,
            "worker \(holder.name ?? holder.id.description) does not answer; a new one takes its "
                + "name"
        )
        let reason = "another worker has taken its name"
        gate.hold(.close(holder.connection, code: 1012, reason: reason), after: nil)
        try leave(holder.connection, reason)
    }

    /// A name is free again: the first that waits for it gets it.
    mutating func settleClaims(on holder: ConnectionID) throws(LogError) {
        for worker in claimants(of: holder) {
            guard let claim = worker.claim else { continue }
            worker.claim = nil
            guard let result = try describe(worker, claim.description, claim.call) else { continue }
            answer(claim.call, on: worker.connection, result, after: newest)
        }
    }

    /// In the order in which they came.
    private func claimants(of holder: ConnectionID) -> [Worker] {
        registry.workers.values.filter { $0.claim?.holder == holder }.sorted {
            ($0.joined, $0.connection.loop, $0.connection.number)
                < ($1.joined, $1.connection.loop, $1.connection.number)
        }
    }

    // MARK: The namespace

    mutating func endNamespaceGrace(_ connection: ConnectionID) throws(LogError) {
        guard let worker = registry.workers[connection], worker.pending != nil,
            worker.claim == nil
        else { return }
        notice(
            .warning,
            "worker \(worker.id) did not say its namespace in time; it is in the default one"
        )
        try resolve(worker)
    }

    /// Keeps a call of a function that the worker itself has sent and that waits for its namespace.
    /// No other worker's call waits: for those the function is not there yet.
    ///
    /// - Returns: false: it does not wait for that, or there is no room for it.
    func holds(_ call: Call, to target: FunctionName, of worker: Worker) -> Bool {
        guard worker.pending?.registers(target.id) == true, !isThere(target) else { return false }
        switch call.action {
        case .await, .void: return worker.pending?.append(call) == true
        case .enqueue, .unknown, .refused: return false
        }
    }

    /// The namespace is known: what waited for it is registered, in order, and then called.
    private mutating func resolve(_ worker: Worker) throws(LogError) {
        guard var waiting = worker.pending else { return }
        worker.pending = nil
        while registry.workers[worker.connection] === worker,
            let next = waiting.registrations.popFirst()
        {
            try take(next, of: worker)
        }
        for call in waiting.calls { try begin(.call(worker.connection, call)) }
    }
}

extension WorkerDescription {
    /// Whether the worker is refused where its name is taken. Every command of the `iii` program
    /// is a worker of the same name, and SDKs before 0.23 do not know what a refusal is.
    func isBoundByNames(of worker: Worker) -> Bool {
        guard let name = name ?? worker.name, !name.hasPrefix("iii-cli:") else { return false }
        let runtimes: Set<String> = ["python", "node", "browser", "rust", "go"]
        guard runtimes.contains(runtime ?? worker.runtime) else { return true }
        let parts = (version ?? worker.version).split(separator: ".").compactMap { Int($0) }
        return parts.isEmpty || !parts.lexicographicallyPrecedes([0, 23])
    }
}
