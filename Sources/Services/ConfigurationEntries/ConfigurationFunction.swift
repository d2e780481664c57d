package import Events
package import JSON
package import Primitives

/// The functions of the configuration worker (services 1, E.2).
package enum ConfigurationFunction: String, CaseIterable, Sendable {
    case register = "configuration::register"
    case set = "configuration::set"
    case get = "configuration::get"
    case list = "configuration::list"
    case schema = "configuration::schema"

    /// Whether it changes an entry.
    package var writes: Bool { self == .register || self == .set }
}

/// What a call of such a function leads to.
package struct ConfigurationDecision: Equatable, Sendable {
    /// To be logged, then applied; nil when nothing changes.
    package let event: ConfigurationEvent?
    package let result: JSONText
}

/// The input of one call.
package enum ConfigurationCall: Equatable, Sendable {
    case register(ConfigurationRegistration)
    case set(id: String, JSONText)
    case get(id: String, isRaw: Bool)
    case list
    case schema(id: String)

    /// - Throws: `deserialization_error`.
    package init(_ function: ConfigurationFunction, _ input: JSONText) throws(ErrorBody) {
        self = try JSONFields.read(input, of: function.rawValue) {
            (fields) throws(JSONFieldError) in
            switch function {
            case .register:
                .register(
                    ConfigurationRegistration(
                        id: try fields.requiredString("id"),
                        name: try fields.requiredString("name"),
                        description: try fields.requiredString("description"),
                        schema: try fields.requiredValue("schema").compacted,
                        initialValue: fields.optionalValue("initial_value")?.compacted,
                        metadata: fields.optionalValue("metadata").flatMap {
                            $0.isNull ? nil : $0.compacted
                        }
                    )
                )
            case .set:
                .set(
                    id: try fields.requiredString("id"),
                    try fields.requiredValue("value").compacted
                )
            case .get:
                .get(
                    id: try fields.requiredString("id"),
                    isRaw: try fields.optionalBool("raw") ?? false
                )
            case .list: .list
            case .schema: .schema(id: try fields.requiredString("id"))
            }
        }
    }
}

package struct ConfigurationRegistration: Equatable, Sendable {
    package let id: String
    package let name: String
    package let description: String
    package let schema: JSONText
    /// Nil: what is there stays.
    package let initialValue: JSONText?
    package let metadata: JSONText?
}

extension JSONText {
    /// Without white space.
    var compacted: JSONText { value().text }
}
