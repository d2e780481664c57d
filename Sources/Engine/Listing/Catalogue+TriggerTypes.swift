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

/// The input of `engine::triggers::info`.
struct TriggerTypeName {
    let id: String
    let namespace: String

    init(_ fields: JSONFields) throws(JSONFieldError) {
        id = try fields.requiredString("id")
        namespace = try fields.optionalString("namespace") ?? FunctionName.defaultNamespace
    }
}

extension Catalogue {
    /// Sorted by id, of equals by namespace.
    private var triggerTypes: [TriggerType] {
        (TriggerType.builtIn.map(\.type) + registry.triggerTypes)
            .sorted { ($0.id, $0.namespace) < ($1.id, $1.namespace) }
    }

    func list(_ query: TriggerTypeQuery) -> JSONObject {
        let rows = triggerTypes.filter { type in
            (query.includesInternal || !type.id.hasPrefix("engine::"))
                && (query.prefix.map { type.id.hasPrefix($0) } ?? true)
                && (query.worker.map { type.workerName == $0 } ?? true)
                && (type.id.matches(query.search) || type.description.matches(query.search))
        }
        return ["triggers": .array(rows.map { .object(row($0)) })]
    }

    /// - Throws: `NOT_FOUND`.
    func info(_ wanted: TriggerTypeName) throws(ErrorBody) -> JSONObject {
        guard let type = triggerType(wanted.id, in: wanted.namespace) else {
            throw Self.notFound(
                "Trigger type '\(wanted.id)' is not registered in namespace '\(wanted.namespace)'"
            )
        }
        return detail(type)
    }

    func triggerType(_ id: String, in namespace: String) -> TriggerType? {
        triggerTypes.first { $0.id == id && $0.namespace == namespace }
    }

    func row(_ type: TriggerType) -> JSONObject {
        [
            "id": .string(type.id), "namespace": .string(type.namespace),
            "worker_name": .string(type.workerName), "description": .string(type.description),
        ]
    }

    func detail(_ type: TriggerType) -> JSONObject {
        var detail = row(type)
        detail["configuration_schema"] = type.configuration?.value()
        detail["request_schema"] = type.request?.value()
        detail["response_schema"] = type.response?.value()
        let count = registry.liveTriggers.count {
            $0.request.type == type.id && $0.typeNamespace == type.namespace
        }
        detail["instance_count"] = .integer(Int64(count))
        return detail
    }
}
