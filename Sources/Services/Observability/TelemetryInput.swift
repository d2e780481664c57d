import Events
import JSON
import Primitives

// Fields that several of the functions take.

extension JSONFields {
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

extension Timestamp {
    /// A time of which the input has `milliseconds` since 1970, or nothing.
    ///
    /// - Throws: `time_value_overflow` for what cannot be told in nanoseconds.
    static func told(_ milliseconds: Int64?) throws(ErrorBody) -> Timestamp? {
        guard let milliseconds else { return nil }
        let (nanoseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else {
            throw ErrorBody(
                code: "time_value_overflow",
                message: "\(milliseconds) ms cannot be told in nanoseconds"
            )
        }
        return Timestamp(nanoseconds: nanoseconds)
    }
}
