import JSON
import Primitives

/// The input of `engine::triggers::list`.
struct TriggerTypeQuery {
    /// In lower case.
    let search: String?
    let prefix: String?
    let worker: String?
    let includesInternal: Bool

    init(_ fields: JSONFields) throws(JSONFieldError) {
        search = try fields.optionalString("search")?.lowercased()
        prefix = try fields.optionalString("prefix")
        worker = try fields.optionalString("worker")
        includesInternal = try fields.optionalBool("include_internal") ?? false
    }
}

extension TriggerTypeName {
    /// Reads the input of `engine::triggers::info`.
    init(_ fields: JSONFields) throws(JSONFieldError) {
        self.init(
            namespace: try fields.optionalString("namespace") ?? FunctionName.defaultNamespace,
            id: try fields.requiredString("id")
        )
    }
}

extension Catalogue {
    /// Sorted by id, of equals by namespace.
    private var triggerTypes: [TriggerTypeEntry] {
        (TriggerTypeEntry.builtIn.map(\.type) + registry.triggerTypes)
            .sorted { ($0.name.id, $0.name.namespace) < ($1.name.id, $1.name.namespace) }
    }

    func list(_ query: TriggerTypeQuery) -> JSONObject {
        let rows = triggerTypes.filter { type in
            (query.includesInternal || !type.name.id.hasPrefix("engine::"))
                && (query.prefix.map { type.name.id.hasPrefix($0) } ?? true)
                && (query.worker.map { type.workerName == $0 } ?? true)
                && (type.name.id.matches(query.search) || type.description.matches(query.search))
        }
        return ["triggers": .array(rows.map { .object(row($0)) })]
    }

    /// - Throws: `NOT_FOUND`.
    func info(_ wanted: TriggerTypeName) throws(ErrorBody) -> JSONObject {
        guard let type = triggerType(wanted) else {
            throw Self.notFound(
                "Trigger type '\(wanted.id)' is not registered in namespace '\(wanted.namespace)'"
            )
        }
        return detail(type)
    }

    func triggerType(_ name: TriggerTypeName) -> TriggerTypeEntry? {
        triggerTypes.first { $0.name == name }
    }

    func row(_ type: TriggerTypeEntry) -> JSONObject {
        [
            "id": .string(type.name.id), "namespace": .string(type.name.namespace),
            "worker_name": .string(type.workerName), "description": .string(type.description),
        ]
    }

    func detail(_ type: TriggerTypeEntry) -> JSONObject {
        var detail = row(type)
        detail["configuration_schema"] = type.configuration?.value()
        detail["request_schema"] = type.request?.value()
        detail["response_schema"] = type.response?.value()
        let count = registry.liveTriggers.count { $0.type == type.name }
        detail["instance_count"] = .integer(Int64(count))
        return detail
    }
}
