package import JSON

/// How a function wants to be observed, as its worker registered it (protocol 12.3).
package struct ObserveDescriptor: Equatable, Sendable {
    /// Whether its owner hands out the events, rather than each invocation being one.
    package let isOwnerDelivered: Bool
    /// JSON Schema of its observers' args.
    package let argsFormat: JSONText?
    /// The trigger type whose triggers become observers of this function.
    package let legacyTriggerType: String?
    /// Whether it may be observed at all.
    package let isAllowed: Bool

    package init(
        isOwnerDelivered: Bool = false,
        argsFormat: JSONText? = nil,
        legacyTriggerType: String? = nil,
        isAllowed: Bool = true
    ) {
        self.isOwnerDelivered = isOwnerDelivered
        self.argsFormat = argsFormat
        self.legacyTriggerType = legacyTriggerType
        self.isAllowed = isAllowed
    }

    /// A function that said nothing about it.
    package static let plain = ObserveDescriptor()

    /// The `observe` member of a function's definition. What is missing or of another type counts
    /// as not said.
    package init(definition: JSONText) {
        guard let said = definition.member("observe"), said.isObject else {
            self = .plain
            return
        }
        let format = said.member("args_format")
        self.init(
            isOwnerDelivered: said.member("delivery")?.stringValue == "owner",
            argsFormat: format.flatMap { $0.isNull ? nil : $0 },
            legacyTriggerType: said.member("legacy_trigger_type")?.stringValue,
            isAllowed: said.member("allow")?.boolValue ?? true
        )
    }
}
