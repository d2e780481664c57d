import JSON

/// One entry of an update's `ops` (services 1, C.2), read but not yet checked against the limits of
/// its path and value: those fail the operation alone, what is wrong here fails the whole call.
struct UpdateOperation {
    let kind: Kind
    let path: UpdatePath

    enum Kind {
        case set(JSONValue)
        case increment(by: Int64)
        case decrement(by: Int64)
        case remove
        case merge(JSONValue)
        case append(JSONValue)

        /// What error codes begin with.
        var name: String {
            switch self {
            case .set: "set"
            case .increment: "increment"
            case .decrement: "decrement"
            case .remove: "remove"
            case .merge: "merge"
            case .append: "append"
            }
        }
    }

    /// Reads the operation that errors call `place`, such as `ops[2]`.
    init(_ text: JSONText, at place: String) throws(JSONFieldError) {
        let fields = try JSONFields(text, path: place)
        switch try fields.requiredString("type") {
        case "set":
            path = UpdatePath(key: try fields.requiredString("path"))
            kind = .set(fields.optionalValue("value")?.value() ?? .null)
        case "increment":
            path = UpdatePath(key: try fields.requiredString("path"))
            kind = .increment(by: try fields.requiredInteger("by"))
        case "decrement":
            path = UpdatePath(key: try fields.requiredString("path"))
            kind = .decrement(by: try fields.requiredInteger("by"))
        case "remove":
            path = UpdatePath(key: try fields.requiredString("path"))
            kind = .remove
        case "merge":
            path = try UpdatePath(fields)
            kind = .merge(try fields.requiredValue("value").value())
        case "append":
            path = try UpdatePath(fields)
            kind = .append(try fields.requiredValue("value").value())
        case let type:
            throw .mismatch(
                field: "\(place).type",
                expected: "one of set, increment, decrement, remove, merge, append",
                found: "\"\(type)\""
            )
        }
    }
}

/// Where in a value an operation works: keys from the root down. No keys: the root.
struct UpdatePath {
    let keys: [String]

    init(keys: [String]) { self.keys = keys }

    /// One key; an empty text is the root.
    init(key: String) { self.init(keys: key.isEmpty ? [] : [key]) }

    /// The field `path`: absent, null, one key, or an array of keys.
    init(_ fields: JSONFields) throws(JSONFieldError) {
        guard let value = fields.optionalValue("path"), !value.isNull else {
            self.init(keys: [])
            return
        }
        if let key = value.stringValue {
            self.init(key: key)
            return
        }
        let keys = value.elements?.map(\.stringValue)
        guard let keys, !keys.contains(nil) else {
            throw fields.mismatch("path", expected: "a string, an array of strings or null")
        }
        self.init(keys: keys.compactMap(\.self))
    }
}

/// Why one operation of an update was skipped.
struct OperationError: Equatable {
    /// The operation's place in the submitted list, from 0.
    let index: Int
    let code: String
    let message: String
}
