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
    /// - Throws: where it is malformed, as nobody may guess at rights; and where it says that the
    ///   worker is not to be let in, which only an error says as the protocol has it.
    package init(_ answer: JSONText) throws(JSONFieldError) {
        let fields = try JSONFields(answer)
        if let member = Self.refusal(in: answer) {
            throw fields.mismatch(member, expected: "what lets the worker in")
        }
        if let map = try fields.optionalObject("namespaces") {
            for (name, value) in map.members {
                guard let texts = value.isNull ? [] : Self.strings(value) else {
                    throw map.mismatch(name, expected: Self.expected)
                }
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

    /// The member by which an auth function refuses, as those do that are asked about joins of
    /// streams, or others: `unauthorized`, but for false, and `authorized`, but for true. nil: it
    /// does not.
    package static func refusal(in answer: JSONText) -> String? {
        for (member, letsIn) in [("unauthorized", false), ("authorized", true)] {
            guard let value = answer.member(member), !value.isNull else { continue }
            if value.boolValue != letsIn { return member }
        }
        return nil
    }

    private static let expected = "an array of strings"

    private static func strings(
        _ fields: JSONFields,
        _ name: String
    ) throws(JSONFieldError) -> [String]? {
        guard let value = fields.optionalValue(name), !value.isNull else { return nil }
        guard let strings = strings(value) else {
            throw fields.mismatch(name, expected: expected)
        }
        return strings
    }

    /// Nil: it is no array of strings.
    private static func strings(_ value: JSONText) -> [String]? {
        guard let elements = value.elements else { return nil }
        let strings = elements.compactMap(\.stringValue)
        return strings.count == elements.count ? strings : nil
    }

    /// Whether the worker may live in `namespace`.
    package func mayLive(in namespace: String) -> Bool {
        namespaces.isEmpty || namespaces[namespace] != nil
    }
}
