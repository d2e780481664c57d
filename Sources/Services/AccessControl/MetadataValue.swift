package import JSON

/// What a rule asks of one key of a function's metadata.
package enum MetadataValue: Equatable, Sendable {
    case equal(JSONValue)
    /// A string that matches.
    case matching(Wildcard)

    /// A string that reads `match("…")` is a pattern, everything else itself.
    package init(_ value: JSONValue) {
        if case .string(let text) = value, let pattern = Wildcard(call: text) {
            self = .matching(pattern)
        } else {
            self = .equal(value)
        }
    }

    func accepts(_ value: JSONText) -> Bool {
        switch self {
        case .equal(let wanted): value.value() == wanted
        case .matching(let pattern): value.stringValue.map(pattern.matches) ?? false
        }
    }
}
