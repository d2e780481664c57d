import Events
import JSON
import Primitives

// Fields that several of the functions take.

extension JSONFields {
    /// Milliseconds since 1970, cut to what can be told in nanoseconds.
    func optionalTime(_ name: String) throws(JSONFieldError) -> Timestamp? {
        guard let milliseconds = try optionalInteger(name) else { return nil }
        let bound = Int64.max / 1_000_000
        return Timestamp(milliseconds: min(max(milliseconds, -bound), bound))
    }

    /// `[[name, value], …]`.
    func optionalAttributes(_ name: String) throws(JSONFieldError) -> [TelemetryAttribute] {
        var attributes: [TelemetryAttribute] = []
        for pair in try optionalArray(name) ?? [] {
            guard let elements = pair.elements, elements.count == 2,
                let key = elements[0].stringValue, let value = elements[1].stringValue
            else { throw mismatch(name, expected: "an array of pairs of strings") }
            attributes.append(TelemetryAttribute(key, value))
        }
        return attributes
    }
}
