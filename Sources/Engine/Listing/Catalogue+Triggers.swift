import JSON
import Primitives

/// The input of `engine::registered-triggers::list`.
struct TriggerQuery {
    /// In lower case.
    let search: String?
    let type: String?
    let function: String?
    let worker: String?
    let includesInternal: Bool

    init(_ fields: JSONFields) throws(JSONFieldError) {
        search = try fields.optionalString("search")?.lowercased()
        type = try fields.optionalString("trigger_type")
        function = try fields.optionalString("function_id")
        worker = try fields.optionalString("worker")
        includesInternal = try fields.optionalBool("include_internal") ?? false
    }
}

extension Catalogue {
    /// The characters of a configuration that its summary shows (protocol 6.7).
    private static let summaryCharacters = 80

    func list(_ query: TriggerQuery) -> JSONObject {
        let rows = registry.liveTriggers.filter { trigger in
            (query.includesInternal || !trigger.request.function.hasPrefix("engine::"))
                && (query.type.map { trigger.request.type == $0 } ?? true)
                && (query.function.map { trigger.request.function == $0 } ?? true)
                && (query.worker.map { workerName(of: trigger) == $0 } ?? true)
                && [trigger.request.id, trigger.request.type, trigger.request.function]
                    .contains { $0.matches(query.search) }
        }
        return ["registered_triggers": .array(rows.map { .object(row($0)) })]
    }

    /// - Throws: `NOT_FOUND`.
    func info(trigger id: String) throws(ErrorBody) -> JSONObject {
        guard let trigger = registry.liveTriggers.first(where: { $0.request.id == id }) else {
            throw Self.notFound("Trigger '\(id)' is not registered")
        }
        var info = row(trigger)
        info["config_summary"] = nil
        info["metadata"] = trigger.request.metadata?.value()
        let type = trigger.type.flatMap { triggerType($0) }
        info["trigger"] = type.map { .object(detail($0)) } ?? .null
        let function = functions.first { $0.name == trigger.function }
        info["function"] = function.map { .object(detail($0, triggersByFunction)) } ?? .null
        return info
    }

    func row(_ trigger: Registry.Trigger) -> JSONObject {
        let config = trigger.request.config.value()
        let summary = config.text.description
        let characters = summary.unicodeScalars
        let isLong = characters.count > Self.summaryCharacters
        let cut = String(characters.prefix(Self.summaryCharacters))
        return [
            "id": .string(trigger.request.id),
            "trigger_type": .string(trigger.request.type),
            "function_id": .string(trigger.request.function),
            "worker_name": .string(workerName(of: trigger)),
            "config": config,
            "config_summary": .string(isLong ? cut + "…" : summary),
        ]
    }

    /// Who asked for it; where that cannot be told, who serves its function.
    private func workerName(of trigger: Registry.Trigger) -> String {
        trigger.owner.flatMap { registry.workers[$0]?.name }
            ?? registry.functions[trigger.function]?.owners.first?.name
            ?? Self.service(of: trigger.request.function)
    }
}
