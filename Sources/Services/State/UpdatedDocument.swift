import JSON

/// A value under update: operations change it in place, one after the other.
///
/// A failing operation changes nothing.
struct UpdatedDocument {
    private(set) var value: JSONValue
    /// Whether there was no value, and no operation has made one yet.
    private var isMissing: Bool

    private typealias Violation = UpdateOperation.Violation

    /// - Parameter stored: the value before; nil: none, which operations on keys see as `{}`.
    init(_ stored: JSONValue?) {
        value = stored ?? .object(JSONObject())
        isMissing = stored == nil
    }

    /// Runs the operations in order.
    ///
    /// - Returns: the reasons of those that were skipped.
    mutating func apply(_ operations: [UpdateOperation]) -> [OperationError] {
        var errors: [OperationError] = []
        for (index, operation) in operations.enumerated() {
            do throws(Violation) {
                if let violation = operation.violation() { throw violation }
                try apply(operation)
            } catch {
                let code = "\(operation.kind.name).\(error.code)"
                errors.append(OperationError(index: index, code: code, message: error.message))
            }
        }
        return errors
    }

    private mutating func apply(_ operation: UpdateOperation) throws(Violation) {
        let keys = operation.path.keys
        switch operation.kind {
        case .set(let new): try set(new, at: keys.first)
        case .increment(let amount): try add(at: keys.first) { $0.adding(amount) }
        case .decrement(let amount): try add(at: keys.first) { $0.subtracting(amount) }
        case .remove: try remove(at: keys.first)
        case .merge(.object(let members)): merge(members, at: keys)
        case .merge: preconditionFailure("a merged value was checked to be an object")
        case .append(let element): try append(element, at: keys)
        }
    }
}

// MARK: Operations on the root or one key

extension UpdatedDocument {
    private mutating func set(_ new: JSONValue, at key: String?) throws(Violation) {
        if let key {
            try changeRootObject { object in object[key] = new }
        } else {
            value = new
        }
        isMissing = false
    }

    private mutating func remove(at key: String?) throws(Violation) {
        guard let key else {
            value = .null
            isMissing = false
            return
        }
        try changeRootObject { object in object[key] = nil }
    }

    /// Replaces a number by its sum with something; where there is none, by the sum with 0.
    private mutating func add(
        at key: String?,
        _ sum: (JSONNumber) -> JSONNumber?
    ) throws(Violation) {
        if let key {
            // Nothing may hold on to the object, or changing it would copy its members.
            let old = try rootObject()[key] ?? .integer(0)
            let new = try Self.sum(of: old, key, sum)
            try changeRootObject { object in object[key] = new }
        } else {
            value = try Self.sum(of: isMissing ? .integer(0) : value, nil, sum)
        }
        isMissing = false
    }

    private static func sum(
        of value: JSONValue,
        _ key: String?,
        _ sum: (JSONNumber) -> JSONNumber?
    ) throws(Violation) -> JSONValue {
        let place = key.map { "\"\($0)\"" } ?? "the value"
        guard case .number(let number) = value else {
            throw Violation(
                code: "not_number",
                message: "\(place) is \(value.kind.described), not a number"
            )
        }
        guard let new = sum(number) else {
            throw Violation(code: "not_number", message: "\(place) would not fit 64 bits")
        }
        return .number(new)
    }
}

// MARK: Operations along a path

extension UpdatedDocument {
    private mutating func merge(_ members: JSONObject, at keys: [String]) {
        if keys.isEmpty {
            guard value.kind == .object else { return }
        }
        value.changeObject(at: keys[...]) { object in
            for member in members.members { object[member.name] = member.value }
        }
        if !keys.isEmpty || !members.isEmpty { isMissing = false }
    }

    private mutating func append(_ element: JSONValue, at keys: [String]) throws(Violation) {
        if let leaf = keys.last {
            _ = try rootObject()
            let parents = keys.dropLast()
            let initial: JSONValue = parents.isEmpty ? element.appendedToNothing : .array([element])
            try value.changeObject(at: parents) { (object) throws(Violation) in
                if object[leaf] == nil {
                    object[leaf] = initial
                } else {
                    try object.withValue(of: leaf, default: .null) { (value) throws(Violation) in
                        try value.append(element, at: "\"\(leaf)\"")
                    }
                }
            }
        } else if isMissing {
            value = element.appendedToNothing
        } else {
            try value.append(element, at: "the value")
        }
        isMissing = false
    }
}

// MARK: The root as an object

extension UpdatedDocument {
    private func rootObject() throws(Violation) -> JSONObject {
        guard case .object(let object) = value else {
            throw Violation(
                code: "target_not_object",
                message: "the value is \(value.kind.described), not an object"
            )
        }
        return object
    }

    private mutating func changeRootObject(_ body: (inout JSONObject) -> Void) throws(Violation) {
        _ = try rootObject()
        value.changeObject(at: [], body)
    }
}

extension JSONValue {
    /// Changes, in place, the object that `keys` lead to from here. What is missing on the way is
    /// made, and what is no object is replaced by one.
    fileprivate mutating func changeObject<Failure: Error>(
        at keys: ArraySlice<String>,
        _ body: (inout JSONObject) throws(Failure) -> Void
    ) throws(Failure) {
        var object = JSONObject()
        if case .object(let existing) = self { object = existing }
        // Let go of the members here, or changing them would copy them.
        self = .null
        defer { self = .object(object) }
        guard let key = keys.first else { return try body(&object) }
        try object.withValue(of: key, default: .null) { (value) throws(Failure) in
            try value.changeObject(at: keys.dropFirst(), body)
        }
    }

    /// What appending this leaves where nothing was.
    fileprivate var appendedToNothing: JSONValue {
        if case .string = self { self } else { .array([self]) }
    }

    /// Pushes onto an array, lengthens a string, or takes the place of null.
    fileprivate mutating func append(
        _ element: JSONValue,
        at place: String
    ) throws(UpdateOperation.Violation) {
        if case .null = self {
            self = element.appendedToNothing
        } else if var elements = takeElements() {
            elements.append(element)
            self = .array(elements)
        } else if case .string(let more) = element, var text = takeText() {
            text.append(more)
            self = .string(text)
        } else {
            throw UpdateOperation.Violation(
                code: "type_mismatch",
                message: "\(element.kind.described) cannot be appended to \(place), "
                    + "which is \(kind.described)"
            )
        }
    }

    /// The elements of an array, for the caller alone: a second reference here would copy them when
    /// they change. Null is left in its place. Nil: it is none, and stays.
    private mutating func takeElements() -> [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        self = .null
        return elements
    }

    /// A string, as ``takeElements()`` an array.
    private mutating func takeText() -> String? {
        guard case .string(let text) = self else { return nil }
        self = .null
        return text
    }
}
