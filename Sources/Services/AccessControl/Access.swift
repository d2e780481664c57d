package import JSON
package import Primitives

/// What one connection may do: the rules of its listener and what it was granted. Never changes.
package final class Access: Sendable {
    package let rules: AccessRules
    package let grants: Grants

    package init(_ rules: AccessRules, _ grants: Grants) {
        self.rules = rules
        self.grants = grants
    }

    package enum Verdict: Equatable, Sendable {
        case allowed
        /// The auth function named it.
        case forbidden
        /// Nothing allows it.
        case notExposed

        package var isAllowed: Bool { self == .allowed }
    }

    /// Whether the connection may call `function`; whether that exists is not asked, and does not
    /// show. The first rule that applies decides (protocol 9.4). `metadata` is what each of those
    /// that serve the function has registered it with, asked for where a rule needs it.
    package func verdict(
        on function: FunctionName,
        metadata: () -> [JSONText] = { [] }
    ) -> Verdict {
        if grants.forbiddenFunctions.contains(function.id) { return .forbidden }
        if grants.namespaces[function.namespace]?.contains(where: { $0.matches(function.id) })
            == true
        {
            return .allowed
        }
        if function.namespace == FunctionName.defaultNamespace,
            grants.allowedFunctions.contains(function.id)
        {
            return .allowed
        }
        if Self.infrastructure.contains(function.id) { return .allowed }
        guard let rbac = rules.rbac else { return .allowed }
        let isExposed = rbac.exposed.contains { $0.covers(function, metadata) }
        return isExposed ? .allowed : .notExposed
    }

    /// What every worker needs to be one.
    package static let infrastructure: Set<String> = [
        "engine::channels::create", "engine::workers::register",
        "engine::log::info", "engine::log::warn", "engine::log::error", "engine::log::debug",
        "engine::log::trace",
        "engine::baggage::get", "engine::baggage::set", "engine::baggage::get_all",
    ]

    /// The answer to a call that may not be made; nil: it may.
    package func refusal(
        of function: FunctionName,
        metadata: () -> [JSONText] = { [] }
    ) -> ErrorBody? {
        switch verdict(on: function, metadata: metadata) {
        case .allowed: nil
        case .forbidden:
            Self.refusal(
                "function '\(function.id)' is forbidden; remove it from forbidden_functions of "
                    + "what the auth function answers"
            )
        case .notExposed:
            Self.refusal(
                "function '\(function.id)' is not allowed; add it to rbac.expose_functions of the "
                    + "listener, or to what the auth function grants"
            )
        }
    }

    /// The answer to a worker that may not live in `namespace`; nil: it may.
    package func refusal(ofNamespace namespace: String) -> ErrorBody? {
        guard !grants.mayLive(in: namespace) else { return nil }
        let permitted = grants.namespaces.keys.sorted().joined(separator: ", ")
        return Self.refusal("namespace '\(namespace)' is not permitted; permitted: \(permitted)")
    }

    package static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "FORBIDDEN", message: message)
    }
}

extension Access: Equatable {
    package static func == (left: Access, right: Access) -> Bool {
        left.rules == right.rules && left.grants == right.grants
    }
}

extension ExposeRule {
    func covers(_ function: FunctionName, _ metadata: () -> [JSONText]) -> Bool {
        guard function.namespace == namespace else { return false }
        switch subject {
        case .id(let pattern): return pattern.matches(function.id)
        case .metadata(let wanted):
            let registered = metadata()
            return !registered.isEmpty
                && registered.allSatisfy { metadata in
                    metadata.isObject
                        && wanted.allSatisfy { key, value in
                            metadata.member(key).map(value.accepts) ?? false
                        }
                }
        }
    }
}
