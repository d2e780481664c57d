import JSON

/// The members of one message, or of an object inside it, with errors that name the message.
struct MessageFields {
    private let fields: JSONFields
    private let message: StaticString

    init(_ text: JSONText, of message: StaticString) throws(FrameError) {
        do throws(JSONFieldError) {
            self.init(try JSONFields(text), of: message)
        } catch {
            throw .field(error, message: message.description)
        }
    }

    private init(_ fields: JSONFields, of message: StaticString) {
        self.fields = fields
        self.message = message
    }

    func string(_ name: String) throws(FrameError) -> String? {
        try read { (fields) throws(JSONFieldError) in try fields.optionalString(name) }
    }

    func requiredString(_ name: String) throws(FrameError) -> String {
        try read { (fields) throws(JSONFieldError) in try fields.requiredString(name) }
    }

    func integer(_ name: String) throws(FrameError) -> Int64? {
        try read { (fields) throws(JSONFieldError) in try fields.optionalInteger(name) }
    }

    /// A number, with a fraction or without.
    func number(_ name: String) throws(FrameError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.numberValue?.doubleValue else {
            throw .field(
                fields.mismatch(name, expected: "a number"),
                message: message.description
            )
        }
        return number
    }

    /// Nil where it is absent or null.
    func value(_ name: String) -> JSONText? {
        fields.optionalValue(name).flatMap { $0.isNull ? nil : $0 }
    }

    /// Null where it is null; nil where it is absent.
    func valueOrNull(_ name: String) -> JSONText? { fields.optionalValue(name) }

    /// Elements that are no strings are left out.
    func strings(_ name: String) throws(FrameError) -> [String]? {
        try read { (fields) throws(JSONFieldError) in
            try fields.optionalArray(name)?.compactMap(\.stringValue)
        }
    }

    func requiredObject(_ name: String) throws(FrameError) -> MessageFields {
        MessageFields(
            try read { (fields) throws(JSONFieldError) in try fields.requiredObject(name) },
            of: message
        )
    }

    /// The objects of an array; none where it is absent.
    func objects(_ name: String) throws(FrameError) -> [MessageFields] {
        let elements = try read { (fields) throws(JSONFieldError) in
            try fields.optionalArray(name)
        }
        var objects: [MessageFields] = []
        for element in elements ?? [] { objects.append(try MessageFields(element, of: message)) }
        return objects
    }

    private func read<Value>(
        _ body: (JSONFields) throws(JSONFieldError) -> Value
    ) throws(FrameError) -> Value {
        do throws(JSONFieldError) {
            return try body(fields)
        } catch {
            throw .field(error, message: message.description)
        }
    }
}
