package import JSON
package import Primitives

/// A function that runs when the state is written (services 1, C.3).
package struct StateTrigger: Equatable, Sendable {
    /// Chosen by the worker.
    package let id: String
    /// The only scope that it is about; nil: any.
    package let scope: String?
    /// The only key that it is about; nil: any.
    package let key: String?
    /// Asked before each run; only its answer `false` forbids it.
    package let condition: FunctionName?

    /// The members of a configuration that are read.
    package static let members = ["scope", "key", "condition_function_id"]

    /// The trigger that a registration for `function` describes: `config` may hold `scope`, `key`
    /// and `condition_function_id`, a function in the namespace of `function`.
    ///
    /// - Throws: `trigger_registration_failed` with a message for the worker's log.
    package static func decode(
        id: String,
        function: FunctionName,
        config: JSONText
    ) throws(ErrorBody) -> StateTrigger {
        do throws(JSONFieldError) {
            let fields = try JSONFields(config)
            let condition = try fields.optionalString("condition_function_id")
            return StateTrigger(
                id: id,
                scope: try fields.optionalString("scope"),
                key: try fields.optionalString("key"),
                condition: condition.map { FunctionName(namespace: function.namespace, id: $0) }
            )
        } catch {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "the configuration of state trigger \"\(id)\": \(error)"
            )
        }
    }
}

/// Which triggers a write concerns. A write costs a look for its scope and the triggers of any
/// scope, whatever others there are.
package struct StateTriggers: Sendable {
    /// Those of one scope, by its name.
    private var ofScope: [Name: [StateTrigger]] = [:]
    private var ofAnyScope: [StateTrigger] = []

    package init() {}

    package var isEmpty: Bool { ofScope.isEmpty && ofAnyScope.isEmpty }

    /// Adds a trigger, in the place of one with the same id.
    package mutating func add(_ trigger: StateTrigger) {
        remove(trigger.id)
        if let scope = trigger.scope {
            ofScope[Name(scope), default: []].append(trigger)
        } else {
            ofAnyScope.append(trigger)
        }
    }

    package mutating func remove(_ id: String) {
        ofAnyScope.removeAll { $0.id == id }
        for (scope, triggers) in ofScope where triggers.contains(where: { $0.id == id }) {
            let left = triggers.filter { $0.id != id }
            ofScope[scope] = left.isEmpty ? nil : left
        }
    }

    /// The triggers that a write of `key` in `scope` concerns.
    package func matching(scope: String, key: String) -> [StateTrigger] {
        guard !isEmpty else { return [] }
        let key = Name(key)
        return (ofScope[Name(scope)] ?? []).filter { $0.concerns(key) }
            + ofAnyScope.filter { $0.concerns(key) }
    }
}

extension StateTrigger {
    fileprivate func concerns(_ written: Name) -> Bool { key.map { Name($0) == written } ?? true }
}

/// What a write did, as its triggers are told.
package struct StateWrite: Sendable {
    package let scope: String
    package let key: String
    /// JSON; nil: there was no value.
    package let old: [UInt8]?
    /// JSON; nil: there is no value any more.
    package let new: [UInt8]?

    package init(scope: String, key: String, old: [UInt8]?, new: [UInt8]?) {
        self.scope = scope
        self.key = key
        self.old = old
        self.new = new
    }

    package var kind: String {
        guard new != nil else { return "state:deleted" }
        return old == nil ? "state:created" : "state:updated"
    }

    /// What the functions get.
    package var payload: JSONText { payload(old: old, isOldOmitted: false) }

    /// The same where no record can hold both values: `old_value` is null, and one more member,
    /// `old_value_omitted`, says that there was one.
    package var payloadWithoutOld: JSONText { payload(old: nil, isOldOmitted: true) }

    private func payload(old: [UInt8]?, isOldOmitted: Bool) -> JSONText {
        var builder = JSONBuilder(capacity: 160 + (old?.count ?? 0) + (new?.count ?? 0))
        builder.beginObject()
        builder.key("type")
        builder.string("state")
        builder.key("event_type")
        builder.string(kind)
        builder.key("scope")
        builder.string(scope)
        builder.key("key")
        builder.string(key)
        for (name, value) in [("old_value", old), ("new_value", new)] {
            builder.key(name)
            if let value { builder.raw(bytes: value) } else { builder.null() }
        }
        if isOldOmitted {
            builder.key("old_value_omitted")
            builder.bool(true)
        }
        builder.endObject()
        return builder.finish()
    }
}
