import JSON
import Primitives

/// What `engine::…::list` answers (protocol 6.2, 6.4, 6.7).
enum Listing {
    static func workers(_ registry: Registry, _ input: JSONText) -> JSONText {
        let search = input.member("search")?.stringValue?.lowercased()
        let runtime = input.member("runtime")?.stringValue
        let rows = registry.workers.values
            .filter { $0.pid != nil || $0.id.description == input.member("worker_id")?.stringValue }
            .filter { search == nil || $0.name?.lowercased().contains(search ?? "") == true }
            .filter { runtime == nil || $0.runtime == runtime }
            .sorted { ($0.name ?? "", $0.id.description) < ($1.name ?? "", $1.id.description) }
        return JSONValue.object(["workers": .array(rows.map(row))]).text
    }

    private static func row(_ worker: Worker) -> JSONValue {
        .object([
            "name": worker.name.map { .string($0) } ?? .null,
            "description": .null,
            "version": .string(worker.version),
            "id": .string(worker.id.description),
            "namespace": .string(worker.namespace),
            "runtime": .string(worker.runtime),
            "os": worker.os.map { .string($0) } ?? .null,
            "status": .string("connected"),
            "function_count": .integer(Int64(worker.functions.count)),
            "connected_at_ms": .integer(worker.joined.milliseconds),
            "active_invocations": .integer(Int64(worker.inFlight)),
            "isolation": .null,
            "ip_address": .string(worker.address),
        ])
    }

    static func functions(_ registry: Registry, _ input: JSONText) -> JSONText {
        let search = input.member("search")?.stringValue?.lowercased()
        let prefix = input.member("prefix")?.stringValue
        let all = input.member("include_internal")?.boolValue == true
        let rows = registry.functions
            .filter { all || !isInternal($0.key.id, $0.value.definition) }
            .filter { prefix == nil || $0.key.id.hasPrefix(prefix ?? "") }
            .filter { search == nil || $0.key.id.lowercased().contains(search ?? "") }
            .sorted { ($0.key.id, $0.key.namespace) < ($1.key.id, $1.key.namespace) }
            .map { row($0.key, owner: $0.value.owners.first, $0.value.definition) }
        let builtins = Builtin.ids
            .filter { all || !isInternal($0, .emptyObject) }
            .filter { prefix == nil || $0.hasPrefix(prefix ?? "") }
            .filter { search == nil || $0.lowercased().contains(search ?? "") }
            .map { row(FunctionName(id: $0), owner: nil, .emptyObject) }
        return JSONValue.object(["functions": .array(rows + builtins)]).text
    }

    private static func isInternal(_ id: String, _ definition: JSONText) -> Bool {
        id.hasPrefix("engine::") && !id.hasPrefix("engine::queue::")
            || definition.member("metadata")?.member("internal")?.boolValue == true
    }

    private static func row(
        _ name: FunctionName,
        owner: Worker?,
        _ definition: JSONText
    ) -> JSONValue {
        let service = name.id.split(separator: ":").first.map(String.init) ?? name.id
        var row: JSONObject = [
            "function_id": .string(name.id),
            "namespace": .string(name.namespace),
            "worker_name": .string(owner?.name ?? service),
        ]
        for key in ["description", "metadata"] {
            if let value = definition.member(key), !value.isNull { row[key] = value.value() }
        }
        return .object(row)
    }

    static func triggers(_ registry: Registry, _ input: JSONText) -> JSONText {
        let type = input.member("trigger_type")?.stringValue
        let function = input.member("function_id")?.stringValue
        let rows = registry.triggers.values
            .filter { !$0.isParked }
            .filter { type == nil || $0.request.type == type }
            .filter { function == nil || $0.request.function == function }
            .sorted { $0.request.id < $1.request.id }
            .map { trigger -> JSONValue in
                let summary = trigger.request.config.description
                return .object([
                    "id": .string(trigger.request.id),
                    "trigger_type": .string(trigger.request.type),
                    "function_id": .string(trigger.request.function),
                    "worker_name": .string(
                        trigger.owner.flatMap { registry.workers[$0]?.name } ?? ""
                    ),
                    "config": trigger.request.config.value(),
                    "config_summary": .string(
                        summary.count > 80 ? "\(summary.prefix(80))…" : summary
                    ),
                ])
            }
        return JSONValue.object(["registered_triggers": .array(rows)]).text
    }
}
