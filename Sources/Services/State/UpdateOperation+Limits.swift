import JSON

/// What an operation's path and value are held to before anything else (services 1, C.2).
extension UpdateOperation {
    private static let keysMax = 32
    private static let keyBytesMax = 256
    private static let mergedKeysMax = 1024
    private static let mergedDepthMax = 16
    /// Keys that would reach into the objects of a JavaScript worker.
    private static let forbiddenKeys = ["__proto__", "constructor", "prototype"]

    /// The first rule that the operation breaks; nil when it keeps them all.
    func violation() -> Violation? {
        if let violation = pathViolation() { return violation }
        if case .merge(let value) = kind { return Self.mergeViolation(value) }
        return nil
    }

    /// A broken rule: the end of an error code, and what to tell the caller.
    struct Violation: Error {
        let code: String
        let message: String
    }

    private func pathViolation() -> Violation? {
        guard path.keys.count <= Self.keysMax else {
            return Violation(
                code: "path.too_deep",
                message: "the path has \(path.keys.count) keys; at most \(Self.keysMax) are allowed"
            )
        }
        for (index, key) in path.keys.enumerated() {
            if key.isEmpty {
                return Violation(
                    code: "path.empty_segment",
                    message: "key \(index) of the path is empty"
                )
            }
            if key.utf8.count > Self.keyBytesMax {
                return Violation(
                    code: "path.segment_too_long",
                    message: "key \(index) of the path is \(key.utf8.count) bytes long; "
                        + "at most \(Self.keyBytesMax) are allowed"
                )
            }
            if Self.forbiddenKeys.contains(key) {
                return Violation(
                    code: "path.proto_polluted",
                    message: "key \(index) of the path is \(key), which is not allowed"
                )
            }
        }
        return nil
    }

    private static func mergeViolation(_ value: JSONValue) -> Violation? {
        guard case .object(let object) = value else {
            return Violation(
                code: "value.not_an_object",
                message: "only an object can be merged, not \(value.kind.described)"
            )
        }
        guard object.count <= mergedKeysMax else {
            return Violation(
                code: "value.too_many_keys",
                message: "the value has \(object.count) keys; at most \(mergedKeysMax) are allowed"
            )
        }
        if let name = forbiddenKeys.first(where: { object[$0] != nil }) {
            return Violation(
                code: "value.proto_polluted",
                message: "the value has a key \(name), which is not allowed"
            )
        }
        guard value.depth <= mergedDepthMax else {
            return Violation(
                code: "value.too_deep",
                message: "the value is nested \(value.depth) levels deep; "
                    + "at most \(mergedDepthMax) are allowed"
            )
        }
        return nil
    }
}

extension JSONValue {
    /// The levels of arrays and objects: 0 for a scalar, 1 for `{}` and `[]`.
    var depth: Int {
        switch self {
        case .array(let elements): 1 + elements.reduce(0) { max($0, $1.depth) }
        case .object(let object): 1 + object.members.reduce(0) { max($0, $1.value.depth) }
        case .null, .bool, .number, .string: 0
        }
    }
}

extension JSONKind {
    /// As a sentence calls a value of this kind.
    var described: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
