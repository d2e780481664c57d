/// Why an input is not the record that was asked for. The description is meant for the caller.
package enum JSONFieldError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `path` is empty for the whole input.
    case notAnObject(path: String, found: String)
    case missing(field: String)
    case unknown(field: String, known: [String])
    case mismatch(field: String, expected: String, found: String)

    package var description: String {
        switch self {
        case .notAnObject("", let found): "expected an object, found \(found)"
        case .notAnObject(let path, let found):
            "field \"\(path)\": expected an object, found \(found)"
        case .missing(let field): "missing field \"\(field)\""
        case .unknown(let field, let known):
            "unknown field \"\(field)\"; known are \(known.joined(separator: ", "))"
        case .mismatch(let field, let expected, let found):
            "field \"\(field)\": expected \(expected), found \(found)"
        }
    }
}

/// The fields of one JSON object, read by name with their types: how a builtin takes its input
/// (services 1, section 0.3).
///
/// Unknown fields are ignored, unless ``refuseOthers(than:)`` is asked, and of fields with the same
/// name the last counts. An optional field may be absent or null. A number with a fraction or an
/// exponent is no integer.
package struct JSONFields: Sendable {
    private let text: JSONText
    private let path: String
    private let fields: [JSONMember]

    /// - Parameters:
    ///   - text: the object.
    ///   - path: what errors call this object, as in `ops[2]`; empty for the whole input.
    /// - Throws: ``JSONFieldError/notAnObject(path:found:)``.
    package init(_ text: JSONText, path: String = "") throws(JSONFieldError) {
        guard text.isObject else {
            throw .notAnObject(path: path, found: text.described)
        }
        self.text = text
        self.path = path
        fields = text.topLevelMembers
    }

    /// How many there are, those of a name that comes again included.
    package var count: Int { fields.count }

    /// The names of all fields in the order of the text, each made when it is asked for.
    package var names: some RandomAccessCollection<String> {
        fields.lazy.map { text.name($0.key) }
    }

    /// All fields in the order of the text, those with the same name included: for objects whose
    /// names are data. To look for each of many by its name takes as long as there are others.
    package var members: [(name: String, value: JSONText)] {
        fields.map { (text.name($0.key), value(at: $0.value)) }
    }

    /// Whether the field is there, if only as null.
    package func has(_ name: String) -> Bool { slice(name) != nil }

    // MARK: Any value

    /// The value, which may be null; nil when the field is absent.
    package func optionalValue(_ name: String) -> JSONText? {
        slice(name).map(value(at:))
    }

    /// The value, which may be null.
    package func requiredValue(_ name: String) throws(JSONFieldError) -> JSONText {
        try required(optionalValue(name), name)
    }

    // MARK: Typed values

    package func optionalString(_ name: String) throws(JSONFieldError) -> String? {
        try string(name)
    }

    package func requiredString(_ name: String) throws(JSONFieldError) -> String {
        try required(string(name, nullIsAbsent: false), name)
    }

    /// A signed 64-bit integer.
    package func optionalInteger(_ name: String) throws(JSONFieldError) -> Int64? {
        try typed(name, "an integer", \.integerValue)
    }

    /// A signed 64-bit integer.
    package func requiredInteger(_ name: String) throws(JSONFieldError) -> Int64 {
        try required(typed(name, "an integer", \.integerValue, nullIsAbsent: false), name)
    }

    package func optionalBool(_ name: String) throws(JSONFieldError) -> Bool? {
        try typed(name, "a boolean", \.boolValue)
    }

    package func requiredBool(_ name: String) throws(JSONFieldError) -> Bool {
        try required(typed(name, "a boolean", \.boolValue, nullIsAbsent: false), name)
    }

    package func optionalArray(_ name: String) throws(JSONFieldError) -> [JSONText]? {
        try typed(name, "an array", \.elements)
    }

    package func requiredArray(_ name: String) throws(JSONFieldError) -> [JSONText] {
        try required(typed(name, "an array", \.elements, nullIsAbsent: false), name)
    }

    /// The fields of a nested object; its errors name the path down to it.
    package func optionalObject(_ name: String) throws(JSONFieldError) -> JSONFields? {
        guard let value = optionalValue(name), !value.isNull else { return nil }
        return try JSONFields(value, path: path(of: name))
    }

    /// The fields of a nested object; its errors name the path down to it.
    package func requiredObject(_ name: String) throws(JSONFieldError) -> JSONFields {
        try JSONFields(requiredValue(name), path: path(of: name))
    }

    // MARK: Errors

    /// The error for a field whose value is of no use, for rules that types do not express.
    package func mismatch(_ name: String, expected: String) -> JSONFieldError {
        guard let found = optionalValue(name) else { return .missing(field: path(of: name)) }
        return .mismatch(field: path(of: name), expected: expected, found: found.described)
    }

    /// The error for a field that is not there, for rules that types do not express.
    package func missing(_ name: String) -> JSONFieldError { .missing(field: path(of: name)) }

    /// - Throws: ``JSONFieldError/unknown(field:known:)`` for the first field that is none of
    ///   `known`.
    package func refuseOthers(than known: [String]) throws(JSONFieldError) {
        guard let other = names.first(where: { !known.contains($0) }) else { return }
        throw .unknown(field: path(of: other), known: known.sorted())
    }

    private func value(at slice: JSONSlice) -> JSONText {
        JSONText(trusted: Array(text.bytes[slice.range]))
    }

    private func slice(_ name: String) -> JSONSlice? {
        text.value(of: name, in: fields)
    }

    /// What errors call a field of that name.
    package func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func required<Value>(
        _ value: Value?,
        _ name: String
    ) throws(JSONFieldError) -> Value {
        guard let value else { throw .missing(field: path(of: name)) }
        return value
    }

    /// As ``typed(_:_:_:nullIsAbsent:)``, but without a copy of the text where it is a string.
    private func string(
        _ name: String,
        nullIsAbsent: Bool = true
    ) throws(JSONFieldError) -> String? {
        if let string = slice(name).flatMap(text.string) { return string }
        return try typed(name, "a string", \.stringValue, nullIsAbsent: nullIsAbsent)
    }

    private func typed<Value>(
        _ name: String,
        _ expected: String,
        _ read: (JSONText) -> Value?,
        nullIsAbsent: Bool = true
    ) throws(JSONFieldError) -> Value? {
        guard let value = optionalValue(name) else { return nil }
        if value.isNull, nullIsAbsent { return nil }
        guard let typed = read(value) else { throw mismatch(name, expected: expected) }
        return typed
    }
}

extension JSONText {
    fileprivate var integerValue: Int64? { numberValue?.int64Value }

    /// What an error calls this value.
    fileprivate var described: String {
        switch kind {
        case .null: "null"
        case .bool: "a boolean"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        case .number:
            switch numberValue {
            case .integer: "an integer"
            case .double: "a number with a fraction or an exponent"
            default: "a number beyond 64 bits"
            }
        }
    }
}
