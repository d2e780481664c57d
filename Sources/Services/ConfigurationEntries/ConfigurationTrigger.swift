package import JSON
package import Primitives

/// A function that runs when an entry of the configuration changes (services 1, E.3).
package struct ConfigurationTrigger: Equatable, Sendable {
    package let id: String
    /// The only entry that it is about; nil: any.
    package let entry: String?
    /// Empty: all.
    package let kinds: [ConfigurationChange.Kind]
    /// Asked before each run; only its answer `false` forbids it.
    package let condition: FunctionName?

    /// The members of a configuration that are read.
    package static let members = ["configuration_id", "event_types", "condition_function_id"]

    /// The trigger that a registration for `function` describes.
    ///
    /// - Throws: `trigger_registration_failed` with a message for the worker's log.
    package init(id: String, function: FunctionName, config: JSONText) throws(ErrorBody) {
        self.id = id
        do throws(JSONFieldError) {
            let fields = try JSONFields(config.isNull ? .emptyObject : config)
            let entry = try fields.optionalString("configuration_id")
            guard entry.map(ConfigurationView.isID) ?? true else {
                throw fields.mismatch(
                    "configuration_id",
                    expected: "an id: 1 to 64 of a-z, 0-9, _ and -"
                )
            }
            self.entry = entry
            condition = try fields.optionalString("condition_function_id").map {
                FunctionName(namespace: function.namespace, id: $0)
            }
            var kinds: [ConfigurationChange.Kind] = []
            for name in try fields.optionalStrings("event_types") ?? [] {
                guard let kind = ConfigurationChange.Kind(rawValue: name) else {
                    let known = ConfigurationChange.Kind.allCases.map(\.rawValue)
                    throw fields.mismatch(
                        "event_types",
                        expected: "of \(known.joined(separator: ", "))"
                    )
                }
                kinds.append(kind)
            }
            self.kinds = kinds
        } catch {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "the configuration of configuration trigger \"\(id)\": \(error)"
            )
        }
    }
}

/// The triggers that wait for changes, in the order in which they came.
package struct ConfigurationTriggers: Sendable {
    private var triggers: [ConfigurationTrigger] = []

    package init() {}

    /// Takes the place of one with the same id.
    ///
    /// - Returns: that one.
    package mutating func add(_ trigger: ConfigurationTrigger) -> ConfigurationTrigger? {
        guard let place = triggers.firstIndex(where: { $0.id == trigger.id }) else {
            triggers.append(trigger)
            return nil
        }
        let old = triggers[place]
        triggers[place] = trigger
        return old
    }

    /// - Returns: the one that was there.
    package mutating func remove(_ id: String) -> ConfigurationTrigger? {
        guard let place = triggers.firstIndex(where: { $0.id == id }) else { return nil }
        return triggers.remove(at: place)
    }

    package func isBound(to entry: String) -> Bool { triggers.contains { $0.entry == entry } }

    /// Those that a change concerns.
    package func matching(_ change: ConfigurationChange) -> [ConfigurationTrigger] {
        triggers.filter {
            $0.entry ?? change.id == change.id
                && ($0.kinds.isEmpty || $0.kinds.contains(change.kind))
        }
    }
}

/// What became of an entry, as triggers are told.
package struct ConfigurationChange: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case registered = "configuration:registered"
        case updated = "configuration:updated"
        case deleted = "configuration:deleted"
    }

    package let id: String
    package let kind: Kind
    private let old: JSONText?
    private let new: JSONText?
    private let entry: ConfigurationView.Entry

    /// `before` and `after` the change; one of them is nil at most.
    package init?(
        id: String,
        from before: ConfigurationView.Entry?,
        to after: ConfigurationView.Entry?
    ) {
        guard let entry = after ?? before else { return nil }
        self.id = id
        self.entry = entry
        kind = before == nil ? .registered : after == nil ? .deleted : .updated
        old = before?.value
        new = after?.value
    }

    /// What functions get: values mean what `placeholders` say, and are null where that cannot be
    /// told. Nil gives values as they were written, as records have them: what variables hold may
    /// be a secret.
    package func payload(_ placeholders: Placeholders?) -> JSONText {
        func meaning(_ value: JSONText?) -> JSONValue {
            guard let value = value?.value() else { return .null }
            guard let placeholders else { return value }
            return (try? placeholders.expand(value)) ?? .null
        }
        var object: JSONObject = [
            "type": .string("configuration"), "event_type": .string(kind.rawValue),
            "id": .string(id), "name": .string(entry.name),
            "description": .string(entry.description),
            "schema": entry.schemaText?.value() ?? .null, "old_value": meaning(old),
            "new_value": meaning(new),
        ]
        if let metadata = entry.metadata { object["metadata"] = metadata.value() }
        return JSONValue.object(object).text
    }
}
