import JSON
import Primitives

/// The input of `engine::workers::list`.
struct WorkerQuery {
    /// In lower case.
    let search: String?
    let runtime: String?
    let status: String?
    let id: String?

    init(_ fields: JSONFields) throws(JSONFieldError) {
        search = try fields.optionalString("search")?.lowercased()
        runtime = try fields.optionalString("runtime")
        status = try fields.optionalString("status")
        id = try fields.optionalString("worker_id")
    }
}

/// The input of `engine::workers::info`.
struct WorkerName {
    let name: String
    let namespace: String?

    init(_ fields: JSONFields) throws(JSONFieldError) {
        name = try fields.requiredString("name")
        namespace = try fields.optionalString("namespace")
    }
}

/// One row of the list of workers: a connection, or a part of the engine.
private enum WorkerEntry {
    case connected(Worker)
    case module(EngineModule)

    var id: String {
        switch self {
        case .connected(let worker): worker.id.description
        case .module(let module): module.rawValue
        }
    }

    var name: String? {
        switch self {
        case .connected(let worker): worker.name
        case .module(let module): module.rawValue
        }
    }

    var namespace: String {
        switch self {
        case .connected(let worker): worker.namespace
        case .module: FunctionName.defaultNamespace
        }
    }

    var runtime: String {
        switch self {
        case .connected(let worker): worker.runtime
        case .module: "engine"
        }
    }

    var status: String {
        switch self {
        case .connected: "connected"
        case .module: "available"
        }
    }

    /// Whether it is listed unless it is asked for: connections that say who they are.
    var isShown: Bool {
        switch self {
        case .connected(let worker): worker.pid != nil
        case .module: true
        }
    }
}

extension Catalogue {
    /// Sorted by name, of equals by id.
    private var workers: [WorkerEntry] {
        let all =
            registry.workers.values.map(WorkerEntry.connected)
            + EngineModule.allCases.map(WorkerEntry.module)
        return all.sorted { ($0.name ?? $0.id, $0.id) < ($1.name ?? $1.id, $1.id) }
    }

    func list(_ query: WorkerQuery) -> JSONObject {
        let rows = workers.filter { entry in
            (query.id.map { entry.id == $0 } ?? entry.isShown)
                && (query.search == nil || entry.name?.matches(query.search) == true)
                && (query.runtime.map { entry.runtime == $0 } ?? true)
                && (query.status.map { entry.status == $0 } ?? true)
        }
        let asked = askedOfOthers
        return ["workers": .array(rows.map { .object(row($0, asked)) })]
    }

    /// - Throws: `NOT_FOUND`.
    func info(_ wanted: WorkerName) throws(ErrorBody) -> JSONObject {
        let found = try entry(wanted)
        var row = row(found, askedOfOthers)
        let functions: [FunctionEntry]
        let types: [TriggerTypeEntry]
        let triggers: [Registry.Trigger]
        switch found {
        case .connected(let worker):
            if let pid = worker.pid { row["pid"] = .integer(pid) }
            row["internal"] = .bool(false)
            if let metrics = latestMetrics(worker) { row["latest_metrics"] = .object(metrics) }
            functions = self.functions.filter { $0.owners.contains { $0 === worker } }
            types = registry.triggerTypes(of: worker)
            triggers = registry.liveTriggers.filter { $0.owner == worker.connection }
        case .module(let module):
            row["internal"] = .bool(module.isMandatory)
            if let address = module.listener.flatMap({ addresses[$0] }) {
                row["address"] = .string(address)
            }
            functions = self.functions.filter { $0.module == module }
            types = TriggerTypeEntry.builtIn.filter { $0.module == module }.map(\.type)
            triggers = []
        }
        return [
            "worker": .object(row),
            "functions": .array(functions.map { .object(self.row($0)) }),
            "trigger_types": .array(
                types.sorted { ($0.name.id, $0.name.namespace) < ($1.name.id, $1.name.namespace) }
                    .map { .object(self.row($0)) }
            ),
            "registered_triggers": .array(triggers.map { .object(self.row($0)) }),
        ]
    }

    /// The worker of that name: the one in the namespace that is asked for, else the one in
    /// `default`, else the only one.
    private func entry(_ wanted: WorkerName) throws(ErrorBody) -> WorkerEntry {
        let named = workers.filter { $0.name == wanted.name }
        if let namespace = wanted.namespace {
            if let found = named.first(where: { $0.namespace == namespace }) { return found }
            throw Self.notFound(
                "Worker '\(wanted.name)' is not connected in namespace '\(namespace)'"
            )
        }
        let home = FunctionName.defaultNamespace
        if let found = named.first(where: { $0.namespace == home }) { return found }
        let namespaces = Set(named.map(\.namespace)).sorted()
        guard let found = named.first else {
            throw Self.notFound("Worker '\(wanted.name)' is not connected")
        }
        guard namespaces.count == 1 else {
            throw Self.notFound(
                "Worker '\(wanted.name)' is connected in several namespaces; name one of: "
                    + namespaces.joined(separator: ", ")
            )
        }
        return found
    }

    /// What `asked` is, ``askedOfOthers`` says.
    private func row(_ entry: WorkerEntry, _ asked: [UUID128: Int]) -> JSONObject {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        var row: JSONObject = [
            "name": text(entry.name), "id": .string(entry.id),
            "namespace": .string(entry.namespace), "runtime": .string(entry.runtime),
            "status": .string(entry.status),
        ]
        switch entry {
        case .connected(let worker):
            row["description"] = text(worker.description)
            row["version"] = .string(worker.version)
            row["os"] = text(worker.os)
            row["function_count"] = .integer(Int64(worker.functions.count))
            row["connected_at_ms"] = .integer(worker.joined.milliseconds)
            // The calls that it serves, and those of its own that others serve.
            let active = worker.inFlight + asked[worker.id, default: 0]
            row["active_invocations"] = .integer(Int64(active))
            row["isolation"] = text(worker.isolation)
            row["ip_address"] = .string(worker.address)
        case .module(let module):
            row["description"] = .string(module.description)
            row["version"] = .string(version)
            row["os"] = .null
            row["function_count"] = .integer(Int64(module.functions.count))
            row["connected_at_ms"] = .integer(started.milliseconds)
            row["active_invocations"] = .integer(0)
            row["isolation"] = .string("in-process")
            row["ip_address"] = .null
        }
        return row
    }

    /// How many calls of each worker others are running: one look at all that is in flight.
    private var askedOfOthers: [UUID128: Int] {
        var counts: [UUID128: Int] = [:]
        for worker in registry.workers.values {
            for invocation in worker.serving.values {
                guard let caller = invocation.run.caller, caller != worker.id else { continue }
                counts[caller, default: 0] += 1
            }
        }
        return counts
    }
}
