import JSON
import Primitives

/// The input of `engine::functions::list`.
struct FunctionQuery {
    /// In lower case.
    let search: String?
    let prefix: String?
    /// The names of owners, any of which will do; empty: all.
    let owners: [String]
    let includesInternal: Bool

    /// Asks for all of them.
    init(includesInternal: Bool) {
        search = nil
        prefix = nil
        owners = []
        self.includesInternal = includesInternal
    }

    init(_ fields: JSONFields) throws(JSONFieldError) {
        search = try fields.optionalString("search")?.lowercased()
        prefix = try fields.optionalString("prefix")
        let owner = try fields.optionalString("worker").map { [$0] } ?? []
        owners = try owner + (fields.optionalStrings("workers") ?? [])
        includesInternal = try fields.optionalBool("include_internal") ?? false
    }
}

/// The input of `engine::functions::info`: one function, or several.
struct FunctionNames {
    let one: String?
    let several: [String]?
    let namespace: String?

    init(_ fields: JSONFields) throws(JSONFieldError) {
        one = try fields.optionalString("function_id")
        several = try fields.optionalStrings("function_ids")
        namespace = try fields.optionalString("namespace")
    }
}

/// A function that can be called: one that workers serve, or a builtin.
struct FunctionEntry {
    let name: FunctionName
    /// None for a builtin.
    let owners: [Worker]
    let module: EngineModule?
    /// That of the first owner.
    let definition: JSONText

    /// The first owner's.
    var workerName: String { owners.first?.name ?? Catalogue.service(of: name.id) }

    /// Whether one of its owners has one of these names.
    func isServed(byOneOf names: [String]) -> Bool {
        names.contains(workerName)
            || owners.dropFirst().contains { $0.name.map { names.contains($0) } ?? false }
    }

    var description: String? { definition.member("description")?.stringValue }

    /// Whether lists leave it out unless they are asked for everything.
    var isInternal: Bool {
        name.id.hasPrefix("engine::") && !name.id.hasPrefix("engine::queue::")
            || definition.member("metadata")?.member("internal")?.boolValue == true
    }

    /// How well it fits what is searched for, 0 the best; nil: not at all.
    fileprivate func tier(_ search: String?) -> Int? {
        guard let search, !search.isEmpty else { return 0 }
        let id = name.id.lowercased()
        if id.hasPrefix(search) || id.split(separator: "::").contains(Substring(search)) {
            return 0
        }
        if id.contains(search) { return 1 }
        return description?.matches(search) == true ? 2 : nil
    }
}

extension Catalogue {
    /// The most functions that one call asks for (protocol 6.5).
    private static let batch = 32

    /// Those that whoever asks may know of, sorted by id, of equals by namespace.
    var functions: [FunctionEntry] {
        let served = registry.functions.map { name, function in
            FunctionEntry(
                name: name,
                owners: function.owners,
                module: nil,
                definition: function.definition
            )
        }
        let builtins = Builtin.ids.map { id in
            FunctionEntry(
                name: FunctionName(id: id),
                owners: [],
                module: Builtin.named(id)?.module,
                definition: .emptyObject
            )
        }
        return (served + builtins).filter { isShown($0.name) }.sorted {
            ($0.name.id, $0.name.namespace) < ($1.name.id, $1.name.namespace)
        }
    }

    func list(_ query: FunctionQuery) -> JSONObject {
        let listed = functions.filter { entry in
            (query.includesInternal || !entry.isInternal)
                && (query.prefix.map { entry.name.id.hasPrefix($0) } ?? true)
                && (query.owners.isEmpty || entry.isServed(byOneOf: query.owners))
        }
        var tiers: [[JSONValue]] = [[], [], []]
        for entry in listed {
            if let tier = entry.tier(query.search) { tiers[tier].append(.object(row(entry))) }
        }
        return ["functions": .array(Array(tiers.joined()))]
    }

    /// - Throws: `NOT_FOUND` or `INVALID_ARGUMENTS`.
    func info(_ wanted: FunctionNames) throws(ErrorBody) -> JSONObject {
        switch (wanted.one, wanted.several) {
        case (let id?, nil):
            return detail(try function(id, wanted.namespace, among: functions), triggersByFunction)
        case (nil, let ids?): return try batch(ids, wanted.namespace)
        default:
            throw ErrorBody(
                code: "INVALID_ARGUMENTS",
                message: "engine::functions::info takes either function_id or function_ids"
            )
        }
    }

    private func batch(_ ids: [String], _ namespace: String?) throws(ErrorBody) -> JSONObject {
        var distinct: [String] = []
        for id in ids.prefix(1024) where !distinct.contains(id) { distinct.append(id) }
        guard !ids.isEmpty, ids.count <= 1024, distinct.count <= Self.batch else {
            throw ErrorBody(
                code: "INVALID_ARGUMENTS",
                message: "function_ids has \(ids.count) ids; it takes 1 to \(Self.batch)"
            )
        }
        let functions = functions
        let triggers = triggersByFunction
        let rows = distinct.map { id -> JSONValue in
            do throws(ErrorBody) {
                return .object(detail(try function(id, namespace, among: functions), triggers))
            } catch {
                return .object(["function_id": .string(id), "error": .string("not_found")])
            }
        }
        return ["functions": .array(rows)]
    }

    /// The function with that id: in the namespace that is asked for, else in `default`, else in
    /// the only one that has it.
    private func function(
        _ id: String,
        _ namespace: String?,
        among functions: [FunctionEntry]
    ) throws(ErrorBody) -> FunctionEntry {
        let named = functions.filter { $0.name.id == id }
        if let found = named.first(where: {
            $0.name.namespace == namespace ?? FunctionName.defaultNamespace
        }) {
            return found
        }
        if namespace == nil, named.count == 1 { return named[0] }
        var message = "Function '\(id)' is not registered"
        if let namespace { message += " in namespace '\(namespace)'" }
        if !named.isEmpty {
            let others = named.map(\.name.namespace).joined(separator: ", ")
            message += "; it is in: \(others)"
        }
        throw Self.notFound(message)
    }

    func row(_ entry: FunctionEntry) -> JSONObject {
        var row: JSONObject = [
            "function_id": .string(entry.name.id),
            "namespace": .string(entry.name.namespace),
            "worker_name": .string(entry.workerName),
        ]
        entry.definition.copy("description", into: &row)
        entry.definition.copy("metadata", into: &row)
        return row
    }

    /// Live triggers by the function that they run, sorted by id.
    var triggersByFunction: [FunctionName: [Registry.Trigger]] {
        Dictionary(grouping: registry.liveTriggers, by: \.function)
    }

    func detail(
        _ entry: FunctionEntry,
        _ triggers: [FunctionName: [Registry.Trigger]]
    ) -> JSONObject {
        var detail = row(entry)
        entry.definition.copy("request_format", into: &detail, as: "request_schema")
        entry.definition.copy("response_format", into: &detail, as: "response_schema")
        detail["registered_triggers"] = .array(
            (triggers[entry.name] ?? []).map {
                .object([
                    "id": .string($0.request.id), "trigger_type": .string($0.request.type),
                    "config": $0.request.config.value(),
                ])
            }
        )
        return detail
    }
}

extension JSONText {
    /// Copies a member that is there and not null.
    fileprivate func copy(_ name: String, into object: inout JSONObject, as copy: String? = nil) {
        if let value = member(name), !value.isNull { object[copy ?? name] = value.value() }
    }
}
