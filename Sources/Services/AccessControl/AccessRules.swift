package import Primitives

/// What a listener says about the workers that connect to it (protocol 9).
///
/// A listener without any of it is trusted: its workers have no ``Access`` at all.
package struct AccessRules: Equatable, Sendable {
    /// Who may do what; nil: everybody everything.
    package var rbac: RoleRules?
    /// The function that is called in place of every other one.
    package var middleware: String?
    /// How long a hook may take, in nanoseconds.
    package var hookTimeout: UInt64

    package init(
        rbac: RoleRules? = nil,
        middleware: String? = nil,
        hookTimeout: UInt64 = 10_000_000_000
    ) {
        self.rbac = rbac
        self.middleware = middleware
        self.hookTimeout = hookTimeout
    }

    package var isTrusted: Bool { rbac == nil && middleware == nil }

    /// Whether `function` decides, by what it answers, what workers of this listener may do.
    package func isGuarded(by function: FunctionName) -> Bool {
        if function.id == middleware { return true }
        guard let rbac, function.namespace == FunctionName.defaultNamespace else { return false }
        return [rbac.authentication, rbac.onFunction, rbac.onTrigger, rbac.onTriggerType]
            .contains(function.id)
    }
}

/// The `rbac` block. All of its functions live in the default namespace.
package struct RoleRules: Equatable, Sendable {
    /// Says what a connection may do; nil: what is exposed.
    package var authentication: String?
    package var exposed: [ExposeRule]
    /// May change or refuse a registration.
    package var onFunction: String?
    package var onTrigger: String?
    package var onTriggerType: String?

    package init(
        authentication: String? = nil,
        exposed: [ExposeRule] = [],
        onFunction: String? = nil,
        onTrigger: String? = nil,
        onTriggerType: String? = nil
    ) {
        self.authentication = authentication
        self.exposed = exposed
        self.onFunction = onFunction
        self.onTrigger = onTrigger
        self.onTriggerType = onTriggerType
    }
}

/// Functions that every worker of a listener may call.
package struct ExposeRule: Equatable, Sendable {
    package enum Subject: Equatable, Sendable {
        case id(Wildcard)
        /// Every key must be in the function's metadata, with that value. Never empty.
        case metadata([String: MetadataValue])
    }

    package let subject: Subject
    package let namespace: String

    package init(_ subject: Subject, namespace: String = FunctionName.defaultNamespace) {
        if case .metadata(let wanted) = subject {
            precondition(!wanted.isEmpty, "a rule that asks for nothing allows everything")
        }
        self.subject = subject
        self.namespace = namespace
    }
}
