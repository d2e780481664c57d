package import Primitives

extension JSONFields {
    /// Reads the input of a builtin; null is as good as an object without members (protocol 6).
    ///
    /// - Throws: `deserialization_error`, with what is wrong.
    package static func read<Value>(
        _ input: JSONText,
        of function: String,
        _ body: (JSONFields) throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        do throws(JSONFieldError) {
            return try body(JSONFields(input.isNull ? .emptyObject : input))
        } catch {
            throw ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for \(function): \(error)"
            )
        }
    }

    package func optionalStrings(_ name: String) throws(JSONFieldError) -> [String]? {
        guard let elements = try optionalArray(name) else { return nil }
        var strings: [String] = []
        for element in elements {
            guard let string = element.stringValue else {
                throw mismatch(name, expected: "an array of strings")
            }
            strings.append(string)
        }
        return strings
    }
}
