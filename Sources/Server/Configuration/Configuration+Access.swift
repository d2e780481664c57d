package import AccessControl
package import HTTPFunctions
import JSON
package import NetServer
package import Primitives

extension Configuration {
    /// A listener for workers beside the engine's own.
    package struct WorkerListener: Equatable, Sendable {
        package var address = Engine().address
        package var access = ListenerAccess()

        package init() {}
    }

    /// What holds for the workers that connect to one listener.
    package struct ListenerAccess: Equatable, Sendable {
        /// From the accept to the end of the opening handshake, auth function included; also how
        /// long a hook may take.
        package var handshakeTimeout = Timestamp.Span.seconds(10)
        /// The function that is called in place of every other one.
        package var middleware: String?
        /// Web origins that pages may connect from besides loopback ones; `*` for all.
        package var origins: [String] = []
        /// nil: workers may do everything.
        package var rbac: RoleRules?
        /// The secrets that their functions by HTTP may carry; nil: all that any may where workers
        /// may do everything, else none.
        package var secrets: [SecretRule]?

        package init() {}

        /// The secrets where the configuration lets functions carry `common`.
        package func secrets(_ common: [SecretRule]) -> [SecretRule] {
            secrets ?? (rules.isTrusted ? common : [])
        }

        package var rules: AccessRules {
            AccessRules(
                rbac: rbac,
                middleware: middleware,
                hookTimeout: UInt64(max(0, handshakeTimeout.nanoseconds))
            )
        }
    }

    /// The engine's own listener first.
    package var allWorkerListeners: [WorkerListener] {
        var first = WorkerListener()
        first.address = engine.address
        first.access = engine.access
        return [first] + workerListeners
    }
}

extension Configuration.WorkerListener {
    static let fields: [Field<Self>] = [
        Field("address", \.address, .address),
        Field("handshake_timeout", \.access.handshakeTimeout, .positiveSpan),
        Field(optional: "middleware_function_id", \.access.middleware, .nonEmpty),
        Field("origins", \.access.origins, .origins),
        Field(optional: "http_function_secrets", \.access.secrets, .secretRules),
    ]
}

extension Configuration.Engine {
    /// The same keys for the engine's own listener.
    static let accessFields: [Field<Self>] = [
        Field("handshake_timeout", \.access.handshakeTimeout, .positiveSpan),
        Field(optional: "middleware_function_id", \.access.middleware, .nonEmpty),
        Field("origins", \.access.origins, .origins),
        Field(optional: "http_function_secrets", \.access.secrets, .secretRules),
    ]
}

extension Configuration {
    static let rbacFields: [Field<RoleRules>] = [
        Field(optional: "auth_function_id", \.authentication, .nonEmpty),
        Field("expose_functions", \.exposed, .exposeRules),
        Field(optional: "on_function_registration_function_id", \.onFunction, .nonEmpty),
        Field(optional: "on_trigger_registration_function_id", \.onTrigger, .nonEmpty),
        Field(optional: "on_trigger_type_registration_function_id", \.onTriggerType, .nonEmpty),
    ]
}

extension Kind where Value == [String] {
    static let origins = Kind.list(
        "a list of web origins such as [\"https://app.example.com\"], or [\"*\"]",
        show: { $0 },
        parse: { text in
            let isOrigin = ["http://", "https://"].contains { text.hasPrefix($0) }
            return text == "*" || isOrigin && !text.hasSuffix("/") ? text : nil
        }
    )
}

extension Kind where Value == [ExposeRule] {
    fileprivate static let exposeRules = Kind(
        expectation: "a list of rules, each match(\"PATTERN\"), or a table of match or metadata"
            + " (one of the two) and perhaps namespace",
        holdsTables: true,
        read: { value in
            // An empty list of YAML.
            if value == .null { return .value([]) }
            return value.elements(ExposeRule.read)
        },
        show: { rules in "[" + rules.map(\.shown).joined(separator: ", ") + "]" }
    )
}

extension ExposeRule {
    /// A key that is not known would allow more than was meant, and is refused.
    fileprivate static func read(_ setting: Setting) throws(SettingError) -> Self {
        if case .string(let text) = setting.value {
            guard let pattern = Wildcard(call: text) else {
                throw .mismatch(setting, mustBe: "match(\"PATTERN\"), or a table")
            }
            return Self(.id(pattern))
        }
        var subjects: [Subject] = []
        var namespace = FunctionName.defaultNamespace
        try setting.readTable([
            "match": "a pattern of function ids", "metadata": "a table that is not empty",
            "namespace": "the name of a namespace",
        ]) { key, setting in
            switch (key, setting.value) {
            case ("match", .string(let text)):
                subjects.append(.id(Wildcard(call: text) ?? Wildcard(text)))
            case ("metadata", .table(let wanted)) where !wanted.isEmpty:
                let pairs = wanted.map { ($0.key, MetadataValue($0.setting.value.json)) }
                subjects.append(.metadata(Dictionary(pairs) { $1 }))
            case ("namespace", .string(let name)) where !name.isEmpty: namespace = name
            default: return false
            }
            return true
        }
        guard subjects.count == 1 else {
            throw .mismatch(setting, mustBe: "a table with either match or metadata")
        }
        return Self(subjects[0], namespace: namespace)
    }

    /// As TOML.
    fileprivate var shown: String {
        let home =
            namespace == FunctionName.defaultNamespace
            ? "" : ", namespace = \(JSONText(string: namespace))"
        switch subject {
        case .id(let pattern): return "{ match = \(JSONText(string: pattern.text))\(home) }"
        case .metadata(let wanted):
            let pairs = wanted.sorted { $0.key < $1.key }.map { key, value in
                switch value {
                case .equal(let value): "\(JSONText(string: key)) = \(value.text)"
                case .matching(let pattern):
                    "\(JSONText(string: key)) = "
                        + "\(JSONText(string: "match(\"\(pattern.text)\")"))"
                }
            }
            return "{ metadata = { \(pairs.joined(separator: ", ")) }\(home) }"
        }
    }
}

extension Setting.Value {
    fileprivate var json: JSONValue {
        switch self {
        case .table(let entries):
            var object = JSONObject()
            for entry in entries { object[entry.key] = entry.setting.value.json }
            return .object(object)
        case .array(let elements): return .array(elements.map(\.value.json))
        case .string(let text), .untyped(let text), .other(let text): return .string(text)
        case .integer(let number): return .integer(number)
        case .unsigned(let number): return .number(JSONNumber(number))
        case .number(let number): return JSONNumber(number).map(JSONValue.number) ?? .null
        case .boolean(let flag): return .bool(flag)
        case .null: return .null
        }
    }
}
