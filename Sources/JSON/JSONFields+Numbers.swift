extension JSONFields {
    /// An integer of 0 or more; `Int.max` for one that is larger still.
    package func optionalCount(_ name: String) throws(JSONFieldError) -> Int? {
        guard let value = try optionalInteger(name) else { return nil }
        guard value >= 0 else { throw mismatch(name, expected: "an integer of 0 or more") }
        return Int(clamping: value)
    }

    /// Any number within the range of doubles.
    package func optionalDouble(_ name: String) throws(JSONFieldError) -> Double? {
        guard let value = optionalValue(name), !value.isNull else { return nil }
        guard let number = value.numberValue?.doubleValue else {
            throw mismatch(name, expected: "a number")
        }
        return number
    }
}
