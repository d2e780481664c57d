package import JSON

/// What the auth function granted a connection (protocol 9.2).
package struct Grants: Equatable, Sendable {
    /// By namespace; not empty, they also limit where the worker may live.
    package var namespaces: [String: [Wildcard]] = [:]
    /// Ids in the default namespace.
    package var allowedFunctions: Set<String> = []
    /// Ids in every namespace; above all else.
    package var forbiddenFunctions: Set<String> = []
    /// nil: all.
    package var allowedTriggerTypes: Set<String>?
    package var mayRegisterTriggerTypes = false
    package var mayRegisterFunctions = true
    /// Stands before every id that the worker registers, with `::` between.
    package var prefix: String?
    /// For hooks and middleware.
    package var context = JSONText.emptyObject

    package init() {}

    /// Where there is no auth function, what is exposed is all that limits.
    package static let full: Grants = {
        var grants = Grants()
        grants.mayRegisterTriggerTypes = true
        return grants
    }()

    /// Reads what an auth function answered.
    ///
    /// - Throws: where it is malformed: nobody may guess at rights.
    package init(_ answer: JSONText) throws(JSONFieldError) {
        let fields = try JSONFields(answer)
        if let map = try fields.optionalObject("namespaces") {
            for name in map.names {
                let texts = try Self.strings(map, name) ?? []
                namespaces[name] = texts.map { Wildcard(call: $0) ?? Wildcard($0) }
            }
        }
        allowedFunctions = Set(try Self.strings(fields, "allowed_functions") ?? [])
        forbiddenFunctions = Set(try Self.strings(fields, "forbidden_functions") ?? [])
        allowedTriggerTypes = try Self.strings(fields, "allowed_trigger_types").map(Set.init)
        mayRegisterTriggerTypes =
            try fields.optionalBool("allow_trigger_type_registration") ?? false
        mayRegisterFunctions = try fields.optionalBool("allow_function_registration") ?? true
        let prefix = try fields.optionalString("function_registration_prefix")
        self.prefix = prefix?.isEmpty == true ? nil : prefix
        if let context = fields.optionalValue("context"), !context.isNull {
            self.context = context
        }
    }

    private static func strings(
        _ fields: JSONFields,
        _ name: String
    ) throws(JSONFieldError) -> [String]? {
        guard let elements = try fields.optionalArray(name) else { return nil }
        let strings = elements.compactMap(\.stringValue)
        guard strings.count == elements.count else {
            throw fields.mismatch(name, expected: "an array of strings")
        }
        return strings
    }

    /// Whether the worker may live in `namespace`.
    package func mayLive(in namespace: String) -> Bool {
        namespaces.isEmpty || namespaces[namespace] != nil
    }
}
