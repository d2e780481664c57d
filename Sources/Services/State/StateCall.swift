import JSON
import Primitives

extension Limits {
    /// What a value may take of a record, in bytes; the rest is for names and the record's own
    /// fields.
    package static let stateValueBytes = recordBytes - 2 * nameBytes - 1024
    /// Levels of arrays and objects in a value, so that the messages around it can be read back.
    package static let stateDepth = jsonDepth - 4
}

/// A scope and a key.
struct StatePlace: CustomStringConvertible {
    let scope: Name
    let key: Name

    var description: String { "\"\(key.text)\" in scope \"\(scope.text)\"" }
}

/// The input of one call, read field by field.
struct StateCall {
    let function: StateFunction
    private let fields: JSONFields

    /// - Throws: `deserialization_error` when the input is neither an object nor null.
    init(_ function: StateFunction, input: JSONText) throws(ErrorBody) {
        self.function = function
        fields = try Self.reading(for: function) { () throws(JSONFieldError) in
            try JSONFields(input.isNull ? .emptyObject : input)
        }
    }

    func place() throws(ErrorBody) -> StatePlace {
        StatePlace(scope: try name("scope"), key: try name("key"))
    }

    /// The name in `field`; any text, also an empty one, up to `Limits.nameBytes`.
    func name(_ field: String) throws(ErrorBody) -> Name {
        let text = try reading { () throws(JSONFieldError) in try fields.requiredString(field) }
        guard text.utf8.count <= Limits.nameBytes else {
            throw failure(
                "the \(field) is \(text.utf8.count) bytes long; "
                    + "at most \(Limits.nameBytes) are allowed"
            )
        }
        return Name(text)
    }

    /// The value to set, which may be null, under either of its names.
    func value() throws(ErrorBody) -> JSONText {
        switch (fields.optionalValue("value"), fields.optionalValue("data")) {
        case (let value?, nil), (nil, let value?): return value
        case (nil, nil): throw Self.unreadable(function, JSONFieldError.missing(field: "value"))
        case (_?, _?):
            throw Self.unreadable(function, "\"value\" and \"data\" are one field; send one")
        }
    }

    /// The operations of an update, in order.
    func operations() throws(ErrorBody) -> [UpdateOperation] {
        try reading { () throws(JSONFieldError) in
            var operations: [UpdateOperation] = []
            for (index, text) in try fields.requiredArray("ops").enumerated() {
                operations.append(try UpdateOperation(text, at: "ops[\(index)]"))
            }
            return operations
        }
    }

    // MARK: Errors

    /// An error with the function's own code.
    func failure(_ message: String) -> ErrorBody {
        ErrorBody(code: function.errorCode, message: message)
    }

    private func reading<Value>(
        _ read: () throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        try Self.reading(for: function, read)
    }

    private static func reading<Value>(
        for function: StateFunction,
        _ read: () throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        do throws(JSONFieldError) { return try read() } catch { throw unreadable(function, error) }
    }

    private static func unreadable(
        _ function: StateFunction,
        _ reason: some CustomStringConvertible
    ) -> ErrorBody {
        ErrorBody(
            code: "deserialization_error",
            message: "Failed to deserialize input for \(function.rawValue): \(reason)"
        )
    }
}
